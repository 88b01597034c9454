//! The settings of a run: what the user wrote, and what it was found to mean.

use crate::error::{Fault, Result, TrainError};
use pretrain_optim::{AdamWConfig, Schedule};
use serde::{Deserialize, Serialize};

/// What a token sees of the other documents in its sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentMask {
    /// Nothing: attention stays inside a document, positions begin at 0 in each.
    #[default]
    Separate,
    /// All that is before it: a sequence is one text. Faster, and what many published models did.
    Joined,
}

/// The settings of a run. Whatever changes the result has no default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Fixes the fresh weights and the order of the data.
    pub seed: u64,
    /// Optimizer steps of the whole run.
    pub steps: u64,
    /// Tokens per sequence; that of the dataset.
    pub seq_len: usize,
    /// Sequences that are computed at once.
    pub micro_batch: usize,
    /// Micro-batches whose gradients are added up for one step; 1 when absent.
    #[serde(default = "one")]
    pub grad_accumulation: usize,
    /// The learning rate.
    pub schedule: Schedule,
    /// The optimizer.
    pub adamw: AdamWConfig,
    /// Bound on the norm of all gradients; absent = none.
    #[serde(default)]
    pub clip: Option<f64>,
    /// What a token sees of other documents.
    #[serde(default)]
    pub document_mask: DocumentMask,
    /// The run ends with an error at this many steps in a row whose loss or gradient is not finite;
    /// fewer are skipped. 10 when absent.
    #[serde(default = "default_skip_limit")]
    pub skip_limit: u64,
    /// Measuring on data that is not trained on; absent = none.
    #[serde(default)]
    pub validation: Option<ValidationConfig>,
    /// Saving. Changes nothing of the result, so a run may go on under other values.
    #[serde(default)]
    pub checkpoint: CheckpointConfig,
    /// Logging. Changes nothing of the result, so a run may go on under other values.
    #[serde(default)]
    pub log: LogConfig,
}

/// When and on how much the validation loss is measured. The last step measures it too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationConfig {
    /// Steps from one measurement to the next.
    pub every_steps: u64,
    /// Micro-batches per measurement, always the first ones; absent = the whole dataset.
    #[serde(default)]
    pub max_batches: Option<u64>,
}

/// When checkpoints are written and how many stay. The last step writes one too, as does a stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Steps from one to the next; absent = only at the end or a stop.
    #[serde(default)]
    pub every_steps: Option<u64>,
    /// Newest ones that stay, at least 1; 2 when absent, so that a damaged one has a predecessor.
    #[serde(default = "default_keep_last")]
    pub keep_last: usize,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { every_steps: None, keep_last: default_keep_last() }
    }
}

/// How often the log reaches the disk between checkpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// Seconds from one write of `metrics.jsonl` to the next, at least; 1 when absent.
    #[serde(default = "default_flush_secs")]
    pub flush_secs: f64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { flush_secs: default_flush_secs() }
    }
}

fn one() -> usize {
    1
}

fn default_skip_limit() -> u64 {
    10
}

fn default_keep_last() -> usize {
    2
}

fn default_flush_secs() -> f64 {
    1.0
}

impl TrainConfig {
    /// Checks every setting that can be checked without data and model.
    ///
    /// # Errors
    /// [`TrainError::Config`] with all faults at once.
    pub fn resolve(self) -> Result<ResolvedTrainConfig> {
        let faults = self.faults();
        if faults.is_empty() {
            Ok(ResolvedTrainConfig { config: self })
        } else {
            Err(TrainError::Config { faults })
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let counts = [
            ("steps", Some(self.steps)),
            ("seq_len", Some(self.seq_len as u64)),
            ("micro_batch", Some(self.micro_batch as u64)),
            ("grad_accumulation", Some(self.grad_accumulation as u64)),
            ("skip_limit", Some(self.skip_limit)),
            ("validation.every_steps", self.validation.as_ref().map(|v| v.every_steps)),
            ("validation.max_batches", self.validation.as_ref().and_then(|v| v.max_batches)),
            ("checkpoint.every_steps", self.checkpoint.every_steps),
            ("checkpoint.keep_last", Some(self.checkpoint.keep_last as u64)),
        ];
        let zero = |(field, count): (&str, Option<u64>)| {
            (count == Some(0)).then(|| Fault::new(field, 0, "at least 1"))
        };
        let mut faults: Vec<Fault> = counts.into_iter().filter_map(zero).collect();
        let sizes = [self.micro_batch as u64, self.grad_accumulation as u64, self.seq_len as u64];
        let tokens = sizes.iter().try_fold(self.steps, |n, size| n.checked_mul(*size));
        if tokens.is_none() {
            let field = "steps * micro_batch * grad_accumulation * seq_len";
            faults.push(Fault::new(field, "2^64 or more", "below 2^64"));
        }
        faults
            .extend(self.schedule.faults().into_iter().map(|fault| fault.under("schedule").into()));
        faults.extend(self.adamw.faults().into_iter().map(|fault| fault.under("adamw").into()));
        if let Some(clip) = self.clip.filter(|clip| !(clip.is_finite() && *clip > 0.0)) {
            faults.push(Fault::new("clip", clip, "a finite number above 0"));
        }
        let flush_secs = self.log.flush_secs;
        if !(flush_secs.is_finite() && flush_secs >= 0.0) {
            faults.push(Fault::new("log.flush_secs", flush_secs, "a finite number of at least 0"));
        }
        faults
    }
}

/// Settings whose every relation holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedTrainConfig {
    config: TrainConfig,
}

impl ResolvedTrainConfig {
    /// The settings as data.
    pub fn as_config(&self) -> &TrainConfig {
        &self.config
    }

    /// Sequences per optimizer step.
    pub fn batch_size(&self) -> usize {
        self.config.micro_batch * self.config.grad_accumulation
    }

    /// Positions per optimizer step, padding included.
    pub fn tokens_per_step(&self) -> u64 {
        self.batch_size() as u64 * self.config.seq_len as u64
    }

    /// The settings that the result depends on, as JSON.
    pub(crate) fn identity(&self) -> serde_json::Value {
        let mut value = serde_json::to_value(&self.config).expect("settings have string keys");
        if let Some(map) = value.as_object_mut() {
            map.remove("checkpoint");
            map.remove("log");
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        seed = 1
        steps = 100
        seq_len = 32
        micro_batch = 4
        [schedule.constant]
        peak_lr = 1e-3
        warmup_steps = 10
        [adamw]
        beta1 = 0.9
        beta2 = 0.95
        eps = 1e-8
        weight_decay = 0.1
    "#;

    fn config() -> TrainConfig {
        toml::from_str(TEXT).unwrap()
    }

    #[test]
    fn what_is_left_out_is_operational() {
        let config = config().resolve().unwrap();
        assert_eq!((config.batch_size(), config.tokens_per_step()), (4, 128));
        assert_eq!(
            config.as_config().checkpoint,
            CheckpointConfig { every_steps: None, keep_last: 2 }
        );
        assert_eq!((config.as_config().skip_limit, config.as_config().clip), (10, None));
        let identity = config.identity();
        assert_eq!(identity["schedule"]["constant"]["peak_lr"], 1e-3);
        assert!(identity.get("checkpoint").is_none() && identity.get("log").is_none());
        for key in ["seed", "steps", "seq_len", "micro_batch", "beta2"] {
            let without: Vec<&str> =
                TEXT.lines().filter(|line| !line.trim_start().starts_with(key)).collect();
            let error = toml::from_str::<TrainConfig>(&without.join("\n")).unwrap_err();
            assert!(error.to_string().contains(key), "{key}: {error}");
        }
        let misspelt = TEXT.replace("micro_batch", "microbatch");
        assert!(toml::from_str::<TrainConfig>(&misspelt).is_err());
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let mut config = config();
        config.steps = 0;
        config.grad_accumulation = 0;
        config.schedule = Schedule::Constant { peak_lr: f64::INFINITY, warmup_steps: 0 };
        config.adamw.beta2 = 1.5;
        config.clip = Some(-1.0);
        config.validation = Some(ValidationConfig { every_steps: 0, max_batches: Some(0) });
        config.checkpoint = CheckpointConfig { every_steps: Some(0), keep_last: 0 };
        config.log.flush_secs = f64::NAN;
        let TrainError::Config { faults } = config.resolve().unwrap_err() else { panic!() };
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "steps",
                "grad_accumulation",
                "validation.every_steps",
                "validation.max_batches",
                "checkpoint.every_steps",
                "checkpoint.keep_last",
                "schedule.peak_lr",
                "adamw.beta2",
                "clip",
                "log.flush_secs",
            ]
        );
        let mut config = self::config();
        config.steps = u64::MAX;
        assert!(config.resolve().unwrap_err().to_string().contains("below 2^64"));
    }
}
