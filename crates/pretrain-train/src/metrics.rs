//! The log of a run: `metrics.jsonl`, one line per step, line `n` being step `n`.
//!
//! The file is always whole: it is written anew and renamed into place. That costs more the longer
//! it gets, so it happens at checkpoints, at the end, and in between not more often than the
//! configured seconds nor for more than a fiftieth of the time. The lines are kept in memory, about
//! 200 bytes per step. After a crash the lines behind the last checkpoint are dropped and written
//! again by the steps that are taken again.

use crate::error::{Result, TrainError};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Name of the log in a run's directory.
pub const METRICS_NAME: &str = "metrics.jsonl";

/// Why a step changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SkipReason {
    /// The loss is infinite or not a number.
    Loss,
    /// The norm of the gradients is infinite or not a number.
    Gradient,
    /// No position of the step has a target.
    NoTargets,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StepMetrics {
    /// The step, counted from 1.
    pub step: u64,
    /// Mean loss over the targets of the step, in nats; `null` where it is not finite.
    pub loss: Option<f64>,
    /// Learning rate of the step.
    pub lr: f64,
    /// Norm of all gradients of the mean loss before clipping; `null` where it is not finite.
    pub grad_norm: Option<f64>,
    /// Tokens of the run so far, padding left out.
    pub tokens: u64,
    /// Targets of this step.
    pub targets: u64,
    /// Tokens of this step per second of it.
    pub tokens_per_second: f64,
    /// Duration of reading, forward, backward and update.
    pub seconds: f64,
    /// Why the step changed nothing, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipReason>,
    /// Mean loss over the validation data after this step, in nats, where it was measured and is
    /// finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
}

/// The log while a run writes it.
#[derive(Debug)]
pub(crate) struct MetricsLog {
    path: PathBuf,
    bytes: Vec<u8>,
    flushed: usize,
    last_flush: Instant,
    pause: Duration,
    flush_every: Duration,
    tokens: u64,
    seconds: f64,
}

impl MetricsLog {
    /// Opens the log of a run that has taken `step` steps: later lines are dropped, on the disk too.
    pub(crate) fn open(dir: &Path, step: u64, flush_secs: f64) -> Result<Self> {
        let mut log = Self::empty(dir, flush_secs);
        let found = if pretrain_store::exists(&log.path) {
            pretrain_store::read(&log.path)?
        } else {
            Vec::new()
        };
        let mut lines = found.split_inclusive(|byte| *byte == b'\n');
        for line in 1..=step {
            let record: Option<StepMetrics> =
                lines.next().and_then(|bytes| serde_json::from_slice(bytes).ok());
            let Some(metrics) = record.filter(|metrics| metrics.step == line) else {
                return Err(TrainError::Metrics { path: log.path, line });
            };
            log.append(&metrics);
        }
        if log.bytes == found {
            log.flushed = found.len();
        } else {
            log.write()?;
        }
        Ok(log)
    }

    /// Tokens per second over all steps of a finished run, as far as its log can be read.
    pub(crate) fn throughput_of(dir: &Path) -> f64 {
        let mut log = Self::empty(dir, 0.0);
        let found = pretrain_store::read(&log.path).unwrap_or_default();
        let lines = found.split(|byte| *byte == b'\n');
        for metrics in lines.map_while(|line| serde_json::from_slice(line).ok()) {
            log.append(&metrics);
        }
        log.tokens_per_second()
    }

    fn empty(dir: &Path, flush_secs: f64) -> Self {
        let flush_every = Duration::try_from_secs_f64(flush_secs).unwrap_or(Duration::MAX);
        Self {
            path: dir.join(METRICS_NAME),
            bytes: Vec::new(),
            flushed: 0,
            last_flush: Instant::now(),
            pause: flush_every,
            flush_every,
            tokens: 0,
            seconds: 0.0,
        }
    }

    fn append(&mut self, metrics: &StepMetrics) {
        serde_json::to_writer(&mut self.bytes, metrics).expect("a line has only string keys");
        self.bytes.push(b'\n');
        self.tokens = metrics.tokens;
        self.seconds += metrics.seconds;
    }

    /// Adds a line, and writes the file if that is due.
    pub(crate) fn push(&mut self, metrics: &StepMetrics) -> Result<()> {
        self.append(metrics);
        if self.last_flush.elapsed() >= self.pause { self.flush() } else { Ok(()) }
    }

    /// Writes the file unless it is up to date.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if self.flushed == self.bytes.len() && pretrain_store::exists(&self.path) {
            return Ok(());
        }
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        let start = Instant::now();
        pretrain_store::write_atomic(&self.path, &self.bytes)?;
        self.flushed = self.bytes.len();
        self.last_flush = Instant::now();
        self.pause = self.flush_every.max(start.elapsed().saturating_mul(50));
        Ok(())
    }

    /// Tokens of all steps per second of them.
    pub(crate) fn tokens_per_second(&self) -> f64 {
        if self.seconds > 0.0 { self.tokens as f64 / self.seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: u64) -> StepMetrics {
        StepMetrics {
            step,
            loss: (step != 2).then_some(0.1 + 0.2),
            lr: 3e-4,
            grad_norm: Some(1.0),
            tokens: 10 * step,
            targets: 9,
            tokens_per_second: 20.0,
            seconds: 0.5,
            skipped: (step == 2).then_some(SkipReason::Loss),
            validation_loss: None,
        }
    }

    fn lines(dir: &Path) -> Vec<StepMetrics> {
        let text = pretrain_store::read_to_string(&dir.join(METRICS_NAME)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_resumed_log_goes_on_from_its_checkpoint() {
        let tmp = tempfile::tempdir().unwrap();
        let mut log = MetricsLog::open(tmp.path(), 0, 0.0).unwrap();
        for step in 1..=4 {
            log.push(&line(step)).unwrap();
        }
        log.flush().unwrap();
        assert_eq!(lines(tmp.path()), [line(1), line(2), line(3), line(4)]);
        assert_eq!(log.tokens_per_second(), 20.0);
        assert_eq!(MetricsLog::throughput_of(tmp.path()), 20.0);
        let mut log = MetricsLog::open(tmp.path(), 2, 0.0).unwrap();
        assert_eq!(lines(tmp.path()), [line(1), line(2)]);
        log.push(&line(3)).unwrap();
        log.flush().unwrap();
        assert_eq!(lines(tmp.path()), [line(1), line(2), line(3)]);
        assert_eq!(log.tokens_per_second(), 20.0);
        MetricsLog::open(tmp.path(), 0, 0.0).unwrap();
        assert_eq!(lines(tmp.path()), []);
    }

    #[test]
    fn a_log_that_lost_a_step_is_refused_by_line() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join(METRICS_NAME);
        let fault = |step| match MetricsLog::open(tmp.path(), step, 1.0) {
            Err(TrainError::Metrics { line, .. }) => Some(line),
            Ok(_) => None,
            Err(other) => panic!("{other}"),
        };
        assert_eq!(fault(1), Some(1));
        let text = |step| serde_json::to_string(&line(step)).unwrap();
        let broken = format!("{}\n{}\n{{\"step\":", text(1), text(3));
        pretrain_store::write_atomic(&path, broken.as_bytes()).unwrap();
        assert_eq!(fault(2), Some(2));
        assert_eq!(fault(1), None);
        let mut half = format!("{}\n{{\"step\":2,", text(1)).into_bytes();
        half.push(0xff);
        pretrain_store::write_atomic(&path, &half).unwrap();
        assert_eq!(fault(1), None);
    }
}
