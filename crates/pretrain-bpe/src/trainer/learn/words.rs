//! Pre-tokens as ids, and where each pair occurs in them.

use super::pairs::{NO_SLOT, PairCounts, PairIndex};
use super::sides::{Postings, Sides};
use crate::merges::pair;
use crate::trainer::vocab::GrowingVocab;

/// Words in one flat array.
///
/// A word is a record: its length, its count in two halves, its ids. What it loses when ids merge is
/// filled with `FILLER`, so that a walk finds the next record; the next [`compact`](Self::compact)
/// closes the gaps. The postings of a pair are the records that hold it.
#[derive(Debug, Default)]
pub(in crate::trainer) struct Words {
    arena: Vec<u32>,
    postings: Postings,
    sides: Sides,
    /// Places of the current merge, each as often as its word occurs.
    n_merged: u64,
}

const FILLER: u32 = u32::MAX;
const HEADER: usize = 3;
/// Records begin below this, so that 32 bits name them.
const MAX_ARENA: usize = u32::MAX as usize;

/// A merge of two ids.
#[derive(Clone, Copy, Debug)]
pub(in crate::trainer) struct Merge {
    pub(in crate::trainer) left: u32,
    pub(in crate::trainer) right: u32,
    pub(in crate::trainer) product: u32,
}

impl Words {
    /// Adds a word of two ids or more. `false` when there is no room.
    #[must_use]
    pub(in crate::trainer) fn push(&mut self, ids: &[u32], count: u64) -> bool {
        if self.arena.len() + HEADER + ids.len() > MAX_ARENA {
            return false;
        }
        self.arena.extend([ids.len() as u32, count as u32, (count >> 32) as u32]);
        self.arena.extend_from_slice(ids);
        true
    }

    /// Closes the gaps, leaves out words of one id and forgets the postings.
    pub(in crate::trainer) fn compact(&mut self) {
        self.postings = Postings::default();
        let (mut read, mut write) = (0, 0);
        while read < self.arena.len() {
            let len = self.arena[read];
            if len == FILLER {
                read += 1;
                continue;
            }
            let record = HEADER + len as usize;
            if len > 1 {
                self.arena.copy_within(read..read + record, write);
                write += record;
            }
            read += record;
        }
        self.arena.truncate(write);
    }

    /// Calls `sink(record, ids, count)` for each word of a compact arena.
    #[inline(always)]
    pub(in crate::trainer) fn for_each(&self, mut sink: impl FnMut(u32, &[u32], u64)) {
        let mut at = 0;
        while at < self.arena.len() {
            let len = self.arena[at] as usize;
            let ids = &self.arena[at + HEADER..at + HEADER + len];
            sink(at as u32, ids, count_at(&self.arena, at));
            at += HEADER + len;
        }
    }

    /// Counts all pairs of neighbours.
    pub(in crate::trainer) fn count_pairs(
        &self,
        vocab: &GrowingVocab,
        limit: Option<usize>,
        counts: &mut PairCounts,
    ) {
        self.for_each(|_, ids, count| {
            for neighbours in ids.windows(2) {
                let (left, right) = (neighbours[0], neighbours[1]);
                if vocab.is_counted(left, right, limit) {
                    counts.add(pair(left, right), count);
                }
            }
        });
    }

    /// Writes the postings of all pairs of the table anew.
    pub(in crate::trainer) fn find_pairs(&mut self, pairs: &PairIndex) {
        self.postings = Postings::new(pairs.len(), |sink| {
            self.for_each(|record, ids, _| {
                for neighbours in ids.windows(2) {
                    let place = pairs.get(pair(neighbours[0], neighbours[1]));
                    if place != NO_SLOT {
                        sink(place, record);
                    }
                }
            });
        });
    }

    /// How many postings a place has.
    pub(super) fn n_postings(&self, place: u32) -> usize {
        self.postings.n(place)
    }

    /// Replaces each `(left, right)`, from left to right in each word, and notes the neighbours.
    /// `n_ids` = one more than the highest id.
    pub(in crate::trainer) fn merge(&mut self, place: u32, merge: Merge, n_ids: usize) {
        self.n_merged = 0;
        let Self { arena, postings, sides, n_merged } = self;
        sides.make_room(n_ids);
        for records in postings.get(postings.range(place)).chunks(AHEAD) {
            // Asks for some records at once, so that they come from memory side by side: the merges
            // take half the time.
            let mut touched = 0;
            for &record in records {
                touched ^= arena[record as usize];
                touched ^= arena.get(record as usize + 15).copied().unwrap_or(0);
            }
            std::hint::black_box(touched);
            for &record in records {
                *n_merged += merge_in(arena, sides, record, merge);
            }
        }
    }

    /// How often the pair of the current merge was replaced.
    pub(in crate::trainer) fn n_merged(&self) -> u64 {
        self.n_merged
    }

    /// Calls `sink` with the neighbours of the current merge on one side and how often they stood there.
    pub(in crate::trainer) fn for_each_neighbour(&self, side: usize, sink: impl FnMut(u32, u64)) {
        self.sides.for_each(side, sink);
    }

    /// Forgets the neighbours of the current merge.
    pub(in crate::trainer) fn forget_neighbours(&mut self) {
        self.sides.forget();
    }

    /// Writes the postings of the pairs that have come into being, see [`Sides::post`].
    pub(in crate::trainer) fn post_neighbours(&mut self, n_places: usize, places: [&[u32]; 2]) {
        self.sides.post(&mut self.postings, n_places, places);
    }
}

const AHEAD: usize = 16;

#[inline(always)]
fn count_at(arena: &[u32], record: usize) -> u64 {
    u64::from(arena[record + 1]) | u64::from(arena[record + 2]) << 32
}

/// Merges in one word; how many places there were, each as often as the word occurs.
#[inline(always)]
fn merge_in(arena: &mut [u32], sides: &mut Sides, record: u32, merge: Merge) -> u64 {
    let at = record as usize;
    let len = arena[at] as usize;
    let count = count_at(arena, at);
    let ids = &mut arena[at + HEADER..at + HEADER + len];
    let is_here = |ids: &[u32]| ids[0] == merge.left && ids[1] == merge.right;
    let Some(first) = ids.windows(2).position(is_here) else { return 0 };
    let (mut read, mut write) = (first, first);
    while read < len {
        if ids[read] != merge.left || ids.get(read + 1) != Some(&merge.right) {
            ids[write] = ids[read];
            (read, write) = (read + 1, write + 1);
            continue;
        }
        if write > 0 {
            sides.note(0, ids[write - 1], count, record);
        }
        if let Some(&next) = ids.get(read + 2) {
            sides.note(1, next, count, record);
        }
        ids[write] = merge.product;
        (read, write) = (read + 2, write + 1);
    }
    ids[write..].fill(FILLER);
    arena[at] = write as u32;
    count * (len - write) as u64
}
