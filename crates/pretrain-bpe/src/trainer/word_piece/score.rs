//! Scores as exact fractions, and a queue of bounds on them.

use std::cmp::Ordering;

/// `pair / (left * right)`, compared exactly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score {
    pair: u64,
    product: u128,
}

impl Score {
    pub(super) fn new(pair: u64, left: u64, right: u64) -> Self {
        Self { pair, product: u128::from(left) * u128::from(right) }
    }

    #[inline]
    pub(super) fn cmp(&self, other: &Self) -> Ordering {
        let crosswise = |score: &Self, other: &Self| {
            let low = u128::from(score.pair) * u128::from(other.product as u64);
            let high = u128::from(score.pair) * (other.product >> 64);
            // 192 bits: no carry is lost, since the upper part is below 2^128 - 2^64.
            (high + (low >> 64), low as u64)
        };
        crosswise(self, other).cmp(&crosswise(other, self))
    }
}

/// A number that the count of a token has not fallen below. The score of a pair of tokens is at most
/// the score with the bounds in place of the counts, so that needs no change while the counts fall
/// towards the bounds: a token that takes part in thousands of merges has its many pairs scored anew
/// some hundred times.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bound(u64);

impl Bound {
    pub(super) fn of(count: u64) -> Self {
        Self(count - count / 32)
    }

    pub(super) fn holds(self, count: u64) -> bool {
        count >= self.0
    }

    pub(super) fn least(self) -> u64 {
        self.0
    }
}

/// A pair with a bound on its score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) score: Score,
    pub(super) place: u32,
    pub(super) version: u32,
}

/// A binary heap with the greatest score on top, of equals the first in an order that the caller gives
/// (the texts of the pairs, which do not fit into an entry).
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: Vec<Entry>,
    /// Entries when stale ones were last dropped.
    n_clean: usize,
}

type Order<'a> = &'a dyn Fn(u32, u32) -> Ordering;

impl Queue {
    pub(super) fn peek(&self) -> Option<Entry> {
        self.heap.first().copied()
    }

    pub(super) fn push(&mut self, score: Score, place: u32, version: u32, order: Order<'_>) {
        self.heap.push(Entry { score, place, version });
        let mut at = self.heap.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !is_before(&self.heap[at], &self.heap[parent], order) {
                break;
            }
            self.heap.swap(at, parent);
            at = parent;
        }
    }

    /// Drops the top.
    pub(super) fn pop(&mut self, order: Order<'_>) {
        if !self.heap.is_empty() {
            self.heap.swap_remove(0);
            self.sink(0, order);
        }
    }

    fn sink(&mut self, mut at: usize, order: Order<'_>) {
        loop {
            let mut first = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.heap.len() && is_before(&self.heap[child], &self.heap[first], order)
                {
                    first = child;
                }
            }
            if first == at {
                return;
            }
            self.heap.swap(at, first);
            at = first;
        }
    }

    /// Drops entries that are not valid any more, if there may be many.
    pub(super) fn drop_stale(&mut self, is_valid: &dyn Fn(u32, u32) -> bool, order: Order<'_>) {
        if self.heap.len() < 2 * self.n_clean + 1024 {
            return;
        }
        self.heap.retain(|entry| is_valid(entry.place, entry.version));
        for at in (0..self.heap.len() / 2).rev() {
            self.sink(at, order);
        }
        self.n_clean = self.heap.len();
    }
}

fn is_before(a: &Entry, b: &Entry, order: Order<'_>) -> bool {
    b.score.cmp(&a.score).then_with(|| order(a.place, b.place)) == Ordering::Less
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_compare_exactly() {
        let max = u64::MAX;
        let score = Score::new;
        assert_eq!(score(1, 2, 3).cmp(&score(2, 4, 3)), Ordering::Equal);
        assert_eq!(score(max, max, max).cmp(&score(1, max, 1)), Ordering::Equal);
        assert_eq!(score(max - 1, max, max).cmp(&score(1, max, 1)), Ordering::Less);
        assert_eq!(score(max, max, max - 1).cmp(&score(1, max, 1)), Ordering::Greater);
        assert_eq!(score(max, max, max).cmp(&score(max, max, max)), Ordering::Equal);
        assert_eq!(score(0, max, max).cmp(&score(1, max, max)), Ordering::Less);
    }

    #[test]
    fn the_queue_sorts() {
        let mut queue = Queue::default();
        let order: Order<'_> = &|a, b| b.cmp(&a);
        for place in 0..100 {
            queue.push(Score::new(u64::from(place * 37 % 10), 1, 1), place, place % 3, order);
        }
        queue.n_clean = 0;
        queue.heap.reserve(0);
        let mut found = Vec::new();
        while let Some(top) = queue.peek() {
            found.push((top.score.pair, top.place));
            queue.pop(order);
        }
        let mut expected: Vec<_> =
            (0..100).map(|place| (u64::from(place * 37 % 10), place)).collect();
        expected.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(found, expected);
    }
}
