//! Whole-tree and whole-run tests: structure, programs, crashes.

#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod architecture;
mod bad_input;
mod crash;
mod export;
mod program;
mod programs;
mod tidy;
