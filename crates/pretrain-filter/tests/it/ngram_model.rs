//! N-gram models against KenLM's scores.

use std::collections::BTreeMap;
use std::path::Path;

use pretrain_filter::ngram_model::{NgramModel, perplexity};
use serde_json::Value;

use crate::reference::{folder, records};

fn unpacked(path: &Path) -> Vec<u8> {
    zstd::decode_all(std::fs::File::open(path).expect("open")).expect("zstd")
}

/// Every model of the folder with the prefix of the scores that belong to it.
fn models(folder: &Path) -> Vec<(String, NgramModel)> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        if let Some(name) = name.strip_suffix(".arpa.zst") {
            let text = String::from_utf8(unpacked(&path)).expect("UTF-8");
            let model = NgramModel::from_arpa(&text).expect(name);
            out.push(("scores.jsonl".to_owned(), model));
        } else if let Some(name) = name.strip_suffix(".binary.zst") {
            let model = NgramModel::from_kenlm(unpacked(&path)).expect(name);
            let kind = name.rsplit_once('.').map_or(name, |(_, kind)| kind);
            out.push((format!("scores.{kind}.jsonl"), model));
        }
    }
    out
}

#[test]
fn golden_ngram_scores() {
    let Some(folder) = folder("ngram") else { return };
    let all = models(&folder);
    let texts: BTreeMap<String, String> = (records(&folder, "scores.jsonl").iter())
        .map(|record| (record["id"].to_string(), record["text"].as_str().expect("text").to_owned()))
        .collect();
    for (scores, model) in &all {
        let (mut n, mut worst) = (0, 0.0f64);
        for record in records(&folder, scores) {
            let id = &record["id"];
            let text = &texts[&id.to_string()];
            let mut close = |what: &str, got: f64, expected: &Value, words: usize| {
                let Some(expected) = expected.as_f64() else { return };
                let difference = (got - expected).abs() / words.max(1) as f64;
                worst = worst.max(difference);
                assert!(difference < 1e-5, "{scores} {id} {what}: {got} is not {expected}");
            };
            for (key, bos, eos) in [
                ("score", true, true),
                ("score_no_bos", false, true),
                ("score_no_eos", true, false),
                ("score_none", false, false),
            ] {
                let (score, words) = model.score(text, bos, eos);
                close(key, score, &record[key], words);
            }
            if let Some(full) = record["full_scores"].as_array() {
                let got = model.word_scores(text, true, true);
                assert_eq!(got.len(), full.len(), "{scores} {id}");
                for (got, expected) in got.iter().zip(full) {
                    close("word", f64::from(got.log10), &expected[0], 1);
                    assert_eq!(Some(got.ngram as u64), expected[1].as_u64(), "{scores} {id}");
                    assert_eq!(Some(got.unknown), expected[2].as_bool(), "{scores} {id}");
                }
            }
            if let Some(expected) = record["perplexity"].as_f64() {
                let got = perplexity(model, text);
                assert!((got / expected - 1.0).abs() < 1e-4, "{scores} {id}: {got} {expected}");
            }
            n += 1;
        }
        println!("n-gram model {scores}: {n} lines agree, largest difference per word {worst:e}");
        assert!(n > 0, "{scores} has lines");
    }
}

#[test]
fn golden_ngram_models_agree_with_each_other() {
    let Some(folder) = folder("ngram") else { return };
    let all = models(&folder);
    let lines: Vec<String> = (records(&folder, "scores.jsonl").iter())
        .filter_map(|record| record["text"].as_str().map(str::to_owned))
        .collect();
    // The quantised model is another one; the rest hold the same numbers.
    let exact: Vec<_> = all.iter().filter(|(scores, _)| !scores.contains("-q")).collect();
    for line in &lines {
        for pair in exact.windows(2) {
            assert_eq!(
                pair[0].1.word_scores(line, true, true),
                pair[1].1.word_scores(line, true, true),
                "{line}"
            );
        }
    }
}

#[test]
fn golden_ngram_files_cut_short_or_changed_never_panic() {
    let Some(folder) = folder("ngram") else { return };
    for entry in std::fs::read_dir(&folder).expect("the folder can be listed") {
        let path = entry.expect("an entry").path();
        if !path.to_string_lossy().ends_with(".binary.zst") {
            continue;
        }
        let bytes = unpacked(&path);
        for n in (0..bytes.len() * 9 / 10).step_by(bytes.len() / 41 + 1) {
            assert!(NgramModel::from_kenlm(bytes[..n].to_vec()).is_err(), "{n} bytes");
        }
        for at in (0..200).chain((200..bytes.len()).step_by(bytes.len() / 41)) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x55;
            if let Ok(model) = NgramModel::from_kenlm(bytes) {
                model.score("a few words of the model", true, true);
            }
        }
    }
}

#[test]
fn malformed_arpa_names_its_line() {
    let whole = "\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-1 <unk> 0\n-0.5 <s> -0.1\n-0.7 </s>\n\n\
                 \\2-grams:\n-0.2 <s> </s>\n\n\\end\\\n";
    let model = NgramModel::from_arpa(whole).expect("whole");
    assert_eq!(model.score("", true, true), (f64::from(-0.2f32), 1));
    assert_eq!(model.score("x", true, false), (f64::from(-1.0f32 - 0.1f32), 1));
    for (from, to, line) in [
        ("-0.7 </s>", "x </s>", "offset 8"),
        ("-0.2 <s> </s>", "-0.2 <s>", "offset 11"),
        ("\\2-grams", "\\3-grams", "offset 10"),
        ("<s> </s>", "<s> word", "offset 11"),
    ] {
        let error = NgramModel::from_arpa(&whole.replacen(from, to, 1)).expect_err(from);
        assert!(error.to_string().contains(line), "{error}");
    }
    assert!(NgramModel::from_arpa("").is_err());
    assert!(NgramModel::from_arpa(&whole[..whole.len() - 6]).is_err());
}
