//! The built-in corpus: the sources of a workspace's own dependencies.
//!
//! Cargo has put them on the disk already, and `Cargo.lock` pins what is in them, so the corpus is
//! real, licensed, offline, and the same for everybody who builds the same workspace on the same
//! platform. [`RustSources::discover`] asks `cargo metadata` for the packages that come from a
//! registry (never path or git dependencies) and lists their files; [`RustSources::sample`] draws
//! from them; [`SourceFile::read`] gives the documents of one file.
//!
//! - `.rs` files are taken apart by lines: doc comments (`///` and `//!`, marker and one space
//!   removed, runs of lines joined by a blank line) become a document of source `prose` if they have
//!   at least 200 bytes, all other lines a document of source `code`. With less, the doc comments
//!   stay where they are, in the code.
//! - `.md` files and licences (`LICENSE*`, `LICENCE*`, `UNLICENSE*`, `COPYING*`, `NOTICE*`, with the
//!   extension `.md`, `.txt` or none) are `prose` as they are.
//!
//! Ids are `<source>/<package>-<version>/<path>` with forward slashes; the metadata of a document
//! holds the package's declared `license`. Nothing depends on where the registry lies.
//!
//! ```no_run
//! use pretrain_corpus::rust_sources::{RustSources, SampleConfig};
//! use std::path::Path;
//!
//! let sources = RustSources::discover(Path::new("Cargo.toml"))?;
//! let config = SampleConfig { seed: 1, max_bytes: 8 << 20, prose_fraction: 0.5 };
//! let files = sources.sample(&config)?;
//! // Work units of a stage: any split of the list will do, each file is read by itself.
//! for unit in files.chunks(1000) {
//!     for file in unit {
//!         let records = file.read()?;
//!         assert!(records.len() <= 2);
//!     }
//! }
//! # Ok::<(), pretrain_corpus::CorpusError>(())
//! ```
//!
//! Limits: what looks like a doc comment inside a raw string or a macro is taken for one; `/** */`
//! comments count as code; files of other kinds are not candidates.

mod packages;
mod sample;
mod split;

pub use packages::{RustSources, SourcePackage};
pub use sample::{SampleConfig, SourceFile};
