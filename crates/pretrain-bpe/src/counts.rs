//! Counting pre-tokens: the only pass over the training text.

use crate::error::{BpeError, Result};
use crate::pattern::Pattern;

#[cfg(feature = "rayon")]
mod parallel;
mod run_file;
mod run_store;
mod runs;
mod split;
mod table;
#[cfg(test)]
mod tests;

pub use run_store::{DirectoryRuns, MemoryRuns, RunStore};
pub use runs::{CountRuns, SpillingCounts};
pub use split::Split;

use split::Splitter;
use table::{Key, SHARD_BITS, ShortBytes, Table};

/// How often each distinct pre-token occurs in some texts.
///
/// Counts made from parts of a corpus, in any order and on any thread, [`merge`](Self::merge) to the
/// counts of the whole. Memory: 32 to 64 bytes for each distinct pre-token of up to 15 bytes, about 40
/// and its bytes for a longer one; the texts are not kept. [`SpillingCounts`] bounds that by a budget.
///
/// Sources of unequal worth: count each with its own weight ([`count_weighted`](Self::count_weighted)).
/// Weights are integers, so that the counts stay exact: for the proportions 0.5 and 1.2 take 5 and 12.
/// Counts are 64 bits wide and saturate.
#[derive(Clone, Debug)]
pub struct PreTokenCounts {
    splitter: Splitter,
    /// By the topmost bits of the hash, so that several threads can merge.
    tables: Vec<Table>,
    totals: Totals,
}

/// Sums over the texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    n_texts: u64,
    n_bytes: u64,
    n_pre_tokens: u64,
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.n_texts = self.n_texts.saturating_add(other.n_texts);
        self.n_bytes = self.n_bytes.saturating_add(other.n_bytes);
        self.n_pre_tokens = self.n_pre_tokens.saturating_add(other.n_pre_tokens);
    }
}

impl PreTokenCounts {
    /// No counts.
    ///
    /// # Errors
    ///
    /// [`BpeError::Regex`] when a custom pattern does not compile.
    pub fn new(pattern: &Pattern) -> Result<Self> {
        Self::with_split(&Split::Pattern(pattern.clone()))
    }

    /// No counts, for any way of cutting.
    ///
    /// # Errors
    ///
    /// [`BpeError::Regex`] when a custom pattern does not compile.
    pub fn with_split(split: &Split) -> Result<Self> {
        Ok(Self::of(Splitter::new(split)?))
    }

    fn of(splitter: Splitter) -> Self {
        Self { splitter, tables: vec![Table::new(); 1 << SHARD_BITS], totals: Totals::default() }
    }

    /// Counts the pre-tokens of one text.
    pub fn count(&mut self, text: &str) {
        self.count_weighted(text, 1);
    }

    /// Counts the pre-tokens of one text as if it occurred `weight` times.
    pub fn count_weighted(&mut self, text: &str, weight: u64) {
        if weight == 0 {
            return;
        }
        let Self { splitter, tables, totals } = self;
        let mut n = 0u64;
        let mut batch = Batch { keys: [Default::default(); BATCH], len: 0, weight };
        splitter.for_each(text, |text, start, end| {
            n += 1;
            match Key::new(text, start, end) {
                Key::Short { bytes, hash } => batch.push(bytes, hash, tables),
                key => tables[shard(key.hash())].add(key, weight),
            }
        });
        batch.flush(tables);
        totals.add(Totals {
            n_texts: weight,
            n_bytes: weight.saturating_mul(text.len() as u64),
            n_pre_tokens: weight.saturating_mul(n),
        });
    }

    /// Adds `count` to one pre-token, as it comes from a file.
    fn add(&mut self, pre_token: &[u8], count: u64) {
        let key = Key::new(pre_token, 0, pre_token.len());
        self.tables[shard(key.hash())].add(key, count);
    }

    /// Adds the counts of `other`.
    ///
    /// # Errors
    ///
    /// [`BpeError::PatternMismatch`] when `other` was cut in another way.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        check_split(self.split(), other.split())?;
        for (table, other) in self.tables.iter_mut().zip(&other.tables) {
            table.merge(other);
        }
        self.totals.add(other.totals);
        Ok(())
    }

    /// Forgets the pre-tokens seen less than `min_count` times. The vocabulary learned from the rest is
    /// another than that of all: an explicit choice, for less memory.
    pub fn retain_frequent(&mut self, min_count: u64) {
        self.tables.iter_mut().for_each(|table| table.retain(min_count));
    }

    /// How the texts are cut.
    pub fn split(&self) -> &Split {
        self.splitter.split()
    }

    /// Distinct pre-tokens.
    pub fn n_distinct(&self) -> usize {
        self.tables.iter().map(Table::len).sum()
    }

    /// Pre-tokens, repeated ones counted each time.
    pub fn n_pre_tokens(&self) -> u64 {
        self.totals.n_pre_tokens
    }

    /// Texts counted.
    pub fn n_texts(&self) -> u64 {
        self.totals.n_texts
    }

    /// Bytes of the texts counted.
    pub fn n_bytes(&self) -> u64 {
        self.totals.n_bytes
    }

    /// Bytes of memory held by the counts.
    pub fn memory(&self) -> usize {
        self.tables.iter().map(Table::memory).sum()
    }

    /// How often a pre-token was seen.
    pub fn get(&self, pre_token: &str) -> u64 {
        if pre_token.is_empty() {
            return 0;
        }
        let key = Key::new(pre_token.as_bytes(), 0, pre_token.len());
        self.tables[shard(key.hash())].get(key)
    }

    /// Each distinct pre-token with its count, in order of its bytes. Copies the pre-tokens.
    pub fn sorted(&self) -> Vec<(Vec<u8>, u64)> {
        let mut sorted = Vec::with_capacity(self.n_distinct());
        for table in &self.tables {
            table.for_each(|pre_token, count| sorted.push((pre_token.to_vec(), count)));
        }
        sorted.sort_unstable();
        sorted
    }
}

/// What a trainer learns from: distinct pre-tokens with their counts.
///
/// Implemented by [`PreTokenCounts`] and, for counts on disk, by [`CountRuns`]; not to be implemented
/// outside.
pub trait CountSource: sealed::Sealed {
    /// How the texts were cut.
    fn split(&self) -> &Split;

    /// Calls `sink` with each distinct pre-token and its count, in any order.
    ///
    /// # Errors
    ///
    /// [`BpeError::Spill`] and [`BpeError::CorruptCounts`] when they are read from disk.
    fn for_each(&self, sink: &mut dyn FnMut(&[u8], u64)) -> Result<()>;
}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for PreTokenCounts {}

impl CountSource for PreTokenCounts {
    fn split(&self) -> &Split {
        self.splitter.split()
    }

    fn for_each(&self, sink: &mut dyn FnMut(&[u8], u64)) -> Result<()> {
        self.tables.iter().for_each(|table| table.for_each(&mut *sink));
        Ok(())
    }
}

/// Whether texts were cut as expected.
pub(crate) fn check_split(expected: &Split, found: &Split) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (expected.to_string(), found.to_string());
    Err(BpeError::PatternMismatch { expected, found })
}

#[inline(always)]
fn shard(hash: u64) -> usize {
    (hash >> (u64::BITS - SHARD_BITS)) as usize
}

const BATCH: usize = 32;

/// Keys that wait for the table. Looked up together, the processor waits for several places of memory
/// at a time: counting 209 MB takes a tenth less time than one by one.
struct Batch {
    keys: [(ShortBytes, u64); BATCH],
    len: usize,
    weight: u64,
}

impl Batch {
    #[inline(always)]
    fn push(&mut self, bytes: ShortBytes, hash: u64, tables: &mut [Table]) {
        self.keys[self.len] = (bytes, hash);
        self.len += 1;
        if self.len == BATCH {
            self.flush(tables);
        }
    }

    #[inline(never)]
    fn flush(&mut self, tables: &mut [Table]) {
        for &(bytes, hash) in &self.keys[..self.len] {
            tables[shard(hash)].add(Key::Short { bytes, hash }, self.weight);
        }
        self.len = 0;
    }
}
