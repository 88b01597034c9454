//! Repetition inside one text: repeated segments, the most frequent n-gram, repeated n-grams.

use std::collections::HashSet;

use pretrain_text::Word;

/// How many of `segments` repeat an earlier one, and how many code points those have together.
pub(crate) fn repeated<'a>(segments: impl Iterator<Item = &'a str>) -> (usize, usize) {
    // Only membership is asked, so the order of the set never matters.
    let mut seen = HashSet::new();
    let (mut n, mut chars) = (0, 0);
    for segment in segments {
        if !seen.insert(segment) {
            n += 1;
            chars += pretrain_text::n_chars(segment);
        }
    }
    (n, chars)
}

/// The modulus of the hashes: the Mersenne prime 2^61 - 1.
const P: u64 = (1 << 61) - 1;
/// Base of the polynomial hash: the first digits of the golden ratio, below [`P`].
const BASE: u64 = 0x1e37_79b9_7f4a_7c15 % P;
/// `BASE * BASE_INVERSE = 1 (mod P)`.
const BASE_INVERSE: u64 = power(BASE, P - 2);

const fn multiply(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    add((product & P as u128) as u64, (product >> 61) as u64)
}

const fn add(a: u64, b: u64) -> u64 {
    let sum = a + b;
    if sum >= P { sum - P } else { sum }
}

const fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut out = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            out = multiply(out, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    out
}

/// Powers of the base and of its inverse for words of ordinary length.
const N_POWERS: usize = 32;
const POWERS: [(u64, u64); N_POWERS] = {
    let mut powers = [(1, 1); N_POWERS];
    let mut i = 1;
    while i < N_POWERS {
        let (up, down) = powers[i - 1];
        powers[i] = (multiply(up, BASE), multiply(down, BASE_INVERSE));
        i += 1;
    }
    powers
};

fn powers(exponent: usize) -> (u64, u64) {
    match POWERS.get(exponent) {
        Some(&powers) => powers,
        None => (power(BASE, exponent as u64), power(BASE_INVERSE, exponent as u64)),
    }
}

/// Reusable memory of [`Ngrams`].
#[derive(Debug, Default)]
pub(crate) struct NgramScratch {
    word_hash: Vec<u64>,
    /// Polynomial hash of the first i words written together.
    prefix_hash: Vec<u64>,
    /// The base to minus the length in bytes of the first i words.
    unshift: Vec<u64>,
    /// Code points of the first i words.
    prefix_chars: Vec<usize>,
    hashes: Vec<u64>,
    /// Open addressing: index of the first n-gram of its kind plus one, or 0.
    slots: Vec<usize>,
    counts: Vec<usize>,
}

/// The n-grams of one text.
pub(crate) struct Ngrams<'a> {
    text: &'a str,
    words: &'a [Word],
    scratch: &'a mut NgramScratch,
}

impl<'a> Ngrams<'a> {
    /// Hashes the words; linear in their bytes.
    pub(crate) fn new(text: &'a str, words: &'a [Word], scratch: &'a mut NgramScratch) -> Self {
        scratch.word_hash.clear();
        scratch.prefix_hash.clear();
        scratch.unshift.clear();
        scratch.prefix_chars.clear();
        let (mut hash, mut shift, mut unshift, mut chars) = (0, 1, 1, 0);
        for word in words {
            scratch.prefix_hash.push(hash);
            scratch.unshift.push(unshift);
            scratch.prefix_chars.push(chars);
            let bytes = word.span.of(text).as_bytes();
            // Bytes count from 1, so that a NUL is not nothing.
            let of_word =
                bytes.iter().rev().fold(0, |h, &b| add(multiply(h, BASE), u64::from(b) + 1));
            scratch.word_hash.push(of_word);
            hash = add(hash, multiply(shift, of_word));
            let (up, down) = powers(bytes.len());
            shift = multiply(shift, up);
            unshift = multiply(unshift, down);
            chars += word.n_chars;
        }
        scratch.prefix_hash.push(hash);
        scratch.prefix_chars.push(chars);
        Self { text, words, scratch }
    }

    fn n_windows(&self, n: usize) -> usize {
        (self.words.len() + 1).saturating_sub(n.max(1))
    }

    fn word(&self, i: usize) -> &'a str {
        self.words[i].span.of(self.text)
    }

    fn chars(&self, start: usize, n: usize) -> usize {
        self.scratch.prefix_chars[start + n] - self.scratch.prefix_chars[start]
    }

    fn reset_slots(&mut self, n_windows: usize) {
        let n_slots = (2 * n_windows).next_power_of_two();
        self.scratch.slots.clear();
        self.scratch.slots.resize(n_slots, 0);
    }

    /// Code points of the most frequent n-gram, its words joined by spaces, times its occurrences;
    /// of equally frequent ones the first counts. `None` when the text is shorter than n words. An
    /// n-gram that occurs once counts too: this is datatrove's `find_top_duplicate`.
    pub(crate) fn top(&mut self, n: usize) -> Option<usize> {
        let n_windows = self.n_windows(n);
        if n == 0 || n_windows == 0 {
            return None;
        }
        self.scratch.hashes.clear();
        for window in self.scratch.word_hash.windows(n) {
            let hash =
                window.iter().fold(0x9e37_79b9, |h: u64, &word| mix(h.rotate_left(23) ^ word));
            self.scratch.hashes.push(hash);
        }
        self.reset_slots(n_windows);
        self.scratch.counts.clear();
        self.scratch.counts.resize(n_windows, 0);
        for i in 0..n_windows {
            let same = |a: usize, b: usize| (0..n).all(|k| self.word(a + k) == self.word(b + k));
            let slot = find(&self.scratch.slots, &self.scratch.hashes, i, same);
            let first = match self.scratch.slots[slot] {
                0 => {
                    self.scratch.slots[slot] = i + 1;
                    i
                }
                found => found - 1,
            };
            self.scratch.counts[first] += 1;
        }
        let counts = self.scratch.counts.iter().enumerate();
        let (first, count) =
            counts.fold((0, 0), |best, (i, &count)| if count > best.1 { (i, count) } else { best });
        Some((self.chars(first, n) + n - 1) * count)
    }

    /// Code points in n-grams that repeat an earlier one, read from the left: a repeated n-gram is
    /// counted and jumped over, another is remembered and the next word tried. Two n-grams are the
    /// same when their words written together are (`ab c` and `a bc`): this is datatrove's
    /// `find_all_duplicate`.
    pub(crate) fn duplicate(&mut self, n: usize) -> usize {
        let n_windows = self.n_windows(n);
        if n == 0 || n_windows == 0 {
            return 0;
        }
        self.scratch.hashes.clear();
        for i in 0..n_windows {
            let difference = add(self.scratch.prefix_hash[i + n], P - self.scratch.prefix_hash[i]);
            self.scratch.hashes.push(mix(multiply(difference, self.scratch.unshift[i])));
        }
        self.reset_slots(n_windows);
        let mut chars = 0;
        let mut i = 0;
        while i < n_windows {
            let same = |a: usize, b: usize| self.same_together(a, b, n);
            let slot = find(&self.scratch.slots, &self.scratch.hashes, i, same);
            if self.scratch.slots[slot] == 0 {
                self.scratch.slots[slot] = i + 1;
                i += 1;
            } else {
                chars += self.chars(i, n);
                i += n;
            }
        }
        chars
    }

    fn same_together(&self, a: usize, b: usize, n: usize) -> bool {
        if (0..n).all(|k| self.word(a + k) == self.word(b + k)) {
            return true;
        }
        let bytes = |start: usize| (start..start + n).flat_map(|i| self.word(i).bytes());
        bytes(a).eq(bytes(b))
    }
}

/// Slot of the n-gram `i`: the one that holds an equal n-gram, or an empty one.
#[inline]
fn find(slots: &[usize], hashes: &[u64], i: usize, same: impl Fn(usize, usize) -> bool) -> usize {
    let mask = slots.len() - 1;
    let mut slot = hashes[i] as usize & mask;
    loop {
        match slots[slot] {
            0 => return slot,
            found if hashes[found - 1] == hashes[i] && same(found - 1, i) => return slot,
            _ => slot = (slot + 1) & mask,
        }
    }
}

/// Spreads the bits of a hash (the finaliser of SplitMix64).
#[inline]
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

#[cfg(test)]
mod tests;
