//! Files that survive a crash.
//!
//! Every other crate of the workspace that needs a file asks this one. What goes in is bytes; what
//! comes out is a file that is either complete, named and checksummed, or not there at all.
//!
//! Three layers, from small to large:
//!
//! 1. **Files.** [`AtomicFile`] (and its short form [`write_atomic`]) writes beside the final name,
//!    flushes to the disk, renames, and flushes the directory. [`read`], [`open`], [`list`] and their
//!    neighbours read. Each error names the path and the action that failed.
//! 2. **Content.** A committed file answers with a [`FileEntry`]: its name, length and [`Digest`]
//!    (xxh3-128, portable over machines and versions).
//! 3. **Stages.** A step of a pipeline owns one directory. [`Stage::open`] finds it finished (its
//!    [`Manifest`] is there), resumes it, or refuses it because it was made under another
//!    configuration. Work is split into [`Unit`]s; a unit that was committed is never done again, and
//!    the manifest is written last, so a directory without one is unfinished by definition.
//!
//! ```
//! use pretrain_store::{AtomicFile, Stage, StageSpec, Unit};
//! use std::io::Write;
//!
//! # let tmp = tempfile::tempdir().unwrap();
//! # let dir = tmp.path().join("greetings");
//! let spec = StageSpec::new("greet", serde_json::json!({ "word": "hello" }));
//! let stage = match Stage::open(&dir, &spec)? {
//!     Stage::Unfinished(stage) => stage,
//!     Stage::Finished(_) => unreachable!("nothing was there"),
//! };
//! for name in ["a", "b"] {
//!     if stage.unit(name).is_none() {
//!         let mut file = AtomicFile::create(&stage.dir().join(format!("{name}.txt")))?;
//!         file.write_all(b"hello").expect("the disk has room");
//!         stage.commit_unit(Unit::new(name).file(file.commit()?).count("words", 1))?;
//!     }
//! }
//! let manifest = stage.finish([])?;
//! assert_eq!(manifest.counts["words"], 2);
//! assert!(matches!(Stage::open(&dir, &spec)?, Stage::Finished(found) if found == manifest));
//! # Ok::<(), pretrain_store::StoreError>(())
//! ```
//!
//! **Determinism.** A manifest holds no clock and no host name: the same inputs, configuration and
//! software give the same bytes. **Memory.** Nothing here holds a file in memory unless asked by
//! [`read`]. **Concurrency.** An open stage holds an advisory lock on its directory, so that two
//! processes cannot fill it at once.
//!
//! Not here: what is inside a shard (the crates that write them know), and object stores; paths are
//! local.

#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one crate that may touch the file system"
)]

mod atomic;
mod digest;
mod error;
mod file;
mod manifest;
mod stage;

pub use atomic::{AtomicFile, write_atomic};
pub use digest::{Digest, ParseDigestError};
pub use error::{Result, StoreError};
pub use file::{
    ReadFile, create_dir_all, exists, is_dir, list, list_dirs, list_recursive, open, read,
    read_to_string, remove_dir_all, remove_file, sync_dir,
};
pub use manifest::{FileEntry, InputRef, MANIFEST_NAME, Manifest};
pub use stage::{OpenStage, Stage, StageSpec, Unit};
