//! Training: token shards in, a checkpoint out.

use super::tokens::open_packed;
use crate::device::{Device, OnDevice};
use crate::progress::{Bar, Progress, Unit};
use anyhow::Context;
use pretrain_kernels::KernelBackend;
use pretrain_model::{
    Architecture, ModelConfig, ModelOptions, ResolvedConfig, RopeConfig, SpecialTokens,
};
use pretrain_optim::{AdamWConfig, Schedule};
use pretrain_pack::{PackConfig, Packing, Tail};
use pretrain_store::{MANIFEST_NAME, Manifest};
use pretrain_train::{
    CheckpointConfig, DocumentMask, LogConfig, Outcome, ResolvedTrainConfig, Snapshot, TrainConfig,
    Trainer, TrainingData, ValidationConfig,
};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The shape of the model, the vocabulary and the sequence length aside. The defaults are those of
/// the built-in run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    /// The family.
    pub architecture: Architecture,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Blocks.
    pub n_layers: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads.
    pub n_kv_heads: usize,
    /// Width of the MLP.
    pub d_ff: usize,
    /// Share the embedding with the output head.
    pub tie_embeddings: bool,
    /// Width of a head; `d_model / n_heads` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<usize>,
    /// Base of the rotary positions; the family's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rope_theta: Option<f64>,
    /// Added inside norms.
    pub norm_eps: f64,
    /// Standard deviation of fresh weights.
    pub init_std: f64,
    /// Where the model differs from its family.
    pub options: ModelOptions,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            architecture: Architecture::default(),
            d_model: 128,
            n_layers: 4,
            n_heads: 2,
            n_kv_heads: 2,
            d_ff: 352,
            tie_embeddings: true,
            head_dim: None,
            rope_theta: None,
            norm_eps: 1e-5,
            init_std: 0.02,
            options: ModelOptions::default(),
        }
    }
}

impl ModelSettings {
    /// The whole configuration, checked.
    ///
    /// # Errors
    /// Every size that does not fit the others.
    pub fn resolve(
        &self,
        vocab_size: usize,
        seq_len: usize,
        special_tokens: SpecialTokens,
    ) -> anyhow::Result<ResolvedConfig> {
        let config = ModelConfig {
            architecture: self.architecture,
            vocab_size,
            d_model: self.d_model,
            n_layers: self.n_layers,
            n_heads: self.n_heads,
            n_kv_heads: self.n_kv_heads,
            head_dim: self.head_dim,
            d_ff: self.d_ff,
            max_seq_len: seq_len,
            norm_eps: self.norm_eps,
            tie_embeddings: self.tie_embeddings,
            init_std: self.init_std,
            rope: self.rope_theta.map(RopeConfig::new),
            options: self.options.clone(),
            special_tokens,
        };
        config.resolve().context("[model]")
    }
}

/// How it is trained. The defaults are those of the built-in run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSettings {
    /// Sequences that are computed at once.
    pub micro_batch: usize,
    /// Micro-batches per step.
    pub grad_accumulation: usize,
    /// Highest learning rate.
    pub peak_lr: f64,
    /// Steps until it is reached.
    pub warmup_steps: u64,
    /// The last learning rate as a share of the highest, along a cosine.
    pub min_lr_ratio: f64,
    /// AdamW's weight decay, of matrices only.
    pub weight_decay: f64,
    /// Bound on the norm of all gradients.
    pub clip: f64,
    /// Steps from one validation to the next.
    pub validation_every: u64,
    /// Micro-batches per validation.
    pub validation_batches: u64,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every: u64,
    /// Whether tokens see the documents before theirs in a sequence.
    pub document_mask: DocumentMask,
    /// Another schedule than warm-up and cosine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            micro_batch: 4,
            grad_accumulation: 1,
            peak_lr: 1.5e-3,
            warmup_steps: 60,
            min_lr_ratio: 0.05,
            weight_decay: 0.1,
            clip: 1.0,
            validation_every: 250,
            validation_batches: 16,
            checkpoint_every: 250,
            document_mask: DocumentMask::Separate,
            schedule: None,
        }
    }
}

impl TrainingSettings {
    /// The whole configuration, checked.
    ///
    /// # Errors
    /// Every setting out of its range.
    pub fn resolve(
        &self,
        seed: u64,
        steps: u64,
        seq_len: usize,
    ) -> anyhow::Result<ResolvedTrainConfig> {
        let cosine = Schedule::Cosine {
            peak_lr: self.peak_lr,
            warmup_steps: self.warmup_steps.min(steps / 2),
            total_steps: steps,
            min_ratio: self.min_lr_ratio,
        };
        let config = TrainConfig {
            seed,
            steps,
            seq_len,
            micro_batch: self.micro_batch,
            grad_accumulation: self.grad_accumulation,
            schedule: self.schedule.unwrap_or(cosine),
            adamw: AdamWConfig::new(self.weight_decay),
            clip: Some(self.clip),
            document_mask: self.document_mask,
            skip_limit: 10,
            validation: Some(ValidationConfig {
                every_steps: self.validation_every,
                max_batches: Some(self.validation_batches),
            }),
            checkpoint: CheckpointConfig { every_steps: Some(self.checkpoint_every), keep_last: 2 },
            log: LogConfig::default(),
        };
        config.resolve().context("[training]")
    }
}

/// A training run to be done.
#[derive(Debug)]
pub struct Learn<'a> {
    /// A finished tokens directory.
    pub tokens: &'a Path,
    /// Where checkpoints and the log go.
    pub out: &'a Path,
    /// The model.
    pub model: &'a ResolvedConfig,
    /// The settings.
    pub config: &'a ResolvedTrainConfig,
    /// Shown while it runs.
    pub progress: Progress,
}

/// Trains, or goes on with an earlier run in the same directory. Ctrl-C or SIGTERM ends it with a
/// checkpoint; a second one ends it at once.
///
/// # Errors
/// Settings, model and data do not fit together, the directory holds another run, the loss diverges,
/// or the disk refuses.
pub fn train(learn: &Learn<'_>, device: Device) -> anyhow::Result<Outcome> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let steps = learn.config.as_config().steps;
    let bar = learn.progress.stage("train", Unit::Items, steps);
    let outcome = device.run(Start { learn, bar: &bar, stop: &stop })??;
    bar.finish(&match &outcome {
        Outcome::Finished { loss, validation_loss, tokens_per_second, .. } => format!(
            "loss {:.4}, validation {:.4}, {tokens_per_second:.0} tokens/s",
            loss.unwrap_or(f64::NAN),
            validation_loss.unwrap_or(f64::NAN)
        ),
        Outcome::Interrupted { step, .. } => {
            format!("stopped at step {step} of {steps}; the same command goes on from there")
        }
        other => format!("{other:?}"),
    });
    Ok(outcome)
}

struct Start<'a> {
    learn: &'a Learn<'a>,
    bar: &'a Bar,
    stop: &'a AtomicBool,
}

impl OnDevice for Start<'_> {
    type Out = anyhow::Result<Outcome>;

    fn run<B: KernelBackend>(self, device: &B::Device) -> Self::Out {
        let Learn { tokens, out, model, config, .. } = *self.learn;
        let seq_len = config.as_config().seq_len;
        let pack = |tail| PackConfig::new(seq_len, Packing::Concat).tail(tail);
        let mut data = TrainingData::new(open_packed(tokens, "train", pack(Tail::Drop))?);
        if config.as_config().validation.is_some() {
            data = data.validation(open_packed(tokens, "validation", pack(Tail::Pad))?);
        }
        data = data.input(Manifest::load(tokens)?.as_input("tokens"));
        let trainer = Trainer::<B>::open(out, config.clone(), model, data, device)?;
        self.bar.set(trainer.step());
        let mut show = |snapshot: &Snapshot| {
            let metrics = &snapshot.metrics;
            self.bar.set(metrics.step);
            let (loss, speed) = (metrics.loss.unwrap_or(f64::NAN), metrics.tokens_per_second);
            self.bar.message(format!("loss {loss:.3} {speed:.0} tokens/s"));
        };
        Ok(trainer.run(&mut show, self.stop)?)
    }
}

/// Whether a run was begun or finished in a directory.
pub fn has_run(out: &Path) -> bool {
    [MANIFEST_NAME, "stage.json"].iter().any(|name| pretrain_store::exists(&out.join(name)))
}
