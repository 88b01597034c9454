//! Merging neighbours in order of rank, keeping track of lengths.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::merges::{NO_MERGE, PairTable, RankedMerge, product};
use crate::model::span::Span;

/// Room for merging one word after another without allocating.
#[derive(Debug, Default)]
pub(crate) struct Merger {
    symbols: Vec<Symbol>,
    queue: Vec<Reverse<u64>>,
    start: u32,
}

/// A token and the length of its text; a linked list runs through those that are left.
#[derive(Clone, Copy, Debug)]
struct Symbol {
    id: u32,
    len: u32,
    next: u32,
    previous: u32,
    /// The merge of this symbol with the next.
    merge: RankedMerge,
}

const NONE: u32 = u32::MAX;

/// Above this many symbols a heap is faster than scanning for the minimum.
const LONG: usize = 32;

fn rank(merge: RankedMerge) -> u32 {
    (merge >> 32) as u32
}

impl Merger {
    /// Begins a word whose first token starts at `start`.
    pub(crate) fn start(&mut self, start: u32) {
        self.symbols.clear();
        self.start = start;
    }

    pub(crate) fn push(&mut self, id: u32, len: u32) {
        self.symbols.push(Symbol { id, len, next: NONE, previous: NONE, merge: NO_MERGE });
    }

    /// Merges until no pair has a merge, the lowest rank first and the leftmost of equals, and appends
    /// the tokens to `out`.
    ///
    /// `look_up` gives the merge of a pair. It is asked for all pairs from left to right at first, then
    /// for the pairs to the left and to the right of each product.
    pub(crate) fn merge(
        &mut self,
        mut look_up: impl FnMut(u32, u32) -> RankedMerge,
        out: &mut Vec<Span>,
    ) {
        for i in 1..self.symbols.len() {
            self.symbols[i - 1].merge = look_up(self.symbols[i - 1].id, self.symbols[i].id);
        }
        if self.symbols.len() <= LONG {
            self.merge_short(look_up);
        } else {
            self.merge_long(look_up);
        }
        let mut end = self.start;
        out.extend(self.symbols.iter().filter(|symbol| symbol.len > 0).map(|symbol| {
            let start = end;
            end += symbol.len;
            Span { id: symbol.id, start, end }
        }));
    }

    /// [`merge`](Self::merge) by a table.
    pub(crate) fn merge_by_table(&mut self, table: &PairTable, out: &mut Vec<Span>) {
        self.merge(|left, right| table.get(left, right), out);
    }

    fn merge_short(&mut self, mut look_up: impl FnMut(u32, u32) -> RankedMerge) {
        let symbols = &mut self.symbols;
        loop {
            let mut at = 0;
            let mut best = NO_MERGE;
            for (i, symbol) in symbols.iter().enumerate() {
                if rank(symbol.merge) < rank(best) {
                    (at, best) = (i, symbol.merge);
                }
            }
            if best == NO_MERGE {
                return;
            }
            let right = symbols.remove(at + 1);
            symbols[at].id = product(best);
            symbols[at].len += right.len;
            if at > 0 {
                symbols[at - 1].merge = look_up(symbols[at - 1].id, symbols[at].id);
            }
            let next = symbols.get(at + 1);
            symbols[at].merge = next.map_or(NO_MERGE, |next| look_up(symbols[at].id, next.id));
        }
    }

    fn merge_long(&mut self, mut look_up: impl FnMut(u32, u32) -> RankedMerge) {
        let Self { symbols, queue, .. } = self;
        let n = symbols.len() as u32;
        let entry = |merge, at| Reverse(u64::from(rank(merge)) << 32 | u64::from(at));
        queue.clear();
        for (i, symbol) in (0..).zip(symbols.iter_mut()) {
            symbol.previous = if i == 0 { NONE } else { i - 1 };
            symbol.next = if i + 1 == n { NONE } else { i + 1 };
            if symbol.merge != NO_MERGE {
                queue.push(entry(symbol.merge, i));
            }
        }
        let mut heap = BinaryHeap::from(std::mem::take(queue));
        while let Some(popped) = heap.pop() {
            let at = popped.0 as u32;
            let left = symbols[at as usize];
            // The pair has changed since it was queued, or its left symbol is gone.
            if left.merge == NO_MERGE || entry(left.merge, at) != popped {
                continue;
            }
            let gone = Symbol { id: 0, len: 0, next: NONE, previous: NONE, merge: NO_MERGE };
            let right = std::mem::replace(&mut symbols[left.next as usize], gone);
            let mut update = |at: u32, left: u32, right: u32| {
                let merge = look_up(left, right);
                if merge != NO_MERGE {
                    heap.push(entry(merge, at));
                }
                merge
            };
            let id = product(left.merge);
            if let Some(previous) = symbols.get_mut(left.previous as usize) {
                previous.merge = update(left.previous, previous.id, id);
            }
            let mut merge = NO_MERGE;
            if let Some(next) = symbols.get_mut(right.next as usize) {
                next.previous = at;
                merge = update(at, id, next.id);
            }
            let len = left.len + right.len;
            symbols[at as usize] = Symbol { id, len, next: right.next, merge, ..left };
        }
        *queue = heap.into_vec();
    }

    /// Gives back the memory of an extraordinary word.
    pub(crate) fn shrink(&mut self) {
        const KEEP: usize = 1 << 16;
        if self.symbols.capacity() > KEEP {
            *self = Self::default();
        }
    }
}
