//! Parts of documents that may hold a repeated window; everything else cannot.
//!
//! If a window of `min_bytes` is repeated, so is every *seed*, a run of half as many bytes, inside it.
//! Seeds are hashed into a table of two bits (none, one, more); a window is a candidate when all its
//! seeds fell on "more". A single seed falls there by chance about once in five, all of the 33 or more
//! seeds of a window almost never, so little but the repeats is left. A wrong candidate costs time and
//! changes nothing: the suffix array decides.

use super::Bits;
use std::ops::Range;

/// Shorter windows have too few seeds to tell.
const LEAST_WINDOW: usize = 64;

/// Places in the table per byte of the collection. Two bits each: one byte in all.
const PLACES_PER_BYTE: usize = 4;

/// A part of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) document: u32,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Segment {
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn of<'a>(&self, documents: &[&'a [u8]]) -> &'a [u8] {
        &documents[self.document as usize][self.start..self.end]
    }
}

/// Upper bound of the memory that [`segments`] uses for a collection of `bytes`, the result not counted.
pub(super) fn memory_bound(bytes: u64, min_bytes: usize) -> u64 {
    if min_bytes < LEAST_WINDOW { 0 } else { bytes.saturating_add(1 << 10) }
}

/// The segments that hold every repeated window, in input order. A window of `min_bytes` lies in at
/// most one of them, though their ends may overlap. Memory: one byte per byte of the collection, freed
/// on return, and the segments, each of which stands for at least `min_bytes / 2` bytes.
pub(super) fn segments(documents: &[&[u8]], min_bytes: usize) -> Vec<Segment> {
    let bytes = documents.iter().map(|text| text.len() as u64).sum();
    let mut sieve = Sieve::new(min_bytes, bytes, u64::MAX);
    documents.iter().for_each(|text| sieve.note(text));
    sieve.settle();
    let mut segments = Vec::new();
    for (text, document) in documents.iter().zip(0u32..) {
        sieve.segments(text, |range| {
            segments.push(Segment { document, start: range.start, end: range.end });
        });
    }
    segments
}

/// The table of seeds. Every document is noted first; then each can be cut into segments.
#[derive(Debug)]
pub(super) struct Sieve {
    min_bytes: usize,
    /// `None` for windows that are too short (or far too long) to sift: all of a document is one segment.
    seed: Option<usize>,
    once: Bits,
    more: Bits,
    n_places: usize,
    /// One seed in `1 << sampled` is looked at, as its hash decides: equal seeds are treated equally, so
    /// no repeat is lost, and a window still has several that are looked at.
    sampled: u32,
}

impl Sieve {
    /// A table for a collection of `bytes` in at most about `budget` bytes of memory.
    pub(super) fn new(min_bytes: usize, bytes: u64, budget: u64) -> Self {
        let seed = min_bytes / 2;
        let seed = (min_bytes >= LEAST_WINDOW && u32::try_from(seed).is_ok()).then_some(seed);
        let wanted = match seed {
            Some(_) => (PLACES_PER_BYTE as u64).saturating_mul(bytes).max(1),
            None => 1,
        };
        let affordable = budget.saturating_mul(4).max(1 << 10);
        // At least six seeds of a window on average are looked at.
        let most = ((min_bytes - min_bytes / 2 + 1) / 6).max(1).ilog2();
        let sampled = (0..most).find(|&sampled| wanted >> sampled <= affordable).unwrap_or(most);
        let n_places = (wanted >> sampled).clamp(1, affordable) as usize;
        let (once, more) = (Bits::new(n_places), Bits::new(n_places));
        Self { min_bytes, seed, once, more, n_places, sampled }
    }

    pub(super) fn note(&mut self, text: &[u8]) {
        let Some(seed) = self.seed else { return };
        for hash in Rolling::new(text, seed) {
            if self.is_sampled(hash) {
                let place = place(hash, self.n_places);
                if self.once.get(place) { self.more.set(place) } else { self.once.set(place) }
            }
        }
    }

    /// Everything was noted: half of the table is freed.
    pub(super) fn settle(&mut self) {
        self.once = Bits::new(0);
    }

    fn is_sampled(&self, hash: u64) -> bool {
        let mixed = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed >> 48 & ((1 << self.sampled) - 1) == 0
    }

    /// Calls `keep` with the parts of a document that may hold a repeated window, ascending.
    pub(super) fn segments(&self, text: &[u8], mut keep: impl FnMut(Range<usize>)) {
        let Some(seed) = self.seed else { return keep(0..text.len()) };
        let least = self.min_bytes - seed + 1;
        let mut keep = |run: Range<usize>| {
            if run.len() >= least {
                keep(run.start..run.end + seed - 1);
            }
        };
        let mut run = 0..0;
        for (at, hash) in Rolling::new(text, seed).enumerate() {
            if self.is_sampled(hash) && !self.more.get(place(hash, self.n_places)) {
                keep(run);
                run = at + 1..at + 1;
            } else {
                run.end = at + 1;
            }
        }
        keep(run);
    }
}

fn place(hash: u64, n_places: usize) -> usize {
    // Top bits of two rounds of multiplication, scaled to the table.
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((u128::from(mixed) * n_places as u128) >> 64) as usize
}

/// Polynomial hashes (Karp and Rabin 1987, modulo 2^64) of all runs of `length` bytes.
struct Rolling<'a> {
    text: &'a [u8],
    length: usize,
    /// End of the next run.
    end: usize,
    hash: u64,
    /// The factor of a byte that leaves.
    leaving: u64,
}

const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

impl<'a> Rolling<'a> {
    fn new(text: &'a [u8], length: usize) -> Self {
        let power = u32::try_from(length).expect("seeds are shorter than 4 GiB");
        let leaving = FACTOR.wrapping_pow(power);
        let head = text.get(..length - 1).unwrap_or_default();
        let hash = head.iter().fold(0u64, |hash, &byte| add(hash, byte));
        Self { text, length, end: length, hash, leaving }
    }
}

fn add(hash: u64, byte: u8) -> u64 {
    hash.wrapping_mul(FACTOR).wrapping_add(u64::from(byte) + 1)
}

impl Iterator for Rolling<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        let &byte = self.text.get(self.end - 1)?;
        self.hash = add(self.hash, byte);
        if self.end > self.length {
            let out = u64::from(self.text[self.end - 1 - self.length]) + 1;
            self.hash = self.hash.wrapping_sub(self.leaving.wrapping_mul(out));
        }
        self.end += 1;
        Some(self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn rolling_equals_hashing_each_run(
            text in prop::collection::vec(any::<u8>(), 0..60),
            length in 1usize..10,
        ) {
            let rolled: Vec<u64> = Rolling::new(&text, length).collect();
            let plain: Vec<u64> = text
                .windows(length)
                .map(|run| run.iter().fold(0, |hash, &byte| add(hash, byte)))
                .collect();
            prop_assert_eq!(rolled, plain);
        }
    }

    #[test]
    fn every_repeated_window_is_inside_and_most_others_are_not() {
        let mut state = 1u64;
        let mut noise = |n: usize| -> Vec<u8> {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            };
            (0..n).map(|_| next()).collect()
        };
        let (phrase, short) = (noise(150), noise(63));
        let documents = [
            [noise(3000), phrase.clone(), noise(500), short.clone()].concat(),
            [short, noise(2000), phrase[..100].to_vec(), noise(100)].concat(),
            noise(10),
            Vec::new(),
        ];
        let documents: Vec<&[u8]> = documents.iter().map(Vec::as_slice).collect();
        for min_bytes in [64, 65, 100] {
            let segments = segments(&documents, min_bytes);
            let mut windows: HashMap<&[u8], Vec<(u32, usize)>> = HashMap::new();
            for (text, document) in documents.iter().zip(0u32..) {
                for (at, window) in text.windows(min_bytes).enumerate() {
                    windows.entry(window).or_default().push((document, at));
                }
            }
            let repeated = windows.into_values().filter(|places| places.len() > 1).flatten();
            for (document, at) in repeated {
                let holding = segments.iter().filter(|segment| {
                    segment.document == document
                        && segment.start <= at
                        && at + min_bytes <= segment.end
                });
                assert_eq!(holding.count(), 1, "{document} {at}");
            }
            let bytes: usize = segments.iter().map(Segment::len).sum();
            assert!((200..260).contains(&bytes), "{segments:?}");
        }
    }
}
