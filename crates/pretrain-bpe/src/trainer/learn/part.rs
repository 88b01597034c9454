//! A part of the pre-tokens; each thread has one.

use super::long::LongWords;
use super::pairs::{PairCounts, PairIndex};
use super::words::{Merge, Words};
use crate::trainer::vocab::GrowingVocab;

#[derive(Debug, Default)]
pub(super) struct Part {
    words: Words,
    long: LongWords,
    counts: PairCounts,
}

/// Words of so many ids or more are walked through only where they hold a pair. Each occurrence of a
/// pair has a posting there, not only each word: 4 bytes more for each.
const LONG: usize = if cfg!(test) { 7 } else { 64 };

impl Part {
    /// Adds a word of two ids or more. `false` when the part is full.
    #[must_use]
    pub(super) fn push(&mut self, ids: &[u32], count: u64, vocab: &GrowingVocab) -> bool {
        if ids.len() < LONG {
            self.words.push(ids, count)
        } else {
            self.long.push(ids, count, vocab)
        }
    }

    /// Calls `sink` with the count of each word.
    pub(super) fn for_each_count(&self, mut sink: impl FnMut(u64)) {
        self.words.for_each(|_, _, count| sink(count));
        self.long.counts().for_each(sink);
    }

    /// Counts all pairs of neighbours, for [`take_counts`](Self::take_counts). Forgets the postings.
    pub(super) fn count_pairs(&mut self, vocab: &GrowingVocab, limit: Option<usize>) {
        self.words.compact();
        self.long.forget_postings();
        self.counts = PairCounts::default();
        self.words.count_pairs(vocab, limit, &mut self.counts);
        self.long.count_pairs(vocab, limit, &mut self.counts);
    }

    pub(super) fn take_counts(&mut self) -> PairCounts {
        std::mem::take(&mut self.counts)
    }

    /// Writes the postings of all pairs of the table anew.
    pub(super) fn find_pairs(&mut self, pairs: &PairIndex, vocab: &GrowingVocab) {
        self.words.find_pairs(pairs);
        self.long.find_pairs(pairs, vocab);
    }

    /// How many postings a place has.
    pub(super) fn n_postings(&self, place: u32) -> usize {
        self.words.n_postings(place) + self.long.n_postings(place)
    }

    /// Replaces each `(left, right)`, from left to right in each word, and notes the neighbours.
    pub(super) fn merge(&mut self, place: u32, merge: Merge, vocab: &GrowingVocab) {
        self.words.merge(place, merge, vocab.len());
        self.long.merge(place, merge, vocab);
    }

    /// Calls `sink` with the neighbours of the current merge on one side and how often they stood there;
    /// perhaps twice with the same.
    pub(super) fn for_each_neighbour(&self, side: usize, mut sink: impl FnMut(u32, u64)) {
        self.words.for_each_neighbour(side, &mut sink);
        self.long.sides().for_each(side, sink);
    }

    /// Writes the postings of the pairs that have come into being, and forgets the neighbours.
    pub(super) fn post_neighbours(&mut self, n_places: usize, places: [&[u32]; 2]) {
        self.words.post_neighbours(n_places, places);
        self.long.post_neighbours(n_places, places);
    }
}
