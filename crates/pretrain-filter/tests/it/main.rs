//! Integration tests of `pretrain-filter`.
#![allow(clippy::disallowed_methods, reason = "tests read the reference files")]
#![allow(clippy::print_stdout, reason = "tests say what they measured or skipped")]

mod behaviour;
mod fasttext;
mod golden;
mod langid;
mod lists;
mod ngram_model;
mod pii;
mod preset;
mod reference;
