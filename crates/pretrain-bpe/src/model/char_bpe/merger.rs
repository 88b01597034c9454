//! Merging neighbours in order of rank, keeping track of lengths.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::merges::{MergeTable, NO_MERGE, RankedMerge, product};
use crate::model::Span;

/// Room for merging one word after another without allocating.
#[derive(Debug, Default)]
pub(crate) struct CharMerger {
    symbols: Vec<Symbol>,
    queue: Vec<Reverse<(RankedMerge, u32)>>,
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

impl CharMerger {
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
    pub(crate) fn merge(&mut self, table: &MergeTable, out: &mut Vec<Span>) {
        for i in 1..self.symbols.len() {
            self.symbols[i - 1].merge = table.get(self.symbols[i - 1].id, self.symbols[i].id);
        }
        if self.symbols.len() <= LONG {
            self.merge_short(table);
        } else {
            self.merge_long(table);
        }
        let mut end = self.start;
        out.extend(self.symbols.iter().filter(|symbol| symbol.len > 0).map(|symbol| {
            let start = end;
            end += symbol.len;
            Span { id: symbol.id, start, end }
        }));
    }

    fn merge_short(&mut self, table: &MergeTable) {
        let symbols = &mut self.symbols;
        loop {
            let best = symbols.iter().map(|symbol| symbol.merge).zip(0..).min();
            let Some((best, at)) = best.filter(|(best, _)| *best != NO_MERGE) else { return };
            let right = symbols.remove(at + 1);
            symbols[at].id = product(best);
            symbols[at].len += right.len;
            let next = symbols.get(at + 1);
            symbols[at].merge = next.map_or(NO_MERGE, |next| table.get(symbols[at].id, next.id));
            if at > 0 {
                symbols[at - 1].merge = table.get(symbols[at - 1].id, symbols[at].id);
            }
        }
    }

    fn merge_long(&mut self, table: &MergeTable) {
        let Self { symbols, queue, .. } = self;
        let n = symbols.len() as u32;
        queue.clear();
        for (i, symbol) in (0..).zip(symbols.iter_mut()) {
            symbol.previous = if i == 0 { NONE } else { i - 1 };
            symbol.next = if i + 1 == n { NONE } else { i + 1 };
            if symbol.merge != NO_MERGE {
                queue.push(Reverse((symbol.merge, i)));
            }
        }
        let mut heap = BinaryHeap::from(std::mem::take(queue));
        while let Some(Reverse((merge, at))) = heap.pop() {
            let left = symbols[at as usize];
            // The pair has changed since it was queued, or its left symbol is gone.
            if left.merge != merge {
                continue;
            }
            let right = std::mem::replace(
                &mut symbols[left.next as usize],
                Symbol { id: 0, len: 0, next: NONE, previous: NONE, merge: NO_MERGE },
            );
            let mut update = |at: u32, id: u32, next: Option<u32>| {
                let merge = next.map_or(NO_MERGE, |next| table.get(id, next));
                if merge != NO_MERGE {
                    heap.push(Reverse((merge, at)));
                }
                merge
            };
            let id = product(merge);
            let next = symbols.get_mut(right.next as usize).map(|next| {
                next.previous = at;
                next.id
            });
            symbols[at as usize] = Symbol {
                id,
                len: left.len + right.len,
                next: right.next,
                previous: left.previous,
                merge: update(at, id, next),
            };
            if let Some(previous) = symbols.get_mut(left.previous as usize) {
                previous.merge = update(left.previous, previous.id, Some(id));
            }
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
