//! Repeated windows of a collection that does not fit into memory, in two passes over it.

use super::candidates::Sieve;
use super::{Copies, SubstringConfig};
use crate::error::ConfigFault;
use crate::runs::{Sorted, Sorter};
use crate::{DedupError, DocIndex, Result};
use std::ops::Range;
use std::path::Path;

/// Fingerprint of a window, document, offset.
type Window = (u128, u32, u32);
/// Document and offset of a repeated window.
type Place = (u32, u32);

/// The first pass: notes which stretches of bytes occur at all.
///
/// Every document is pushed here, then again, in the same order, to the [`SecondPass`]. A window is known
/// by two polynomial hashes modulo 2^61 - 1 (Karp and Rabin 1987) at fixed points: different
/// windows of w bytes are taken for equal with probability below `(w / 2^61)^2`, so among n windows that
/// may be repeated a false match has probability below `n^2 w^2 / 2^123`; that guards against accidents,
/// not against somebody who constructs collisions.
///
/// **Memory.** Half of [`SubstringConfig::memory_budget`] for the table of the first pass (what the collection
/// needs is one byte in eight for windows of 100 bytes; with less the sieve lets more through), then a
/// third of it at a time for sorting. **Disk.** 24 bytes per byte that may be repeated, 8 per repeated window.
#[derive(Debug)]
pub struct FirstPass {
    config: SubstringConfig,
    sieve: Sieve,
}

impl FirstPass {
    /// Begins with a collection of about `bytes` bytes; a wrong figure costs time and changes nothing.
    ///
    /// # Errors
    /// [`DedupError::Config`] if `min_bytes` is 0.
    pub fn new(config: &SubstringConfig, bytes: u64) -> Result<Self> {
        if config.min_bytes == 0 {
            let faults = vec![ConfigFault::new("min_bytes", 0, "1 or more")];
            return Err(DedupError::Config { what: "substring", faults });
        }
        let sieve = Sieve::new(config.min_bytes, bytes, config.memory_budget / 2);
        Ok(Self { config: *config, sieve })
    }

    /// Notes a document.
    pub fn push(&mut self, document: &[u8]) {
        self.sieve.note(document);
    }

    /// Everything was pushed once. `folder` is where the next pass spills to.
    pub fn next(mut self, folder: &Path) -> SecondPass {
        self.sieve.settle();
        let Self { config, sieve } = self;
        let windows = Sorter::spilling(folder, "sorting-windows", config.memory_budget / 3);
        let places = Sorter::spilling(folder, "sorting-places", config.memory_budget / 3);
        SecondPass { config, sieve, windows, places, n_documents: 0 }
    }
}

/// The second pass: fingerprints of the windows that may be repeated.
#[derive(Debug)]
pub struct SecondPass {
    config: SubstringConfig,
    sieve: Sieve,
    windows: Sorter<Window>,
    places: Sorter<Place>,
    n_documents: usize,
}

impl SecondPass {
    /// Adds a document.
    ///
    /// # Errors
    /// Too many documents, a document of 4 GiB or more, the disk refuses.
    pub fn push(&mut self, document: &[u8]) -> Result<DocIndex> {
        let index = DocIndex::after(self.n_documents)?;
        if u32::try_from(document.len()).is_err() {
            let (bytes, limit) = (document.len() as u64, u64::from(u32::MAX));
            return Err(DedupError::TooManyBytes { bytes, limit });
        }
        self.n_documents += 1;
        let (windows, min_bytes) = (&mut self.windows, self.config.min_bytes);
        let mut result = Ok(());
        self.sieve.segments(document, |range| {
            if result.is_ok() {
                let mut fingerprints = Fingerprints::new(&document[range.clone()], min_bytes);
                let at = range.start as u32..;
                result = at
                    .zip(&mut fingerprints)
                    .try_for_each(|(at, print)| windows.push((print, index.0, at)));
            }
        });
        result?;
        Ok(index)
    }

    /// The repeated ranges of all documents, in order.
    ///
    /// # Errors
    /// The disk refuses, or a spilled run is damaged.
    pub fn finish(mut self) -> Result<Ranges> {
        drop(self.sieve);
        let mut group: Option<Window> = None;
        // Whether the first window of the group was found to have a copy.
        let mut repeated = false;
        for window in self.windows.finish()? {
            let (print, document, at) = window?;
            match group {
                Some((last, first_document, first_at)) if last == print => {
                    if !repeated && self.config.copies == Copies::All {
                        self.places.push((first_document, first_at))?;
                    }
                    repeated = true;
                    self.places.push((document, at))?;
                }
                _ => {
                    group = Some((print, document, at));
                    repeated = false;
                }
            }
        }
        Ok(Ranges { places: self.places.finish()?, next: None, min_bytes: self.config.min_bytes })
    }
}

/// The repeated ranges of a collection, document after document, ascending and apart. Where they may begin
/// and end is left to the caller: see [`super::Cut::apply`].
#[derive(Debug)]
pub struct Ranges {
    places: Sorted<Place>,
    next: Option<Place>,
    min_bytes: usize,
}

impl Iterator for Ranges {
    type Item = Result<(DocIndex, Range<usize>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let (document, start) = match self.next.take() {
            Some(place) => place,
            None => match self.places.next()? {
                Ok(place) => place,
                Err(error) => return Some(Err(error)),
            },
        };
        let mut range = start as usize..start as usize + self.min_bytes;
        for place in self.places.by_ref() {
            match place {
                Ok((other, at)) if other == document && at as usize <= range.end => {
                    range.end = at as usize + self.min_bytes;
                }
                Ok(place) => {
                    self.next = Some(place);
                    break;
                }
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok((DocIndex(document), range)))
    }
}

const PRIME: u64 = (1 << 61) - 1;
/// Where the two polynomials are evaluated: random numbers below the prime.
const POINTS: [u64; 2] = [0x1a3f_52b1_9e6d_07c5, 0x0d91_e4a7_3c58_6fb3];

/// Two polynomial hashes of every window of a text, as one number.
struct Fingerprints<'a> {
    text: &'a [u8],
    length: usize,
    end: usize,
    hashes: [u64; 2],
    /// The factors of a byte that leaves.
    leaving: [u64; 2],
}

impl<'a> Fingerprints<'a> {
    fn new(text: &'a [u8], length: usize) -> Self {
        let leaving = POINTS.map(|point| power(point, length));
        let mut hashes = [0; 2];
        for &byte in text.get(..length - 1).unwrap_or_default() {
            hashes = add(hashes, byte);
        }
        Self { text, length, end: length, hashes, leaving }
    }
}

fn multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let sum = (product as u64 & PRIME) + (product >> 61) as u64;
    if sum >= PRIME { sum - PRIME } else { sum }
}

fn power(point: u64, n: usize) -> u64 {
    (0..usize::BITS - n.leading_zeros()).rev().fold(1, |result, bit| {
        let square = multiply(result, result);
        if n >> bit & 1 == 1 { multiply(square, point) } else { square }
    })
}

fn add(hashes: [u64; 2], byte: u8) -> [u64; 2] {
    [0, 1].map(|i| {
        let sum = multiply(hashes[i], POINTS[i]) + u64::from(byte) + 1;
        if sum >= PRIME { sum - PRIME } else { sum }
    })
}

impl Iterator for Fingerprints<'_> {
    type Item = u128;

    #[inline]
    fn next(&mut self) -> Option<u128> {
        let &byte = self.text.get(self.end - 1)?;
        self.hashes = add(self.hashes, byte);
        if self.end > self.length {
            let out = u64::from(self.text[self.end - 1 - self.length]) + 1;
            for i in 0..2 {
                let hash = self.hashes[i] + PRIME - multiply(self.leaving[i], out);
                self.hashes[i] = if hash >= PRIME { hash - PRIME } else { hash };
            }
        }
        self.end += 1;
        Some(u128::from(self.hashes[0]) << 64 | u128::from(self.hashes[1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rolling_equals_hashing_each_window(
            text in prop::collection::vec(any::<u8>(), 0..60),
            length in 1usize..12,
        ) {
            let rolled: Vec<u128> = Fingerprints::new(&text, length).collect();
            let plain: Vec<u128> = text
                .windows(length)
                .map(|window| {
                    let [a, b] = window.iter().fold([0; 2], |hashes, &byte| add(hashes, byte));
                    u128::from(a) << 64 | u128::from(b)
                })
                .collect();
            prop_assert_eq!(rolled, plain);
        }
    }

    #[test]
    fn powers_are_products() {
        for n in 0..20 {
            assert_eq!(
                power(POINTS[0], n),
                (0..n).fold(1, |product, _| multiply(product, POINTS[0]))
            );
        }
        assert_eq!(multiply(PRIME - 1, PRIME - 1), 1);
    }
}
