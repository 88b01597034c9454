//! The files of the benchmarks themselves, and the metrics of a small model on them.

use burn_flex::Flex;
use pretrain_bpe::{Pattern, Tokenizer, Trainer, TrainerConfig};
use pretrain_eval::{Request, Scorer, Task, best_choice, evaluate};
use pretrain_model::{ModelConfig, Transformer};
use std::path::{Path, PathBuf};

/// Files whose name begins with `stem` and a dot, at any depth.
fn find(dir: &Path, stem: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            find(&path, stem, found);
        } else if path.file_name().unwrap().to_string_lossy().starts_with(&format!("{stem}.jsonl"))
        {
            found.push(path);
        }
    }
}

/// Every task with its file.
fn files() -> Vec<(Task, String)> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let root = std::env::var_os("PRETRAIN_DATA").map_or_else(|| default.into(), PathBuf::from);
    let mut files = Vec::new();
    for task in Task::ALL {
        let mut found = Vec::new();
        find(&root.join("eval"), task.file_stem(), &mut found);
        found.sort();
        let Some(path) = found.first() else {
            println!("skipped: no file of {} in {}", task.name(), root.display());
            continue;
        };
        let bytes = std::fs::read(path).unwrap();
        let zipped = path.extension().is_some_and(|ending| ending == "zst");
        let bytes = if zipped { zstd::decode_all(bytes.as_slice()).unwrap() } else { bytes };
        files.push((task, String::from_utf8(bytes).unwrap()));
    }
    files
}

fn tokenizer() -> Tokenizer {
    let trainer = Trainer::new(TrainerConfig::new(300, Pattern::Gpt2)).unwrap();
    trainer.train(&trainer.count(["the cat and the hat in the bath"]), &mut |_| {}).unwrap()
}

fn model(vocab_size: usize) -> Transformer<Flex> {
    let mut config = ModelConfig::tiny(vocab_size);
    (config.max_seq_len, config.init_std) = (256, 0.1);
    Transformer::init(&config.resolve().unwrap(), 2, &Default::default())
}

#[test]
fn golden_files_of_all_tasks_are_read_whole() {
    for (task, text) in files() {
        let examples = task.examples(&text).unwrap();
        assert_eq!(examples.len(), text.lines().count(), "{}", task.name());
        assert!(examples.iter().all(|e| e.choices.iter().all(|c| !c.continuation.is_empty())));
    }
}

#[test]
fn golden_metrics_are_those_of_the_scores() {
    let tokenizer = tokenizer();
    let model = model(tokenizer.vocab_size());
    let scorer = Scorer::new(&model, 2048);
    let encode =
        |text: &str| tokenizer.encode(text).into_iter().map(|id| id.0).collect::<Vec<u32>>();
    let limit = 6;
    for (task, text) in files() {
        let metrics = evaluate(&scorer, &tokenizer, 0, task, &text, Some(limit)).unwrap();
        let examples = &task.examples(&text).unwrap()[..limit];
        let (mut right, mut nll) = (0, 0.0);
        for example in examples {
            let requests: Vec<Request> = example
                .choices
                .iter()
                .map(|c| Request::of_texts(&c.context, &c.continuation, 0, &encode))
                .collect();
            let scores = scorer.score(&requests).unwrap();
            let lls: Vec<f64> = scores.iter().map(|score| score.log_likelihood).collect();
            let hit = match task {
                Task::Lambada => scores[0].is_greedy,
                _ => best_choice(&lls, &vec![1; lls.len()]) == example.gold,
            };
            right += usize::from(hit);
            nll -= lls[0];
        }
        assert_eq!(metrics["examples"], limit as f64);
        assert_eq!(metrics["skipped"], 0.0);
        assert_eq!(metrics["acc"], right as f64 / limit as f64, "{}", task.name());
        assert!(metrics.contains_key("acc_stderr"));
        if task == Task::Lambada {
            let perplexity = (nll / limit as f64).exp();
            assert!((metrics["perplexity"] / perplexity - 1.0).abs() < 1e-3);
        } else {
            assert!(metrics.contains_key("acc_norm") && metrics.contains_key("acc_bytes"));
        }
    }
}

#[test]
fn an_example_that_does_not_fit_is_counted_and_left_out() {
    let tokenizer = tokenizer();
    let model = model(tokenizer.vocab_size());
    let scorer = Scorer::new(&model, 512);
    let long = "x".repeat(300);
    let lines = format!(
        "{{\"query\": \"a\", \"choices\": [\"b\", \"{long}\"], \"gold\": 0}}\n\
         {{\"query\": \"a\", \"choices\": [\"b\"], \"gold\": 0}}\n"
    );
    let metrics = evaluate(&scorer, &tokenizer, 0, Task::Copa, &lines, None).unwrap();
    assert_eq!((metrics["examples"], metrics["skipped"], metrics["acc"]), (1.0, 1.0, 1.0));
    let none = evaluate(&scorer, &tokenizer, 0, Task::Copa, "", None).unwrap();
    assert_eq!((none["examples"], none.contains_key("acc")), (0.0, false));
}
