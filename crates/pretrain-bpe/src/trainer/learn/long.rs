//! Long pre-tokens, where a merge costs its places and not the length of the whole.
//!
//! Every unit has a cell of its own for ever. A token has its id in its first and in its last cell; what
//! lies between is `FILLER`, and so are the borders of words. So both neighbours of a token are found at
//! once, and a place is replaced where it lies. Postings are the first cells of left tokens. A posting is
//! still good when its cell holds the id: a first cell that has become part of a longer token holds
//! `FILLER`, or as its last cell that token's id, which is another.

use super::pairs::{NO_SLOT, PairCounts, PairIndex};
use super::sides::{Postings, Sides};
use super::words::Merge;
use crate::merges::pair;
use crate::trainer::vocab::GrowingVocab;

#[derive(Debug, Default)]
pub(super) struct LongWords {
    cells: Vec<u32>,
    /// The first cell of each word, and how often it occurs.
    words: Vec<(u32, u64)>,
    postings: Postings,
    sides: Sides,
}

const FILLER: u32 = u32::MAX;

impl LongWords {
    /// Adds a word. `false` when there is no room.
    #[must_use]
    pub(super) fn push(&mut self, ids: &[u32], count: u64, vocab: &GrowingVocab) -> bool {
        let n_units: usize = ids.iter().map(|&id| vocab.n_units(id)).sum();
        if self.cells.len() + n_units + 2 > u32::MAX as usize {
            return false;
        }
        if self.cells.is_empty() {
            self.cells.push(FILLER);
        }
        self.words.push((self.cells.len() as u32, count));
        for &id in ids {
            let start = self.cells.len();
            self.cells.resize(start + vocab.n_units(id), FILLER);
            self.cells[start] = id;
            let last = self.cells.len() - 1;
            self.cells[last] = id;
        }
        self.cells.push(FILLER);
        true
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = u64> {
        self.words.iter().map(|word| word.1)
    }

    pub(super) fn forget_postings(&mut self) {
        self.postings = Postings::default();
    }

    pub(super) fn n_postings(&self, place: u32) -> usize {
        self.postings.n(place)
    }

    pub(super) fn sides(&self) -> &Sides {
        &self.sides
    }

    pub(super) fn count_pairs(
        &self,
        vocab: &GrowingVocab,
        limit: Option<usize>,
        counts: &mut PairCounts,
    ) {
        for_each_pair(&self.cells, &self.words, vocab, |_, left, right, count| {
            if vocab.is_counted(left, right, limit) {
                counts.add(pair(left, right), count);
            }
        });
    }

    pub(super) fn find_pairs(&mut self, pairs: &PairIndex, vocab: &GrowingVocab) {
        let (cells, words) = (&self.cells, &self.words);
        self.postings = Postings::new(pairs.len(), |sink| {
            for_each_pair(cells, words, vocab, |at, left, right, _| {
                let place = pairs.get(pair(left, right));
                if place != NO_SLOT {
                    sink(place, at);
                }
            });
        });
    }

    /// Replaces each `(left, right)`, from left to right, and notes the neighbours.
    pub(super) fn merge(&mut self, place: u32, merge: Merge, vocab: &GrowingVocab) {
        let range = self.postings.range(place);
        if range.is_empty() {
            return;
        }
        let Self { cells, words, postings, sides } = self;
        sides.make_room(vocab.len());
        let [n_left, n_right] = [merge.left, merge.right].map(|id| vocab.n_units(id));
        for &posting in postings.get(range) {
            let start = posting as usize;
            let middle = start + n_left;
            if cells[start] != merge.left || cells[middle] != merge.right {
                continue;
            }
            let end = middle + n_right;
            let word = words.partition_point(|word| word.0 <= posting) - 1;
            let count = words[word].1;
            let (before, after) = (cells[start - 1], cells[end]);
            if before != FILLER {
                let its_start = start - vocab.n_units(before);
                sides.note(0, before, count, its_start as u32);
            }
            if after != FILLER {
                sides.note(1, after, count, posting);
            }
            (cells[middle - 1], cells[middle]) = (FILLER, FILLER);
            (cells[start], cells[end - 1]) = (merge.product, merge.product);
        }
    }

    pub(super) fn post_neighbours(&mut self, n_places: usize, places: [&[u32]; 2]) {
        self.sides.post(&mut self.postings, n_places, places);
    }
}

/// Calls `sink(first cell, left, right, count)` for all pairs of neighbours.
fn for_each_pair(
    cells: &[u32],
    words: &[(u32, u64)],
    vocab: &GrowingVocab,
    mut sink: impl FnMut(u32, u32, u32, u64),
) {
    for &(start, count) in words {
        let mut at = start as usize;
        loop {
            let next = at + vocab.n_units(cells[at]);
            if cells[next] == FILLER {
                break;
            }
            sink(at as u32, cells[at], cells[next], count);
            at = next;
        }
    }
}
