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
    let seed = min_bytes / 2;
    if min_bytes < LEAST_WINDOW || u32::try_from(seed).is_err() {
        return documents
            .iter()
            .zip(0u32..)
            .map(|(text, document)| Segment { document, start: 0, end: text.len() })
            .collect();
    }
    let n_places = PLACES_PER_BYTE * documents.iter().map(|text| text.len()).sum::<usize>();
    let (mut once, mut more) = (Bits::new(n_places), Bits::new(n_places));
    for text in documents {
        for hash in Rolling::new(text, seed) {
            let place = place(hash, n_places);
            if once.get(place) { more.set(place) } else { once.set(place) }
        }
    }
    drop(once);

    let least = min_bytes - seed + 1;
    let mut segments = Vec::new();
    for (text, document) in documents.iter().zip(0u32..) {
        let mut keep = |run: Range<usize>| {
            if run.len() >= least {
                segments.push(Segment { document, start: run.start, end: run.end + seed - 1 });
            }
        };
        let mut run = 0..0;
        for (at, hash) in Rolling::new(text, seed).enumerate() {
            if !more.get(place(hash, n_places)) {
                keep(run);
                run = at + 1..at + 1;
            } else {
                run.end = at + 1;
            }
        }
        keep(run);
    }
    segments
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
