//! How a run ended.

use crate::error::RejectedCheckpoint;
use std::path::PathBuf;

/// How a run ended, errors aside.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// All steps were taken, now or by an earlier process.
    #[non_exhaustive]
    Finished {
        /// Steps of the run.
        step: u64,
        /// Loss per target of the last step that had a finite one, in nats.
        loss: Option<f64>,
        /// The last validation loss per target, in nats.
        validation_loss: Option<f64>,
        /// Tokens of the run divided by the seconds of its steps, over all processes that took part.
        /// Validation and checkpoints are not in those seconds. From `metrics.jsonl`; 0 where a
        /// finished directory has lost it.
        tokens_per_second: f64,
        /// SHA-256 of the final `model.safetensors`, in lower-case hexadecimal.
        weights_sha256: String,
        /// Directory of the final checkpoint.
        checkpoint: PathBuf,
        /// Steps that changed nothing because a loss or gradient was not finite.
        skipped_steps: u64,
        /// Damaged checkpoints that were passed over when the run was resumed, newest first.
        rejected: Vec<RejectedCheckpoint>,
    },
    /// The run was asked to stop, and can go on from here.
    #[non_exhaustive]
    Interrupted {
        /// Steps taken.
        step: u64,
        /// Directory of the checkpoint that was written.
        checkpoint: PathBuf,
        /// Damaged checkpoints that were passed over when the run was resumed, newest first.
        rejected: Vec<RejectedCheckpoint>,
    },
}
