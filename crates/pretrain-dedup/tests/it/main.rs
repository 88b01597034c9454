//! Integration tests: the reference outputs of trusted implementations, and whole runs.

#![allow(clippy::disallowed_methods, reason = "tests read the reference files themselves")]
#![allow(clippy::print_stdout, reason = "tests say what was compared and what was skipped")]

mod decontaminate_golden;
mod exact_golden;
mod minhash_golden;
mod reference;
mod staged_golden;
mod substring_golden;
mod whole_runs;
