//! What the crate computes, against PyTorch and transformers.
#![allow(clippy::disallowed_methods, reason = "tests read reference files")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failing helper is a failing test")]

#[cfg(feature = "burn")]
mod golden_adamw;
mod golden_schedules;

use serde_json::Value;
use std::path::PathBuf;

/// The folder of reference outputs about models, or `None` with a message where there is none.
fn golden(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PRETRAIN_GOLDEN").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden")),
        PathBuf::from,
    );
    let path = root.join("model").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is missing", path.display());
    None
}

fn json(path: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}
