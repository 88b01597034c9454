//! The arithmetic of a pretraining run, before anything is spent on it.
//!
//! What goes in are the shape of a decoder ([`ModelShape`]), an amount of data, the manner of
//! training ([`MemoryConfig`]) and the machines ([`Hardware`]). What comes out is a [`Plan`]:
//! parameters by part, operations per token, memory by kind, tokens, predicted loss, time and cost.
//! Each part is there by itself too:
//!
//! 1. [`ModelShape::resolve`] checks a shape and gives an [`Architecture`], whose
//!    [`parameters`](Architecture::parameters) are those of the checkpoint, to the last one;
//! 2. [`Architecture::flops_per_token`] counts operations, by the convention of MFU and exactly;
//! 3. [`Architecture::memory`] splits a device's memory into kinds;
//! 4. [`ScalingLaw`] predicts loss and says how to split compute between parameters and tokens.
//!
//! ```
//! use pretrain_plan::{
//!     Hardware, MemoryConfig, ModelShape, OptimizerKind, PlanConfig, Precision, Recomputation,
//!     TokenBudget,
//! };
//!
//! let model = ModelShape {
//!     vocab_size: 128_256,
//!     d_model: 4096,
//!     n_layers: 32,
//!     n_heads: 32,
//!     n_kv_heads: 8,
//!     head_dim: 128,
//!     d_ff: 14_336,
//!     tie_embeddings: false,
//!     seq_len: 8192,
//!     gated_mlp: true,
//! };
//! let memory = MemoryConfig {
//!     compute: Precision::Bf16,
//!     gradients: Precision::F32,
//!     masters: true,
//!     optimizer: OptimizerKind::AdamW,
//!     micro_batch_size: 1,
//!     recomputation: Recomputation::Block,
//!     logits_chunk: Some(1024),
//!     materialised_attention: false,
//! };
//! let hardware = Hardware {
//!     devices: 256,
//!     peak_flops: 989.5e12,
//!     mfu: 0.4,
//!     price_per_device_hour: Some(2.0),
//! };
//! let tokens = TokenBudget::PerParameter(20.0);
//! let plan = PlanConfig { model, tokens, memory, hardware: Some(hardware) }.plan()?;
//! assert_eq!(plan.parameters, 8_030_261_248);
//! assert_eq!(plan.tokens, 160_605_224_960);
//! assert_eq!(plan.memory_bytes.optimizer, 8 * plan.parameters);
//! assert!(plan.seconds.unwrap() < 2.0 * 86_400.0);
//! # Ok::<(), pretrain_plan::PlanError>(())
//! ```
//!
//! **Determinism.** Counts are integers. Losses, times and costs are `f64` and may differ in the last
//! digit between platforms' `pow`. **Memory.** Constant.
//!
//! Not here: models of other kinds (biases, experts, encoders), memory divided over several devices,
//! communication, and measurements: an MFU is asked for, not guessed.

#![forbid(unsafe_code)]

mod error;
mod flops;
mod memory;
mod plan;
mod scaling;
mod shape;

pub use error::{PlanError, Result};
pub use flops::FlopsPerToken;
pub use memory::{Memory, MemoryConfig, OptimizerKind, Precision, Recomputation};
pub use plan::{Hardware, OptimalTokens, Plan, PlanConfig, TokenBudget};
pub use scaling::{ComputeOptimum, ScalingLaw, TOKENS_PER_PARAMETER};
pub use shape::{Architecture, ModelShape, Parameters};
