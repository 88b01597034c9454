//! The training loop: from packed sequences to the weights of a language model, stoppable at any
//! moment and repeatable to the last bit.
//!
//! What goes in: settings ([`TrainConfig`]), the shape of a model
//! ([`ResolvedConfig`](pretrain_model::ResolvedConfig)) and data ([`TrainingData`]). What comes out:
//! a directory with checkpoints, a log, and, when the run is over, a manifest.
//!
//! 1. [`TrainConfig::resolve`] checks the settings, [`Trainer::open`] that settings, model and data
//!    fit together; each reports every fault at once. `open` then finds the directory finished,
//!    resumes it, or begins it.
//! 2. [`Trainer::run`] takes the steps. A step adds up the gradients of its micro-batches, divides
//!    once by the number of targets of the whole step, clips by the global norm, and updates with
//!    AdamW at the rate of the schedule. A step whose loss or gradient is not finite changes nothing.
//! 3. An [`Observer`] sees a [`Snapshot`] after every step, `metrics.jsonl` gets a line.
//! 4. [`Outcome`] says how it ended. [`Checkpoint::newest`] finds what it left.
//!
//! ```
//! use pretrain_kernels::Flex;
//! use pretrain_model::ModelConfig;
//! use pretrain_pack::{PackConfig, PackedDataset, Packing, ShardHeader, TokenDataset, TokenShardWriter};
//! use pretrain_train::{Outcome, Snapshot, TrainConfig, Trainer, TrainingData};
//! use std::sync::atomic::AtomicBool;
//!
//! # let tmp = tempfile::tempdir()?;
//! # let dir = tmp.path();
//! // A shard with one document that counts to eight again and again.
//! let header = ShardHeader { vocab_size: 16, tokenizer: "digits".into() };
//! let mut shard = TokenShardWriter::create(&dir.join("digits.tokens"), &header)?;
//! let ids: Vec<u32> = (0..400).map(|i| i % 8).collect();
//! shard.push_document(&ids, 400)?;
//! shard.finish()?;
//! let tokens = TokenDataset::open(&[dir.join("digits.tokens")])?;
//! let data = TrainingData::new(PackedDataset::new(tokens, PackConfig::new(16, Packing::Concat))?);
//!
//! let config: TrainConfig = toml::from_str(
//!     r#"
//!     seed = 1
//!     steps = 12
//!     seq_len = 16
//!     micro_batch = 4
//!     [schedule.constant]
//!     peak_lr = 1e-2
//!     warmup_steps = 2
//!     [adamw]
//!     beta1 = 0.9
//!     beta2 = 0.95
//!     eps = 1e-8
//!     weight_decay = 0.1
//!     "#,
//! )?;
//! let model = ModelConfig::tiny(16).resolve()?;
//! let run = dir.join("run");
//! let trainer = Trainer::<Flex>::open(&run, config.resolve()?, &model, data, &Default::default())?;
//! let mut losses = Vec::new();
//! let outcome = trainer.run(
//!     &mut |snapshot: &Snapshot| losses.extend(snapshot.metrics.loss),
//!     &AtomicBool::new(false),
//! )?;
//! assert!(losses[11] < losses[0]);
//! assert!(matches!(outcome, Outcome::Finished { step: 12, .. }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **The directory.**
//!
//! ```text
//! metrics.jsonl              a line per step; see StepMetrics
//! checkpoints/step-00000100/ a Hugging Face model directory, and beside the weights
//!   optimizer.safetensors    the moments, m.NAME and v.NAME
//!   state.json               step, data cursor, counters, digest of the settings
//!   manifest.json            lengths and checksums of the others, written last
//! manifest.json              written when the run is over: its last checkpoint's files
//! ```
//!
//! **Resuming.** A checkpoint without a manifest is half-written and ignored. One that does not match
//! its manifest is damaged: the one before is taken, with a warning through `tracing` and an entry in
//! the outcome. A run that was stopped, killed or damaged and resumed, however often, ends with the
//! same weights, state and log (durations aside) as one that was not. Other settings, another model
//! or other data are refused by name; how often to save and to log may change.
//!
//! **Determinism.** Fresh weights and the order of the data are functions of the seed. On the CPU the
//! weights do not depend on the number of threads either; a test holds all of it to the last bit.
//! Gradients are sums over tokens divided once, so splitting a step into other micro-batches changes
//! nothing but rounding.
//!
//! **Memory.** See [`Trainer`]; the log adds about 200 bytes per step on the host.
//!
//! Not here: several ranks, mixed precision, loss scaling, recomputation of activations; a guard
//! against losses that rise but stay finite, or a way back to a checkpoint after a divergence; other
//! optimizers than AdamW; TensorBoard files; and going on with a finished run for more steps, which
//! is another run.

#![forbid(unsafe_code)]

mod checkpoint;
mod config;
mod data;
mod error;
mod learner;
mod metrics;
mod observer;
mod outcome;
mod state;
mod trainer;

pub use checkpoint::Checkpoint;
pub use config::{
    CheckpointConfig, DocumentMask, LogConfig, ResolvedTrainConfig, TrainConfig, ValidationConfig,
};
pub use data::TrainingData;
pub use error::{Fault, RejectedCheckpoint, Result, TrainError};
pub use metrics::{METRICS_NAME, SkipReason, StepMetrics};
pub use observer::{Observer, Snapshot};
pub use outcome::Outcome;
pub use trainer::Trainer;

/// The README's program, compiled and run with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
