//! What can go wrong, with the path it went wrong at.

use crate::Digest;
use std::io;
use std::path::{Path, PathBuf};

/// The result of every operation here.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A failure to read or write, or a file that is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {path}", path = path.display())]
    Io {
        /// What was being done, as a verb phrase: `open`, `write`, `rename to`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// The file's bytes are not UTF-8 text.
    #[error("{path} is not valid UTF-8: first bad byte at offset {offset}", path = path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Bytes before the first invalid sequence.
        offset: u64,
    },
    /// A file's content is not what its manifest says.
    #[error("{path} is corrupt: expected {expected_bytes} bytes with checksum {expected}, found {found_bytes} bytes with checksum {found}", path = path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Length in the manifest, in bytes.
        expected_bytes: u64,
        /// Length on the disk, in bytes.
        found_bytes: u64,
        /// Checksum in the manifest.
        expected: Digest,
        /// Checksum of the bytes on the disk.
        found: Digest,
    },
    /// A manifest or a unit record does not parse.
    #[error("{path} is not a valid {kind}: {reason}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// `manifest`, `stage record` or `unit record`.
        kind: &'static str,
        /// The parser's words, with line and column.
        reason: String,
    },
    /// The manifest was written by a later version of this format.
    #[error("{path} has format version {found}, this build reads up to {supported}", path = path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The newest version this build knows.
        supported: u32,
    },
    /// The directory was begun or finished under other settings, so resuming would mix two runs.
    #[error("{dir} was made with other settings ({differences}); remove it or choose another directory", dir = dir.display(), differences = differences.join(", "))]
    Differs {
        /// The stage's directory.
        dir: PathBuf,
        /// `key: then -> now`, one per difference.
        differences: Vec<String>,
    },
    /// The directory has files in it but was not made by a stage.
    #[error("{dir} is not empty and holds no {expected}; refusing to write into it", dir = dir.display())]
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// The file that would mark it as ours.
        expected: &'static str,
    },
    /// Another process is filling this directory.
    #[error("{dir} is in use by another process", dir = dir.display())]
    Locked {
        /// The stage's directory.
        dir: PathBuf,
    },
}

impl StoreError {
    /// Wraps an I/O error with what was being done and where.
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_path_buf(), source }
    }
}
