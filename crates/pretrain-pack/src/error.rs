//! What can go wrong, with the file, the place and the numbers.

use pretrain_store::StoreError;
use std::io;
use std::path::PathBuf;

/// The result of every operation here.
pub type Result<T, E = PackError> = std::result::Result<T, E>;

/// A token file that is not what it should be, a request outside the data, or a setting that cannot
/// work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// A file could not be opened, read or committed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Bytes could not be written.
    #[error("cannot write {path}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// The file does not begin (or end) as its format demands.
    #[error("{path} is not a {format}: expected {expected} at byte {offset}, found {found}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format that was asked for.
        format: &'static str,
        /// Where in the file, in bytes.
        offset: u64,
        /// What should stand there.
        expected: String,
        /// What does.
        found: String,
    },
    /// The file was written by a later version of the format.
    #[error("{path} has format version {found}, this build reads version {supported}", path = path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version this build reads.
        supported: u32,
    },
    /// A section's bytes do not have the checksum that was stored with them.
    #[error("{path} is corrupt: the {section} at byte {offset} has checksum {found:016x}, expected {expected:016x}", path = path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The section: `header`, `index`, `footer` or `payload block`.
        section: &'static str,
        /// Where the section begins, in bytes.
        offset: u64,
        /// The stored checksum.
        expected: u64,
        /// The checksum of the bytes on the disk.
        found: u64,
    },
    /// A token id does not belong to the vocabulary.
    #[error("{path}: token {position} is {id}, outside the vocabulary of {vocab_size}", path = path.display())]
    TokenOutOfRange {
        /// The file being written or read.
        path: PathBuf,
        /// Index of the token in the file.
        position: u64,
        /// The id.
        id: u64,
        /// Ids below this are allowed.
        vocab_size: usize,
    },
    /// The shards of one dataset do not belong together.
    #[error("{path} has {field} {found}, the first shard has {expected}", path = path.display())]
    Mixed {
        /// The shard that differs.
        path: PathBuf,
        /// `tokenizer fingerprint` or `vocabulary size`.
        field: &'static str,
        /// The first shard's value.
        expected: String,
        /// This shard's value.
        found: String,
    },
    /// There is nothing to read.
    #[error("{path} holds no token shards", path = path.display())]
    NoShards {
        /// The directory, or an empty path where no path was given at all.
        path: PathBuf,
    },
    /// The directory was begun by a stage that has not finished it.
    #[error("{path} is unfinished: it has no manifest", path = path.display())]
    Unfinished {
        /// The directory.
        path: PathBuf,
    },
    /// The data does not fill one sequence.
    #[error("the dataset has {available} tokens, one sequence needs {needed}")]
    TooFewTokens {
        /// Tokens in the dataset.
        available: u64,
        /// Tokens that one sequence needs.
        needed: u64,
    },
    /// An index is past the end.
    #[error("{what} {index} does not exist: there are {len}")]
    OutOfRange {
        /// What was asked for: `sample`, `document`, `micro-batch`.
        what: &'static str,
        /// The index.
        index: u64,
        /// How many there are.
        len: u64,
    },
    /// Settings that cannot work, all of them.
    #[error("invalid configuration: {faults}", faults = faults.join("; "))]
    Config {
        /// One sentence per fault, each beginning with the setting's name.
        faults: Vec<String>,
    },
    /// Sources would be repeated more often than their limit allows.
    #[error("too little data: {sources}", sources = sources.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    TooManyEpochs {
        /// Every source past its limit.
        sources: Vec<Exhausted>,
    },
}

/// A source that a run would repeat more often than allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Exhausted {
    /// The source's name.
    pub name: String,
    /// Samples the source has.
    pub available: u64,
    /// Samples the run would take from it.
    pub needed: u64,
    /// The limit, in passes over the source.
    pub max_epochs: f64,
}

impl std::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, available, needed, max_epochs } = self;
        write!(
            f,
            "source {name} has {available} samples, {needed} are needed, limit {max_epochs} epochs"
        )
    }
}
