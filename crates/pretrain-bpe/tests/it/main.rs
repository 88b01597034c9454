//! Integration tests: golden files of the reference implementations, and laws over the public API.
#![allow(clippy::disallowed_methods, reason = "tests read golden files")]
#![allow(clippy::print_stdout, reason = "what is not covered is said")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail like the test")]

mod golden;
mod golden_encode;
mod golden_encoding;
mod golden_formats;
mod golden_report;
mod golden_special;
mod golden_spm;
mod golden_stream;
mod golden_train;
mod golden_unigram;
mod laws;
mod readers;
mod streaming;
mod vectors;
