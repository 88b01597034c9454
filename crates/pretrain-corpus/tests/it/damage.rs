//! No bytes make a reader panic, hang or forget: laws over damaged files.

use crate::data::{gzip, put, zstd};
use pretrain_corpus::{
    DocId, Document, InputFile, JsonlWriter, ParquetWriter, ReadOptions, Record, read,
};
use proptest::prelude::*;
use std::path::Path;

const DOCUMENTS: usize = 300;

/// Every record, however bad; an error of the file is a fault of this test.
fn count(path: &Path) -> (usize, usize) {
    let options = ReadOptions { max_document_bytes: 1 << 20, ..ReadOptions::default() };
    let (mut good, mut bad) = (0, 0);
    let Ok(records) = read(&InputFile::new(path).unwrap(), &options) else { return (0, 1) };
    for record in records {
        match record.unwrap() {
            Record::Document(_) => good += 1,
            Record::Bad(_) => bad += 1,
        }
    }
    (good, bad)
}

fn whole_files(dir: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let documents = (0..DOCUMENTS).map(|i| {
        let text = format!("text {} of {i}\n", "word ".repeat(i % 7));
        Document::new(DocId::new(format!("id{i}")).unwrap(), text)
    });
    let documents: Vec<Document> = documents.collect();
    let (jsonl, table) = (dir.join("a.jsonl"), dir.join("a.parquet"));
    let mut lines = JsonlWriter::create(&jsonl).unwrap();
    let mut rows = ParquetWriter::create(&table).unwrap();
    for document in &documents {
        lines.write(document).unwrap();
        rows.write(document).unwrap();
    }
    lines.finish().unwrap();
    rows.finish().unwrap();
    let jsonl = std::fs::read(jsonl).unwrap();
    let wet: Vec<u8> = documents
        .iter()
        .flat_map(|document| {
            let head = "WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: ";
            let n = document.text.len();
            gzip(format!("{head}{n}\r\n\r\n{}\r\n\r\n", document.text).as_bytes())
        })
        .collect();
    vec![
        ("a.jsonl.gz", gzip(&jsonl)),
        ("a.jsonl.zst", zstd(&jsonl)),
        ("a.jsonl", jsonl),
        ("a.parquet", std::fs::read(table).unwrap()),
        ("a.wet.gz", wet),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_are_survived(
        hits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let tmp = tempfile::tempdir().unwrap();
        for (name, mut bytes) in whole_files(tmp.path()) {
            prop_assert_eq!(count(&put(tmp.path(), name, &bytes)), (DOCUMENTS, 0));
            for (place, byte) in &hits {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            if cuts {
                bytes.truncate(cut.index(bytes.len()));
            }
            let (good, bad) = count(&put(tmp.path(), name, &bytes));
            // Damaged compressed data may decode to more lines than there were, though not to many.
            prop_assert!(good + bad <= 20 * DOCUMENTS, "{name}: {good}, {bad}");
        }
    }
}
