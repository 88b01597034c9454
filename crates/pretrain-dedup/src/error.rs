//! What can go wrong: configuration, limits, files, and index files of another kind.

use pretrain_store::StoreError;
use std::path::PathBuf;
use std::sync::Arc;

/// The result of every fallible operation here.
pub type Result<T, E = DedupError> = std::result::Result<T, E>;

/// A configuration that cannot work, a collection beyond a stated limit, or bytes that are not the
/// index they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DedupError {
    /// The configuration has faults; all of them are listed.
    #[error("bad {what} configuration: {}", join(faults))]
    Config {
        /// `minhash`, `paragraph` or `substring`.
        what: &'static str,
        /// Every fault found, in the order of the fields.
        faults: Vec<ConfigFault>,
    },
    /// One collection holds at most 2^32 - 1 documents.
    #[error("a collection holds at most {limit} documents")]
    TooManyDocuments {
        /// The largest number of documents.
        limit: u32,
    },
    /// Positions in the collection are 32-bit numbers.
    #[error("{bytes} bytes in one collection, at most {limit} can be addressed")]
    TooManyBytes {
        /// Bytes in all documents together.
        bytes: u64,
        /// The largest collection, in bytes.
        limit: u64,
    },
    /// The work would need more memory than the caller allows.
    #[error("{needed} bytes of memory needed, the budget is {budget}")]
    OverBudget {
        /// Upper bound of what the work would use, in bytes.
        needed: u64,
        /// The budget, in bytes.
        budget: u64,
    },
    /// A signature was made with another number of hash functions.
    #[error("signature of {found} values, this configuration makes {expected}")]
    SignatureLength {
        /// Bands times rows of this configuration.
        expected: usize,
        /// Values in the signature that was pushed.
        found: usize,
    },
    /// The bytes do not begin with the mark of an index.
    #[error("not a deduplication index: the first bytes are {found:02x?}")]
    NotAnIndex {
        /// Up to eight first bytes.
        found: Vec<u8>,
    },
    /// The index was written in a later format.
    #[error("index has format version {found}, this build reads up to {supported}")]
    IndexVersion {
        /// The version in the header.
        found: u32,
        /// The newest version this build knows.
        supported: u32,
    },
    /// The index belongs to another method.
    #[error("index is of kind {found}, expected {expected}")]
    IndexKind {
        /// `exact` or `minhash`.
        expected: &'static str,
        /// The kind in the header, by name where it is known, else its number.
        found: String,
    },
    /// The bytes end early, or more follow than the header announces.
    #[error("index is {found} bytes long where {expected} were expected")]
    IndexLength {
        /// Length that the content so far asks for, in bytes.
        expected: u64,
        /// Length found, in bytes.
        found: u64,
    },
    /// The bytes were changed after they were written.
    #[error("index is corrupt: checksum {expected} in the file, {found} over its bytes")]
    IndexChecksum {
        /// The checksum stored at the end, in hexadecimal.
        expected: String,
        /// The checksum of the bytes before it, in hexadecimal.
        found: String,
    },
    /// The checksum is right but a value is out of range or out of order.
    #[error("index is malformed at byte {offset}: {reason}")]
    IndexMalformed {
        /// Offset of the value, in bytes.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// A spilled run was changed or cut off after it was written, or is no run.
    #[error("{path} is damaged at byte {offset}: {reason}", path = path.display())]
    RunCorrupt {
        /// The file.
        path: PathBuf,
        /// Offset of what is wrong, in bytes.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// A stage was asked for before the one it builds on was complete.
    #[error("{asked} needs {missing} first")]
    StageOrder {
        /// What was asked for.
        asked: &'static str,
        /// What has to be done before.
        missing: &'static str,
    },
    /// The index was made with other parameters, so its keys cannot be compared.
    #[error("index was made with {field} = {found}, this run has {expected}")]
    IndexParameters {
        /// The field that differs.
        field: &'static str,
        /// The value of this run.
        expected: String,
        /// The value in the index.
        found: String,
    },
}

/// A failure of the file system, shared so that errors can be cloned and compared (by their words).
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct StoreFailure(Arc<StoreError>);

impl StoreFailure {
    /// What the store says.
    pub fn error(&self) -> &StoreError {
        &self.0
    }
}

impl From<StoreError> for StoreFailure {
    fn from(error: StoreError) -> Self {
        Self(Arc::new(error))
    }
}

impl From<StoreError> for DedupError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

impl PartialEq for StoreFailure {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for StoreFailure {}

/// One thing wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {found}, expected {expected}")]
pub struct ConfigFault {
    /// The field, or the expression over fields, that is at fault.
    pub field: &'static str,
    /// Its value.
    pub found: String,
    /// What it may be.
    pub expected: &'static str,
}

impl ConfigFault {
    pub(crate) fn new(
        field: &'static str,
        found: impl std::fmt::Display,
        expected: &'static str,
    ) -> Self {
        Self { field, found: found.to_string(), expected }
    }
}

fn join(faults: &[ConfigFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
