//! Deduplication of document collections: exact, paragraph, MinHash-LSH and substring; decontamination.
//!
//! What goes in is the texts of a collection, one after the other in a fixed order. What comes out
//! says which of them (or which parts of them) are copies:
//!
//! - [`exact`]: documents with equal texts, as they are or normalised -> [`Clusters`];
//! - [`minhash`]: documents with similar texts, by datatrove's MinHash signatures bit for bit and
//!   locality-sensitive hashing -> [`Clusters`]; bands and rows for a threshold ([`minhash::Tuning`]), and
//!   recall and precision measured on a sample ([`minhash::CalibrationSample`]);
//! - [`staged`]: both of these for collections larger than memory, on disk, in stages that survive a kill,
//!   with verification of pairs, a guard against chains, keep policies and an index of earlier data;
//! - [`paragraph`]: paragraphs or lines that occurred before -> the rewritten text and removed ranges;
//! - [`substring`]: every byte range of some length that occurs more than once -> ranges; in memory or in
//!   two passes on disk;
//! - [`decontaminate`]: documents that hold a piece of an evaluation set -> matches, bytes to cut, and a
//!   count per evaluation example;
//! - [`runs`]: the sorted, checksummed runs that the methods on disk are built on.
//!
//! A [`DocIndex`] is a document's position in input order; the crate never sees identifiers. A
//! [`Cluster`] names the document that stays and all its copies. [`exact::ExactIndex`] and
//! [`minhash::MinHashIndex`] carry what was seen to later collections, as bytes with version, parameters
//! and checksum; [`staged::Staged::write_index`] does so on disk.
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
//! **Memory.** The collectors hold per document: exact 20 bytes; MinHash 14 x 8 under the default
//! configuration 136 bytes; paragraph 20 to 39 bytes per *distinct paragraph*; substring one byte per *byte
//! of text* and then 8 to 10 per byte that may be repeated, refused beyond the caller's budget. What
//! is [`staged`], and substrings in two passes, stay within a budget and spill to disk. The number of documents
//! in one collection is limited to 2^32 - 1.
//!
//! Not here: reading and writing documents (`pretrain-corpus`), text normalisation and words
//! (`pretrain-text`), datatrove's choice of the kept document (it depends on its order of edges), Bloom filters,
//! three-sentence spans, and paragraphs beyond memory.

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
