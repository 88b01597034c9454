//! Byte ranges that occur more than once anywhere in a collection.
//!
//! A *window* is a run of `min_bytes` bytes inside one document; it is repeated if an equal window
//! starts elsewhere in the collection, overlapping or not. The result is the union of all repeated
//! windows, per document, as sorted ranges that neither touch nor overlap. That is the meaning of
//! `self-similar` and `collect` in Lee et al., *Deduplicating Training Data Makes Language Models
//! Better* (2022), without the limits of that program: nothing is skipped at the end of the collection
//! or at seams between threads, matches may have any length, and no match crosses a border of
//! documents.
//!
//! **How.** Windows of 64 bytes or more are first sifted by hashes: what cannot be repeated is left out.
//! A suffix array over the rest (SA-IS, Nong, Zhang and Chan 2009, written here in safe Rust) then
//! decides: equal windows are neighbours in it. A table of the hashes of all windows would do as well
//! but takes 16 bytes per byte of text and needs verifying; of the crates at hand, those in pure Rust
//! (`suffix`, `divsufsort`) are unmaintained or stop at 2 GiB, and `libsais` needs a C compiler.
//!
//! **Time.** Linear in the bytes of the collection, one thread.
//!
//! **Memory.** Everything is in memory, beside the documents themselves: first 1 byte per byte of the
//! collection, then, that being freed, at most 8 bytes per byte *that may be repeated* for windows of up
//! to 512 bytes and 10 for longer ones. [`memory_bound`] is the second for a collection of nothing but
//! repeats. Both are checked against the caller's budget before anything is allocated, and at most
//! 4 GiB less two bytes may be repeated.
//!
//! **Larger collections** go through [`FirstPass`] and [`SecondPass`]: the same sieve in a table of fixed
//! size, then the 122-bit fingerprints of all windows that may be repeated, sorted on disk. There are no
//! parts and no seams; the same ranges come out (see [`FirstPass`] for the chance of a false match).
//!
//! **Not idempotent.** Cutting a range out joins what stood around it, which may repeat something else.

mod candidates;
mod passes;
mod suffix_array;

pub use passes::{FirstPass, Ranges, SecondPass};

use crate::error::ConfigFault;
use crate::{DedupError, DocIndex, Result};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Which occurrences of a repeated window are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Copies {
    /// All of them.
    All,
    /// All but the first in input order, so that one copy of everything stays.
    AllButFirst,
}

/// Where a range may begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cut {
    /// At any byte.
    Bytes,
    /// At UTF-8 character borders: a range that begins or ends inside a character is made smaller, so
    /// that what is left of a text is a text.
    Chars,
    /// At line ends: a range is made smaller until it is whole lines, each with its line feed.
    Lines,
}

/// What counts as repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubstringConfig {
    /// Length of a window in bytes, 1 or more. 100 bytes are about 25 words.
    pub min_bytes: usize,
    /// Which occurrences are reported.
    pub copies: Copies,
    /// Where ranges may begin and end.
    pub cut: Cut,
    /// Memory that may be used, in bytes.
    pub memory_budget: u64,
}

/// Windows up to this length are compared with their neighbours byte by byte; beyond, one pass over
/// the text makes the comparisons linear.
const DIRECT_BYTES: usize = 512;

/// Most bytes in the suffix array: positions are 32-bit and one value means "nothing".
const MAX_BYTES: u64 = u32::MAX as u64 - 1;

/// Upper bound of the memory that [`find`] uses for a collection of `bytes` in which everything may be
/// repeated, in bytes, the documents and the result not counted.
pub fn memory_bound(bytes: u64, min_bytes: usize) -> u64 {
    let per_byte = if min_bytes <= DIRECT_BYTES { 8 } else { 10 };
    bytes.saturating_mul(per_byte).saturating_add(1 << 16)
}

/// The repeated ranges of every document, in input order. The documents may be any bytes.
///
/// # Errors
/// [`DedupError::Config`] if `min_bytes` is 0; [`DedupError::TooManyBytes`] and
/// [`DedupError::OverBudget`] if the candidates are too many, [`DedupError::TooManyDocuments`].
pub fn find(documents: &[&[u8]], config: &SubstringConfig) -> Result<Vec<Vec<Range<usize>>>> {
    let SubstringConfig { min_bytes, copies, cut, memory_budget } = *config;
    if min_bytes == 0 {
        let faults = vec![ConfigFault::new("min_bytes", 0, "1 or more")];
        return Err(DedupError::Config { what: "substring", faults });
    }
    if let Some(last) = documents.len().checked_sub(1) {
        DocIndex::after(last)?;
    }
    let bytes = documents.iter().map(|document| document.len() as u64).sum();
    within_budget(candidates::memory_bound(bytes, min_bytes), memory_budget)?;
    let segments = candidates::segments(documents, min_bytes);
    let bytes = segments.iter().map(|segment| segment.len() as u64).sum();
    if bytes > MAX_BYTES {
        return Err(DedupError::TooManyBytes { bytes, limit: MAX_BYTES });
    }
    within_budget(memory_bound(bytes, min_bytes), memory_budget)?;

    let parts: Vec<&[u8]> = segments.iter().map(|segment| segment.of(documents)).collect();
    let text = parts.concat();
    let windows = window_starts(&parts, text.len(), min_bytes);
    drop(parts);
    let repeated = match windows.is_empty() {
        true => windows,
        false => repeated_windows(&text, &windows, min_bytes, copies),
    };

    let mut ranges = vec![Vec::new(); documents.len()];
    let mut start = 0;
    for segment in &segments {
        let span = start..start + segment.len();
        start = span.end;
        cover(&repeated, span, segment.start, min_bytes, &mut ranges[segment.document as usize]);
    }
    for (document, ranges) in documents.iter().zip(&mut ranges) {
        cut.apply(document, ranges);
    }
    Ok(ranges)
}

impl Cut {
    /// Makes ranges of a document smaller until they begin and end where they may; those of which
    /// nothing is left go.
    pub fn apply(self, document: &[u8], ranges: &mut Vec<Range<usize>>) {
        match self {
            Self::Bytes => {}
            Self::Chars => shrink_to_chars(document, ranges),
            Self::Lines => shrink_to_lines(document, ranges),
        }
    }
}

fn within_budget(needed: u64, budget: u64) -> Result<()> {
    if needed > budget {
        return Err(DedupError::OverBudget { needed, budget });
    }
    Ok(())
}

/// What is left of `text` without `ranges`, which are ascending ranges of it; whatever of them is not
/// is ignored. UTF-8 stays UTF-8 when the ranges were made under [`Cut::Chars`].
pub fn without(text: &[u8], ranges: &[Range<usize>]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut at = 0;
    for range in ranges {
        let start = range.start.clamp(at, text.len());
        kept.extend_from_slice(&text[at..start]);
        at = range.end.clamp(start, text.len());
    }
    kept.extend_from_slice(&text[at..]);
    kept
}

/// Positions at which a window starts inside one document.
fn window_starts(documents: &[&[u8]], n: usize, min_bytes: usize) -> Bits {
    let mut windows = Bits::new(n);
    let mut start = 0;
    for document in documents {
        for at in start..(start + document.len() + 1).saturating_sub(min_bytes).max(start) {
            windows.set(at);
        }
        start += document.len();
    }
    windows
}

/// The windows that have an equal one elsewhere.
fn repeated_windows(text: &[u8], windows: &Bits, min_bytes: usize, copies: Copies) -> Bits {
    let order = suffix_array::build(text);
    let mut repeated = Bits::new(text.len());
    // The array lists equal windows side by side. Suffixes that are no window (they cross a border of
    // documents) may stand between them: they share the same first bytes and are stepped over.
    let mut group = Group::new(copies);
    if min_bytes <= DIRECT_BYTES {
        let mut last: Option<usize> = None;
        for at in order.iter().map(|&at| at as usize).filter(|&at| windows.get(at)) {
            let window = &text[at..at + min_bytes];
            if last.is_none_or(|last| text[last..last + min_bytes] != *window) {
                group = Group::new(copies);
            }
            group.add(at, &mut repeated);
            last = Some(at);
        }
    } else {
        let like_previous = neighbours_alike(text, &order, min_bytes);
        for at in order.iter().map(|&at| at as usize) {
            if !like_previous.get(at) {
                group = Group::new(copies);
            }
            if windows.get(at) {
                group.add(at, &mut repeated);
            }
        }
    }
    repeated
}

/// For every position, whether its suffix shares `min_bytes` bytes with the one before it in `order`.
///
/// The longest-common-prefix array in text order (Kasai et al. 2001, in the form of Kärkkäinen, Manzini
/// and Puglisi 2009), cut off at `min_bytes`: one position to the right shares at most one byte less.
fn neighbours_alike(text: &[u8], order: &[u32], min_bytes: usize) -> Bits {
    let mut previous = vec![u32::MAX; text.len()];
    for pair in order.windows(2) {
        previous[pair[1] as usize] = pair[0];
    }
    let mut alike = Bits::new(text.len());
    let mut shared = 0usize;
    for (at, &other) in previous.iter().enumerate() {
        if other == u32::MAX {
            shared = 0;
            continue;
        }
        let (left, right) = (&text[at + shared..], &text[other as usize + shared..]);
        let most = min_bytes - shared;
        shared += left.iter().zip(right).take(most).take_while(|(a, b)| a == b).count();
        if shared == min_bytes {
            alike.set(at);
        }
        shared = shared.saturating_sub(1);
    }
    alike
}

/// Equal windows, as they come from the suffix array in no particular order of positions.
struct Group {
    copies: Copies,
    /// The first window in input order so far; not yet marked.
    first: Option<usize>,
}

impl Group {
    fn new(copies: Copies) -> Self {
        Self { copies, first: None }
    }

    fn add(&mut self, at: usize, repeated: &mut Bits) {
        let Some(first) = self.first else {
            self.first = Some(at);
            return;
        };
        repeated.set(at.max(first));
        self.first = Some(at.min(first));
        if self.copies == Copies::All {
            repeated.set(at.min(first));
        }
    }
}

/// Adds `[at, at + min_bytes)` to `ranges` for every marked position in `span`, which stands for the
/// part of a document that begins at `origin`. Positions must come in ascending order.
fn cover(
    marked: &Bits,
    span: Range<usize>,
    origin: usize,
    min_bytes: usize,
    ranges: &mut Vec<Range<usize>>,
) {
    for at in marked.ones(span.clone()) {
        let at = at - span.start + origin;
        let window = at..at + min_bytes;
        match ranges.last_mut() {
            Some(range) if window.start <= range.end => range.end = window.end,
            _ => ranges.push(window),
        }
    }
}

fn shrink_to_chars(document: &[u8], ranges: &mut Vec<Range<usize>>) {
    let inside = |at: usize| document.get(at).is_some_and(|&byte| byte & 0xc0 == 0x80);
    for range in ranges.iter_mut() {
        while range.start < range.end && inside(range.start) {
            range.start += 1;
        }
        while range.start < range.end && inside(range.end) {
            range.end -= 1;
        }
    }
    ranges.retain(|range| !range.is_empty());
}

fn shrink_to_lines(document: &[u8], ranges: &mut Vec<Range<usize>>) {
    for range in ranges.iter_mut() {
        let bytes = &document[range.clone()];
        let starts_line = range.start == 0 || document[range.start - 1] == b'\n';
        let skipped = match starts_line {
            true => 0,
            false => bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1),
        };
        let left = match range.end == document.len() {
            true => bytes.len(),
            false => bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1),
        };
        *range = range.start + skipped..range.start + left.max(skipped);
    }
    ranges.retain(|range| !range.is_empty());
}

/// One bit per position.
#[derive(Debug)]
struct Bits {
    words: Vec<u64>,
    any: bool,
}

impl Bits {
    fn new(n: usize) -> Self {
        Self { words: vec![0; n.div_ceil(64)], any: false }
    }

    fn set(&mut self, at: usize) {
        self.words[at / 64] |= 1 << (at % 64);
        self.any = true;
    }

    fn get(&self, at: usize) -> bool {
        self.words[at / 64] >> (at % 64) & 1 == 1
    }

    fn is_empty(&self) -> bool {
        !self.any
    }

    /// The marked positions in `span`, ascending.
    fn ones(&self, span: Range<usize>) -> impl Iterator<Item = usize> {
        let mut at = span.start;
        std::iter::from_fn(move || {
            while at < span.end {
                let rest = self.words[at / 64] >> (at % 64);
                if rest == 0 {
                    at = (at / 64 + 1) * 64;
                    continue;
                }
                let found = at + rest.trailing_zeros() as usize;
                at = found + 1;
                return (found < span.end).then_some(found);
            }
            None
        })
    }
}

#[cfg(test)]
mod tests;
