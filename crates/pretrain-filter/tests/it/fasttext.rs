//! The reader of fastText models against fastText's own predictions.

use std::path::Path;

use pretrain_filter::FilterError;
use pretrain_filter::fasttext::FastText;
use serde_json::Value;

use crate::reference::{folder, records};

fn model(path: &Path) -> Vec<u8> {
    zstd::decode_all(std::fs::File::open(path).expect("open")).expect("zstd")
}

/// Every model of the folder: its name and its bytes.
fn models(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("").to_owned();
        if let Some(name) = name.strip_suffix(".bin.zst") {
            out.push((name.to_owned(), model(&path)));
        } else if let Some(name) = name.strip_suffix(".zst").filter(|n| n.ends_with(".ftz")) {
            out.push((name.to_owned(), model(&path)));
        }
    }
    out.sort();
    out
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().map_or(Vec::new(), |all| all.iter().filter_map(Value::as_f64).collect())
}

#[test]
fn golden_fasttext_predictions() {
    let Some(folder) = folder("fasttext") else { return };
    for (name, bytes) in models(&folder) {
        let model = FastText::from_bytes(&bytes).expect(&name);
        let (mut n, mut worst) = (0, 0.0f64);
        for record in records(&folder, &format!("predictions.{name}.jsonl")) {
            let text = record["text"].as_str().expect("text");
            let id = &record["id"];
            let probs = floats(&record["probs"]);
            let labels: Vec<&str> = record["labels"]
                .as_array()
                .expect("labels")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let got = model.predict(text, labels.len().max(1), 0.0);
            assert_eq!(got.len(), labels.len(), "{name} {id}");
            for ((i, got), expected) in got.iter().enumerate().zip(&probs) {
                let difference = (f64::from(got.probability) - expected).abs();
                worst = worst.max(difference);
                assert!(difference <= 1e-4, "{name} {id}: {got:?} is not {expected}");
                let clear = |j: usize| probs.get(j).is_none_or(|p| (p - expected).abs() > 1e-4);
                if clear(i + 1) && (i == 0 || clear(i - 1)) && i + 1 < labels.len() {
                    assert_eq!(got.label, labels[i], "{name} {id} label {i}");
                }
            }
            if let Some(tokens) = record.get("line_tokens").and_then(Value::as_array) {
                let got: Vec<_> = FastText::tokens(text).map(String::from_utf8_lossy).collect();
                let expected: Vec<_> = tokens.iter().filter_map(Value::as_str).collect();
                assert_eq!(got, expected, "{name} {id}");
            }
            if record.get("sentence_vector").is_some_and(Value::is_array) {
                let got = model.sentence_vector(text);
                for (got, expected) in got.iter().zip(floats(&record["sentence_vector"])) {
                    assert!((f64::from(*got) - expected).abs() < 2e-6, "{name} {id}: vector");
                }
            }
            n += 1;
        }
        println!("fastText {name}: {n} lines agree, largest difference {worst:e}");
        assert!(n > 0, "{name} has predictions");
    }
}

#[test]
fn golden_fasttext_parts_of_words() {
    let Some(folder) = folder("fasttext") else { return };
    let summary = std::fs::read(folder.join("summary.json")).expect("summary");
    let summary: Value = serde_json::from_slice(&summary).expect("JSON");
    for (name, bytes) in models(&folder) {
        let model = FastText::from_bytes(&bytes).expect(&name);
        let Some(words) = summary["models"][&name]["subwords"].as_object() else { continue };
        for (word, expected) in words {
            let ids: Vec<u32> = serde_json::from_value(expected["ids"].clone()).expect("ids");
            assert_eq!(model.subword_ids(word), ids, "{name} {word}");
        }
    }
}

#[test]
fn golden_fasttext_files_cut_short_are_errors() {
    let Some(folder) = folder("fasttext") else { return };
    for (name, bytes) in models(&folder) {
        for n in (0..bytes.len()).step_by(bytes.len() / 97 + 1) {
            let error = FastText::from_bytes(&bytes[..n]).expect_err("cut short");
            assert!(matches!(error, FilterError::Model { .. }), "{name} {n}");
        }
        // A flipped byte gives an error or some other model; never a panic.
        for at in (0..bytes.len().min(4000)).step_by(13) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0xff;
            if let Ok(model) = FastText::from_bytes(&bytes) {
                model.predict("some words", 3, 0.0);
            }
        }
    }
}
