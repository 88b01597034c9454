//! The merge loop.
//!
//! Distinct pre-tokens lie in one flat array of ids. Each pair has its count and the list of the
//! pre-tokens that hold it, written once, when the pair comes into being: a pair is only ever made by
//! the merge that makes the younger of its tokens, and from then on its count can only fall. So a heap
//! with one entry per pair, corrected when it reaches the top, gives the pairs in exact order.
//!
//! Proof that this is Hugging Face's order: `BpeTrainer` recounts nothing either; it differs by keeping
//! sets of pre-tokens and 32-bit counts, whose overflow is not reproduced here (counts are `u128`).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::counts::PreTokenCounts;
use crate::hash::WordMap;
use crate::merges::pair;
use crate::vocabulary::NO_TOKEN;

use super::{Progress, TrainedVocab, TrainerConfig};

/// The merges in order, as pairs of ids.
pub(super) fn learn(
    config: &TrainerConfig,
    counts: &PreTokenCounts,
    byte_ids: &[u32; 256],
    vocab: &mut TrainedVocab,
    progress: &mut dyn FnMut(Progress),
) -> Vec<(u32, u32)> {
    let mut words = Words::new(counts, byte_ids);
    let mut pairs = words.count_pairs(byte_ids);
    let mut neighbours = Neighbours::default();
    let mut queue = pairs.take_queue();
    let mut merges = Vec::new();
    while vocab.len() < config.vocab_size {
        let Some((queued, Reverse(top))) = queue.pop() else { break };
        let state = &mut pairs.states[pairs.index[&top] as usize];
        if state.count != queued {
            if state.count > 0 {
                queue.push((state.count, Reverse(top)));
            }
            continue;
        }
        if queued < u128::from(config.min_frequency) {
            break;
        }
        let (left, right) = ((top >> 32) as u32, top as u32);
        let bytes = [vocab.bytes(left), vocab.bytes(right)].concat();
        let n_bytes = bytes.len();
        let product = vocab.id_of(bytes);
        merges.push((left, right));
        let holders = std::mem::take(&mut state.words);
        let merge = Merge { left, right, product };
        neighbours.make_room(vocab.len());
        for word in holders {
            words.merge(word, merge, &mut neighbours);
        }
        let is_counted = |neighbour: u32| match config.max_token_length {
            None => true,
            Some(limit) => vocab.bytes(neighbour).len() + n_bytes < limit,
        };
        pairs.update(merge, &mut neighbours, &is_counted);
        queue.extend(pairs.take_queue());
        let frequency = u64::try_from(queued).unwrap_or(u64::MAX);
        progress(Progress { vocab_size: vocab.len(), target: config.vocab_size, frequency });
    }
    merges
}

/// Distinct pre-tokens as ids, with their counts.
struct Words {
    ids: Vec<u32>,
    /// Start, current length.
    spans: Vec<(usize, u32)>,
    counts: Vec<u64>,
}

impl Words {
    /// Those of two tokens or more; nothing can merge in the others.
    fn new(counts: &PreTokenCounts, byte_ids: &[u32; 256]) -> Self {
        let mut this = Self { ids: Vec::new(), spans: Vec::new(), counts: Vec::new() };
        for (pre_token, count) in counts.iter() {
            let start = this.ids.len();
            let ids = pre_token.iter().map(|&byte| byte_ids[byte as usize]);
            this.ids.extend(ids.filter(|&id| id != NO_TOKEN));
            match u32::try_from(this.ids.len() - start) {
                Ok(len) if len >= 2 && count > 0 => {
                    this.spans.push((start, len));
                    this.counts.push(count);
                }
                // One token, or a single pre-token of over 4 GiB, which teaches nothing.
                _ => this.ids.truncate(start),
            }
        }
        this
    }

    /// The pairs of bytes, counted in a table by rank of the byte's id.
    fn count_pairs(&self, byte_ids: &[u32; 256]) -> Pairs {
        let mut ids: Vec<u32> = byte_ids.iter().copied().filter(|&id| id != NO_TOKEN).collect();
        ids.sort_unstable();
        // A byte may have the id of a special token, so ids are not always in one run.
        let mut rank_of = vec![0; ids.last().map_or(0, |&id| id as usize + 1)];
        for (rank, &id) in ids.iter().enumerate() {
            rank_of[id as usize] = rank;
        }
        let mut states: Vec<PairState> = Vec::new();
        states.resize_with(ids.len() * ids.len(), PairState::default);
        for (word, &(start, len)) in self.spans.iter().enumerate() {
            for neighbours in self.ids[start..start + len as usize].windows(2) {
                let [left, right] = [0, 1].map(|i| rank_of[neighbours[i] as usize]);
                states[left * ids.len() + right].add(self.counts[word], word as u32);
            }
        }
        let mut pairs = Pairs::default();
        for (index, state) in states.into_iter().enumerate() {
            if state.count > 0 {
                pairs.insert(pair(ids[index / ids.len()], ids[index % ids.len()]), state);
            }
        }
        pairs
    }

    /// Replaces each `(left, right)` in a word, from left to right, and notes the neighbours.
    fn merge(&mut self, word: u32, merge: Merge, neighbours: &mut Neighbours) {
        let (start, len) = self.spans[word as usize];
        let count = self.counts[word as usize];
        let ids = &mut self.ids[start..start + len as usize];
        let (mut read, mut write) = (0, 0);
        while read < ids.len() {
            if ids[read] != merge.left || ids.get(read + 1) != Some(&merge.right) {
                ids[write] = ids[read];
                (read, write) = (read + 1, write + 1);
                continue;
            }
            if write > 0 {
                neighbours.before.note(ids[write - 1], count, word);
            }
            if let Some(&after) = ids.get(read + 2) {
                neighbours.after.note(after, count, word);
            }
            ids[write] = merge.product;
            (read, write) = (read + 2, write + 1);
        }
        self.spans[word as usize].1 = write as u32;
    }
}

#[derive(Clone, Copy)]
struct Merge {
    left: u32,
    right: u32,
    product: u32,
}

/// What stood beside the places of one merge.
#[derive(Default)]
struct Neighbours {
    before: Side,
    after: Side,
}

/// How often each token stood on one side, and in which words. By id, so that a place costs no
/// look-up in the table of pairs; that is done once per neighbour.
#[derive(Default)]
struct Side {
    states: Vec<PairState>,
    seen: Vec<u32>,
}

impl Neighbours {
    fn make_room(&mut self, n_ids: usize) {
        self.before.states.resize_with(n_ids, PairState::default);
        self.after.states.resize_with(n_ids, PairState::default);
    }
}

impl Side {
    #[inline]
    fn note(&mut self, neighbour: u32, count: u64, word: u32) {
        let state = &mut self.states[neighbour as usize];
        if state.count == 0 {
            self.seen.push(neighbour);
        }
        state.add(count, word);
    }

    fn drain(&mut self) -> impl Iterator<Item = (u32, PairState)> {
        self.seen.drain(..).map(|id| (id, std::mem::take(&mut self.states[id as usize])))
    }
}

/// Counts of pairs and the words that hold them.
#[derive(Default)]
struct Pairs {
    index: WordMap<u32>,
    states: Vec<PairState>,
    /// Pairs that came into being since [`take_queue`](Self::take_queue) was last called.
    fresh: Vec<u64>,
}

#[derive(Default)]
struct PairState {
    count: u128,
    /// In ascending order, each once; words that have lost the pair stay.
    words: Vec<u32>,
}

impl PairState {
    #[inline]
    fn add(&mut self, count: u64, word: u32) {
        self.count += u128::from(count);
        if self.words.last() != Some(&word) {
            self.words.push(word);
        }
    }
}

impl Pairs {
    /// Where a neighbour stood before the merge, `(neighbour, left)` has become
    /// `(neighbour, product)`; where it stood after, `(right, neighbour)` has become
    /// `(product, neighbour)`. New pairs come first: two merges side by side make a pair with the
    /// product and lose it again. The count of the merged pair itself is left: it is never looked at
    /// again.
    fn update(
        &mut self,
        merge: Merge,
        neighbours: &mut Neighbours,
        is_counted: &impl Fn(u32) -> bool,
    ) {
        let Merge { left, right, product } = merge;
        let mut lost =
            Vec::with_capacity(neighbours.before.seen.len() + neighbours.after.seen.len());
        for (before, state) in neighbours.before.drain() {
            lost.push((pair(before, left), state.count));
            if is_counted(before) {
                self.insert(pair(before, product), state);
            }
        }
        for (after, state) in neighbours.after.drain() {
            lost.push((pair(right, after), state.count));
            if is_counted(after) {
                self.insert(pair(product, after), state);
            }
        }
        for (pair, count) in lost {
            // A pair too long to be counted is not there.
            if let Some(&index) = self.index.get(&pair) {
                let state = &mut self.states[index as usize];
                state.count = state.count.saturating_sub(count);
            }
        }
    }

    fn insert(&mut self, pair: u64, state: PairState) {
        self.index.insert(pair, self.states.len() as u32);
        self.states.push(state);
        self.fresh.push(pair);
    }

    /// Entries of the heap for the pairs that are new.
    fn take_queue(&mut self) -> BinaryHeap<(u128, Reverse<u64>)> {
        let entries = self
            .fresh
            .drain(..)
            .map(|pair| (self.states[self.index[&pair] as usize].count, Reverse(pair)));
        entries.filter(|(count, _)| *count > 0).collect()
    }
}
