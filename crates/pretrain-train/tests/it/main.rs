//! The laws of the loop, with a tiny model on the CPU.
#![allow(clippy::disallowed_methods, reason = "tests damage files on purpose")]
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod accumulation;
mod checkpoints;
mod damage;
mod families;
mod killed;
mod learning;
mod refusals;
mod resume;
mod run;
mod streams;
