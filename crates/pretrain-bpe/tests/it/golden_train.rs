//! Training against the vocabularies and merges of Hugging Face's `BpeTrainer`.

use std::collections::BTreeMap;

use pretrain_bpe::{Alphabet, PreTokenCounts, Tokenizer, Trainer, TrainerConfig};
use serde_json::Value;
use xxhash_rust::xxh64::xxh64;

use crate::golden::{Folders, load_json, read, read_lines, report};

#[test]
fn golden_training_is_bit_exact() {
    let Some(folders) = Folders::find() else { return };
    let folder = folders.golden.join("bpe-train");
    let mut not_covered = Vec::new();
    // Cases of one corpus and pattern share the counting.
    let mut groups: BTreeMap<String, Vec<(Value, Tokenizer)>> = BTreeMap::new();
    for case in read_lines(&folder.join("cases.jsonl")) {
        let file = read(&folder.join(case["file"].as_str().unwrap()));
        match load_json(&file) {
            Ok(reference) if reference.tokenizer.normalizer().is_some() => {
                not_covered.push((case["case"].to_string(), "normalizer".to_owned()));
            }
            Ok(reference) => {
                let Some(pattern) = reference.tokenizer.pattern() else {
                    not_covered.push((case["case"].to_string(), "not byte-level".to_owned()));
                    continue;
                };
                let key = format!("{} {pattern}", case["corpus"]);
                groups.entry(key).or_default().push((case, reference.tokenizer));
            }
            Err(reason) => not_covered.push((case["case"].to_string(), reason)),
        }
    }
    let groups: Vec<_> = groups.into_values().collect();
    let n_cases = groups.iter().map(Vec::len).sum();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(group) =
                    groups.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    check_group(&folders, group);
                }
            });
        }
    });
    report("training", n_cases, &not_covered);
}

fn check_group(folders: &Folders, group: &[(Value, Tokenizer)]) {
    let (case, tokenizer) = &group[0];
    let texts = folders.corpus(&case["corpus"], case["corpus_xxh64"].as_str().unwrap());
    let by_line = case["corpus"]["unit"] == "line";
    let mut counts = PreTokenCounts::new(tokenizer.pattern().unwrap()).unwrap();
    for text in &texts {
        if by_line {
            text.split('\n').for_each(|line| counts.count(line));
        } else {
            counts.count(text);
        }
    }
    for (case, expected) in group {
        check_case(case, expected, &counts);
    }
}

fn config_of(case: &Value, expected: &Tokenizer) -> TrainerConfig {
    let trainer = case["trainer"].as_object().unwrap();
    let mut config = TrainerConfig::new(0, expected.pattern().unwrap().clone());
    for (key, value) in trainer {
        let number = || value.as_u64().unwrap();
        match key.as_str() {
            "vocab_size" => config.vocab_size = number() as usize,
            "min_frequency" => config.min_frequency = number(),
            "max_token_length" => config.max_token_length = Some(number() as usize),
            "limit_alphabet" => config.limit_alphabet = Some(number() as usize),
            "special_tokens" => {
                let tokens = value.as_array().unwrap().iter();
                config.special_tokens =
                    tokens.map(|token| token.as_str().unwrap().into()).collect();
            }
            other => panic!("{}: unknown trainer argument {other}", case["case"]),
        }
    }
    if case["initial_alphabet"].is_null() {
        config.alphabet = Alphabet::SeenBytes;
    }
    config
}

fn check_case(case: &Value, expected: &Tokenizer, counts: &PreTokenCounts) {
    let name = case["case"].as_str().unwrap();
    let trainer = Trainer::new(config_of(case, expected)).unwrap();
    let mut n_merges = 0;
    let trained = trainer.train(counts, &mut |_| n_merges += 1).unwrap();
    assert_eq!(n_merges, case["n_merges"].as_u64().unwrap(), "{name}: merges");
    assert_eq!(trained.vocab_size() as u64, case["vocab_len"].as_u64().unwrap(), "{name}: size");

    let json: Value = serde_json::from_slice(&trained.to_json()).unwrap();
    let mut lines = String::new();
    for merge in json["model"]["merges"].as_array().unwrap() {
        lines += &format!("{} {}\n", merge[0].as_str().unwrap(), merge[1].as_str().unwrap());
    }
    let hash = |lines: &str| format!("{:016x}", xxh64(lines.as_bytes(), 0));
    assert_eq!(hash(&lines), case["merges_xxh64"].as_str().unwrap(), "{name}: merges");
    let mut vocab: Vec<(u64, &str)> = Vec::new();
    for (token, id) in json["model"]["vocab"].as_object().unwrap() {
        vocab.push((id.as_u64().unwrap(), token));
    }
    vocab.sort_unstable();
    let lines: String = vocab.iter().map(|(_, token)| format!("{token}\n")).collect();
    assert_eq!(hash(&lines), case["vocab_xxh64"].as_str().unwrap(), "{name}: vocabulary");
    assert_eq!(trained.fingerprint(), expected.fingerprint(), "{name}: fingerprint");
}
