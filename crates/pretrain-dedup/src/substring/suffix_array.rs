//! Suffix array construction by induced sorting (SA-IS).
//!
//! Nong, Zhang and Chan, *Two Efficient Algorithms for Linear Time Suffix Array Construction* (2009).
//! The reduced problem lives inside the array of the outer one, so the memory is four bytes per symbol
//! for the result, one bit per symbol for the types, and one counter per letter: at the second level
//! there are at most as many letters as half the symbols, hence two more bytes per symbol at worst.

/// No suffix.
const EMPTY: u32 = u32::MAX;

/// The starts of all suffixes of `text` in lexicographic order; a suffix that is a prefix of another
/// comes before it. `text` has fewer than 2^32 - 1 bytes.
pub(super) fn build(text: &[u8]) -> Vec<u32> {
    assert!(text.len() < EMPTY as usize, "positions are 32-bit");
    let mut order = vec![EMPTY; text.len()];
    sort(text, &mut order, 256);
    order
}

/// A symbol of the text at some level: a byte, or the rank of a substring.
trait Symbol: Copy + Ord {
    fn letter(self) -> usize;
}

impl Symbol for u8 {
    fn letter(self) -> usize {
        self as usize
    }
}

impl Symbol for u32 {
    fn letter(self) -> usize {
        self as usize
    }
}

/// Fills `order` (as long as `text`) with the suffix array. Letters are below `n_letters`.
fn sort<S: Symbol>(text: &[S], order: &mut [u32], n_letters: usize) {
    let n = text.len();
    if n <= 1 {
        order.fill(0);
        return;
    }
    let types = Types::new(text);

    // Sort the LMS substrings by inducing from their unsorted starts.
    order.fill(EMPTY);
    let mut buckets = Buckets::new(n_letters);
    buckets.ends(text);
    for at in (1..n).filter(|&at| types.is_lms(at)) {
        order[buckets.take_back(text[at])] = at as u32;
    }
    induce(text, &types, &mut buckets, order);

    // Name them: equal substrings get equal names, in order.
    let n_lms = gather_lms(&types, order);
    if n_lms > 0 {
        let n_names = name(text, &types, order, n_lms);
        drop(buckets);
        let (sorted, rest) = order.split_at_mut(n_lms);
        let names_at = rest.len() - n_lms;
        compact_names(rest);
        let reduced = &mut rest[names_at..];
        if n_names < n_lms {
            sort(&*reduced, sorted, n_names);
        } else {
            for (i, &name) in reduced.iter().enumerate() {
                sorted[name as usize] = i as u32;
            }
        }
        // From positions among the LMS suffixes back to positions in the text.
        let starts = (1..n).filter(|&at| types.is_lms(at));
        for (slot, at) in reduced.iter_mut().zip(starts) {
            *slot = at as u32;
        }
        for at in sorted.iter_mut() {
            *at = reduced[*at as usize];
        }
        buckets = Buckets::new(n_letters);
    }

    // The sorted LMS suffixes induce all others.
    order[n_lms..].fill(EMPTY);
    buckets.ends(text);
    for i in (0..n_lms).rev() {
        let at = std::mem::replace(&mut order[i], EMPTY);
        order[buckets.take_back(text[at as usize])] = at;
    }
    induce(text, &types, &mut buckets, order);
}

/// From LMS suffixes at the ends of their buckets to all suffixes.
fn induce<S: Symbol>(text: &[S], types: &Types, buckets: &mut Buckets, order: &mut [u32]) {
    let n = text.len();
    // Larger suffixes, left to right. The last one comes first: nothing follows it.
    buckets.starts(text);
    order[buckets.take_front(text[n - 1])] = (n - 1) as u32;
    for i in 0..n {
        let at = order[i];
        if at == EMPTY || at == 0 {
            continue;
        }
        let before = at as usize - 1;
        // The suffix at `at` is L or LMS here, so an equal letter before it makes an L suffix.
        if text[before] >= text[at as usize] {
            order[buckets.take_front(text[before])] = before as u32;
        }
    }
    // Smaller suffixes, right to left; they overwrite the LMS suffixes put there at first.
    buckets.ends(text);
    for i in (0..n).rev() {
        let at = order[i];
        if at == EMPTY || at == 0 {
            continue;
        }
        let before = at as usize - 1;
        let (letter, next) = (text[before], text[at as usize]);
        if letter < next || (letter == next && types.is_smaller(at as usize)) {
            order[buckets.take_back(letter)] = before as u32;
        }
    }
}

/// Moves the LMS suffixes to the front of `order`, keeping their order; counts them.
fn gather_lms(types: &Types, order: &mut [u32]) -> usize {
    let mut n_lms = 0;
    for i in 0..order.len() {
        let at = order[i];
        if at != EMPTY && types.is_lms(at as usize) {
            order[n_lms] = at;
            n_lms += 1;
        }
    }
    n_lms
}

/// Writes the name of the LMS substring at `at` into `order[n_lms + at / 2]`; two of them are never
/// neighbours, so no place is taken twice. Returns the number of names.
fn name<S: Symbol>(text: &[S], types: &Types, order: &mut [u32], n_lms: usize) -> usize {
    let (sorted, names) = order.split_at_mut(n_lms);
    names.fill(EMPTY);
    let mut n_names = 0u32;
    let mut last: Option<usize> = None;
    for &at in sorted.iter() {
        let at = at as usize;
        if last.is_none_or(|last| !same_lms_substring(text, types, last, at)) {
            n_names += 1;
        }
        names[at / 2] = n_names - 1;
        last = Some(at);
    }
    n_names as usize
}

/// Moves the names, which are in text order with gaps, to the end.
fn compact_names(names: &mut [u32]) {
    let mut to = names.len();
    for from in (0..names.len()).rev() {
        if names[from] != EMPTY {
            to -= 1;
            names[to] = names[from];
        }
    }
}

/// Whether two LMS substrings (up to and with the next LMS letter) have equal letters and types.
fn same_lms_substring<S: Symbol>(text: &[S], types: &Types, a: usize, b: usize) -> bool {
    let n = text.len();
    for offset in 0.. {
        let (x, y) = (a + offset, b + offset);
        if x >= n || y >= n || text[x] != text[y] {
            return false;
        }
        if offset > 0 && (types.is_lms(x) || types.is_lms(y)) {
            return types.is_lms(x) && types.is_lms(y);
        }
    }
    unreachable!("a suffix ends")
}

/// One bit per suffix: set if it is smaller than the one after it.
struct Types {
    words: Vec<u64>,
}

impl Types {
    fn new<S: Symbol>(text: &[S]) -> Self {
        let mut types = Self { words: vec![0; text.len().div_ceil(64)] };
        let mut smaller = false;
        for at in (0..text.len() - 1).rev() {
            smaller = text[at] < text[at + 1] || (text[at] == text[at + 1] && smaller);
            types.words[at / 64] |= u64::from(smaller) << (at % 64);
        }
        types
    }

    fn is_smaller(&self, at: usize) -> bool {
        self.words[at / 64] >> (at % 64) & 1 == 1
    }

    /// Leftmost of a run of smaller suffixes.
    fn is_lms(&self, at: usize) -> bool {
        at > 0 && self.is_smaller(at) && !self.is_smaller(at - 1)
    }
}

/// Where the suffixes that start with each letter stand.
struct Buckets {
    next: Vec<u32>,
}

impl Buckets {
    fn new(n_letters: usize) -> Self {
        Self { next: vec![0; n_letters] }
    }

    fn count<S: Symbol>(&mut self, text: &[S]) {
        self.next.fill(0);
        for symbol in text {
            self.next[symbol.letter()] += 1;
        }
    }

    /// Points at the first place of every bucket.
    fn starts<S: Symbol>(&mut self, text: &[S]) {
        self.count(text);
        let mut sum = 0;
        for next in &mut self.next {
            let count = std::mem::replace(next, sum);
            sum += count;
        }
    }

    /// Points behind the last place of every bucket.
    fn ends<S: Symbol>(&mut self, text: &[S]) {
        self.count(text);
        let mut sum = 0;
        for next in &mut self.next {
            sum += *next;
            *next = sum;
        }
    }

    fn take_front<S: Symbol>(&mut self, symbol: S) -> usize {
        let next = &mut self.next[symbol.letter()];
        *next += 1;
        *next as usize - 1
    }

    fn take_back<S: Symbol>(&mut self, symbol: S) -> usize {
        let next = &mut self.next[symbol.letter()];
        *next -= 1;
        *next as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &[u8]) -> Vec<u32> {
        let mut order: Vec<u32> = (0..text.len() as u32).collect();
        order.sort_by_key(|&at| &text[at as usize..]);
        order
    }

    #[test]
    fn classic_words_and_repetitive_texts() {
        assert_eq!(build(b"banana"), [5, 3, 1, 0, 4, 2]);
        for text in [&b""[..], b"a", b"aa", b"ab", b"ba", b"mississippi", &[0xff; 50], &[0; 50]] {
            assert_eq!(build(text), plain(text));
        }
        // Fibonacci and Thue-Morse words recurse deeply.
        let (mut a, mut b) = (b"a".to_vec(), b"ab".to_vec());
        while b.len() < 2000 {
            (a, b) = (b.clone(), [b, a].concat());
        }
        assert_eq!(build(&b), plain(&b));
        let thue_morse: Vec<u8> = (0..2048u32).map(|i| i.count_ones() as u8 & 1).collect();
        assert_eq!(build(&thue_morse), plain(&thue_morse));
    }

    proptest! {
        #[test]
        fn equals_sorting_all_suffixes(
            text in prop_oneof![
                prop::collection::vec(0u8..2, 0..200),
                prop::collection::vec(0u8..4, 0..300),
                prop::collection::vec(any::<u8>(), 0..300),
            ],
            copies in 1usize..4,
        ) {
            let text = text.repeat(copies);
            prop_assert_eq!(build(&text), plain(&text));
        }
    }
}
