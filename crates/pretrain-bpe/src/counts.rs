//! Counting pre-tokens: the only pass over the training text.

use crate::error::{BpeError, Result};
use crate::hash;
use crate::pattern::Pattern;
use crate::pretokenize::PreTokenizer;

/// How often each distinct pre-token occurs in some texts.
///
/// Counts made from parts of a corpus, in any order and on any thread, [`merge`](Self::merge) to the
/// counts of the whole. Memory: the bytes of the distinct pre-tokens + about 36 bytes for each; the
/// texts are not kept. There is room for 2^32 - 1 distinct pre-tokens.
#[derive(Clone, Debug)]
pub struct PreTokenCounts {
    pre_tokenizer: PreTokenizer,
    distinct: Distinct,
    n_texts: u64,
    n_bytes: u64,
}

/// Byte strings with their counts.
#[derive(Clone, Debug)]
struct Distinct {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    /// Open addressing into `entries`, a power of two of slots.
    slots: Vec<u32>,
    /// The sum of all counts.
    total: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: usize,
    len: usize,
    count: u64,
}

const FREE: u32 = u32::MAX;

impl PreTokenCounts {
    /// No counts.
    ///
    /// # Errors
    ///
    /// [`BpeError::Regex`] when a custom pattern does not compile.
    pub fn new(pattern: &Pattern) -> Result<Self> {
        Ok(Self::of(PreTokenizer::new(pattern)?))
    }

    pub(crate) fn of(pre_tokenizer: PreTokenizer) -> Self {
        Self { pre_tokenizer, distinct: Distinct::new(), n_texts: 0, n_bytes: 0 }
    }

    /// Counts the pre-tokens of one text.
    pub fn count(&mut self, text: &str) {
        self.count_weighted(text, 1);
    }

    /// Counts the pre-tokens of one text as if it occurred `weight` times.
    pub fn count_weighted(&mut self, text: &str, weight: u64) {
        let distinct = &mut self.distinct;
        let bytes = text.as_bytes();
        self.pre_tokenizer.for_each(text, |range| distinct.add(&bytes[range], weight));
        self.n_texts = self.n_texts.saturating_add(weight);
        self.n_bytes = self.n_bytes.saturating_add(weight.saturating_mul(text.len() as u64));
    }

    /// Adds the counts of `other`.
    ///
    /// # Errors
    ///
    /// [`BpeError::PatternMismatch`] when `other` was counted with another pattern.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.check_pattern(other.pattern())?;
        for (pre_token, count) in other.iter() {
            self.distinct.add(pre_token, count);
        }
        self.n_texts = self.n_texts.saturating_add(other.n_texts);
        self.n_bytes = self.n_bytes.saturating_add(other.n_bytes);
        Ok(())
    }

    pub(crate) fn check_pattern(&self, found: &Pattern) -> Result<()> {
        if found == self.pattern() {
            return Ok(());
        }
        let (expected, found) = (self.pattern().to_string(), found.to_string());
        Err(BpeError::PatternMismatch { expected, found })
    }

    /// The pattern that cuts the texts.
    pub fn pattern(&self) -> &Pattern {
        self.pre_tokenizer.pattern()
    }

    /// Distinct pre-tokens.
    pub fn n_distinct(&self) -> usize {
        self.distinct.entries.len()
    }

    /// Pre-tokens, repeated ones counted each time.
    pub fn n_pre_tokens(&self) -> u64 {
        self.distinct.total
    }

    /// Texts counted.
    pub fn n_texts(&self) -> u64 {
        self.n_texts
    }

    /// Bytes of the texts counted.
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// How often a pre-token was seen.
    pub fn get(&self, pre_token: &str) -> u64 {
        let found = self.distinct.find(pre_token.as_bytes());
        found.map_or(0, |index| self.distinct.entries[index].count)
    }

    /// Each distinct pre-token with its count, in order of its bytes.
    pub fn sorted(&self) -> Vec<(&[u8], u64)> {
        let mut sorted: Vec<_> = self.iter().collect();
        sorted.sort_unstable();
        sorted
    }

    /// Each distinct pre-token with its count, in order of first occurrence.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.distinct.entries.iter().map(|entry| (self.distinct.bytes_of(entry), entry.count))
    }
}

impl Distinct {
    fn new() -> Self {
        Self { arena: Vec::new(), entries: Vec::new(), slots: vec![FREE; 1 << 10], total: 0 }
    }

    fn bytes_of(&self, entry: &Entry) -> &[u8] {
        &self.arena[entry.start..entry.start + entry.len]
    }

    fn find(&self, pre_token: &[u8]) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash::bytes(pre_token) as usize & mask;
        loop {
            match self.slots[slot] {
                FREE => return Err(slot),
                index => {
                    let entry = &self.entries[index as usize];
                    if entry.len == pre_token.len() && self.bytes_of(entry) == pre_token {
                        return Ok(index as usize);
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    #[inline]
    fn add(&mut self, pre_token: &[u8], count: u64) {
        self.total = self.total.saturating_add(count);
        match self.find(pre_token) {
            Ok(index) => {
                let entry = &mut self.entries[index];
                entry.count = entry.count.saturating_add(count);
            }
            Err(slot) => self.insert(slot, pre_token, count),
        }
    }

    #[inline(never)]
    fn insert(&mut self, slot: usize, pre_token: &[u8], count: u64) {
        let index = u32::try_from(self.entries.len()).expect("under 2^32 distinct pre-tokens");
        self.slots[slot] = index;
        self.entries.push(Entry { start: self.arena.len(), len: pre_token.len(), count });
        self.arena.extend_from_slice(pre_token);
        if self.entries.len() * 2 > self.slots.len() {
            self.grow();
        }
    }

    fn grow(&mut self) {
        let n_slots = self.slots.len() * 2;
        self.slots.clear();
        self.slots.resize(n_slots, FREE);
        for index in 0..self.entries.len() {
            let bytes = self.bytes_of(&self.entries[index]);
            let mut slot = hash::bytes(bytes) as usize & (n_slots - 1);
            while self.slots[slot] != FREE {
                slot = (slot + 1) & (n_slots - 1);
            }
            self.slots[slot] = index as u32;
        }
    }
}

/// Counting on the threads of the current rayon pool.
#[cfg(feature = "rayon")]
impl PreTokenCounts {
    /// Counts texts in parallel; the result is that of counting one after another.
    ///
    /// # Errors
    ///
    /// [`BpeError::Regex`] when a custom pattern does not compile.
    pub fn count_parallel<T: AsRef<str> + Sync>(pattern: &Pattern, texts: &[T]) -> Result<Self> {
        use rayon::prelude::*;
        let empty = Self::new(pattern)?;
        let count = |mut counts: Self, text: &T| {
            counts.count(text.as_ref());
            counts
        };
        let merge = |mut left: Self, mut right: Self| {
            if left.n_distinct() < right.n_distinct() {
                std::mem::swap(&mut left, &mut right);
            }
            left.merge(&right).expect("both were counted with the same pattern");
            left
        };
        Ok(texts.par_iter().fold(|| empty.clone(), count).reduce(|| empty.clone(), merge))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_merge_to_the_whole() {
        let texts = ["the cat the", " cat", "", "the  end\n\n"];
        let mut whole = PreTokenCounts::new(&Pattern::Gpt2).unwrap();
        let mut parts = [whole.clone(), whole.clone()];
        for (i, text) in texts.iter().enumerate() {
            whole.count(text);
            parts[i % 2].count(text);
        }
        let [mut left, right] = parts;
        left.merge(&right).unwrap();
        assert_eq!(left.sorted(), whole.sorted());
        let expected: [(&[u8], u64); 6] =
            [(b"\n\n", 1), (b" ", 1), (b" cat", 2), (b" end", 1), (b" the", 1), (b"the", 2)];
        assert_eq!(whole.sorted(), expected);
        assert_eq!((left.n_texts(), left.n_bytes(), left.n_pre_tokens()), (4, 25, 8));
        assert_eq!((whole.get("the"), whole.get("dog")), (2, 0));
    }

    #[test]
    fn weights_multiply_and_saturate() {
        let mut counts = PreTokenCounts::new(&Pattern::None).unwrap();
        counts.count_weighted("x", u64::MAX - 1);
        counts.count_weighted("x", 7);
        assert_eq!(counts.get("x"), u64::MAX);
    }

    #[test]
    fn many_distinct_pre_tokens() {
        let mut counts = PreTokenCounts::new(&Pattern::None).unwrap();
        for i in 0..20_000 {
            counts.count(&i.to_string());
            counts.count(&(i / 2).to_string());
        }
        assert_eq!(counts.n_distinct(), 20_000);
        assert_eq!((counts.get("9999"), counts.get("10000"), counts.get("")), (3, 1, 0));
    }

    #[test]
    fn other_patterns_do_not_merge() {
        let mut counts = PreTokenCounts::new(&Pattern::None).unwrap();
        let other = PreTokenCounts::new(&Pattern::Gpt2).unwrap();
        assert!(matches!(counts.merge(&other), Err(BpeError::PatternMismatch { .. })));
    }
}
