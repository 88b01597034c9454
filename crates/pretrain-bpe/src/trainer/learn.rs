//! The merge loop.
//!
//! Distinct pre-tokens lie in flat arrays of ids ([`words`]). Each pair that can still become a token
//! has its count and the list of the pre-tokens that hold it ([`pairs`]), written once, when the pair
//! comes into being: a pair is only ever made by the merge that makes the younger of its tokens, and
//! from then on its count can only fall. So a heap with one entry per pair, corrected when it reaches
//! the top, gives the pairs in exact order.
//!
//! **Rare pairs wait.** Most pairs are so rare that they never come to the top. As counts only fall, a
//! pair that comes into being with less than `threshold` occurrences cannot matter until the most
//! frequent pair has fallen below `threshold` too. So it is given neither place nor list. When the
//! queue is empty, all pairs are counted anew from the words, with a lower threshold. This is exact,
//! and it makes the table small enough for the processor's caches: of the 209 MB of the project's
//! documents in English, German, French, Chinese and a hundred other languages and in code (1.4 million
//! distinct pre-tokens, 32,768 tokens) the merges take 1.6 s on one thread in place of 4.3 s.
//!
//! The first threshold is a guess at the frequency of the last merge: twice the count of the n-th most
//! frequent pre-token, with n the size of the vocabulary. It was 130 where the last merge occurred 187
//! times, 18 where 27 times. A guess too high costs one more pass over the words, one too low some
//! memory.
//!
//! Proof that this is Hugging Face's order: `BpeTrainer` recounts nothing either; it differs by keeping
//! sets of pre-tokens and 32-bit counts, whose overflow is not reproduced here (counts are 64 bits
//! wide, and a corpus that could overflow them is refused).
//!
//! Cost: a pass over the words for each threshold (a handful), and for each merge the lengths of the
//! words that hold its pair. With several threads each has a part of the words; they work together on
//! merges of many words, and on the passes. Sums do not depend on how words are shared out.

use super::vocab::GrowingVocab;
use crate::error::{BpeError, Result};
use crate::merges::pair;

mod long;
mod pairs;
mod part;
mod replay;
mod sides;
mod words;

use pairs::Pairs;
pub(super) use pairs::{NO_SLOT, PairCounts, PairIndex};
use part::Part;
pub(super) use replay::Replay;
pub(super) use words::{Merge, Words};

/// Where training ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) vocab_size: usize,
    pub(super) min_frequency: u64,
    pub(super) max_token_length: Option<usize>,
}

/// A merge that was learned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Learned {
    pub(super) pair: (u32, u32),
    pub(super) frequency: u64,
}

/// Training, merge by merge.
#[derive(Debug)]
pub(super) struct Learner {
    limits: Limits,
    parts: Vec<Part>,
    pairs: Pairs,
    /// Pairs with less occurrences have no place. 0 = before the first pass.
    threshold: u64,
    /// The first threshold.
    guess: u64,
    /// Of the current merge, on the left and on the right.
    neighbours: [Neighbours; 2],
}

/// Distinct pre-tokens on their way to a [`Learner`].
#[derive(Debug)]
pub(super) struct WordsBuilder {
    parts: Vec<Part>,
    next: usize,
    /// The sum of all counts of pairs.
    total: u128,
    is_full: bool,
}

impl WordsBuilder {
    pub(super) fn new() -> Self {
        let parts = (0..n_threads()).map(|_| Part::default()).collect();
        Self { parts, next: 0, total: 0, is_full: false }
    }

    /// Adds a word. One of less than two ids has nothing to merge and is left out.
    pub(super) fn push(&mut self, ids: &[u32], count: u64, vocab: &GrowingVocab) {
        if ids.len() < 2 || count == 0 {
            return;
        }
        self.total += u128::from(count) * (ids.len() - 1) as u128;
        self.is_full |= !self.parts[self.next].push(ids, count, vocab);
        self.next = (self.next + 1) % self.parts.len();
    }

    /// # Errors
    ///
    /// [`BpeError::TooMuchText`].
    pub(super) fn into_learner(self, limits: Limits) -> Result<Learner> {
        if self.is_full {
            return Err(BpeError::TooMuchText { what: "longer than 16 GiB of ids per thread" });
        }
        if u64::try_from(self.total).is_err() {
            return Err(BpeError::TooMuchText { what: "so frequent that 64 bits overflow" });
        }
        let mut counts: Vec<u64> = Vec::new();
        self.parts.iter().for_each(|part| part.for_each_count(|count| counts.push(count)));
        let guess = match limits.vocab_size.checked_sub(1).filter(|&last| last < counts.len()) {
            Some(last) => counts.select_nth_unstable_by(last, |a, b| b.cmp(a)).1.saturating_mul(2),
            None => 0,
        };
        Ok(Learner {
            limits,
            parts: self.parts,
            pairs: Pairs::default(),
            threshold: 0,
            guess,
            neighbours: Default::default(),
        })
    }
}

/// A threshold is lower than the frequency of the best pair by this factor at most.
const STEP: u64 = 16;

/// Merges of this many words and more are shared between the threads.
const MANY: usize = if cfg!(test) { 4 } else { 1 << 11 };

impl Learner {
    /// Learns one merge; `None` at the end.
    pub(super) fn step(&mut self, vocab: &mut GrowingVocab) -> Option<Learned> {
        if vocab.len() >= self.limits.vocab_size {
            return None;
        }
        let floor = self.limits.min_frequency.max(1);
        let (top, frequency, place) = loop {
            match self.pairs.pop(self.threshold) {
                Some(found) => break found,
                None if self.threshold == floor => return None,
                None => self.lower_threshold(vocab, floor),
            }
        };
        let (left, right) = ((top >> 32) as u32, top as u32);
        let n_before = vocab.len();
        let product = vocab.add_product(left, right);
        self.apply(vocab, Merge { left, right, product }, place);
        if vocab.len() == n_before {
            // The product was a token before, so pairs with it may have been there before too.
            let counts = self.count_pairs(vocab);
            self.start_with(vocab, counts, self.threshold);
        }
        Some(Learned { pair: (left, right), frequency })
    }

    fn apply(&mut self, vocab: &GrowingVocab, merge: Merge, place: u32) {
        let Self { parts, pairs, neighbours, .. } = self;
        let n_ids = vocab.len();
        let n_words: usize = parts.iter().map(|part| part.n_postings(place)).sum();
        let in_parallel = n_words >= MANY;
        for_each_part(parts, in_parallel, |part| part.merge(place, merge, vocab));
        for (side, neighbours) in neighbours.iter_mut().enumerate() {
            neighbours.totals.resize(n_ids, 0);
            neighbours.places.resize(n_ids, NO_SLOT);
            for part in &*parts {
                part.for_each_neighbour(side, |id, count| neighbours.add(id, count));
            }
        }
        // New pairs first: two merges side by side make a pair with the product and lose it again.
        for (side, neighbours) in neighbours.iter_mut().enumerate() {
            for &id in &neighbours.seen {
                let (left, right) = new_pair(merge, side, id);
                let count = neighbours.totals[id as usize];
                let is_counted = vocab.is_counted(left, right, self.limits.max_token_length);
                if count >= self.threshold && is_counted {
                    neighbours.places[id as usize] = pairs.insert(pair(left, right), count);
                }
            }
        }
        for (side, neighbours) in neighbours.iter().enumerate() {
            for &id in &neighbours.seen {
                let (left, right) = old_pair(merge, side, id);
                pairs.lose(pair(left, right), neighbours.totals[id as usize]);
            }
        }
        let places = [&neighbours[0].places[..], &neighbours[1].places[..]];
        let n_places = pairs.index().len();
        for_each_part(parts, in_parallel, |part| part.post_neighbours(n_places, places));
        neighbours.iter_mut().for_each(Neighbours::clear);
    }

    fn lower_threshold(&mut self, vocab: &GrowingVocab, floor: u64) {
        let counts = self.count_pairs(vocab);
        let mut sorted: Vec<u64> = counts.iter().map(|(_, count)| count).collect();
        let max = sorted.iter().copied().max().unwrap_or(0);
        let n_needed = self.limits.vocab_size - vocab.len();
        let needed = match (2 * n_needed).checked_sub(1).filter(|&last| last < sorted.len()) {
            Some(last) => *sorted.select_nth_unstable_by(last, |a, b| b.cmp(a)).1,
            None => 0,
        };
        let threshold = match self.threshold {
            // Tests take the way through all thresholds.
            0 if cfg!(test) => max,
            0 => self.guess.min(max),
            before => (max / STEP).max(needed).min(before - 1),
        }
        .max(floor);
        self.start_with(vocab, counts, threshold);
    }

    fn count_pairs(&mut self, vocab: &GrowingVocab) -> PairCounts {
        let limit = self.limits.max_token_length;
        self.pairs = Pairs::default();
        for_each_part(&mut self.parts, true, |part| part.count_pairs(vocab, limit));
        let mut counts = self.parts.iter_mut().map(Part::take_counts);
        let mut whole = counts.next().unwrap_or_default();
        counts.for_each(|part| part.iter().for_each(|(pair, count)| whole.add(pair, count)));
        whole
    }

    fn start_with(&mut self, vocab: &GrowingVocab, counts: PairCounts, threshold: u64) {
        self.threshold = threshold;
        self.pairs = Pairs::new(counts.iter().filter(|(_, count)| *count >= threshold).collect());
        drop(counts);
        let pairs = self.pairs.index();
        for_each_part(&mut self.parts, true, |part| part.find_pairs(pairs, vocab));
    }
}

/// The pair that a merge makes with a neighbour on side 0 (left) or 1 (right).
fn new_pair(merge: Merge, side: usize, id: u32) -> (u32, u32) {
    if side == 0 { (id, merge.product) } else { (merge.product, id) }
}

/// The pair that it breaks.
fn old_pair(merge: Merge, side: usize, id: u32) -> (u32, u32) {
    if side == 0 { (id, merge.left) } else { (merge.right, id) }
}

/// What stood on one side of the places of a merge, over all parts.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// By id, how often it stood there.
    totals: Vec<u64>,
    /// By id, the place of its new pair, if it has one.
    places: Vec<u32>,
    /// The ids in use; for all others the total is 0 and the place [`NO_SLOT`].
    seen: Vec<u32>,
}

impl Neighbours {
    #[inline]
    fn add(&mut self, id: u32, count: u64) {
        let total = &mut self.totals[id as usize];
        if *total == 0 {
            self.seen.push(id);
        }
        *total += count;
    }

    fn clear(&mut self) {
        for id in self.seen.drain(..) {
            self.totals[id as usize] = 0;
            self.places[id as usize] = NO_SLOT;
        }
    }
}

#[cfg(feature = "rayon")]
fn n_threads() -> usize {
    rayon::current_num_threads()
}

#[cfg(not(feature = "rayon"))]
fn n_threads() -> usize {
    1
}

/// Runs `work` on each part, on the caller's pool if it is worth it.
fn for_each_part(parts: &mut [Part], in_parallel: bool, work: impl Fn(&mut Part) + Sync + Send) {
    #[cfg(feature = "rayon")]
    if in_parallel && parts.len() > 1 {
        use rayon::prelude::*;
        parts.par_iter_mut().for_each(work);
        return;
    }
    let _ = in_parallel;
    parts.iter_mut().for_each(work);
}
