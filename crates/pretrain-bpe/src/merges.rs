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

/// The merges of byte-level BPE: those of two bytes by byte, all by pair. Does not change once built.
#[derive(Clone, Debug)]
pub(crate) struct MergeTable {
    /// The tokens of the bytes, `NO_TOKEN` where there is none.
    byte_ids: [u32; 256],
    /// The merges of two bytes, a row for each left byte: 512 KiB. A piece of n bytes asks for n - 1 of
    /// them before it asks for any other.
    byte_merges: Box<[[RankedMerge; 256]]>,
    pairs: PairTable,
}

impl MergeTable {
    /// The table of merges given in order of rank. Of two equal pairs the later stands, as in
    /// Hugging Face's `BPE`.
    pub(crate) fn new(byte_ids: &[u32; 256], merges: &[(u64, RankedMerge)]) -> Self {
        let mut this = Self::with_pairs(byte_ids, PairTable::new(merges));
        this.fill_byte_merges();
        this
    }

    fn with_pairs(byte_ids: &[u32; 256], pairs: PairTable) -> Self {
        let byte_merges = vec![[NO_MERGE; 256]; 256].into_boxed_slice();
        Self { byte_ids: *byte_ids, byte_merges, pairs }
    }

    fn fill_byte_merges(&mut self) {
        for left in 0..256 {
            for right in 0..256 {
                let ids = [self.byte_ids[left], self.byte_ids[right]];
                if !ids.contains(&NO_TOKEN) {
                    self.byte_merges[left][right] = self.get(ids[0], ids[1]);
                }
            }
        }
    }

    /// The token of each byte, or `NO_TOKEN`.
    pub(crate) fn byte_ids(&self) -> &[u32; 256] {
        &self.byte_ids
    }

    /// The merges of a rank file, in no order: one pair for each token that merging can reach.
    ///
    /// The rule of a rank file is that any two neighbours merge whose bytes together are a token. Yet of
    /// all the pairs that make a token `c` only one can ever meet. Where a text is merged into `c`, no
    /// merge has crossed the borders of its bytes, so those inside happened as they would have if the
    /// bytes of `c` stood alone; and alone they end in one state, which is the pair. It is found by
    /// merging the bytes of each token with the pairs of all shorter ones. (A token that does not come
    /// down to two is only found as a whole pre-token.) The tests compare with the table of all pairs.
    pub(crate) fn of_ranks(vocabulary: &Vocabulary) -> (Self, Vec<(u64, RankedMerge)>) {
        let mut by_len: Vec<Vec<u32>> = Vec::new();
        for (id, bytes) in vocabulary.iter() {
            by_len.resize(by_len.len().max(bytes.len() + 1), Vec::new());
            by_len[bytes.len()].push(id);
        }
        let pairs = PairTable::with_room_for(vocabulary.n_tokens());
        let mut this = Self::with_pairs(&vocabulary.byte_ids(), pairs);
        let mut merges = Vec::with_capacity(vocabulary.n_tokens());
        for (len, ids) in by_len.iter().enumerate() {
            let n_before = merges.len();
            this.last_merges(vocabulary, ids, &mut merges);
            this.pairs.insert_all(&merges[n_before..]);
            if len == 2 {
                this.fill_byte_merges();
            }
        }
        (this, merges)
    }

    /// Appends the last merge of each token that has one. Tokens of one length need nothing of each
    /// other, so they may be shared among the threads of the caller's pool.
    #[cfg(feature = "rayon")]
    fn last_merges(
        &self,
        vocabulary: &Vocabulary,
        ids: &[u32],
        merges: &mut Vec<(u64, RankedMerge)>,
    ) {
        use rayon::prelude::*;
        /// Takes a thread 130 µs: 0.26 µs a token of o200k.
        const SHARE: usize = 512;
        if ids.len() <= SHARE {
            return self.last_merges_of(vocabulary, ids, merges);
        }
        let shares = ids.par_chunks(SHARE).map(|ids| {
            let mut merges = Vec::with_capacity(ids.len());
            self.last_merges_of(vocabulary, ids, &mut merges);
            merges
        });
        shares.collect::<Vec<_>>().iter().for_each(|share| merges.extend_from_slice(share));
    }

    /// Appends the last merge of each token that has one.
    #[cfg(not(feature = "rayon"))]
    fn last_merges(
        &self,
        vocabulary: &Vocabulary,
        ids: &[u32],
        merges: &mut Vec<(u64, RankedMerge)>,
    ) {
        self.last_merges_of(vocabulary, ids, merges);
    }

    fn last_merges_of(
        &self,
        vocabulary: &Vocabulary,
        ids: &[u32],
        merges: &mut Vec<(u64, RankedMerge)>,
    ) {
        let mut scratch = MergeScratch::default();
        let mut parts = Vec::new();
        for &id in ids {
            parts.clear();
            scratch.merge(vocabulary.bytes(id).unwrap_or_default(), self, &mut parts);
            if let [left, right] = parts[..] {
                merges.push((pair(left, right), ranked(id, id)));
            }
        }
    }

    #[inline(always)]
    pub(crate) fn get(&self, left: u32, right: u32) -> RankedMerge {
        self.pairs.get(left, right)
    }
}

/// A hash table from pairs to ranked merges.
#[derive(Clone)]
pub(crate) struct PairTable {
    /// (pair, merge); a free slot holds the pair of `NO_TOKEN` with itself and `NO_MERGE`.
    slots: Vec<(u64, RankedMerge)>,
    mask: usize,
    /// Bits at the hashes of the pairs, four for each slot. Most pairs that are asked for do not merge,
    /// and nine in ten of those end here: 256 KiB for 200,000 merges, where the slots are 8 MiB.
    filter: Vec<u64>,
}

const FREE: u64 = u64::MAX;

impl PairTable {
    /// The table of merges given in order of rank. Of two equal pairs the later stands.
    pub(crate) fn new(merges: &[(u64, RankedMerge)]) -> Self {
        let mut this = Self::with_room_for(merges.len());
        this.insert_all(merges);
        this
    }

    /// Inserts in order. The slots of some are looked at before the first is filled: of a large table
    /// none is in a cache, and they arrive together (o200k: 24 ms one by one, 4 so).
    fn insert_all(&mut self, merges: &[(u64, RankedMerge)]) {
        for group in merges.chunks(32) {
            let slot = |pair| hash::word(pair) as usize & self.mask;
            let seen = group.iter().fold(0, |seen, (pair, _)| seen ^ self.slots[slot(*pair)].0);
            std::hint::black_box(seen);
            for &(pair, merge) in group {
                self.insert(pair, merge);
            }
        }
    }

    fn with_room_for(n_merges: usize) -> Self {
        let n_slots = (n_merges * 3 / 2).next_power_of_two().max(2);
        let filter = vec![0; n_slots.div_ceil(16)];
        Self { slots: vec![(FREE, NO_MERGE); n_slots], mask: n_slots - 1, filter }
    }

    fn insert(&mut self, pair: u64, merge: RankedMerge) {
        let hash = hash::word(pair);
        let (word, bit) = self.filter_bit(hash);
        self.filter[word] |= bit;
        let mut slot = hash as usize & self.mask;
        while self.slots[slot].0 != FREE && self.slots[slot].0 != pair {
            slot = (slot + 1) & self.mask;
        }
        self.slots[slot] = (pair, merge);
    }

    /// The word of the filter and the bit in it. The hash's upper half: the lower one decides the slot.
    #[inline(always)]
    fn filter_bit(&self, hash: u64) -> (usize, u64) {
        let word = (hash >> 38) as usize & (self.filter.len() - 1);
        (word, 1 << (hash >> 32 & 63))
    }

    #[inline(always)]
    pub(crate) fn get(&self, left: u32, right: u32) -> RankedMerge {
        let pair = pair(left, right);
        let hash = hash::word(pair);
        let (word, bit) = self.filter_bit(hash);
        if self.filter[word] & bit == 0 {
            return NO_MERGE;
        }
        let mut slot = hash as usize & self.mask;
        loop {
            let (found, merge) = self.slots[slot];
            if found == pair || found == FREE {
                return merge;
            }
            slot = (slot + 1) & self.mask;
        }
    }
}

impl std::fmt::Debug for PairTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let n_merges = self.slots.iter().filter(|(pair, _)| *pair != FREE).count();
        f.debug_struct("PairTable").field("n_merges", &n_merges).finish_non_exhaustive()
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
const LONG: usize = 64;

impl MergeScratch {
    /// Merges `bytes` until no pair has a merge, the lowest rank first and the leftmost of equals, and
    /// appends the tokens to `out`. A byte without token is left out.
    ///
    /// O(n²) with a tiny constant up to [`LONG`] bytes, O(n log n) above.
    pub(crate) fn merge(&mut self, bytes: &[u8], table: &MergeTable, out: &mut Vec<u32>) {
        if bytes.len() <= LONG && bytes.iter().all(|&b| table.byte_ids[b as usize] != NO_TOKEN) {
            return merge_short(bytes, table, out);
        }
        self.ids.clear();
        let ids = bytes.iter().map(|&byte| table.byte_ids[byte as usize]);
        self.ids.extend(ids.filter(|&id| id != NO_TOKEN));
        self.merges.clear();
        self.merges.extend(self.ids.windows(2).map(|pair| table.get(pair[0], pair[1])));
        self.merges.push(NO_MERGE);
        self.merge_long(table, out);
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

/// Merges up to [`LONG`] bytes that all have tokens: a chain of tokens on the stack, searched for the
/// lowest rank at every step.
fn merge_short(bytes: &[u8], table: &MergeTable, out: &mut Vec<u32>) {
    let n = bytes.len();
    let mut ids = [0; LONG];
    let mut merges = [NO_MERGE; LONG];
    // Neighbours in the chain; that of the last is `n`.
    let mut next = [0u8; LONG];
    let mut previous = [0u8; LONG + 1];
    for i in 0..n {
        ids[i] = table.byte_ids[bytes[i] as usize];
        next[i] = i as u8 + 1;
        previous[i + 1] = i as u8;
    }
    for i in 1..n {
        merges[i - 1] = table.byte_merges[bytes[i - 1] as usize][bytes[i] as usize];
    }
    loop {
        let mut at = 0;
        let mut best = NO_MERGE;
        for (i, &merge) in merges[..n].iter().enumerate() {
            if merge < best {
                (at, best) = (i, merge);
            }
        }
        if best == NO_MERGE {
            break;
        }
        let right = next[at] as usize;
        let after = next[right] as usize;
        ids[at] = product(best);
        next[at] = after as u8;
        previous[after] = at as u8;
        merges[right] = NO_MERGE;
        merges[at] = if after < n { table.get(ids[at], ids[after]) } else { NO_MERGE };
        if at > 0 {
            let left = previous[at] as usize;
            merges[left] = table.get(ids[left], ids[at]);
        }
    }
    let mut at = 0;
    while at < n {
        out.push(ids[at]);
        at = next[at] as usize;
    }
}

#[cfg(test)]
mod tests;
