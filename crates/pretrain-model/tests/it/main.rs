//! One binary for all integration tests.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests look at files from the outside, say what they skip, and fail by panicking"
)]

mod cases;
mod directory;
mod families;
mod golden;
mod golden_generation;
mod golden_rope;
mod laws;
