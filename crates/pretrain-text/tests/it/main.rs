//! Integration tests of `pretrain-text`.
#![allow(clippy::disallowed_methods, reason = "tests read the reference files")]
#![allow(clippy::print_stdout, reason = "tests say what they measured or skipped")]

mod golden;
mod pathological;
mod reference;
