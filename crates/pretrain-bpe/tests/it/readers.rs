//! Every reader of files answers damaged files with a typed error or a tokenizer that works.

use std::sync::OnceLock;

use pretrain_bpe::{
    AllowedSpecial, BpeError, IncrementalEncoder, Pattern, QualityCounts, StreamDecoder,
    StreamPolicy, TokenId, Tokenizer, Trainer, TrainerConfig,
};
use proptest::prelude::*;
use proptest::sample::Index;

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
        assert!(tokenizer.count("the other") < "the other".len(), "{name}");
        exercise(&tokenizer);
    }
}

/// All that a tokenizer does, for panics.
fn exercise(tokenizer: &Tokenizer) {
    let text = "don't panic <s> the other\u{85}  中é\n";
    let ids = tokenizer.encode_with_special(text, AllowedSpecial::All);
    let offsets = tokenizer.encode_with_special_and_offsets(text, AllowedSpecial::All);
    assert!(ids.iter().eq(offsets.iter().map(|(id, _)| id)));
    if tokenizer.has_all_bytes() {
        assert_eq!(tokenizer.decode(&ids), text.as_bytes());
    }
    tokenizer.encode_bytes(b"the \xff\n");
    assert!(tokenizer.encode_up_to(text, 3).0.len() <= 3);
    let mut encoder = IncrementalEncoder::new(tokenizer, AllowedSpecial::All);
    for c in text.chars() {
        encoder.push(c.encode_utf8(&mut [0; 4]));
    }
    assert_eq!(encoder.ids(), ids);
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
