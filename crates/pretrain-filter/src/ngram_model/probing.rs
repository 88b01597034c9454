//! KenLM's probing files: hash tables with linear probing, as they lie.

use super::murmur::murmur64a;
use super::{Entry, Node, WordId, combine, float_at, truncated, word_at};
use crate::error::Result;

#[derive(Clone, Debug)]
pub(super) struct Probing {
    data: Vec<u8>,
    vocabulary: Table,
    unigrams: usize,
    /// By length less two.
    longer: Vec<Table>,
    n_words: u64,
}

/// A table of entries that begin with a key of eight bytes; key 0 is an empty place.
#[derive(Clone, Copy, Debug)]
struct Table {
    start: usize,
    buckets: u64,
    entry: usize,
}

impl Table {
    fn new(start: usize, n: u64, multiplier: f32, entry: usize) -> Self {
        let buckets = (n + 1).max((multiplier * n as f32) as u64);
        Self { start, buckets, entry }
    }

    fn end(self) -> Option<usize> {
        (self.buckets as usize).checked_mul(self.entry)?.checked_add(self.start)
    }

    fn find(self, data: &[u8], key: u64) -> Option<usize> {
        let mut bucket = key % self.buckets;
        // A table without an empty place would be walked for ever.
        for _ in 0..self.buckets {
            let at = self.start + bucket as usize * self.entry;
            match word_at(data, at) {
                found if found == key => return Some(at + 8),
                0 => return None,
                _ => bucket = if bucket + 1 == self.buckets { 0 } else { bucket + 1 },
            }
        }
        None
    }
}

/// Probabilities are never positive; the file uses their sign bit for something else.
fn prob_at(data: &[u8], at: usize) -> f32 {
    -float_at(data, at).abs()
}

impl Probing {
    pub(super) fn open(
        data: Vec<u8>,
        start: usize,
        counts: &[u64],
        multiplier: f32,
    ) -> Result<Self> {
        let sane = if multiplier.is_finite() { multiplier.clamp(1.0, 100.0) } else { 1.5 };
        let vocabulary = Table::new(start + 8, counts[0], sane, 12);
        truncated(&data, vocabulary.end())?;
        let unigrams = vocabulary.end().unwrap_or(0);
        let mut at = unigrams + (counts[0] as usize + 1) * 8;
        let mut longer = Vec::new();
        for (i, &count) in counts.iter().enumerate().skip(1) {
            // The longest n-grams have no back-off.
            let entry = if i + 1 == counts.len() { 12 } else { 16 };
            let table = Table::new(at, count, sane, entry);
            truncated(&data, table.end())?;
            at = table.end().unwrap_or(0);
            longer.push(table);
        }
        Ok(Self { data, vocabulary, unigrams, longer, n_words: counts[0] })
    }

    pub(super) fn word_id(&self, word: &str) -> WordId {
        let found = self.vocabulary.find(&self.data, murmur64a(word.as_bytes()));
        let id = found.map_or(0, |at| word_at(&self.data, at) as u32);
        if u64::from(id) <= self.n_words { id } else { 0 }
    }

    pub(super) fn unigram(&self, word: WordId) -> Entry {
        let at = self.unigrams + word as usize * 8;
        Entry {
            prob: prob_at(&self.data, at),
            backoff: float_at(&self.data, at + 4),
            node: Node { begin: u64::from(word), end: 0 },
        }
    }

    pub(super) fn extend(&self, n: usize, node: Node, word: WordId) -> Option<Entry> {
        let table = self.longer.get(n - 2)?;
        let begin = combine(node.begin, word);
        let at = table.find(&self.data, begin)?;
        let longest = n == self.longer.len() + 1;
        Some(Entry {
            prob: prob_at(&self.data, at),
            backoff: if longest { 0.0 } else { float_at(&self.data, at + 4) },
            node: Node { begin, end: 0 },
        })
    }
}
