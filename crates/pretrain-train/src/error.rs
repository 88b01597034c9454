//! What can end a run, with the place and the numbers.

use pretrain_model::ModelError;
use pretrain_optim::OptimError;
use pretrain_pack::PackError;
use pretrain_store::{Digest, StoreError};
use std::path::PathBuf;

/// The result of every fallible operation here.
pub type Result<T, E = TrainError> = std::result::Result<T, E>;

/// A setting that cannot work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The setting, with its parents (`schedule.total_steps`).
    pub field: String,
    /// Its value.
    pub found: String,
    /// What it should be.
    pub expected: String,
}

impl Fault {
    pub(crate) fn new(
        field: &str,
        found: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        Self { field: field.to_owned(), found: found.to_string(), expected: expected.into() }
    }
}

impl From<pretrain_optim::Fault> for Fault {
    fn from(fault: pretrain_optim::Fault) -> Self {
        Self::new(&fault.field, fault.found, fault.expected)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is {}, expected {}", self.field, self.found, self.expected)
    }
}

/// A checkpoint that was passed over because it is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RejectedCheckpoint {
    /// Its directory.
    pub dir: PathBuf,
    /// What is wrong with it, in the store's words.
    pub reason: String,
}

impl std::fmt::Display for RejectedCheckpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.dir.display(), self.reason)
    }
}

/// Why a training run could not begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Settings that cannot work, all of them.
    #[error("impossible training settings: {}", join(faults))]
    Config {
        /// The faults, in the order of the fields.
        faults: Vec<Fault>,
    },
    /// Too many steps in a row had a loss or a gradient that is not finite. The newest checkpoint is
    /// untouched.
    #[error(
        "step {step} is the last of {skipped} in a row without a finite loss and gradient (loss {loss}, gradient norm {grad_norm})"
    )]
    Diverged {
        /// The last step, counted from 1.
        step: u64,
        /// Steps skipped in a row.
        skipped: u64,
        /// Its loss per target.
        loss: f64,
        /// Its gradient norm.
        grad_norm: f64,
    },
    /// The directory has checkpoints, but none of them is intact.
    #[error("no checkpoint is intact: {}", join(rejected))]
    NoIntactCheckpoint {
        /// All of them, newest first.
        rejected: Vec<RejectedCheckpoint>,
    },
    /// An intact checkpoint belongs to a run of other settings, another model or other data.
    #[error("{dir} is a checkpoint of another run: the digest of its settings is {found}, expected {expected}", dir = dir.display())]
    ForeignCheckpoint {
        /// The checkpoint's directory.
        dir: PathBuf,
        /// Digest of this run's settings, model and data.
        expected: Digest,
        /// Digest in the checkpoint.
        found: Digest,
    },
    /// A file of the run does not parse.
    #[error("{path} does not parse", path = path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's reason.
        #[source]
        source: serde_json::Error,
    },
    /// A state file was written by a later version of its format.
    #[error("{path} has format version {found}, this build reads up to {supported}", path = path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The newest version this build knows.
        supported: u32,
    },
    /// The log of the run lacks a step before the checkpoint that the run resumes from.
    #[error("{path}: line {line} is not the record of step {line}", path = path.display())]
    Metrics {
        /// The log.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
    },
    /// A checkpoint's optimizer file has a tensor that is neither a first nor a second moment, or
    /// only one of the two.
    #[error("{path}: {name} has no partner", path = path.display())]
    OptimizerFile {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// The data could not be read.
    #[error(transparent)]
    Data(#[from] PackError),
    /// The model refused its input or its weights.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The optimizer refused its state.
    #[error(transparent)]
    Optimizer(#[from] OptimError),
    /// A file could not be read or written, or the directory belongs to other settings.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn join<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
