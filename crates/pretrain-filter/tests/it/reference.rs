//! Reading the reference files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

/// The folder of golden files for text, or `None` with a line that says what is missing.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PRETRAIN_GOLDEN").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden")),
        PathBuf::from,
    );
    let folder = root.join("data").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is missing", folder.display());
    None
}

/// Every record of every `.jsonl.zst` file in the folder whose name begins with `prefix`.
pub(crate) fn records(folder: &PathBuf, prefix: &str) -> Vec<Value> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder can be listed")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            name.starts_with(prefix) && name.ends_with(".jsonl.zst")
        })
        .collect();
    paths.sort();
    let mut out = Vec::new();
    for path in paths {
        let bytes = zstd::decode_all(std::fs::File::open(&path).expect("open")).expect("zstd");
        for line in bytes.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
            out.push(serde_json::from_slice(line).expect("a line is a JSON object"));
        }
    }
    out
}

/// The texts of the pool, by id.
pub(crate) fn texts() -> Option<BTreeMap<String, String>> {
    let folder = folder("pool")?;
    let text = |record: Value| {
        let field = |key: &str| record[key].as_str().expect("a string").to_owned();
        (field("id"), field("text"))
    };
    Some(records(&folder, "texts").into_iter().map(text).collect())
}

/// The hash by which the goldens name a text.
pub(crate) fn xxh64(text: &str) -> String {
    format!("{:016x}", xxhash_rust::xxh64::xxh64(text.as_bytes(), 0))
}
