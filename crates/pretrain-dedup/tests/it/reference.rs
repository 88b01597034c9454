//! Finding and reading reference files.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn root(variable: &str, default: &str) -> PathBuf {
    let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    std::env::var_os(variable)
        .map_or_else(|| workspace.join("../shared").join(default), PathBuf::from)
}

/// A file or folder with reference outputs; says so and gives `None` where it is missing.
pub(crate) fn golden(path: &str) -> Option<PathBuf> {
    existing(root("PRETRAIN_GOLDEN", "golden").join("data").join(path))
}

/// A file with real documents, likewise.
pub(crate) fn data(path: &str) -> Option<PathBuf> {
    existing(root("PRETRAIN_DATA", "data").join(path))
}

fn existing(path: PathBuf) -> Option<PathBuf> {
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is missing", path.display());
    None
}

/// The sub-folders of `folder` that have a file named `name`, sorted.
pub(crate) fn cases(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder can be listed")
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|path| path.join(name).exists())
        .collect();
    cases.sort();
    if cases.is_empty() {
        println!("skipped: no case with {name} in {}", folder.display());
    }
    cases
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("the file can be read"))
        .expect("the file is JSON")
}

/// The lines of a `.jsonl` or `.jsonl.zst` file.
pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let bytes = fs::read(path).expect("the file can be read");
    let bytes = match path.extension().is_some_and(|extension| extension == "zst") {
        true => zstd::decode_all(&bytes[..]).expect("the file is zstd"),
        false => bytes,
    };
    bytes
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("the line is JSON"))
        .collect()
}

/// The texts of a file of documents, in order.
pub(crate) fn texts(path: &Path) -> Vec<String> {
    lines(path).iter().map(|line| string(&line["text"]).to_owned()).collect()
}

pub(crate) fn string(value: &Value) -> &str {
    value.as_str().expect("the value is a string")
}

pub(crate) fn number(value: &Value) -> usize {
    value.as_u64().expect("the value is a whole number") as usize
}

pub(crate) fn numbers(value: &Value) -> Vec<usize> {
    array(value).iter().map(number).collect()
}

pub(crate) fn array(value: &Value) -> &[Value] {
    value.as_array().expect("the value is an array")
}

/// 64-bit xxh64 as the reference files spell it.
pub(crate) fn xxh64_hex(bytes: &[u8]) -> String {
    format!("{:016x}", xxhash_rust::xxh64::xxh64(bytes, 0))
}
