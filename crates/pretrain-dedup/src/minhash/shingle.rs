//! From words to the hashes of shingles.

use super::HashFamily;
use sha1::{Digest, Sha1};
use std::collections::VecDeque;
use xxhash_rust::{xxh32::xxh32, xxh64::xxh64};

/// Text that is dropped at once from the front of the buffer.
const BUFFER_BYTES: usize = 1 << 16;

impl HashFamily {
    /// The hash of one shingle.
    pub(super) fn hash(self, shingle: &[u8], bits: u32) -> u64 {
        match (self, bits) {
            (Self::Xxhash, 32) => u64::from(xxh32(shingle, 0)),
            (Self::Xxhash, _) => xxh64(shingle, 0),
            (Self::Sha1, _) => {
                let digest = Sha1::digest(shingle);
                let head = *digest.first_chunk::<8>().expect("a SHA-1 digest has twenty bytes");
                let value = u64::from_le_bytes(head);
                if bits == 32 { value & u64::from(u32::MAX) } else { value }
            }
        }
    }
}

/// Joins words by spaces and hashes every run of `ngram` of them, in bounded memory.
pub(super) struct Shingler {
    ngram: usize,
    joined: String,
    /// Where the last words start in `joined`, at most `ngram`.
    starts: VecDeque<usize>,
}

impl Shingler {
    pub(super) fn new(ngram: usize) -> Self {
        let (joined, starts) = (String::with_capacity(BUFFER_BYTES), VecDeque::new());
        Self { ngram, joined, starts }
    }

    /// Adds a word; answers with the shingle that it completes.
    pub(super) fn push(&mut self, word: &str) -> Option<&[u8]> {
        if self.starts.len() == self.ngram {
            self.starts.pop_front();
            self.forget();
        }
        if !self.joined.is_empty() {
            self.joined.push(' ');
        }
        self.starts.push_back(self.joined.len());
        self.joined.push_str(word);
        if self.starts.len() < self.ngram {
            return None;
        }
        Some(&self.joined.as_bytes()[self.starts[0]..])
    }

    /// Drops the text before the oldest word once there is much of it.
    fn forget(&mut self) {
        let unused = self.starts.front().copied().unwrap_or(self.joined.len());
        if unused >= BUFFER_BYTES {
            self.joined.drain(..unused);
            for start in &mut self.starts {
                *start -= unused;
            }
        }
    }

    /// All words as one shingle, if there are some but too few for a whole one.
    pub(super) fn short(&self) -> Option<&[u8]> {
        (1..self.ngram).contains(&self.starts.len()).then_some(self.joined.as_bytes())
    }
}

/// The set of shingle hashes, ascending, from hashes with repeats: what [`jaccard`] compares.
pub fn shingle_set(hashes: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut set: Vec<u64> = hashes.into_iter().collect();
    set.sort_unstable();
    set.dedup();
    set
}

/// The Jaccard similarity of two ascending sets: shared elements over all elements. Two empty sets
/// have similarity 0.
pub fn jaccard(left: &[u64], right: &[u64]) -> f64 {
    let (mut i, mut j, mut shared) = (0, 0, 0usize);
    while let (Some(a), Some(b)) = (left.get(i), right.get(j)) {
        shared += usize::from(a == b);
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    let all = left.len() + right.len() - shared;
    if all == 0 { 0.0 } else { shared as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn shingles(words: &[&str], ngram: usize) -> Vec<String> {
        let mut shingler = Shingler::new(ngram);
        words
            .iter()
            .filter_map(|word| shingler.push(word).map(<[u8]>::to_vec))
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .collect()
    }

    #[test]
    fn short_texts_have_their_words_and_nothing_else() {
        let mut shingler = Shingler::new(3);
        assert_eq!(shingler.short(), None);
        assert_eq!(shingler.push("a"), None);
        assert_eq!(shingler.push("b"), None);
        assert_eq!(shingler.short(), Some(&b"a b"[..]));
        assert_eq!(shingler.push("c"), Some(&b"a b c"[..]));
        assert_eq!(shingler.short(), None);
    }

    #[test]
    fn the_buffer_does_not_grow_with_the_text() {
        let mut shingler = Shingler::new(2);
        let long = "x".repeat(10_000);
        for _ in 0..1000 {
            if let Some(shingle) = shingler.push(&long) {
                assert_eq!(shingle.len(), 20_001);
            }
        }
        assert!(shingler.joined.capacity() < 4 * BUFFER_BYTES);
    }

    #[test]
    fn hashes_are_the_published_ones() {
        // xxHash reference: empty input, seed 0. SHA-1 of "abc" begins a9993e36 4706816a.
        assert_eq!(HashFamily::Xxhash.hash(b"", 64), 0xef46_db37_51d8_e999);
        assert_eq!(HashFamily::Xxhash.hash(b"", 32), 0x02cc_5d05);
        assert_eq!(HashFamily::Sha1.hash(b"abc", 64), 0x6a81_0647_363e_99a9);
        assert_eq!(HashFamily::Sha1.hash(b"abc", 32), 0x363e_99a9);
    }

    proptest! {
        #[test]
        fn equals_windows_joined(
            words in prop::collection::vec(("[a-zé]", 1usize..30_000), 0..24),
            ngram in 1usize..7,
        ) {
            let words: Vec<String> = words.into_iter().map(|(c, n)| c.repeat(n)).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let expected: Vec<String> = words.windows(ngram).map(|window| window.join(" ")).collect();
            prop_assert_eq!(shingles(&words, ngram), expected);
        }

        #[test]
        fn jaccard_equals_set_algebra(a in prop::collection::vec(0u64..20, 0..20), b in prop::collection::vec(0u64..20, 0..20)) {
            let (x, y) = (BTreeSet::from_iter(a.clone()), BTreeSet::from_iter(b.clone()));
            let expected = match x.union(&y).count() {
                0 => 0.0,
                all => x.intersection(&y).count() as f64 / all as f64,
            };
            prop_assert_eq!(jaccard(&shingle_set(a), &shingle_set(b)), expected);
        }
    }
}
