//! Every reader of files answers damaged files with a typed error or a tokenizer that works.

use std::sync::OnceLock;

use pretrain_bpe::{
    AllowedSpecial, BpeError, IncrementalEncoder, Pattern, QualityCounts, SentencePiece,
    StreamDecoder, StreamEncoder, StreamPolicy, TokenId, Tokenizer, Trainer, TrainerConfig,
};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;

type Reader = fn(&[u8]) -> Result<Tokenizer, BpeError>;

/// A small valid file for each reader.
fn files() -> &'static [(&'static str, Vec<u8>, Reader)] {
    static FILES: OnceLock<Vec<(&'static str, Vec<u8>, Reader)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let pairs = pairs();
        let ranks = String::from_utf8(pairs.to_tiktoken().unwrap()).unwrap();
        let tekken = tekken(&ranks);
        vec![
            ("tokenizer.json", pairs.to_json(), Tokenizer::from_json),
            ("tiktoken", ranks.into_bytes(), |file| {
                Tokenizer::from_tiktoken(file, Pattern::O200k, [("<s>", TokenId(275))])
            }),
            ("vocab.json", vocab_merges().0.clone(), |file| {
                Tokenizer::from_vocab_merges(
                    file,
                    &vocab_merges().1,
                    Pattern::Gpt2,
                    [("<s>", TokenId(275))],
                )
            }),
            ("merges.txt", vocab_merges().1.clone(), |file| {
                Tokenizer::from_vocab_merges(
                    &vocab_merges().0,
                    file,
                    Pattern::Gpt2,
                    [("<s>", TokenId(275))],
                )
            }),
            ("tekken.json", tekken, Tokenizer::from_tekken),
        ]
    })
}

fn pairs() -> Tokenizer {
    let trainer = Trainer::new(TrainerConfig::new(275, Pattern::Gpt2)).unwrap();
    let counts = trainer.count(["the other then there, 123 that thé \n\n the"]);
    trainer.train(&counts, &mut |_| {}).unwrap()
}

fn vocab_merges() -> &'static (Vec<u8>, Vec<u8>) {
    static FILES: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    FILES.get_or_init(|| {
        let files = pairs().to_vocab_merges().unwrap();
        (files.vocab, files.merges)
    })
}

fn tekken(ranks: &str) -> Vec<u8> {
    let mut encoded: Vec<&str> =
        ranks.lines().map(|line| line.split_once(' ').unwrap().0).collect();
    let tokenizer =
        Tokenizer::from_tiktoken(ranks.as_bytes(), Pattern::Gpt2, [("", TokenId(0)); 0]).unwrap();
    encoded[..256].sort_by_key(|text| {
        let rank = ranks.lines().position(|line| line.split_once(' ').unwrap().0 == *text).unwrap();
        tokenizer.token_bytes(TokenId(rank as u32)).unwrap()[0]
    });
    let vocab: Vec<_> = encoded
        .iter()
        .enumerate()
        .map(|(rank, bytes)| serde_json::json!({"rank": rank, "token_bytes": bytes, "token_str": null}))
        .collect();
    let document = serde_json::json!({
        "config": {
            "pattern": Pattern::O200k.regex(), "num_vocab_tokens": 275, "default_vocab_size": 300,
            "default_num_special_tokens": 25, "version": "v3",
        },
        "vocab": vocab,
    });
    serde_json::to_vec(&document).unwrap()
}

#[test]
fn the_undamaged_files_are_read() {
    for (name, file, reader) in files() {
        let tokenizer = reader(file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let ids = tokenizer.encode("the other\u{85}");
        assert!(ids.len() < "the other\u{85}".len(), "{name}");
        assert_eq!(tokenizer.decode(&ids), "the other\u{85}".as_bytes(), "{name}");
        exercise(&tokenizer);
    }
}

/// All that a tokenizer does, for panics.
fn exercise(tokenizer: &Tokenizer) {
    let text = "don't panic <s> the other\u{85}  中é\n";
    let ids = tokenizer.encode_with_special(text, AllowedSpecial::All);
    let offsets = tokenizer.encode_with_special_and_offsets(text, AllowedSpecial::All);
    assert!(ids.iter().eq(offsets.iter().map(|(id, _)| id)));
    // Not their text: the damage may have been to the decoder.
    tokenizer.decode_lossy(&ids);
    tokenizer.encode_bytes(b"the \xff\n");
    assert!(tokenizer.encode_up_to(text, 3).0.len() <= 3);
    let mut encoder = IncrementalEncoder::new(tokenizer, AllowedSpecial::All);
    for c in text.chars() {
        encoder.push(c.encode_utf8(&mut [0; 4]));
    }
    assert_eq!(encoder.ids(), ids);
    let mut stream = StreamEncoder::new(tokenizer, AllowedSpecial::All);
    let mut streamed = Vec::new();
    for chunk in text.as_bytes().chunks(3) {
        stream.push(chunk, &mut streamed).unwrap();
    }
    stream.finish(&mut streamed).unwrap();
    assert!(streamed.iter().eq(ids.iter().map(|id| &id.0)));
    let mut decoder = StreamDecoder::new(tokenizer, StreamPolicy::HuggingFace);
    ids.iter().for_each(|&id| _ = decoder.push(id));
    let mut counts = QualityCounts::new(tokenizer);
    counts.add("all", text);
    let _ = (counts.report(None).to_string(), counts.curve());
    let _ = (tokenizer.to_json(), tokenizer.to_tiktoken(), tokenizer.to_vocab_merges());
    tokenizer.fingerprint();
}

#[derive(Clone, Debug)]
enum Damage {
    Truncate(Index),
    Overwrite(Index, Vec<u8>),
    FlipBit(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, u8),
    /// A piece of the file again, elsewhere.
    Repeat(Index, Index, u8),
    /// A number, if there is one at or after the place, becomes another.
    Number(Index, u64),
}

fn damage() -> impl Strategy<Value = Damage> {
    let bytes = || prop::collection::vec(any::<u8>(), 1..6);
    prop_oneof![
        any::<Index>().prop_map(Damage::Truncate),
        (any::<Index>(), bytes()).prop_map(|(at, bytes)| Damage::Overwrite(at, bytes)),
        (any::<Index>(), 0..8u8).prop_map(|(at, bit)| Damage::FlipBit(at, bit)),
        (any::<Index>(), bytes()).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, len)| Damage::Remove(at, len)),
        (any::<Index>(), any::<Index>(), any::<u8>())
            .prop_map(|(from, to, len)| Damage::Repeat(from, to, len)),
        (any::<Index>(), prop_oneof![0..300u64, Just(u64::from(u32::MAX)), any::<u64>()])
            .prop_map(|(at, number)| Damage::Number(at, number)),
    ]
}

fn apply(damage: &Damage, file: &mut Vec<u8>) {
    if file.is_empty() {
        return;
    }
    let n = file.len();
    let end = |start: usize, len: u8| (start + usize::from(len)).min(n);
    match damage {
        Damage::Truncate(at) => file.truncate(at.index(n)),
        Damage::Overwrite(at, bytes) => {
            let at = at.index(n);
            let len = bytes.len().min(n - at);
            file[at..at + len].copy_from_slice(&bytes[..len]);
        }
        Damage::FlipBit(at, bit) => file[at.index(n)] ^= 1 << bit,
        Damage::Insert(at, bytes) => {
            let at = at.index(n);
            file.splice(at..at, bytes.iter().copied());
        }
        Damage::Remove(at, len) => {
            let at = at.index(n);
            file.drain(at..end(at, *len));
        }
        Damage::Repeat(from, to, len) => {
            let from = from.index(n);
            let piece = file[from..end(from, *len)].to_vec();
            let to = to.index(n);
            file.splice(to..to, piece);
        }
        Damage::Number(at, number) => {
            let is_digit = |at: &usize| file[*at].is_ascii_digit();
            let Some(start) = (at.index(n)..n).find(is_digit) else { return };
            let end = (start..n).find(|at| !is_digit(at)).unwrap_or(n);
            file.splice(start..end, number.to_string().into_bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 600, ..Default::default() })]

    #[test]
    fn damaged_files_are_refused_or_work(damages in prop::collection::vec(damage(), 1..4)) {
        for (_, file, reader) in files() {
            let mut file = file.clone();
            damages.iter().for_each(|damage| apply(damage, &mut file));
            if let Ok(tokenizer) = reader(&file) {
                exercise(&tokenizer);
            }
        }
    }

    #[test]
    fn any_bytes_are_refused_or_work(file in prop::collection::vec(any::<u8>(), 0..100)) {
        for (_, _, reader) in files() {
            if let Ok(tokenizer) = reader(&file) {
                exercise(&tokenizer);
            }
        }
    }
}

/// Damage at a place of the whole file, and at one of its first bytes, where the components are.
fn damage_file(damages: &[(Damage, bool)], file: &[u8]) -> Vec<u8> {
    const HEAD: usize = 3000;
    let mut file = file.to_vec();
    for (damage, in_head) in damages {
        let mut tail = if *in_head { file.split_off(file.len().min(HEAD)) } else { Vec::new() };
        apply(damage, &mut file);
        if !matches!(damage, Damage::Truncate(_)) {
            file.append(&mut tail);
        }
    }
    file
}

/// A change of meaning in a document that stays JSON.
#[derive(Clone, Debug)]
struct Twist {
    /// Which member or item, from the root down; the last is twisted.
    path: Vec<Index>,
    into: Into,
}

#[derive(Clone, Debug)]
enum Into {
    Other(serde_json::Value),
    Removed,
    Doubled,
    Emptied,
}

fn twist() -> impl Strategy<Value = Twist> {
    use serde_json::json;
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(255),
        json!(-1),
        json!(1.5),
        json!(u32::MAX),
        json!(u64::MAX),
        json!(""),
        json!("a"),
        json!("\u{2581}"),
        json!("<unk>"),
        json!("##"),
        json!("always"),
        json!("Isolated"),
        json!("Removed"),
        json!("\u{120}"),
        json!([]),
        json!({}),
        json!({"String": " "}),
        json!({"Regex": "(?=)"}),
        json!({"Regex": "."}),
        json!("AAAA"),
        json!({"type": "Sequence", "pretokenizers": [], "normalizers": [], "decoders": []}),
        json!({"type": "ByteLevel", "add_prefix_space": true}),
        json!({"type": "Whitespace"}),
        json!({"type": "Lowercase"}),
        json!({"type": "NFKC"}),
        json!({"type": "BertNormalizer"}),
        json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "first", "split": true}),
        json!({"type": "Replace", "pattern": {"String": ""}, "content": "xy"}),
        json!({"type": "Replace", "pattern": {"Regex": "b*"}, "content": "\u{e9}"}),
        json!({"type": "Strip", "strip_left": true, "strip_right": true}),
        json!({"type": "Strip", "content": "e", "start": 1, "stop": 2}),
        json!({"type": "Precompiled", "precompiled_charsmap": "AAAAAA=="}),
        json!({"type": "WordPiece", "prefix": "##", "cleanup": true}),
        json!({"type": "Fuse"}),
        json!({"type": "ByteFallback"}),
        json!({"type": "BPEDecoder", "suffix": "</w>"}),
    ];
    let into = prop_oneof![
        6 => prop::sample::select(values.to_vec()).prop_map(Into::Other),
        1 => Just(Into::Removed),
        1 => Just(Into::Doubled),
        1 => Just(Into::Emptied),
    ];
    (prop::collection::vec(any::<Index>(), 1..6), into)
        .prop_map(|(path, into)| Twist { path, into })
}

fn apply_twist(twist: &Twist, root: &mut serde_json::Value) {
    use serde_json::Value;
    // The pointers of what is twisted and of what holds it.
    let (mut pointer, mut parent) = (String::new(), String::new());
    for index in &twist.path {
        let step = match root.pointer(&pointer).unwrap() {
            Value::Object(members) if !members.is_empty() => {
                let key = members.keys().nth(index.index(members.len())).unwrap();
                key.replace('~', "~0").replace('/', "~1")
            }
            Value::Array(items) if !items.is_empty() => index.index(items.len()).to_string(),
            _ => break,
        };
        parent = pointer.clone();
        pointer = format!("{pointer}/{step}");
    }
    let step =
        pointer[parent.len()..].trim_start_matches('/').replace("~1", "/").replace("~0", "~");
    let target = root.pointer(&pointer).unwrap().clone();
    match (&twist.into, root.pointer_mut(&parent).unwrap()) {
        (Into::Removed, Value::Object(members)) => _ = members.remove(&step),
        (Into::Removed, Value::Array(items)) => _ = items.remove(step.parse::<usize>().unwrap()),
        (Into::Doubled, Value::Array(items)) => items.push(target),
        (Into::Other(value), _) => *root.pointer_mut(&pointer).unwrap() = value.clone(),
        (Into::Emptied, _) => match root.pointer_mut(&pointer).unwrap() {
            Value::Object(members) => members.clear(),
            Value::Array(items) => items.clear(),
            Value::String(text) => text.clear(),
            _ => {}
        },
        _ => {}
    }
}

/// Files of every kind of component, with other values.
#[test]
fn golden_files_twisted_are_refused_or_work() {
    let Some(folders) = crate::golden::Folders::find() else { return };
    let (mut n_files, mut n_ok) = (0, 0);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let twists = prop::collection::vec(twist(), 1..4);
    let trained = folders.golden.join("bpe-train");
    let mut names: Vec<_> =
        std::fs::read_dir(&trained).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names.retain(|path| {
        let is_small = path.metadata().unwrap().len() < 40_000;
        is_small && path.to_string_lossy().ends_with(".tokenizer.json.zst")
    });
    for name in ["kitoken-bert_base_cased", "kitoken-mistral01", "kitoken-gpt_neox"] {
        names.push(folders.data.join("tokenizers/hf").join(format!("{name}.json.zst")));
    }
    for path in names.iter().filter(|path| path.is_file()) {
        let mut document: serde_json::Value =
            serde_json::from_slice(&crate::golden::read(path)).unwrap();
        shorten(&mut document);
        n_files += 1;
        for _ in 0..150 {
            let mut document = document.clone();
            for twist in twists.new_tree(&mut runner).unwrap().current() {
                apply_twist(&twist, &mut document);
            }
            if let Ok(tokenizer) = Tokenizer::from_json(&serde_json::to_vec(&document).unwrap()) {
                exercise(&tokenizer);
                n_ok += 1;
            }
        }
    }
    println!("{n_files} files twisted 150 times each, {n_ok} still read");
}

/// Leaves the vocabulary its first entries and the merges that they suffice for, to be quick.
fn shorten(document: &mut serde_json::Value) {
    const KEEP: u64 = 900;
    let model = &mut document["model"];
    let Some(vocab) = model["vocab"].as_object_mut() else { return };
    let kept: serde_json::Map<_, _> = std::mem::take(vocab)
        .into_iter()
        .filter(|(_, id)| id.as_u64().is_some_and(|id| id < KEEP))
        .collect();
    *vocab = kept.clone();
    let Some(merges) = model["merges"].as_array_mut() else { return };
    merges.retain(|merge| {
        let parts: Vec<&str> = match merge {
            serde_json::Value::String(text) => text.split(' ').collect(),
            parts => parts.as_array().unwrap().iter().filter_map(|part| part.as_str()).collect(),
        };
        parts.iter().all(|part| kept.contains_key(*part)) && kept.contains_key(&parts.concat())
    });
    if let Some(added) = document["added_tokens"].as_array_mut() {
        added.retain(|token| token["id"].as_u64().is_some_and(|id| id < KEEP));
    }
}

/// Files of every kind of component, damaged.
#[test]
fn golden_files_damaged_are_refused_or_work() {
    let Some(folders) = crate::golden::Folders::find() else { return };
    let mut files = Vec::new();
    for folder in ["bpe-train", "spm"]
        .map(|name| folders.golden.join(name))
        .into_iter()
        .chain(["hf", "sentencepiece"].map(|name| folders.data.join("tokenizers").join(name)))
    {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.to_string_lossy().into_owned();
            let is_small = path.metadata().unwrap().len() < 40_000;
            let is_json = name.contains(".json.zst") && (is_small || name.contains("bert"));
            let is_model = name.contains(".model");
            if is_json || is_model {
                files.push((name, crate::golden::read(&path), is_model));
            }
        }
    }
    files.sort();
    let mut n_ok = 0;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let damages = prop::collection::vec((damage(), prop::bool::weighted(0.8)), 1..3);
    for (name, file, is_model) in &files {
        for _ in 0..24 {
            let damages = damages.new_tree(&mut runner).unwrap().current();
            let damaged = damage_file(&damages, file);
            if *is_model {
                if let Ok(model) = SentencePiece::from_bytes(&damaged) {
                    let ids = model.encode("don't panic  the other\u{85} \u{4e2d}\u{e9}\n");
                    model.decode(&ids);
                    n_ok += 1;
                }
            } else if let Ok(tokenizer) = Tokenizer::from_json(&damaged) {
                exercise(&tokenizer);
                n_ok += 1;
            }
        }
        assert!(!name.is_empty());
    }
    println!("{} files damaged 24 times each, {n_ok} still read", files.len());
}
