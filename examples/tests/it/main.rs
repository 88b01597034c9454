//! Whole-tree and whole-run tests: structure, programs, crashes.

mod architecture;
mod bad_input;
mod crash;
mod export;
mod program;
mod programs;
mod tidy;
