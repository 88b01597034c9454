//! The pairs that can still become tokens, and their counts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::hash;

/// No place in the table.
pub(in crate::trainer) const NO_SLOT: u32 = u32::MAX;

/// A number per pair of neighbours, added up.
#[derive(Clone, Debug)]
pub(in crate::trainer) struct PairCounts {
    /// Open addressing, a power of two of slots; a count of 0 = free.
    slots: Vec<(u64, u64)>,
    n: usize,
}

impl Default for PairCounts {
    fn default() -> Self {
        Self { slots: vec![(0, 0); 1 << 10], n: 0 }
    }
}

impl PairCounts {
    /// Adds a count that is not 0.
    #[inline(always)]
    pub(in crate::trainer) fn add(&mut self, pair: u64, count: u64) {
        let mask = self.slots.len() - 1;
        let mut slot = hash::word(pair) as usize & mask;
        loop {
            let found = &mut self.slots[slot];
            if found.1 == 0 {
                *found = (pair, count);
                self.n += 1;
                if self.n * 2 > self.slots.len() {
                    self.grow();
                }
                return;
            }
            if found.0 == pair {
                found.1 += count;
                return;
            }
            slot = (slot + 1) & mask;
        }
    }

    #[inline(never)]
    fn grow(&mut self) {
        let n_slots = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![(0, 0); n_slots]);
        self.n = 0;
        old.into_iter().filter(|entry| entry.1 > 0).for_each(|(pair, count)| self.add(pair, count));
    }

    pub(in crate::trainer) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.slots.iter().copied().filter(|entry| entry.1 > 0)
    }
}

/// Pairs by place, with their counts.
#[derive(Debug, Default)]
pub(in crate::trainer) struct PairIndex {
    /// Open addressing from pairs to places, a power of two of slots.
    slots: Vec<(u64, u32)>,
    counts: Vec<u64>,
}

impl PairIndex {
    /// An index without pairs, with room for some.
    pub(in crate::trainer) fn with_room_for(n_pairs: usize) -> Self {
        let n_slots = (n_pairs * 4).next_power_of_two().max(1 << 10);
        Self { slots: vec![(0, NO_SLOT); n_slots], counts: Vec::with_capacity(n_pairs) }
    }

    /// Places that were given out.
    pub(in crate::trainer) fn len(&self) -> usize {
        self.counts.len()
    }

    /// How often the pair of a place occurs.
    pub(in crate::trainer) fn count(&self, place: u32) -> u64 {
        self.counts[place as usize]
    }

    /// Where a pair is, or the slot where it would go.
    #[inline(always)]
    fn find(&self, pair: u64) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash::word(pair) as usize & mask;
        loop {
            match self.slots[slot] {
                (_, NO_SLOT) => return Err(slot),
                (found, place) if found == pair => return Ok(place),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    #[inline(always)]
    pub(super) fn get(&self, pair: u64) -> u32 {
        self.find(pair).unwrap_or(NO_SLOT)
    }

    /// Adds a pair that has come into being; its place.
    pub(in crate::trainer) fn insert(&mut self, pair: u64, count: u64) -> u32 {
        let place = u32::try_from(self.counts.len())
            .ok()
            .filter(|&place| place != NO_SLOT)
            .expect("more pairs than 2^32 do not fit in memory");
        let slot = self.find(pair).expect_err("a pair comes into being once");
        self.slots[slot] = (pair, place);
        self.counts.push(count);
        if self.counts.len() * 2 > self.slots.len() {
            self.grow();
        }
        place
    }

    fn grow(&mut self) {
        let n_slots = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![(0, NO_SLOT); n_slots]);
        for entry in old.into_iter().filter(|entry| entry.1 != NO_SLOT) {
            let slot = self.find(entry.0).expect_err("each pair is there once");
            self.slots[slot] = entry;
        }
    }

    /// Takes `count` from a pair, if it is there.
    pub(in crate::trainer) fn lose(&mut self, pair: u64, count: u64) {
        if let Ok(place) = self.find(pair) {
            let left = &mut self.counts[place as usize];
            *left = left.saturating_sub(count);
        }
    }

    /// Forgets how often the pair of a place occurs.
    pub(in crate::trainer) fn clear(&mut self, place: u32) {
        self.counts[place as usize] = 0;
    }
}

/// Pairs by place, with a queue that gives the most frequent.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    index: PairIndex,
    queue: BinaryHeap<(u64, Reverse<u64>, u32)>,
}

impl Pairs {
    /// The table of these pairs and counts.
    pub(super) fn new(pairs: Vec<(u64, u64)>) -> Self {
        let mut index = PairIndex::with_room_for(pairs.len());
        let entry = |(pair, count)| (count, Reverse(pair), index.insert(pair, count));
        let entries: Vec<_> = pairs.into_iter().map(entry).collect();
        Self { queue: entries.into(), index }
    }

    pub(super) fn index(&self) -> &PairIndex {
        &self.index
    }

    /// Adds a pair that has come into being; its place.
    pub(super) fn insert(&mut self, pair: u64, count: u64) -> u32 {
        let place = self.index.insert(pair, count);
        self.queue.push((count, Reverse(pair), place));
        place
    }

    /// Takes `count` from a pair, if it is there.
    pub(super) fn lose(&mut self, pair: u64, count: u64) {
        self.index.lose(pair, count);
    }

    /// Takes out the most frequent pair with at least `min` occurrences, of equals the smallest: the
    /// pair, its count and its place. An entry of the queue may be out of date: counts only fall, so
    /// it is corrected when it comes to the top.
    pub(super) fn pop(&mut self, min: u64) -> Option<(u64, u64, u32)> {
        while let Some(mut top) = self.queue.peek_mut() {
            let (queued, Reverse(pair), place) = *top;
            let count = self.index.count(place);
            if count == queued {
                PeekMut::pop(top);
                self.index.clear(place);
                return Some((pair, count, place));
            }
            if count < min {
                PeekMut::pop(top);
            } else {
                top.0 = count;
            }
        }
        None
    }
}
