//! What turns a gradient into the next weights: how far (schedules), within which limit (clipping),
//! and along which direction (AdamW).
//!
//! What goes in are numbers and flattened tensors with a name; what comes out are numbers and
//! flattened tensors. In the order in which a training step meets them:
//!
//! 1. [`Schedule`] gives the learning rate of a step: a pure function, plain serde data.
//! 2. [`clip_factor`] and, with tensors, `global_norm` give the factor that keeps the norm of all
//!    gradients together within a bound.
//! 3. [`AdamWConfig`] says how parameters are updated, [`GroupRule`]s where single ones differ;
//!    `AdamW` holds the two moments of every parameter by name and applies one fused update each.
//!
//! ```
//! use pretrain_optim::Schedule;
//!
//! let schedule: Schedule = toml::from_str(
//!     r#"
//!     [cosine]
//!     peak_lr = 3e-3
//!     warmup_steps = 100
//!     total_steps = 1100
//!     min_ratio = 0.1
//!     "#,
//! )?;
//! schedule.validate()?;
//! assert_eq!(schedule.lr(0), 0.0);
//! assert_eq!(schedule.lr(50), 1.5e-3);
//! assert_eq!(schedule.lr(100), 3e-3);
//! assert!((schedule.lr(600) - 1.65e-3).abs() < 1e-12);
//! assert!((schedule.lr(1_000_000) - 3e-4).abs() < 1e-12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Determinism.** Schedules use `libm`, so a rate is the same to the last bit on every machine.
//! The global norm adds up parameters in the order given, and inside a parameter in an order fixed
//! by its length. **Memory.** `AdamW` holds two numbers per trained number.
//!
//! **Light.** Everything that touches tensors stands behind the default feature `burn`. Without it
//! the crate has schedules and settings only and depends on `serde`, `thiserror` and `libm`.
//!
//! Not here: models, ranks, files and clocks; other optimizers than AdamW; loss scaling.

#![forbid(unsafe_code)]

#[cfg(feature = "burn")]
mod adamw;
mod clip;
mod config;
mod error;
mod group;
mod schedule;

#[cfg(feature = "burn")]
pub use adamw::{AdamW, AdamWState, AdamWStep, Moments};
pub use clip::clip_factor;
#[cfg(feature = "burn")]
pub use clip::global_norm;
pub use config::{AdamWConfig, DecayRule};
pub use error::{Fault, OptimError, Result, ShapeMismatch};
pub use group::{GroupRule, GroupSettings};
pub use schedule::{Schedule, Shape};

/// The README's program, compiled and run with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
