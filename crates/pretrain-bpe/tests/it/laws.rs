//! Laws over the public API.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pretrain_bpe::{
    AllowedSpecial, Alphabet, Pattern, PreTokenCounts, TokenId, TokenRanges, Tokenizer, Trainer,
    TrainerConfig,
};
use proptest::prelude::*;

const SAMPLE: &str = include_str!("../../src/lib.rs");

/// One small tokenizer per named pattern.
fn tokenizers() -> &'static [Tokenizer] {
    static TOKENIZERS: OnceLock<Vec<Tokenizer>> = OnceLock::new();
    TOKENIZERS.get_or_init(|| {
        let patterns = Pattern::NAMES.iter().filter(|name| **name != "none");
        patterns.map(|name| trained(name.parse().unwrap(), 600)).collect()
    })
}

fn trained(pattern: Pattern, vocab_size: usize) -> Tokenizer {
    let mut config = TrainerConfig::new(vocab_size, pattern);
    config.special_tokens = vec!["<|endoftext|>".into(), "<pad>".into()];
    let trainer = Trainer::new(config).unwrap();
    trainer.train(&trainer.count([SAMPLE]), &mut |_| {}).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn decoding_undoes_encoding(parts in prop::collection::vec(prop_oneof![
        any::<String>(),
        prop::sample::select(vec!["the ", " token", "\n\n  ", "<|endoftext|>", "1234", "don't", "\0"])
            .prop_map(String::from),
    ], 0..8)) {
        let text = parts.concat();
        for tokenizer in tokenizers() {
            for allowed in [AllowedSpecial::None, AllowedSpecial::All] {
                let ids = tokenizer.encode_with_special(&text, allowed);
                prop_assert_eq!(tokenizer.decode(&ids), text.as_bytes());
                let offsets = tokenizer.encode_with_special_and_offsets(&text, allowed);
                let mut end = 0;
                for ((id, range), expected) in offsets.iter().zip(&ids) {
                    prop_assert_eq!(id, expected);
                    prop_assert_eq!(range.start, end);
                    prop_assert_eq!(tokenizer.token_bytes(*id), Some(&text.as_bytes()[range.clone()]));
                    end = range.end;
                }
                prop_assert_eq!(end, text.len());
            }
            let plain = tokenizer.encode(&text);
            prop_assert_eq!(tokenizer.count(&text), plain.len());
            prop_assert!(plain.iter().all(|id| id.0 >= 2), "a control token came out of plain text");
        }
    }

    #[test]
    fn any_ids_decode(ids in prop::collection::vec(any::<u32>().prop_map(|id| TokenId(id % 700)), 0..50)) {
        for tokenizer in tokenizers() {
            let parts: Vec<u8> = ids
                .iter()
                .flat_map(|id| tokenizer.token_bytes(*id).unwrap_or_default().to_vec())
                .collect();
            prop_assert_eq!(tokenizer.decode_lossy(&ids), String::from_utf8_lossy(&parts));
        }
    }

    #[test]
    fn readers_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>()) {
        let _ = Tokenizer::from_json(&bytes);
        let _ = PreTokenCounts::read_from(&mut &bytes[..]);
        let _ = Tokenizer::from_tiktoken(&bytes, Pattern::Gpt2, [("<s>", TokenId(7))]);
        // A real file with a few bytes overwritten.
        static FILES: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
        let [json, ranks] = FILES.get_or_init(|| {
            let small = trained(Pattern::Gpt2, 270);
            [small.to_json(), small.to_tiktoken().unwrap()]
        });
        for (file, is_json) in [(json, true), (ranks, false)] {
            let mut file = file.clone();
            let at = at.index(file.len());
            let n = bytes.len().min(4).min(file.len() - at);
            file[at..at + n].copy_from_slice(&bytes[..n]);
            let read = if is_json {
                Tokenizer::from_json(&file)
            } else {
                let specials = [("<a>", TokenId(0)), ("<b>", TokenId(1))];
                Tokenizer::from_tiktoken(&file, Pattern::Gpt2, specials)
            };
            if let Ok(tokenizer) = read {
                tokenizer.encode_with_offsets("don't panic <a>\u{85}");
            }
        }
    }

    #[test]
    fn files_of_counts_return_and_never_panic(
        texts in prop::collection::vec(any::<String>(), 0..20),
        overwrite in prop::collection::vec(any::<u8>(), 1..5),
        at in any::<prop::sample::Index>(),
    ) {
        let mut counts = PreTokenCounts::new(&Pattern::O200k).unwrap();
        texts.iter().for_each(|text| counts.count_weighted(text, 1 << 40));
        let mut file = Vec::new();
        counts.write_to(&mut file).unwrap();
        let again = PreTokenCounts::read_from(&mut &file[..]).unwrap();
        prop_assert_eq!(again.sorted(), counts.sorted());
        let at = at.index(file.len());
        let n = overwrite.len().min(file.len() - at);
        let is_same = file[at..at + n] == overwrite[..n];
        file[at..at + n].copy_from_slice(&overwrite[..n]);
        prop_assert_eq!(PreTokenCounts::read_from(&mut &file[..]).is_ok(), is_same);
    }

    #[test]
    fn missing_bytes_are_left_out(text in "[a-f \u{e9}\u{4e2d}]{0,30}") {
        let mut config = TrainerConfig::new(20, Pattern::Llama3);
        config.alphabet = Alphabet::SeenBytes;
        let trainer = Trainer::new(config).unwrap();
        let tokenizer = trainer.train(&trainer.count(["ace face aaé"]), &mut |_| {}).unwrap();
        prop_assert!(!tokenizer.has_all_bytes());
        let kept: Vec<u8> = text.bytes().filter(|byte| "ace face aaé".bytes().any(|b| b == *byte)).collect();
        prop_assert_eq!(tokenizer.decode(&tokenizer.encode(&text)), kept);
        // A second text after a first: its ranges are its own.
        let (mut ids, mut ranges) = (vec![7], TokenRanges::new());
        tokenizer.encode_with_offsets_into("ace", &mut Vec::new(), &mut ranges);
        let n_before = ranges.len();
        tokenizer.encode_with_offsets_into(&text, &mut ids, &mut ranges);
        let into = ids.into_iter().skip(1).map(TokenId).zip(ranges.iter().skip(n_before));
        prop_assert!(tokenizer.encode_with_offsets(&text).into_iter().eq(into));
        for (id, range) in tokenizer.encode_with_offsets(&text) {
            let token = tokenizer.token_bytes(id).unwrap();
            let mut covered = text.as_bytes()[range.clone()].to_vec();
            prop_assert_eq!((covered[0], covered[covered.len() - 1]), (token[0], token[token.len() - 1]));
            covered.retain(|byte| "ace face aaé".bytes().any(|b| b == *byte));
            prop_assert_eq!(covered, token);
        }
    }
}

#[test]
fn threads_and_order_change_nothing() {
    let lines: Vec<&str> = SAMPLE.lines().collect();
    let trainer = Trainer::new(TrainerConfig::new(700, Pattern::O200k)).unwrap();
    let serial = trainer.count(&lines);
    let mut merged = trainer.counts();
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..3)
            .map(|i| {
                let part = lines.iter().rev().skip(i).step_by(3);
                let trainer = &trainer;
                scope.spawn(move || trainer.count(part))
            })
            .collect();
        for part in parts.into_iter().rev() {
            merged.merge(&part.join().unwrap()).unwrap();
        }
    });
    assert_eq!(merged.sorted(), serial.sorted());
    let train = |counts: &PreTokenCounts| trainer.train(counts, &mut |_| {}).unwrap();
    let tokenizer = train(&serial);
    assert_eq!(train(&merged).to_json(), tokenizer.to_json());
    assert_eq!(train(&merged).fingerprint(), tokenizer.fingerprint());

    let expected = tokenizer.encode(SAMPLE);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(tokenizer.encode(SAMPLE), expected));
        }
    });
}

#[cfg(feature = "rayon")]
#[test]
fn parallel_counting_equals_serial() {
    let lines: Vec<&str> = SAMPLE.lines().collect();
    let trainer = Trainer::new(TrainerConfig::new(700, Pattern::Gpt2)).unwrap();
    let parallel = PreTokenCounts::count_parallel(&Pattern::Gpt2, &lines).unwrap();
    assert_eq!(parallel.sorted(), trainer.count(&lines).sorted());
}

#[cfg(feature = "rayon")]
#[test]
fn threads_change_no_training() {
    let lines: Vec<&str> = SAMPLE.lines().collect();
    let trainer = Trainer::new(TrainerConfig::new(700, Pattern::Gpt2)).unwrap();
    let on_threads = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| {
            let mut counts = trainer.counts();
            counts.extend_parallel(lines.iter().map(|line| (line, 3)));
            trainer.train(&counts, &mut |_| {}).unwrap()
        })
    };
    let expected = trainer.train(&trainer.count(&lines), &mut |_| {}).unwrap();
    for n_threads in [1, 2, 5] {
        assert_eq!(on_threads(n_threads).fingerprint(), expected.fingerprint());
    }
}

/// Walking through the whole text for each of the 30,000 merges would look at 10^10 ids.
#[test]
fn training_on_long_texts_takes_little_time() {
    let started = Instant::now();
    let mut seed = 1u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'a' + (seed >> 60) as u8)
    };
    let noise: String = (0..1_000_000).map(|_| next()).collect();
    let texts = [(noise, 30_000), ("a".repeat(1 << 20), 276), ("ab ".repeat(1 << 18), 276)];
    for (text, vocab_size) in texts {
        let trainer = Trainer::new(TrainerConfig::new(30_000, Pattern::None)).unwrap();
        let tokenizer = trainer.train(&trainer.count([&text]), &mut |_| {}).unwrap();
        assert_eq!(tokenizer.vocab_size(), vocab_size);
    }
    let took = started.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

/// Quadratic merging of these would take minutes.
#[test]
fn adversarial_texts_take_little_time() {
    let started = Instant::now();
    let mut tokenizers = tokenizers().to_vec();
    tokenizers.push(trained(Pattern::None, 400));
    for unit in ["a", " ", "\n", "ab", "1", "é", "e ", "-=", "\u{301}"] {
        let text = unit.repeat(100_000 / unit.len());
        for tokenizer in &tokenizers {
            let ids = tokenizer.encode(&text);
            assert_eq!(tokenizer.decode(&ids), text.as_bytes());
        }
    }
    let took = started.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn empty_text_has_no_tokens() {
    for tokenizer in tokenizers() {
        assert_eq!(tokenizer.encode(""), []);
        assert_eq!(tokenizer.count(""), 0);
        assert_eq!(tokenizer.decode(&[]), b"");
    }
}
