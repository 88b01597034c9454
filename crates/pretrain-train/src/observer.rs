//! What a run tells those who watch it.

use crate::metrics::StepMetrics;
use std::path::PathBuf;

/// A run right after a step.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Steps of the whole run.
    pub steps: u64,
    /// What the step measured; the same as its line in `metrics.jsonl`.
    pub metrics: StepMetrics,
    /// Steps of the run so far that changed nothing because a loss or gradient was not finite.
    pub skipped_steps: u64,
    /// The checkpoint that was written after the step, if one was.
    pub checkpoint: Option<PathBuf>,
}

/// Somebody who watches a run. A closure is one; `&mut |_: &Snapshot| {}` watches nothing.
pub trait Observer {
    /// Called once after every step, when its checkpoint, if any, is on the disk.
    fn observe(&mut self, snapshot: &Snapshot);
}

impl<F: FnMut(&Snapshot)> Observer for F {
    fn observe(&mut self, snapshot: &Snapshot) {
        self(snapshot);
    }
}
