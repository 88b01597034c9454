//! Where the golden files are and how they are read.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// The folder with the golden cases of this crate, or `None`, said aloud, where it is missing.
pub(crate) fn folder() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    let root = std::env::var_os("PRETRAIN_GOLDEN").map_or(default, PathBuf::from);
    let folder = root.join("pack");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is missing", folder.display());
    None
}

fn text(name: &str) -> Option<String> {
    let path = folder()?.join(name);
    let Ok(bytes) = std::fs::read(&path) else {
        println!("skipped: {} is missing", path.display());
        return None;
    };
    let bytes = if name.ends_with(".zst") { zstd::decode_all(&bytes[..]).unwrap() } else { bytes };
    Some(String::from_utf8(bytes).unwrap())
}

/// A JSON file, compressed if its name ends in `.zst`.
pub(crate) fn json(name: &str) -> Option<Value> {
    Some(serde_json::from_str(&text(name)?).unwrap())
}

/// The lines of a JSONL file; they end at LF only.
pub(crate) fn json_lines(name: &str) -> Option<Vec<Value>> {
    let text = text(name)?;
    let lines = text.split('\n').filter(|line| !line.is_empty());
    Some(lines.map(|line| serde_json::from_str(line).unwrap()).collect())
}

pub(crate) fn numbers(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect()
}

pub(crate) fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// XXH64 (seed 0) over little-endian `u32` values, as the golden files write it.
pub(crate) fn hash(values: impl IntoIterator<Item = u32>) -> String {
    let bytes: Vec<u8> = values.into_iter().flat_map(u32::to_le_bytes).collect();
    format!("{:016x}", xxhash_rust::xxh64::xxh64(&bytes, 0))
}
