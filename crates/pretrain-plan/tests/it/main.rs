//! Parameter counts against real checkpoints, and whole plans.
#![allow(clippy::disallowed_methods, reason = "the tests read golden files themselves")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic and say why it was skipped"
)]

mod golden_parameters;
mod plan;
