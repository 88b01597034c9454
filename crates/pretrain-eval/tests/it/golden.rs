//! The formulas of the Language Model Evaluation Harness on its own numbers.
//!
//! The model behind these numbers is not of this workspace's family, so its likelihoods are given.

use pretrain_eval::{Estimate, Perplexity, Request, best_choice, rolling_windows};
use serde_json::Value;
use std::path::PathBuf;

/// Every folder with an `expected.json` of multiple-choice items, or a line that says why none.
fn cases() -> Vec<(PathBuf, Value)> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden");
    let root = std::env::var_os("PRETRAIN_GOLDEN").map_or_else(|| default.into(), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(root.join("model")) else {
        println!("skipped: {} is missing", root.join("model").display());
        return Vec::new();
    };
    let mut dirs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    dirs.sort();
    let read = |dir: PathBuf| {
        let text = std::fs::read_to_string(dir.join("expected.json")).ok()?;
        let value: Value = serde_json::from_str(&text).unwrap();
        value.get("multiple_choice_items").is_some().then_some((dir, value))
    };
    let found: Vec<_> = dirs.into_iter().filter_map(read).collect();
    if found.is_empty() {
        println!("skipped: no folder of evaluation formulas");
    }
    found
}

fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    array(value).iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn close(found: f64, expected: &Value, relative: f64) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= relative * expected.abs(), "{found} {expected}");
}

#[test]
fn golden_choices_and_accuracies() {
    for (_, file) in cases() {
        let mut flags: [Vec<f64>; 3] = Default::default();
        for item in array(&file["multiple_choice_items"]) {
            let choices = array(&item["choices"]);
            let lls: Vec<f64> =
                choices.iter().map(|c| c["loglikelihood"].as_f64().unwrap()).collect();
            let lengths = |of: &dyn Fn(&str) -> usize| -> Vec<usize> {
                choices.iter().map(|c| of(c["text"].as_str().unwrap())).collect()
            };
            let units =
                [lengths(&|_| 1), lengths(&|text| text.chars().count()), lengths(&str::len)];
            for ((lengths, flags), name) in
                units.iter().zip(&mut flags).zip(["acc", "acc_norm", "acc_bytes"])
            {
                let right = best_choice(&lls, lengths) as u64 == item["gold"].as_u64().unwrap();
                flags.push(f64::from(u8::from(right)));
                assert_eq!(flags.last().copied(), item[name].as_f64(), "{item}");
            }
        }
        let expected = &file["multiple_choice"];
        assert_eq!(flags[0].len() as u64, expected["n"].as_u64().unwrap());
        for (flags, name) in flags.iter().zip(["acc", "acc_norm", "acc_bytes"]) {
            let estimate = Estimate::of(flags);
            assert_eq!(Some(estimate.mean), expected[name].as_f64(), "{name}");
            close(estimate.stderr.unwrap(), &expected[format!("{name}_stderr")], 1e-12);
        }
    }
}

#[test]
fn golden_contexts_and_continuations() {
    for (dir, file) in cases() {
        let Ok(questions) = std::fs::read_to_string(dir.join("multiple_choice.jsonl")) else {
            println!("skipped: {} has no questions", dir.display());
            continue;
        };
        // The tokens of these cases are the bytes of UTF-8.
        let encode = |text: &str| text.bytes().map(u32::from).collect::<Vec<u32>>();
        let prefix = file["prefix_token"].as_u64().unwrap() as u32;
        for (line, item) in questions.lines().zip(array(&file["multiple_choice_items"])) {
            let question: Value = serde_json::from_str(line).unwrap();
            let context = format!("{} ", question["context"].as_str().unwrap());
            for (choice, expected) in
                array(&question["choices"]).iter().zip(array(&item["choices"]))
            {
                let request =
                    Request::of_texts(&context, choice.as_str().unwrap(), prefix, &encode);
                assert_eq!(request.context, ids(&item["context_ids"]));
                assert_eq!(request.continuation, ids(&expected["continuation_ids"]));
            }
        }
    }
}

#[test]
fn golden_rolling_windows_and_perplexities() {
    for (_, file) in cases() {
        let max_length = file["max_length"].as_u64().unwrap() as usize;
        for (n, aggregate) in array(&file["rolling_aggregate"]).iter().enumerate() {
            let context_len = aggregate["context_len"].as_u64().unwrap() as usize;
            let (mut total, mut words) = (Perplexity::default(), 0);
            for item in array(&file["rolling_items"]) {
                let expected = &item["by_context_len"][n];
                assert_eq!(expected["context_len"], aggregate["context_len"]);
                let n_tokens = array(&item["token_ids"]).len();
                let windows = rolling_windows(n_tokens, max_length, context_len);
                let contexts: Vec<u32> = windows.iter().map(|w| w.context as u32).collect();
                let predicted: Vec<u32> =
                    windows.iter().map(|w| (w.end - w.start) as u32).collect();
                assert_eq!(contexts, ids(&expected["window_context_lengths"]));
                assert_eq!(predicted, ids(&expected["window_predicted_lengths"]));
                let lls = array(&expected["window_loglikelihoods"]);
                let nll = -lls.iter().map(|ll| ll.as_f64().unwrap()).sum::<f64>();
                close(-nll, &expected["loglikelihood"], 1e-9);
                let bytes = item["bytes"].as_u64().unwrap();
                total.merge(&Perplexity { documents: 1, tokens: n_tokens as u64, bytes, nll });
                words += item["words"].as_u64().unwrap();
            }
            close(total.per(words), &aggregate["word_perplexity"], 1e-9);
            close(total.per(total.bytes), &aggregate["byte_perplexity"], 1e-9);
            close(total.bits_per_byte(), &aggregate["bits_per_byte"], 1e-9);
        }
    }
}
