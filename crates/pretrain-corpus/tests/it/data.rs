//! What the tests share: reading everything, packing bytes, finding reference data.

use pretrain_corpus::{
    BadReason, BadRecord, Document, InputFile, Position, ReadOptions, Record, read,
};
use std::io::Write;
use std::path::{Path, PathBuf};

/// All records of a file.
pub(crate) fn records(path: &Path, options: &ReadOptions) -> Vec<Record> {
    let file = InputFile::new(path).unwrap();
    read(&file, options).unwrap().map(|record| record.unwrap()).collect()
}

/// The documents of a file, which must hold nothing else.
pub(crate) fn documents(path: &Path) -> Vec<Document> {
    let records = records(path, &ReadOptions::default()).into_iter();
    records
        .map(|record| match record {
            Record::Document(document) => document,
            Record::Bad(bad) => panic!("{bad}"),
        })
        .collect()
}

/// Ids and texts of the documents, places and reasons of the rest.
pub(crate) type SortedOut = (Vec<(String, String)>, Vec<(Position, BadReason)>);

/// Takes records apart.
pub(crate) fn sorted_out(records: Vec<Record>) -> SortedOut {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for record in records {
        match record {
            Record::Document(doc) => good.push((doc.id.to_string(), doc.text)),
            Record::Bad(BadRecord { position, reason, .. }) => bad.push((position, reason)),
        }
    }
    (good, bad)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

pub(crate) fn put(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A folder of reference data, or `None` with a word about it.
pub(crate) fn reference(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PRETRAIN_DATA").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).to_path_buf(),
        PathBuf::from,
    );
    let path = root.join(folder);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is missing", path.display());
    None
}
