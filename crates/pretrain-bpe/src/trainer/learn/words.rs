//! The distinct pre-tokens as ids, and where each pair occurs in them.

use super::pairs::{NO_SLOT, PairCounts, PairIndex};
use crate::merges::pair;
use crate::trainer::vocab::GrowingVocab;

/// A part of the pre-tokens; each thread has one.
///
/// A word is a record in one flat array: its length, its count in two halves, its ids. What it loses
/// when ids merge is filled with `FILLER`, so that a walk finds the next record; the next
/// [`compact`](Self::compact) closes the gaps.
#[derive(Debug, Default)]
pub(in crate::trainer) struct Words {
    arena: Vec<u32>,
    /// For each place of the table of pairs, its range of `postings`.
    spans: Vec<(usize, u32)>,
    /// Records that hold a pair, in ascending order, each once. Some have lost it since.
    postings: Vec<u32>,
    /// Places of the current merge, each as often as its word occurs.
    n_merged: u64,
    /// Neighbours on the left of a merge, and on the right.
    sides: [Side; 2],
    counts: Option<PairCounts>,
}

const FILLER: u32 = u32::MAX;
const HEADER: usize = 3;
const AHEAD: usize = 16;
/// Records begin below this, so that 32 bits name them.
const MAX_ARENA: usize = u32::MAX as usize;

/// A merge of two ids.
#[derive(Clone, Copy, Debug)]
pub(in crate::trainer) struct Merge {
    pub(in crate::trainer) left: u32,
    pub(in crate::trainer) right: u32,
    pub(in crate::trainer) product: u32,
}

/// What stood on one side of the places of a merge.
#[derive(Debug, Default)]
struct Side {
    /// By id, so that a place costs no look-up in the table of pairs.
    cells: Vec<Cell>,
    /// The ids whose cell is in use.
    seen: Vec<u32>,
    /// Each neighbour with the record it stood in.
    log: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    count: u64,
    /// Postings at most.
    n: u32,
}

impl Words {
    /// Adds a word of two ids or more. `false` when the part is full.
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
        (self.postings, self.spans) = Default::default();
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
            sink(at as u32, ids, self.count(at));
            at += HEADER + len;
        }
    }

    #[inline(always)]
    fn count(&self, record: usize) -> u64 {
        u64::from(self.arena[record + 1]) | u64::from(self.arena[record + 2]) << 32
    }

    /// Counts all pairs of neighbours, for [`take_counts`](Self::take_counts).
    pub(in crate::trainer) fn count_pairs(
        &mut self,
        vocab: &GrowingVocab,
        max_token_length: Option<usize>,
    ) {
        let mut counts = PairCounts::default();
        self.for_each(|_, ids, count| {
            for neighbours in ids.windows(2) {
                let (left, right) = (neighbours[0], neighbours[1]);
                if vocab.is_counted(left, right, max_token_length) {
                    counts.add(pair(left, right), count);
                }
            }
        });
        self.counts = Some(counts);
    }

    pub(in crate::trainer) fn take_counts(&mut self) -> PairCounts {
        self.counts.take().unwrap_or_default()
    }

    /// Writes the postings of all pairs of the table anew.
    pub(in crate::trainer) fn find_pairs(&mut self, pairs: &PairIndex) {
        let mut spans = vec![(0, 0); pairs.len()];
        self.for_each_posting(pairs, |place, _| spans[place as usize].0 += 1);
        let mut end = 0;
        for span in &mut spans {
            let n = std::mem::replace(&mut span.0, end);
            end += n;
        }
        let mut postings = vec![0; end];
        self.for_each_posting(pairs, |place, record| {
            post(&mut postings, &mut spans[place as usize], record);
        });
        (self.postings, self.spans) = (postings, spans);
    }

    #[inline(always)]
    fn for_each_posting(&self, pairs: &PairIndex, mut sink: impl FnMut(u32, u32)) {
        self.for_each(|record, ids, _| {
            for neighbours in ids.windows(2) {
                let place = pairs.get(pair(neighbours[0], neighbours[1]));
                if place != NO_SLOT {
                    sink(place, record);
                }
            }
        });
    }

    /// The counts of the words.
    pub(in crate::trainer) fn counts(&self) -> Vec<u64> {
        let mut counts = Vec::new();
        self.for_each(|_, _, count| counts.push(count));
        counts
    }

    /// How many postings a place has.
    pub(in crate::trainer) fn n_postings(&self, place: u32) -> usize {
        self.spans[place as usize].1 as usize
    }

    /// Replaces each `(left, right)`, from left to right in each word, and notes the neighbours.
    /// `n_ids` = one more than the highest id.
    pub(in crate::trainer) fn merge(&mut self, place: u32, merge: Merge, n_ids: usize) {
        for side in &mut self.sides {
            side.cells.resize(n_ids, Cell::default());
        }
        self.n_merged = 0;
        let (start, len) = self.spans[place as usize];
        let end = start + len as usize;
        let mut index = start;
        while index < end {
            let upto = (index + AHEAD).min(end);
            // Asks for the next records all at once, so that they come from memory side by side.
            let mut touched = 0;
            for &record in &self.postings[index..upto] {
                touched ^= self.arena[record as usize];
                touched ^= self.arena.get(record as usize + 15).copied().unwrap_or(0);
            }
            std::hint::black_box(touched);
            for index in index..upto {
                self.merge_in(self.postings[index], merge);
            }
            index = upto;
        }
    }

    #[inline(always)]
    fn merge_in(&mut self, record: u32, merge: Merge) {
        let at = record as usize;
        let len = self.arena[at] as usize;
        let count = self.count(at);
        let [before, after] = &mut self.sides;
        let ids = &mut self.arena[at + HEADER..at + HEADER + len];
        let is_here = |ids: &[u32]| ids[0] == merge.left && ids[1] == merge.right;
        let Some(first) = ids.windows(2).position(is_here) else { return };
        let (mut read, mut write) = (first, first);
        while read < len {
            if ids[read] != merge.left || ids.get(read + 1) != Some(&merge.right) {
                ids[write] = ids[read];
                (read, write) = (read + 1, write + 1);
                continue;
            }
            if write > 0 {
                before.note(ids[write - 1], count, record);
            }
            if let Some(&next) = ids.get(read + 2) {
                after.note(next, count, record);
            }
            self.n_merged += count;
            ids[write] = merge.product;
            (read, write) = (read + 2, write + 1);
        }
        ids[write..].fill(FILLER);
        self.arena[at] = write as u32;
    }

    /// How often the pair of the current merge was replaced.
    pub(in crate::trainer) fn n_merged(&self) -> u64 {
        self.n_merged
    }

    /// Calls `sink` with the neighbours on one side and how often they stood there.
    pub(in crate::trainer) fn for_each_neighbour(
        &self,
        side: usize,
        mut sink: impl FnMut(u32, u64),
    ) {
        let side = &self.sides[side];
        side.seen.iter().for_each(|&id| sink(id, side.cells[id as usize].count));
    }

    /// Forgets the neighbours of the current merge.
    pub(in crate::trainer) fn forget_neighbours(&mut self) {
        for side in &mut self.sides {
            side.seen.drain(..).for_each(|id| side.cells[id as usize] = Cell::default());
            side.log.clear();
        }
    }

    /// Writes the postings of the pairs that have come into being. `places` are the places that a
    /// neighbour on that side gave its new pair, if any, by id. Then forgets the neighbours.
    pub(in crate::trainer) fn post_neighbours(&mut self, n_places: usize, places: [&[u32]; 2]) {
        self.spans.resize(n_places, (0, 0));
        for (side, places) in self.sides.iter_mut().zip(places) {
            let mut end = self.postings.len();
            for &id in &side.seen {
                let place = places[id as usize];
                if place != NO_SLOT {
                    self.spans[place as usize] = (end, 0);
                    end += side.cells[id as usize].n as usize;
                }
                side.cells[id as usize] = Cell::default();
            }
            self.postings.resize(end, 0);
            for (id, record) in side.log.drain(..) {
                let place = places[id as usize];
                if place != NO_SLOT {
                    post(&mut self.postings, &mut self.spans[place as usize], record);
                }
            }
            side.seen.clear();
        }
    }
}

/// Appends a record to a span with room, unless it is the last one there.
#[inline(always)]
fn post(postings: &mut [u32], span: &mut (usize, u32), record: u32) {
    let end = span.0 + span.1 as usize;
    if span.1 == 0 || postings[end - 1] != record {
        postings[end] = record;
        span.1 += 1;
    }
}

impl Side {
    #[inline(always)]
    fn note(&mut self, neighbour: u32, count: u64, record: u32) {
        let cell = &mut self.cells[neighbour as usize];
        if cell.n == 0 {
            self.seen.push(neighbour);
        }
        cell.count += count;
        cell.n += 1;
        self.log.push((neighbour, record));
    }
}
