//! Streaming equals one-shot: appended text, chunks, limits, bytes, ids one by one.

use std::sync::OnceLock;

use pretrain_bpe::{
    AllowedSpecial, BpeError, IncrementalEncoder, Pattern, StreamDecoder, StreamEncoder,
    StreamPolicy, TokenId, Tokenizer, Trainer, TrainerConfig,
};
use proptest::prelude::*;

const SAMPLE: &str = include_str!("../../src/lib.rs");

/// One tokenizer per named pattern and one of a custom one; control tokens that begin alike, and one
/// vocabulary with ordinary added tokens of white space.
fn tokenizers() -> &'static [Tokenizer] {
    static TOKENIZERS: OnceLock<Vec<Tokenizer>> = OnceLock::new();
    TOKENIZERS.get_or_init(|| {
        let custom = Pattern::Custom(r"(?<=x)\w+|\w+\b|\W".to_owned());
        let named = Pattern::NAMES.iter().map(|name| name.parse().unwrap());
        let mut all: Vec<Tokenizer> = named.chain([custom]).map(trained).collect();
        all.push(with_white_space_tokens(&all[0]));
        all
    })
}

fn trained(pattern: Pattern) -> Tokenizer {
    let size = if pattern == Pattern::None { 300 } else { 500 };
    let mut config = TrainerConfig::new(size, pattern);
    config.special_tokens = vec!["<|end|>".into(), "<|end|><|".into(), "|>".into(), "aé".into()];
    let trainer = Trainer::new(config).unwrap();
    // Runs of white space are tokens too.
    let spaces = "a\n\n2 \n\n\n3\t\t4    5\r\n\r\n6  \u{a0}\u{a0}  7 \n 8".repeat(200);
    trainer.train(&trainer.count([SAMPLE, &spaces]), &mut |_| {}).unwrap()
}

fn with_white_space_tokens(tokenizer: &Tokenizer) -> Tokenizer {
    let mut json: serde_json::Value = serde_json::from_slice(&tokenizer.to_json()).unwrap();
    let added = json["added_tokens"].as_array_mut().unwrap();
    for (id, (content, normalized)) in
        (1000..).zip([("   ", true), ("  ", true), (" \n", false), ("n't", false)])
    {
        added.push(serde_json::json!({
            "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": normalized, "special": false,
        }));
    }
    Tokenizer::from_json(&serde_json::to_vec(&json).unwrap()).unwrap()
}

const PARTS: &[&str] = &[
    "the ", " token", "don't", "'", "r", "e", "'LL", " ", " ", "  ", "\n", "\r\n", "\t", "1", "23",
    "!", "...", "/", "a", "B", "ª", "é", "\u{301}", "中文", "😀", "<|end|>", "<|", "end", "|>",
    "<", "n't", "\u{a0}", "\u{0}",
];

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => prop::sample::select(PARTS).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}

/// A text cut at characters.
fn cut(text: &str, cuts: &[prop::sample::Index]) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(chars.len() + 1)).collect();
    at.extend([0, chars.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| chars[pair[0]..pair[1]].iter().collect()).collect()
}

const POLICIES: [AllowedSpecial<'static>; 3] =
    [AllowedSpecial::None, AllowedSpecial::All, AllowedSpecial::Only(&["|>", "<|end|><|"])];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn appended_text_equals_one_shot(
        text in text(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        for tokenizer in tokenizers() {
            for allowed in POLICIES {
                let mut encoder = IncrementalEncoder::new(tokenizer, allowed);
                let mut so_far = String::new();
                let mut stable: Vec<TokenId> = Vec::new();
                for part in cut(&text, &cuts) {
                    let before = encoder.ids().to_vec();
                    let kept = encoder.push(&part);
                    so_far.push_str(&part);
                    let expected = tokenizer.encode_with_special(&so_far, allowed);
                    prop_assert_eq!(encoder.ids(), &expected, "{:?}: {:?}", tokenizer.pattern(), so_far);
                    let same = before.iter().zip(&expected).take_while(|(a, b)| a == b).count();
                    prop_assert_eq!(kept, same);
                    prop_assert!(expected.starts_with(&stable), "a stable id changed: {:?}", so_far);
                    stable = expected[..encoder.n_stable()].to_vec();
                    prop_assert!(so_far.ends_with(encoder.unstable_text()));
                }
            }
        }
    }

    #[test]
    fn chunks_equal_one_shot(text in text(), sizes in prop::collection::vec(1usize..40, 1..20)) {
        // Long enough to be searched for borders.
        let text = text.repeat(4);
        for tokenizer in tokenizers() {
            for allowed in POLICIES {
                let mut encoder = StreamEncoder::new(tokenizer, allowed);
                let mut ids = Vec::new();
                let mut rest = text.as_bytes();
                for &size in sizes.iter().cycle() {
                    let (chunk, tail) = rest.split_at(size.min(rest.len()));
                    encoder.push(chunk, &mut ids).unwrap();
                    rest = tail;
                    if rest.is_empty() {
                        break;
                    }
                }
                encoder.finish(&mut ids).unwrap();
                let mut expected = Vec::new();
                tokenizer.encode_into_with_special(&text, allowed, &mut expected);
                prop_assert_eq!(&ids, &expected, "{:?}", tokenizer.pattern());
            }
        }
    }

    #[test]
    fn limits_are_prefixes(text in text(), n in 0usize..80) {
        let text = text.repeat(12);
        for tokenizer in tokenizers() {
            for allowed in POLICIES {
                let all = tokenizer.encode_with_special_and_offsets(&text, allowed);
                let (ids, covered) = tokenizer.encode_up_to_with_special(&text, allowed, n);
                prop_assert!(ids.iter().eq(all.iter().take(n).map(|(id, _)| id)));
                let expected = if n > all.len() {
                    text.len()
                } else {
                    n.checked_sub(1).map_or(0, |last| all[last].1.end)
                };
                prop_assert_eq!(covered, expected);
            }
            let count = tokenizer.count(&text);
            prop_assert_eq!(tokenizer.count_up_to(&text, n), (count <= n).then_some(count));
            prop_assert_eq!(tokenizer.count_up_to(&text, count), Some(count));
        }
    }

    #[test]
    fn any_bytes_return(text in text(), noise in prop::collection::vec(any::<u8>(), 0..20), at in any::<prop::sample::Index>()) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len() + 1);
        bytes.splice(at..at, noise);
        for tokenizer in tokenizers() {
            let ids = tokenizer.encode_bytes(&bytes);
            prop_assert_eq!(tokenizer.decode(&ids), &bytes[..]);
        }
    }

    #[test]
    fn ids_one_by_one_equal_one_shot(text in text(), noise in prop::collection::vec(4u32..260, 0..30)) {
        for tokenizer in tokenizers() {
            let mut ids = tokenizer.encode(&text);
            ids.extend(noise.iter().copied().map(TokenId));
            ids.extend(tokenizer.encode(&text));
            let mut lossy = StreamDecoder::new(tokenizer, StreamPolicy::Lossy);
            let mut all: String = ids.iter().map(|&id| lossy.push(id).to_owned()).collect();
            all.push_str(lossy.finish());
            let expected = tokenizer.decode_lossy(&ids);
            prop_assert_eq!(&all, &expected);
            let mut window = StreamDecoder::new(tokenizer, StreamPolicy::HuggingFace);
            let out: String = ids.iter().map(|&id| window.push(id).to_owned()).collect();
            prop_assert!(expected.starts_with(&out));
            let waits = expected.contains(char::REPLACEMENT_CHARACTER);
            prop_assert!(out == expected || waits);
        }
    }
}

#[test]
fn memory_and_looking_are_bounded() {
    let text = "It isn't so: there're 1234 words,\n\nand\tmore. ".repeat(2000);
    for tokenizer in tokenizers() {
        if matches!(tokenizer.pattern(), Some(Pattern::None | Pattern::Custom(_))) {
            continue;
        }
        let mut encoder = StreamEncoder::new(tokenizer, AllowedSpecial::All);
        let mut ids = Vec::new();
        for chunk in text.as_bytes().chunks(7) {
            encoder.push(chunk, &mut ids).unwrap();
            assert!(encoder.n_waiting() < 80, "{:?}", tokenizer.pattern());
        }
        let mut incremental = IncrementalEncoder::new(tokenizer, AllowedSpecial::None);
        for chunk in text.as_bytes().chunks(11) {
            incremental.push(std::str::from_utf8(chunk).unwrap());
            assert!(incremental.unstable_text().len() < 40, "{:?}", tokenizer.pattern());
        }
        assert_eq!(incremental.into_ids(), tokenizer.encode(&text));
    }
}

/// Searching the tail again for each chunk would take minutes.
#[test]
fn one_endless_word_takes_little_time() {
    let started = std::time::Instant::now();
    for unit in ["a", " ", "é", "!", "\u{301}"] {
        let text = unit.repeat(200_000 / unit.len());
        for tokenizer in tokenizers().iter().take(2) {
            let mut encoder = StreamEncoder::new(tokenizer, AllowedSpecial::None);
            let mut ids = Vec::new();
            for chunk in text.as_bytes().chunks(3) {
                encoder.push(chunk, &mut ids).unwrap();
            }
            encoder.finish(&mut ids).unwrap();
            assert_eq!(ids.len(), tokenizer.count(&text));
        }
    }
    let took = started.elapsed();
    assert!(took < std::time::Duration::from_secs(20), "{took:?}");
}

#[test]
fn chunks_that_are_not_utf8_are_refused_with_their_place() {
    let tokenizer = &tokenizers()[0];
    let mut encoder = StreamEncoder::new(tokenizer, AllowedSpecial::None);
    let mut ids = Vec::new();
    encoder.push(b"caf\xc3", &mut ids).unwrap();
    let refused = encoder.push(b"(\xa9", &mut ids);
    assert!(matches!(refused, Err(BpeError::InvalidUtf8 { offset: 3 })), "{refused:?}");
    encoder.push(b"\xa9 bar", &mut ids).unwrap();
    let refused = encoder.push(b"ok \xff", &mut ids);
    assert!(matches!(refused, Err(BpeError::InvalidUtf8 { offset: 12 })), "{refused:?}");
    let mut cut_short = encoder.clone();
    cut_short.push(b"\xe4\xb8", &mut ids).unwrap();
    let refused = cut_short.finish(&mut ids);
    assert!(matches!(refused, Err(BpeError::InvalidUtf8 { offset: 9 })), "{refused:?}");
    encoder.finish(&mut ids).unwrap();
    let ids: Vec<TokenId> = ids.into_iter().map(TokenId).collect();
    assert_eq!(tokenizer.decode_lossy(&ids), "café bar");
}

#[test]
fn control_tokens_can_be_skipped() {
    let tokenizer = &tokenizers()[0];
    let ids = tokenizer.encode_with_special("a<|end|>é", AllowedSpecial::All);
    for policy in [StreamPolicy::Lossy, StreamPolicy::HuggingFace] {
        let mut decoder = StreamDecoder::new(tokenizer, policy).skip_special_tokens(true);
        let text: String = ids.iter().map(|&id| decoder.push(id).to_owned()).collect();
        assert_eq!(text, "aé", "{policy:?}");
    }
}
