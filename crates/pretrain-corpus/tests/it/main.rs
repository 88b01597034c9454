//! Files on a disk, from outside the crate.
#![allow(clippy::disallowed_methods, reason = "the tests make the files that the crate reads")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

mod damage;
mod data;
mod discovery;
mod golden;
mod jsonl;
mod parquet_files;
mod rust_sources;
mod sha1;
mod texts;
mod warc;
mod writers;
