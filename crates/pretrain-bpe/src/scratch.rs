//! The buffers and caches of the threads that encode.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::merges::MergeScratch;
use crate::model::scratch::ModelScratch;
use crate::model::span::Span;
use crate::piece_cache::{KeyBatch, PieceCache};

/// What all caches of a tokenizer may hold together.
const CACHE_BYTES: usize = 32 << 20;

/// What one encoding thread needs.
pub(crate) struct Scratch {
    pub(crate) cache: PieceCache,
    pub(crate) keys: Box<KeyBatch>,
    pub(crate) merges: MergeScratch,
    pub(crate) ids: Vec<u32>,
    /// What the models need beside byte-level BPE; made when one is first used.
    pub(crate) model: Option<Box<ModelScratch>>,
    pub(crate) spans: Vec<Span>,
    /// What `cache` may hold.
    max_bytes: usize,
}

impl Scratch {
    fn new(max_bytes: usize) -> Self {
        let (cache, merges) = (PieceCache::new(max_bytes), MergeScratch::default());
        let keys = KeyBatch::new();
        Self { cache, keys, merges, ids: Vec::new(), model: None, spans: Vec::new(), max_bytes }
    }
}

/// Scratch spaces not in use, and the division of the memory between all.
///
/// The first thread may have all of it. When a second one comes, each may have half, and so on by
/// powers of two; a cache that is too large is given up when its thread next begins a text. So the sum
/// stays below the limit, but for the length of one text.
#[derive(Default)]
pub(crate) struct ScratchPool {
    idle: Mutex<Vec<Scratch>>,
    /// How many there are, idle or not.
    n_made: AtomicUsize,
}

impl ScratchPool {
    /// More than these are not kept; with so many, each cache holds 512 KiB.
    const MAX: usize = 64;

    /// Runs `work` with a scratch space of its own.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let mut scratch = self.take();
        let result = work(&mut scratch);
        self.give_back(scratch);
        result
    }

    fn take(&self) -> Scratch {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // The counter decides how much is kept, not what comes out: no order is needed.
        let n_made = match idle {
            Some(_) => self.n_made.load(Ordering::Relaxed),
            None => self.n_made.fetch_add(1, Ordering::Relaxed) + 1,
        };
        let max_bytes = CACHE_BYTES / n_made.next_power_of_two();
        idle.filter(|scratch| scratch.max_bytes <= max_bytes)
            .unwrap_or_else(|| Scratch::new(max_bytes))
    }

    fn give_back(&self, mut scratch: Scratch) {
        scratch.merges.shrink();
        if scratch.ids.capacity() > 1 << 16 {
            scratch.ids = Vec::new();
        }
        scratch.spans = Vec::new();
        if let Some(model) = &mut scratch.model {
            model.shrink();
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < Self::MAX {
            idle.push(scratch);
        } else {
            self.n_made.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Clone for ScratchPool {
    /// Scratch spaces are not content: a clone starts without any.
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_share_the_limit() {
        let pool = ScratchPool::default();
        let (first, second, third) = (pool.take(), pool.take(), pool.take());
        assert_eq!(first.max_bytes, CACHE_BYTES);
        assert_eq!((second.max_bytes, third.max_bytes), (CACHE_BYTES / 2, CACHE_BYTES / 4));
        for scratch in [first, second, third] {
            pool.give_back(scratch);
        }
        let again = [pool.take(), pool.take(), pool.take()];
        assert!(again.iter().all(|scratch| scratch.max_bytes <= CACHE_BYTES / 4));
        assert_eq!(pool.n_made.load(Ordering::Relaxed), 3);
    }
}
