//! Deduplication of document collections: exact, paragraph, MinHash-LSH and substring.
//!
//! What goes in is the texts of a collection, one after the other in a fixed order. What comes out
//! says which of them (or which parts of them) are copies:
//!
//! - [`exact`]: documents with equal texts, as they are or normalised -> [`Clusters`];
//! - [`minhash`]: documents with similar texts, by datatrove's MinHash signatures bit for bit and
//!   locality-sensitive hashing, if wanted with every pair verified -> [`Clusters`];
//! - [`paragraph`]: paragraphs or lines that occurred before -> the rewritten text and removed ranges;
//! - [`substring`]: every byte range of some length that occurs more than once -> ranges.
//!
//! A [`DocIndex`] is a document's position in input order; the crate never sees identifiers or files. A
//! [`Cluster`] names the document that stays and all its copies. [`exact::ExactIndex`] and
//! [`minhash::MinHashIndex`] carry what was seen to later collections, as bytes with version, parameters
//! and checksum: documents that an index holds are removed, the index itself is never changed.
//!
//! ```
//! use pretrain_dedup::minhash::{MinHashConfig, MinHashDedup};
//! use pretrain_dedup::DocIndex;
//!
//! let texts = [
//!     "Call me Ishmael. Some years ago, never mind how long precisely, I thought I would sail.",
//!     "It was the best of times, it was the worst of times, it was the age of wisdom.",
//!     "Call me Ishmael! Some years ago - never mind how long precisely - I thought I would sail.",
//! ];
//! let mut dedup = MinHashDedup::new(MinHashConfig::default())?;
//! for text in texts {
//!     let signature = dedup.hasher().signature(text); // pure: may run on any thread
//!     dedup.push(signature)?;
//! }
//! let clusters = dedup.finish()?;
//! assert_eq!(clusters.iter().map(|c| c.members.clone()).collect::<Vec<_>>(), [[DocIndex(0), DocIndex(2)]]);
//! assert!(clusters.is_kept(DocIndex(0)) && !clusters.is_kept(DocIndex(2)));
//! # Ok::<(), pretrain_dedup::DedupError>(())
//! ```
//!
//! **Determinism.** Results depend on the texts, their order and the configuration, not on threads, CPU
//! features or hash seeds. Everything that can be expensive (normalising, hashing, signatures) is a
//! pure function that callers run in parallel; the collectors take its results in document order.
//!
//! **Memory.** Nothing is spilled to disk: each module states what it holds per document or per byte,
//! and the number of documents in one collection is limited to 2^32 - 1. In short, per document:
//! exact 20 bytes; MinHash 14 x 8 under the default configuration 136 bytes; paragraph 20 to 39 bytes
//! per *distinct paragraph*; substring one byte per *byte of text* and then 8 to 10 per byte that may be
//! repeated, at most 4 GiB of those, refused beyond the caller's budget.
//!
//! Not here: reading and writing documents (`pretrain-corpus`), text normalisation and words
//! (`pretrain-text`), clustering on disk, calibration of parameters on a sample, and decontamination
//! against evaluation sets.

#![forbid(unsafe_code)]

mod cluster;
pub mod decontaminate;
mod error;
pub mod exact;
mod frame;
pub mod minhash;
mod normalise;
pub mod paragraph;
pub mod runs;
pub mod staged;
pub mod substring;
mod union_find;

pub use cluster::{Cluster, Clusters, DocIndex, Keep, Rank};
pub use error::{ConfigFault, DedupError, Result, StoreFailure};
pub use normalise::Normalise;
