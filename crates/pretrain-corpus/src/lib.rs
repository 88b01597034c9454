//! Documents for language model pretraining: where they come from and how they are kept.
//!
//! What goes in is files: JSON lines, Parquet, plain text, WET archives, or the sources of the
//! packages that Cargo has already put on the disk. What comes out is [`Document`]s, one at a time,
//! and a [`BadRecord`] for everything that was meant to be one and is not.
//!
//! 1. [`discover`] turns files and directories into a sorted list of [`InputFile`]s.
//! 2. [`read`] turns one of them into a stream of [`Record`]s.
//! 3. [`JsonlWriter`] and [`ParquetWriter`] turn documents into a file that is complete and
//!    checksummed, or not there; [`to_record_batch`] turns them into Arrow.
//! 4. [`rust_sources`] is a corpus that needs no download; [`warc`] reads web archives record by
//!    record.
//!
//! ```
//! use pretrain_corpus::{
//!     DocId, Document, JsonlWriter, ReadOptions, Record, discover, read,
//! };
//!
//! # let tmp = tempfile::tempdir().unwrap();
//! # let path = tmp.path().join("shard.jsonl.zst");
//! let mut writer = JsonlWriter::create(&path)?;
//! writer.write(&Document::new(DocId::new("greeting")?, "Hello, corpus."))?;
//! writer.write_json(&serde_json::json!({ "id": 7, "txet": "misspelt" }))?;
//! writer.finish()?;
//!
//! for file in discover(&[path])? {
//!     for record in read(&file, &ReadOptions::default())? {
//!         match record? {
//!             Record::Document(doc) => assert_eq!(doc.text, "Hello, corpus."),
//!             Record::Bad(bad) => assert_eq!(bad.reason.name(), "missing-text"),
//!         }
//!     }
//! }
//! # Ok::<(), pretrain_corpus::CorpusError>(())
//! ```
//!
//! **Bad input.** Content that cannot be understood (broken JSON or UTF-8, no text, a record over
//! the limit, compressed data that ends early) is a record of its own, with path, place and reason;
//! the reader goes on behind it where it can. An error is for what the caller has to mend: a path
//! that is not there, a disk that fails, a table without a text column.
//!
//! **Determinism.** Readers give records in the file's order and lists sorted bytewise by path;
//! writers give the same bytes for the same documents; the built-in corpus depends on the lock
//! file, the platform and the seed, not on where the registry lies. **Memory.** One record
//! ([`ReadOptions::max_document_bytes`]), or a page and a batch of a Parquet file; no file is held
//! as a whole.
//!
//! Not here: HTML, wiki markup, object stores (paths are local), duplicate ids, and every judgement
//! about a text.

#![forbid(unsafe_code)]

mod document;
mod error;
mod input;
mod reader;
mod record;
pub mod rust_sources;
mod schema;
pub mod warc;
mod writer;

pub use document::{DocId, Document};
pub use error::{CorpusError, Result};
pub use input::{Compression, Format, InputFile, discover};
pub use reader::{ReadOptions, Records, read};
pub use record::{BadReason, BadRecord, Position, Record};
pub use schema::{arrow_schema, from_record_batch, to_record_batch};
pub use writer::{JsonlWriter, ParquetWriter};

/// The readme's program has to compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
