//! The buffers and caches of the threads that encode.

use std::sync::{Mutex, PoisonError};

use crate::merges::MergeScratch;
use crate::model::{ModelScratch, Span};
use crate::piece_cache::PieceCache;

/// What one encoding thread needs.
pub(crate) struct Scratch {
    pub(crate) cache: PieceCache,
    pub(crate) merges: MergeScratch,
    pub(crate) ids: Vec<u32>,
    /// What the models need beside byte-level BPE; made when one is first used.
    pub(crate) model: Option<Box<ModelScratch>>,
    pub(crate) spans: Vec<Span>,
}

/// Scratch spaces not in use.
#[derive(Default)]
pub(crate) struct ScratchPool(Mutex<Vec<Scratch>>);

impl ScratchPool {
    const MAX: usize = 64;

    /// Runs `work` with a scratch space of its own.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let mut scratch = self.take();
        let result = work(&mut scratch);
        self.give_back(scratch);
        result
    }

    fn take(&self) -> Scratch {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| {
            let (cache, merges) = (PieceCache::new(), MergeScratch::default());
            Scratch { cache, merges, ids: Vec::new(), model: None, spans: Vec::new() }
        })
    }

    fn give_back(&self, mut scratch: Scratch) {
        scratch.merges.shrink();
        scratch.ids = Vec::new();
        scratch.spans = Vec::new();
        if let Some(model) = &mut scratch.model {
            model.shrink();
        }
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < Self::MAX {
            idle.push(scratch);
        }
    }
}

impl Clone for ScratchPool {
    /// Scratch spaces are not content: a clone starts without any.
    fn clone(&self) -> Self {
        Self::default()
    }
}
