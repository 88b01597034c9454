//! What stops a reader or a writer, as opposed to what is set aside (see [`BadRecord`]).
//!
//! [`BadRecord`]: crate::BadRecord

use pretrain_store::StoreError;
use std::io;
use std::path::PathBuf;

/// The result of every operation here.
pub type Result<T, E = CorpusError> = std::result::Result<T, E>;

/// A request that cannot be carried out, or a file that the system does not let us read or write.
///
/// Content that cannot be understood is not an error: it becomes a [`BadRecord`](crate::BadRecord).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// A file operation failed; the message names the path and the action.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system stopped giving bytes of an opened file.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The system did not take bytes.
    #[error("cannot write {path}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// An input that was named is not there.
    #[error("input {path} does not exist", path = path.display())]
    MissingInput {
        /// As it was given.
        path: PathBuf,
    },
    /// An input that is a URL.
    #[error("input {url} is a URL; only local files and directories are read")]
    RemoteInput {
        /// As it was given.
        url: String,
    },
    /// A directory without a single file of a known kind.
    #[error("directory {path} holds no documents (known: {known})", path = path.display())]
    NoDocuments {
        /// The directory.
        path: PathBuf,
        /// The extensions that would have been read.
        known: &'static str,
    },
    /// A file, named by itself, whose extension says nothing about its format.
    #[error("the extension of {path} is not known (known: {known})", path = path.display())]
    UnknownExtension {
        /// The file.
        path: PathBuf,
        /// The extensions that would have been read.
        known: &'static str,
    },
    /// A stage's directory that was begun and never finished.
    #[error("{dir} is an unfinished stage: it has a {marker} and no manifest", dir = dir.display())]
    UnfinishedStage {
        /// The directory.
        dir: PathBuf,
        /// The file that marks it as begun.
        marker: &'static str,
    },
    /// A file that a manifest lists is not there.
    #[error("{path} is listed in its directory's manifest and does not exist", path = path.display())]
    MissingShard {
        /// The file.
        path: PathBuf,
    },
    /// Read options that contradict themselves.
    #[error("read option {option} is invalid: {problem}")]
    ReadOptions {
        /// The option's name.
        option: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A Parquet file or record batch lacks a column that was asked for.
    #[error("{path} has no column {column:?}; it has {available:?}", path = path.display())]
    MissingColumn {
        /// The file; `record batch` for one in memory.
        path: PathBuf,
        /// The column.
        column: String,
        /// The top-level columns that are there.
        available: Vec<String>,
    },
    /// A column is there but holds something else.
    #[error("column {column:?} of {path} is {found}, expected {expected}", path = path.display())]
    ColumnType {
        /// The file; `record batch` for one in memory.
        path: PathBuf,
        /// The column.
        column: String,
        /// The kinds that can be read.
        expected: &'static str,
        /// The type in the file.
        found: String,
    },
    /// A value of a record batch that no document can have.
    #[error("column {column:?}, row {row} of the record batch: {problem}")]
    BatchValue {
        /// The column.
        column: &'static str,
        /// The row, from zero.
        row: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// More bytes than one Arrow column addresses.
    #[error("column {column:?} would hold {bytes} bytes in one record batch, more than {limit}")]
    BatchTooLarge {
        /// The column.
        column: &'static str,
        /// Bytes of its values.
        bytes: u64,
        /// The most that fits.
        limit: u64,
    },
    /// The Parquet encoder failed.
    #[error("cannot encode {path} as Parquet", path = path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The encoder's reason.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// A value has no JSON form.
    #[error("cannot write a value to {path} as JSON", path = path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The serialiser's reason.
        #[source]
        source: serde_json::Error,
    },
    /// A document id without a character in it.
    #[error("a document id must not be empty")]
    EmptyId,
    /// Cargo could not be started.
    #[error("cannot run {program}, which lists the packages of the built-in corpus", program = program.display())]
    CargoMissing {
        /// The program that was tried.
        program: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Cargo ran and refused.
    #[error("cargo could not list the packages of {manifest} offline (`cargo fetch --locked` downloads what is missing): {stderr}", manifest = manifest.display())]
    CargoFailed {
        /// The workspace's `Cargo.toml`.
        manifest: PathBuf,
        /// What cargo said.
        stderr: String,
    },
    /// Cargo ran and its answer could not be understood.
    #[error("cargo's answer about {manifest} could not be understood", manifest = manifest.display())]
    CargoAnswer {
        /// The workspace's `Cargo.toml`.
        manifest: PathBuf,
        /// The parser's reason.
        #[source]
        source: cargo_metadata::Error,
    },
    /// Cargo did not say which platform it runs on.
    #[error("{program} -vV names no host platform", program = program.display())]
    CargoHost {
        /// The program that was tried.
        program: PathBuf,
    },
    /// A sample configuration with values outside their range, all of them.
    #[error("the sample configuration is invalid: {}", problems.join("; "))]
    SampleConfig {
        /// One line per fault.
        problems: Vec<String>,
    },
}
