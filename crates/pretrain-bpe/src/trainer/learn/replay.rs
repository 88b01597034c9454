//! Known merges, done again on words.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::hash::WordMap;
use crate::merges::pair;

/// An ordered list of merges and room to do them. Doing all of them one after another on a word, and
/// doing always the first that is possible, is the same: a merge can only make a pair possible whose
/// rank is later than its own.
#[derive(Debug, Default)]
pub(in crate::trainer) struct Replay {
    /// Rank and product.
    merges: WordMap<(u32, u32)>,
    n: u32,
    next: Vec<usize>,
    previous: Vec<usize>,
    queue: BinaryHeap<Reverse<(u32, usize)>>,
}

const NONE: usize = usize::MAX;

impl Replay {
    /// Appends a merge. Of two equal pairs the later stands, as in Hugging Face's `BPE`.
    pub(in crate::trainer) fn push(&mut self, left: u32, right: u32, product: u32) {
        self.merges.insert(pair(left, right), (self.n, product));
        self.n += 1;
    }

    /// Merges the ids of a word in O(n log n).
    pub(in crate::trainer) fn merge(&mut self, ids: &mut Vec<u32>) {
        if self.merges.is_empty() {
            return;
        }
        let Self { merges, next, previous, queue, .. } = self;
        let n = ids.len();
        next.clear();
        next.extend(1..=n);
        previous.clear();
        previous.extend((0..n).map(|i| i.wrapping_sub(1)));
        let merge_at = |ids: &[u32], next: &[usize], i: usize| {
            let right = *next.get(i)?;
            merges.get(&pair(ids[i], *ids.get(right)?)).copied()
        };
        queue.clear();
        for i in 0..n {
            queue.extend(merge_at(ids, next, i).map(|(rank, _)| Reverse((rank, i))));
        }
        while let Some(Reverse((rank, i))) = queue.pop() {
            // The left id is gone, or the pair has changed.
            if next[i] == NONE {
                continue;
            }
            let Some((_, product)) = merge_at(ids, next, i).filter(|merge| merge.0 == rank) else {
                continue;
            };
            let right = next[i];
            ids[i] = product;
            next[i] = next[right];
            next[right] = NONE;
            if next[i] < n {
                previous[next[i]] = i;
            }
            for at in [previous[i], i] {
                queue.extend(merge_at(ids, next, at).map(|(rank, _)| Reverse((rank, at))));
            }
        }
        let mut write = 0;
        for read in 0..n {
            if next[read] != NONE {
                ids[write] = ids[read];
                write += 1;
            }
        }
        ids.truncate(write);
    }
}
