//! Training against the vocabularies and merges of Hugging Face's `BpeTrainer`, and of an exact
//! likelihood WordPiece trainer.

use std::collections::BTreeMap;
use std::sync::Mutex;

use pretrain_bpe::{
    Alphabet, CharTrainer, CharTrainerConfig, Normalizer, Pattern, PreTokenCounts, Split,
    TrainedBpe, TrainedWordPiece, Trainer, TrainerConfig, WordPieceTrainer, WordPieceTrainerConfig,
};
use serde_json::Value;
use xxhash_rust::xxh64::xxh64;

use crate::golden::{Folders, load_json, read, read_lines, report};

/// How the texts of a case are cut, from the name that the README of the goldens explains.
fn split_of(case: &Value) -> Split {
    if let Some(regex) = case["pattern"].as_str() {
        return Pattern::from_regex(regex).into();
    }
    match case["pre"].as_str().unwrap() {
        "digits" => Pattern::Digits.into(),
        "noregex-lines" => Pattern::Custom(r"[^\n]*\n|[^\n]+".into()).into(),
        "metaspace" => Split::Metaspace,
        "whitespace" => Split::Whitespace,
        "none" => Pattern::None.into(),
        other => panic!("{}: unknown pre-tokenizer {other}", case["case"]),
    }
}

fn is_character_level(case: &Value) -> bool {
    matches!(case["pre"].as_str(), Some("metaspace" | "whitespace" | "none"))
}

fn normalize(case: &Value, text: &str) -> String {
    match case["normalizer"].as_str() {
        None => text.to_owned(),
        Some("NFC") => Normalizer::Nfc.normalize(text).into_owned(),
        Some("Lowercase") => Normalizer::Lowercase.normalize(text).into_owned(),
        Some(other) => panic!("{}: unknown normalizer {other}", case["case"]),
    }
}

#[test]
fn golden_training_is_bit_exact() {
    let Some(folders) = Folders::find() else { return };
    // Cases of one corpus, cut in one way, share the counting.
    let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for case in read_lines(&folders.golden.join("bpe-train/cases.jsonl")) {
        let key = format!("{} {} {}", case["corpus"], split_of(&case), case["normalizer"]);
        groups.entry(key).or_default().push(case);
    }
    let n_cases = groups.values().map(Vec::len).sum();
    in_two_threads(groups.into_values().collect(), |group| check_group(&folders, &group));
    report("training", n_cases, &[]);
}

fn in_two_threads<T: Send>(work: Vec<T>, run: impl Fn(T) + Sync) {
    let work = Mutex::new(work);
    let next = || work.lock().unwrap().pop();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(item) = next() {
                    run(item);
                }
            });
        }
    });
}

fn check_group(folders: &Folders, group: &[Value]) {
    let case = &group[0];
    let texts = folders.corpus(&case["corpus"], case["corpus_xxh64"].as_str().unwrap());
    let by_line = case["corpus"]["unit"] == "line";
    let mut counts = PreTokenCounts::with_split(&split_of(case)).unwrap();
    for text in &texts {
        if by_line {
            text.split('\n').for_each(|line| counts.count(&normalize(case, line)));
        } else {
            counts.count(&normalize(case, text));
        }
    }
    for case in group {
        check_case(folders, case, &counts);
    }
}

/// The arguments that both kinds of trainer take.
#[derive(Default)]
struct Arguments {
    vocab_size: usize,
    min_frequency: u64,
    max_token_length: Option<usize>,
    limit_alphabet: Option<usize>,
    special_tokens: Vec<String>,
}

impl Arguments {
    fn of(case: &Value) -> Self {
        let mut this = Self::default();
        for (key, value) in case["trainer"].as_object().unwrap() {
            let number = || value.as_u64().unwrap() as usize;
            match key.as_str() {
                "vocab_size" => this.vocab_size = number(),
                "min_frequency" => this.min_frequency = number() as u64,
                "max_token_length" => this.max_token_length = Some(number()),
                "limit_alphabet" => this.limit_alphabet = Some(number()),
                "special_tokens" => {
                    let tokens = value.as_array().unwrap().iter();
                    this.special_tokens = tokens.map(|t| t.as_str().unwrap().into()).collect();
                }
                other => panic!("{}: unknown trainer argument {other}", case["case"]),
            }
        }
        this
    }
}

fn check_case(folders: &Folders, case: &Value, counts: &PreTokenCounts) {
    let name = case["case"].as_str().unwrap();
    let trained = if is_character_level(case) {
        train_characters(case, counts)
    } else {
        train_bytes(folders, case, counts)
    };
    assert_eq!(trained.merges.len() as u64, case["n_merges"].as_u64().unwrap(), "{name}: merges");
    assert_eq!(trained.vocab.len() as u64, case["vocab_len"].as_u64().unwrap(), "{name}: size");
    assert!(trained.vocab.iter().map(|(_, id)| *id).eq(0..trained.vocab.len() as u32));
    let token = |id: u32| &trained.vocab[id as usize].0;
    let merges = trained.merges.iter().map(|&(left, right)| (token(left), token(right)));
    let lines: String = merges.map(|(left, right)| format!("{left} {right}\n")).collect();
    let hash = |lines: &str| format!("{:016x}", xxh64(lines.as_bytes(), 0));
    assert_eq!(hash(&lines), case["merges_xxh64"].as_str().unwrap(), "{name}: merges");
    let lines: String = trained.vocab.iter().map(|(token, _)| format!("{token}\n")).collect();
    assert_eq!(hash(&lines), case["vocab_xxh64"].as_str().unwrap(), "{name}: vocabulary");
}

fn train_characters(case: &Value, counts: &PreTokenCounts) -> TrainedBpe {
    let arguments = Arguments::of(case);
    let mut config = CharTrainerConfig::new(arguments.vocab_size, split_of(case));
    config.min_frequency = arguments.min_frequency;
    config.max_token_length = arguments.max_token_length;
    config.limit_alphabet = arguments.limit_alphabet;
    config.special_tokens = arguments.special_tokens;
    assert!(case["initial_alphabet"].is_null(), "{}: initial alphabet", case["case"]);
    CharTrainer::new(config).unwrap().train(counts, &mut |_| {}).unwrap()
}

fn train_bytes(folders: &Folders, case: &Value, counts: &PreTokenCounts) -> TrainedBpe {
    let arguments = Arguments::of(case);
    let Split::Pattern(pattern) = split_of(case) else { panic!("{}: not a pattern", case["case"]) };
    let mut config = TrainerConfig::new(arguments.vocab_size, pattern);
    config.min_frequency = arguments.min_frequency;
    config.max_token_length = arguments.max_token_length;
    config.limit_alphabet = arguments.limit_alphabet;
    config.special_tokens = arguments.special_tokens;
    if case["initial_alphabet"].is_null() {
        config.alphabet = Alphabet::SeenBytes;
    }
    let trainer = Trainer::new(config).unwrap();
    let mut training = trainer.start(counts).unwrap();
    let _ = training.run(&mut |_| std::ops::ControlFlow::Continue(()));
    if case["normalizer"].is_null() {
        let file = read(&folders.golden.join("bpe-train").join(case["file"].as_str().unwrap()));
        if let Ok(expected) = load_json(&file) {
            let trained = trainer.tokenizer(&training).unwrap();
            let expected = expected.tokenizer.fingerprint();
            assert_eq!(trained.fingerprint(), expected, "{}: fingerprint", case["case"]);
        }
    }
    training.vocabulary()
}

#[test]
fn golden_likelihood_word_piece() {
    let Some(folders) = Folders::find() else { return };
    let cases = read_lines(&folders.golden.join("wordpiece-likelihood.jsonl.zst"));
    let n_cases = cases.len();
    in_two_threads(cases, |case| check_word_piece(&folders, &case));
    report("likelihood WordPiece", n_cases, &[]);
}

/// The words of a text: what stands between white space, or runs of ASCII letters, runs of ASCII
/// digits, and every other character alone.
fn words<'t>(mode: &str, text: &'t str) -> Vec<&'t str> {
    let between = text.split_whitespace();
    match mode {
        "words" => between.collect(),
        "ascii-split" => between.flat_map(ascii_split).collect(),
        other => panic!("unknown mode {other}"),
    }
}

fn ascii_split(mut word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    while let Some(first) = word.chars().next() {
        let run = |is_in: fn(&char) -> bool| word.chars().take_while(is_in).count();
        let len = match first {
            'a'..='z' | 'A'..='Z' => run(char::is_ascii_alphabetic),
            '0'..='9' => run(char::is_ascii_digit),
            _ => first.len_utf8(),
        };
        let (part, rest) = word.split_at(len);
        parts.push(part);
        word = rest;
    }
    parts
}

fn check_word_piece(folders: &Folders, case: &Value) {
    let name = case["case"].as_str().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let number = |value: &Value| value.as_u64().unwrap();
    let mut config = WordPieceTrainerConfig::new(number(&case["vocab_size"]) as usize);
    config.split = Pattern::None.into();
    config.min_frequency = number(&case["min_frequency"]);
    config.special_tokens = case["special_tokens"].as_array().unwrap().iter().map(text).collect();
    let trainer = WordPieceTrainer::new(config).unwrap();
    let mut counts = trainer.counts();
    for text in folders.corpus(&case["corpus"], case["corpus_xxh64"].as_str().unwrap()) {
        let words = words(case["mode"].as_str().unwrap(), &text);
        words.iter().for_each(|word| counts.count(word));
    }
    assert_eq!(counts.n_distinct() as u64, number(&case["n_words"]), "{name}: words");
    let trained = trainer.train(&counts, &mut |_| {}).unwrap();
    let token = |id: u32| trained.vocab[id as usize].0.as_str();
    let expected = case["merges"].as_array().unwrap();
    for (i, (merge, row)) in trained.merges.iter().zip(expected).enumerate() {
        let found = serde_json::json!([
            token(merge.left),
            token(merge.right),
            merge.pair_count,
            merge.left_count,
            merge.right_count,
        ]);
        assert_eq!(&found, row, "{name}: merge {i}");
    }
    assert_eq!(trained.merges.len(), expected.len(), "{name}: merges");
    let vocab: Vec<&str> = trained.vocab.iter().map(|(token, _)| token.as_str()).collect();
    let expected: Vec<String> = case["vocab"].as_array().unwrap().iter().map(text).collect();
    assert_eq!(vocab, expected, "{name}: vocabulary");
    let lines = segmentation(&trained, &counts);
    let hash = format!("{:016x}", xxh64(lines.as_bytes(), 0));
    assert_eq!(hash, case["final_segmentation_xxh64"].as_str().unwrap(), "{name}: segmentation");
}

/// Each word after all merges, done one after another, with its count.
fn segmentation(trained: &TrainedWordPiece, counts: &PreTokenCounts) -> String {
    let mut lines = String::new();
    for (word, count) in counts.sorted() {
        let word = String::from_utf8(word).unwrap();
        let unit = |(i, c): (usize, char)| if i == 0 { c.to_string() } else { format!("##{c}") };
        let mut parts: Vec<String> = word.chars().enumerate().map(unit).collect();
        for merge in &trained.merges {
            let [left, right] =
                [merge.left, merge.right].map(|id| trained.vocab[id as usize].0.as_str());
            let mut i = 0;
            while i + 1 < parts.len() {
                if parts[i] == left && parts[i + 1] == right {
                    let tail = parts.remove(i + 1);
                    parts[i] += tail.strip_prefix("##").unwrap();
                }
                i += 1;
            }
        }
        lines += &format!("{}\t{count}\n", parts.join(" "));
    }
    lines
}
