//! Which pairs of tokens merge, in which order, into what.

use crate::hash;
use crate::vocabulary::{NO_TOKEN, Vocabulary};

/// The rank of a merge (lower goes first) and the token it makes, in one integer: rank in the upper
/// half. [`NO_MERGE`] is greater than all others.
pub(crate) type RankedMerge = u64;

pub(crate) const NO_MERGE: RankedMerge = u64::MAX;

pub(crate) fn ranked(rank: u32, product: u32) -> RankedMerge {
    u64::from(rank) << 32 | u64::from(product)
}

#[inline(always)]
pub(crate) fn product(merge: RankedMerge) -> u32 {
    merge as u32
}

/// The pair as one integer.
#[inline(always)]
pub(crate) fn pair(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

/// A hash table from pairs to ranked merges. Its content does not change once built.
#[derive(Clone)]
pub(crate) struct MergeTable {
    /// (pair, merge); a free slot holds the pair of `NO_TOKEN` with itself and `NO_MERGE`.
    slots: Vec<(u64, RankedMerge)>,
    mask: usize,
}

const FREE: u64 = u64::MAX;

impl MergeTable {
    /// The table of merges given in order of rank. Of two equal pairs the later stands, as in
    /// Hugging Face's `BPE`.
    pub(crate) fn new(merges: &[(u64, RankedMerge)]) -> Self {
        let mut this = Self::with_room_for(merges.len());
        for &(pair, merge) in merges {
            this.insert(pair, merge);
        }
        this
    }

    fn with_room_for(n_merges: usize) -> Self {
        let n_slots = (n_merges * 3 / 2).next_power_of_two().max(2);
        Self { slots: vec![(FREE, NO_MERGE); n_slots], mask: n_slots - 1 }
    }

    fn insert(&mut self, pair: u64, merge: RankedMerge) {
        let mut slot = self.home(pair);
        while self.slots[slot].0 != FREE && self.slots[slot].0 != pair {
            slot = (slot + 1) & self.mask;
        }
        self.slots[slot] = (pair, merge);
    }

    /// The merges of a rank file, in order of rank: one pair for each token that merging can reach.
    ///
    /// The rule of a rank file is that any two neighbours merge whose bytes together are a token. Yet of
    /// all the pairs that make a token `c` only one can ever meet. Where a text is merged into `c`, no
    /// merge has crossed the borders of its bytes, so those inside happened as they would have if the
    /// bytes of `c` stood alone; and alone they end in one state, which is the pair. It is found by
    /// merging the bytes of each token with the pairs of all shorter ones. (A token that does not come
    /// down to two is only found as a whole pre-token.) The tests compare with the table of all pairs.
    pub(crate) fn of_ranks(vocabulary: &Vocabulary) -> (Self, Vec<(u64, RankedMerge)>) {
        let byte_ids = vocabulary.byte_ids();
        let mut by_len: Vec<(u32, &[u8])> = vocabulary.iter().collect();
        by_len.sort_by_key(|(_, bytes)| bytes.len());
        let mut this = Self::with_room_for(by_len.len());
        let mut merges = Vec::with_capacity(by_len.len());
        let mut scratch = MergeScratch::default();
        let mut parts = Vec::new();
        for (id, bytes) in by_len {
            parts.clear();
            scratch.merge(bytes, &byte_ids, &this, &mut parts);
            if let [left, right] = parts[..] {
                let merge = (pair(left, right), ranked(id, id));
                this.insert(merge.0, merge.1);
                merges.push(merge);
            }
        }
        merges.sort_unstable_by_key(|(_, merge)| *merge);
        (this, merges)
    }

    #[inline(always)]
    fn home(&self, pair: u64) -> usize {
        hash::word(pair) as usize & self.mask
    }

    #[inline(always)]
    pub(crate) fn get(&self, left: u32, right: u32) -> RankedMerge {
        let pair = pair(left, right);
        let mut slot = self.home(pair);
        loop {
            let (found, merge) = self.slots[slot];
            if found == pair || found == FREE {
                return merge;
            }
            slot = (slot + 1) & self.mask;
        }
    }
}

impl std::fmt::Debug for MergeTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let n_merges = self.slots.iter().filter(|(pair, _)| *pair != FREE).count();
        f.debug_struct("MergeTable").field("n_merges", &n_merges).finish_non_exhaustive()
    }
}

/// Room for merging one piece after another without allocating.
#[derive(Debug, Default)]
pub(crate) struct MergeScratch {
    /// The token at each position.
    ids: Vec<u32>,
    /// The merge of the token at a position with the next.
    merges: Vec<RankedMerge>,
    next: Vec<usize>,
    previous: Vec<usize>,
    queue: Vec<std::cmp::Reverse<(u32, usize)>>,
}

/// Above this many bytes a heap is faster than scanning for the minimum.
const LONG: usize = 96;

impl MergeScratch {
    /// Merges `bytes` until no pair has a merge, the lowest rank first and the leftmost of equals, and
    /// appends the tokens to `out`. A byte without token is left out.
    ///
    /// O(n²) with a tiny constant up to [`LONG`] bytes, O(n log n) above.
    pub(crate) fn merge(
        &mut self,
        bytes: &[u8],
        byte_ids: &[u32; 256],
        table: &MergeTable,
        out: &mut Vec<u32>,
    ) {
        self.ids.clear();
        let ids = bytes.iter().map(|&byte| byte_ids[byte as usize]);
        self.ids.extend(ids.filter(|&id| id != NO_TOKEN));
        self.merges.clear();
        self.merges.extend(self.ids.windows(2).map(|pair| table.get(pair[0], pair[1])));
        self.merges.push(NO_MERGE);
        if self.ids.len() <= LONG {
            self.merge_short(table);
            out.extend_from_slice(&self.ids);
        } else {
            self.merge_long(table, out);
        }
    }

    fn merge_short(&mut self, table: &MergeTable) {
        let Self { ids, merges, .. } = self;
        loop {
            let mut at = 0;
            let mut best = NO_MERGE;
            for (i, &merge) in merges.iter().enumerate() {
                if merge < best {
                    (at, best) = (i, merge);
                }
            }
            if best == NO_MERGE {
                return;
            }
            ids[at] = product(best);
            ids.remove(at + 1);
            merges.remove(at + 1);
            merges[at] = ids.get(at + 1).map_or(NO_MERGE, |&right| table.get(ids[at], right));
            if at > 0 {
                merges[at - 1] = table.get(ids[at - 1], ids[at]);
            }
        }
    }

    fn merge_long(&mut self, table: &MergeTable, out: &mut Vec<u32>) {
        use std::cmp::Reverse;
        let n = self.ids.len();
        let Self { ids, merges, next, previous, queue } = self;
        next.clear();
        next.extend(1..=n);
        previous.clear();
        previous.extend((0..n).map(|i| i.wrapping_sub(1)));
        queue.clear();
        let rank = |merge: RankedMerge| (merge >> 32) as u32;
        queue.extend(
            (0..n).filter(|&i| merges[i] != NO_MERGE).map(|i| Reverse((rank(merges[i]), i))),
        );
        let mut heap = std::collections::BinaryHeap::from(std::mem::take(queue));
        while let Some(Reverse((popped, at))) = heap.pop() {
            let merge = merges[at];
            // The pair has changed since it was queued, or its left token is gone.
            if merge == NO_MERGE || rank(merge) != popped {
                continue;
            }
            let right = next[at];
            ids[at] = product(merge);
            next[at] = next[right];
            merges[right] = NO_MERGE;
            if next[at] < n {
                previous[next[at]] = at;
                merges[at] = table.get(ids[at], ids[next[at]]);
            } else {
                merges[at] = NO_MERGE;
            }
            if merges[at] != NO_MERGE {
                heap.push(Reverse((rank(merges[at]), at)));
            }
            if at > 0 {
                let left = previous[at];
                merges[left] = table.get(ids[left], ids[at]);
                if merges[left] != NO_MERGE {
                    heap.push(Reverse((rank(merges[left]), left)));
                }
            }
        }
        *queue = heap.into_vec();
        let mut at = 0;
        while at < n {
            out.push(ids[at]);
            at = next[at];
        }
    }

    /// Gives back the memory of an extraordinary piece.
    pub(crate) fn shrink(&mut self) {
        const KEEP: usize = 1 << 16;
        if self.ids.capacity() > KEEP {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests;
