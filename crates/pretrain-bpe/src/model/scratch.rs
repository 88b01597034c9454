//! What one thread needs that encodes with a model beside byte-level BPE.

use crate::model::merger::Merger;
use crate::model::viterbi::Lattice;
use crate::model::word_cache::WordCache;

/// Buffers and the cache of one thread that encodes with one model. It must not serve two models: its
/// cache knows words, not models.
pub(crate) struct ModelScratch {
    pub(crate) merger: Merger,
    pub(crate) lattice: Lattice,
    pub(crate) cache: WordCache,
}

impl Default for ModelScratch {
    fn default() -> Self {
        let (merger, lattice) = (Merger::default(), Lattice::default());
        Self { merger, lattice, cache: WordCache::new() }
    }
}

impl ModelScratch {
    /// Gives back the memory of an extraordinary pre-token.
    pub(crate) fn shrink(&mut self) {
        self.merger.shrink();
        self.lattice.shrink();
    }
}
