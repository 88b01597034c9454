//! From token ids on disk to the batches of a training run, as a pure function of a seed.
//!
//! What goes in are documents as lists of token ids. What comes out, for any step, micro-batch and
//! rank, is a [`Batch`]: ids, shifted labels, segment ids and positions. In the order of the data:
//!
//! 1. [`TokenShardWriter`] writes documents to a checksummed file, each **with** its end-of-text
//!    token if it has one; [`TokenDataset`] opens such files as one array of tokens. The byte layout
//!    is in `docs/formats/token-shard.md`.
//! 2. [`PackedDataset`] lays documents out in sequences of one length, end to end
//!    ([`Packing::Concat`]) or whole ([`Packing::BestFit`]), and reports where every token went
//!    ([`PackReport`]).
//! 3. [`DataOrder`] shuffles the sequences of each epoch by a keyed [`Permutation`] that is computed,
//!    not stored; [`Mixture`] interleaves several datasets in exact proportions; [`weights`] has the
//!    usual policies for those proportions.
//! 4. [`Loader`] puts these together: `loader.batch(step, micro)`.
//! 5. [`objective`] turns plain sequences into masked, span-corrupted or fill-in-the-middle ones;
//!    [`foreign`] reads the token files of Megatron, datatrove, OLMo, llm.c and nanoGPT.
//!
//! ```
//! use pretrain_pack::{
//!     Loader, PackConfig, PackedDataset, Packing, ShardHeader, TokenDataset, TokenShardWriter,
//! };
//!
//! # let tmp = tempfile::tempdir()?;
//! # let dir = tmp.path();
//! let header = ShardHeader { vocab_size: 1000, tokenizer: "fingerprint".into() };
//! let path = dir.join("shard-00000.tokens");
//! let mut writer = TokenShardWriter::create(&path, &header)?;
//! writer.push_document(&[17, 4, 256, 0], 11)?; // 0 is the end of text
//! writer.push_document(&[31, 8, 0], 7)?;
//! writer.finish()?;
//!
//! let tokens = TokenDataset::open(&[path])?;
//! let packed = PackedDataset::new(tokens, PackConfig::new(7, Packing::Concat))?;
//! assert_eq!(packed.report().dropped_tokens, 0);
//!
//! let loader = Loader::new(packed, 42, 1)?;
//! let batch = loader.batch(0, 0)?;
//! assert_eq!(batch.input_ids, [17, 4, 256, 0, 31, 8, 0]);
//! assert_eq!(batch.labels, [4, 256, 0, -100, 8, 0, -100]);
//! assert_eq!(batch.segment_ids, [1, 1, 1, 1, 2, 2, 2]);
//! assert_eq!(batch.position_ids, [0, 1, 2, 3, 0, 1, 2]);
//! assert_eq!(batch.cu_seqlens()?.offsets(), [0, 4, 7]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Labels.** The label of a position is the next token of the same document, also where that token
//! is in the next sequence: cutting loses no training target. The last token of a document, which is
//! its end-of-text token where it has one, has the label -100, as has padding. Positions begin at 0
//! in each fragment.
//!
//! **Determinism.** Everything is a function of the shards' content, the settings and the seed. The
//! state of a run's data is one number, the samples taken so far; [`Loader::content`] names what the
//! number refers to. The samples of a step do not depend on ranks, micro-batches or threads.
//!
//! **Memory.** 16 bytes per document for the index of open shards; best-fit packing adds 8 bytes per
//! document piece and 8 per sequence; everything else is constant. Tokens stay on disk and are read
//! by position.
//!
//! Not here: turning text into ids, tensors, and reading ahead in other threads (calls take `&self`,
//! so that a caller can).

#![forbid(unsafe_code)]

mod cu_seqlens;
mod dataset;
mod error;
pub mod foreign;
mod loader;
mod mixture;
pub mod objective;
mod order;
mod packing;
mod rng;
mod sample;
mod shard;
pub mod weights;

pub use cu_seqlens::CuSeqlens;
pub use dataset::TokenDataset;
pub use error::{Exhausted, PackError, Result};
pub use loader::{Loader, SampleRef};
pub use mixture::{Mixture, MixtureConfig, SourceConfig};
pub use order::{DataOrder, Permutation};
pub use packing::{
    Bins, Fragment, PackConfig, PackReport, PackedDataset, Packing, Tail, best_fit_decreasing,
    best_fit_decreasing_plain,
};
pub use sample::{Batch, IGNORE_LABEL, Sample};
pub use shard::{DocumentSpan, SHARD_EXTENSION, ShardHeader, TokenShard, TokenShardWriter};
