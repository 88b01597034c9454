//! What turns a pre-token into tokens, beside byte-level BPE.
//!
//! A model sees one pre-token of the normalised text at a time and knows nothing of the pipeline
//! around it: neither normalisation, nor added tokens, nor templates.

pub(crate) mod char_bpe;
pub(crate) mod char_map;
pub(crate) mod merger;
pub(crate) mod trie;
pub(crate) mod unigram;
pub(crate) mod word_cache;
pub(crate) mod word_cuts;
pub(crate) mod wordpiece;

use crate::model::merger::Merger;
use crate::model::unigram::Lattice;
use crate::model::word_cache::WordCache;

/// One token of a pre-token: its id, and the bytes of the pre-token that it stands for.
///
/// The spans of a pre-token are in order and lie inside of it. Those of several byte tokens of one
/// character may coincide, and they need not stand on borders of characters: Hugging Face lets a span
/// begin where the one before has ended, even where characters without token were left out between them
/// (see [`CharBpe`](char_bpe::CharBpe)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) id: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

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
