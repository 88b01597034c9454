//! Hand-computed reports, and curves against tokenizers of the smaller sizes.

use super::{CostModel, DigitPolicy, QualityCounts, QualityReport};
use crate::{BpeError, Pattern, TokenId, Tokenizer, Trainer, TrainerConfig};

const SAMPLE: &str = include_str!("../lib.rs");

fn trained(vocab_size: usize, pattern: Pattern, text: &str) -> Tokenizer {
    let mut config = TrainerConfig::new(vocab_size, pattern);
    config.special_tokens = vec!["<|end|>".into()];
    let trainer = Trainer::new(config).unwrap();
    trainer.train(&trainer.count([text]), &mut |_| {}).unwrap()
}

#[test]
fn a_report_computed_by_hand() {
    // Bytes, the control token, and "th", "the", " the".
    let tokenizer = trained(260, Pattern::Gpt2, "the the the the the");
    let mut counts = QualityCounts::new(&tokenizer);
    counts.add("en", "the the é");
    counts.extend([("en", ""), ("zh", "中 the")]);
    let report = counts.report(None);

    let en = &report.labels["en"];
    // the, Ġthe, Ġ, 0xc3, 0xa9
    assert_eq!((en.texts, en.bytes, en.chars, en.words, en.tokens), (2, 10, 9, 3, 5));
    assert_eq!((en.bytes_per_token, en.chars_per_token), (2.0, 1.8));
    assert_eq!(en.tokens_per_word, 5.0 / 3.0);
    assert_eq!((en.single_byte_share, en.partial_share), (0.6, 0.4));
    let zh = &report.labels["zh"];
    assert_eq!((zh.bytes, zh.chars, zh.words, zh.tokens), (7, 5, 2, 4));
    assert_eq!(report.reference.as_deref(), Some("en"));
    assert_eq!((en.parity.per_char, en.parity.per_byte, en.parity.parallel), (1.0, 1.0, 1.0));
    assert_eq!((zh.parity.per_char, zh.parity.parallel), ((4.0 / 5.0) / (5.0 / 9.0), 0.8));
    assert_eq!((report.total.tokens, report.total.bytes, report.total.texts), (9, 17, 3));

    // the, Ġthe twice, Ġ, c3, a9, and three bytes of the ideograph: eight kinds.
    assert_eq!((report.usage.n_used, report.usage.n_unused), (8, 251));
    let (one, two) = (1.0f64 / 9.0, 2.0f64 / 9.0);
    let entropy = -(7.0 * one * one.log2() + two * two.log2());
    assert!((report.usage.entropy_bits - entropy).abs() < 1e-12);
    let renyi = (7.0 * one.powf(2.5) + two.powf(2.5)).log2() / -1.5 / 259f64.log2();
    assert!((report.usage.renyi_efficiency - renyi).abs() < 1e-12);
    assert_eq!(counts.unused().len(), 251);

    assert_eq!((report.vocabulary.n_tokens, report.vocabulary.n_added), (259, 1));
    assert_eq!((report.vocabulary.longest, report.vocabulary.n_partial), (4, 0));
    assert_eq!(report.vocabulary.unmade.as_deref(), Some(&[][..]));
    assert_eq!(report.vocabulary.digits, DigitPolicy::Unlimited);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<QualityReport>(&json).unwrap(), report);
    let table = report.to_string();
    assert!(table.contains("en            2            10             5     2.000"), "{table}");
}

#[test]
fn empty_counts_have_a_report() {
    let tokenizer = trained(260, Pattern::Gpt2, "");
    let report = QualityCounts::new(&tokenizer).report(Some("none"));
    assert_eq!((report.reference, report.total.tokens), (None, 0));
    assert_eq!(report.total.bytes_per_token, 0.0);
    assert_eq!(report.usage.renyi_efficiency, 0.0);
    assert!(serde_json::to_string(&report.usage).is_ok());
}

#[test]
fn merged_counts_equal_serial_ones() {
    let tokenizer = trained(500, Pattern::O200k, SAMPLE);
    let mut serial = QualityCounts::new(&tokenizer);
    let mut parts = [QualityCounts::new(&tokenizer), QualityCounts::new(&tokenizer)];
    for (i, line) in SAMPLE.lines().enumerate() {
        let label = if line.starts_with("//!") { "prose" } else { "code" };
        serial.add(label, line);
        parts[i % 2].add(label, line);
    }
    let [first, mut second] = parts;
    second.merge(&first).unwrap();
    assert_eq!(second.report(None), serial.report(None));
    let other = trained(400, Pattern::O200k, SAMPLE);
    let refused = second.merge(&QualityCounts::new(&other));
    assert!(matches!(refused, Err(BpeError::TokenizerMismatch { .. })));
}

#[test]
fn curves_equal_smaller_vocabularies() {
    for pattern in [Pattern::Gpt2, Pattern::Digits, Pattern::O200k] {
        let tokenizer = trained(700, pattern.clone(), SAMPLE);
        let mut counts = QualityCounts::new(&tokenizer);
        counts.add("code", SAMPLE);
        counts.add("other", "Größe 12345 the\n\n the <|end|>");
        let curve = counts.curve().unwrap();
        assert_eq!((curve.min_size, curve.max_size()), (257, 700));
        for size in [257, 258, 300, 431, 699, 700] {
            let smaller = trained(size, pattern.clone(), SAMPLE);
            let n = smaller.count(SAMPLE) + smaller.count("Größe 12345 the\n\n the <|end|>");
            assert_eq!(curve.tokens_at(size as u64), Some(n as u64), "{size}");
        }
        assert_eq!((curve.tokens_at(256), curve.tokens_at(701)), (None, None));
        assert!(curve.tokens.is_sorted_by(|a, b| a >= b));
    }
}

#[test]
fn the_best_size_has_the_least_cost() {
    let tokenizer = trained(700, Pattern::Gpt2, SAMPLE);
    let mut counts = QualityCounts::new(&tokenizer);
    counts.add("code", SAMPLE);
    let curve = counts.curve().unwrap();
    let model =
        |body_parameters, multiple_of| CostModel { d_model: 64, body_parameters, multiple_of };
    // A great model pays little for a token of the vocabulary, a tiny one much.
    assert_eq!(curve.best(&model(u64::MAX / 4, 0)).unwrap().size, 700);
    let small = curve.best(&model(1, 0)).unwrap();
    assert!(small.size < 700, "{small:?}");
    for size in curve.min_size..=curve.max_size() {
        assert!(curve.at(size, &model(1, 0)).unwrap().flops_per_byte >= small.flops_per_byte);
    }
    let round = curve.best(&model(1_000_000, 64)).unwrap();
    assert_eq!((round.size % 64, round.embedding_parameters), (0, round.size * 64));
    assert_eq!(curve.best(&model(1, 1000)), None);
}

#[test]
fn tokens_that_no_text_produces_are_named() {
    // "12345" against the pattern, "a b" cut by it, "xyz" not made by merges.
    let mut file = String::new();
    for byte in 0..=255u8 {
        let mut encoded = vec![];
        crate::base64::encode(&[byte], &mut encoded);
        file += &format!("{} {byte}\n", String::from_utf8(encoded).unwrap());
    }
    for (id, token) in (256..).zip(["12", "123", "1234", "12345", " b", "a b", "xyz", "é", "\u{3}"])
    {
        let bytes = if token == "\u{3}" { b"\xc3\xa9\xc3" } else { token.as_bytes() };
        let mut encoded = vec![];
        crate::base64::encode(bytes, &mut encoded);
        file += &format!("{} {id}\n", String::from_utf8(encoded).unwrap());
    }
    let specials = [("<s>", TokenId(265))];
    let tokenizer = Tokenizer::from_tiktoken(file.as_bytes(), Pattern::Cl100k, specials).unwrap();
    let report = super::VocabularyReport::new(&tokenizer);
    assert_eq!(report.unmade, Some(vec![TokenId(262)]));
    // "xyz" is looked up as a whole pre-token.
    assert_eq!(report.not_found, Some(vec![TokenId(258), TokenId(259), TokenId(261)]));
    assert_eq!(report.digits, DigitPolicy::AtMost(3));
    assert_eq!((report.n_against_digit_policy, report.n_partial), (2, 1));
    let mut counts = QualityCounts::new(&tokenizer);
    counts.add("x", "xyz");
    assert!(matches!(counts.curve(), Err(BpeError::NotMerges { token }) if token == "xyz"));
}
