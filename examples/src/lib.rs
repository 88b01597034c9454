//! What the example programs share, so that each of them stays a page long.
//!
//! A program is a struct of settings and a function that takes them:
//!
//! - [`command`] turns flags and a `--config` file into that struct, sets the number of threads, and
//!   ends the process with the right exit code;
//! - [`progress`] draws bars on stderr;
//! - [`stages`] are the steps of the pipeline, each from a finished directory to a finished
//!   directory: the single programs run one of them, `pretrain` runs them all;
//! - [`run`] is that whole run: its settings, its order, its summary;
//! - [`device`] chooses the processor at run time, [`model`] finds checkpoints and tokenizers;
//! - [`contents`] lists what is in a file;
//! - [`report`] renders `report.html`.
//!
//! The work itself is done by the library crates; nothing here knows how.

pub mod command;
pub mod contents;
pub mod device;
pub mod model;
pub mod progress;
pub mod report;
pub mod run;
pub mod stages;
