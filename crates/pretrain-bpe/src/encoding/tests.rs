//! Truncation, padding and templates on a tokenizer of single characters.

use serde_json::{Value, json};

use super::*;
use crate::error::BpeError;

/// Each letter is a token; `[` and `]` stand around texts.
fn tokenizer(post_processor: Value) -> Tokenizer {
    let vocab = [("[", 0), ("]", 1), ("a", 2), ("b", 3), ("c", 4), ("d", 5), ("e", 6), ("▁", 7)];
    let vocab: serde_json::Map<String, Value> =
        vocab.into_iter().map(|(token, id)| (token.to_owned(), json!(id))).collect();
    let special = |id: u32, content: &str| json!({ "id": id, "content": content, "special": true });
    let file = json!({
        "version": "1.0",
        "added_tokens": [special(0, "["), special(1, "]")],
        "pre_tokenizer": { "type": "Metaspace", "replacement": "▁", "prepend_scheme": "never" },
        "post_processor": post_processor,
        "model": { "type": "BPE", "vocab": vocab, "merges": [] },
    });
    Tokenizer::from_json(file.to_string().as_bytes()).unwrap()
}

fn template() -> Value {
    let piece =
        |kind: &str, id: &str, type_id: u32| json!({ kind: { "id": id, "type_id": type_id } });
    let named = |id: u32, name: &str| json!({ "id": name, "ids": [id], "tokens": [name] });
    json!({
        "type": "TemplateProcessing",
        "single": [piece("SpecialToken", "[", 0), piece("Sequence", "A", 0)],
        "pair": [
            piece("SpecialToken", "[", 0), piece("Sequence", "A", 0),
            piece("SpecialToken", "]", 5), piece("Sequence", "B", 1),
        ],
        "special_tokens": { "[": named(0, "["), "]": named(1, "]") },
    })
}

fn text(encoding: &Encoding) -> String {
    let letter = |id: &TokenId| char::from(b"[]abcde_."[id.0.min(8) as usize]);
    encoding.ids().iter().map(letter).collect()
}

fn cut(input: Input<'_>, truncation: &Truncation) -> Result<Vec<String>> {
    let options = EncodeOptions::default().with_template(true).truncated(truncation.clone());
    let encoding = tokenizer(template()).encoding(input, &options)?;
    Ok(std::iter::once(&encoding).chain(encoding.overflowing()).map(text).collect())
}

#[test]
fn parts_that_were_cut_off_overlap_by_the_stride() {
    let mut truncation = Truncation::new(4);
    assert_eq!(cut("abc".into(), &truncation).unwrap(), ["[abc"]);
    assert_eq!(cut("abcdeab".into(), &truncation).unwrap(), ["[abc", "[dea", "[b"]);
    truncation.stride = 2;
    assert_eq!(cut("abcde".into(), &truncation).unwrap(), ["[abc", "[bcd", "[cde"]);
    truncation.direction = Side::Left;
    truncation.stride = 1;
    assert_eq!(cut("abcde".into(), &truncation).unwrap(), ["[cde", "[abc"]);
}

#[test]
fn pairs_are_cut_by_strategy() {
    let pair = Input::from(("abcde", "abc"));
    let mut truncation = Truncation::new(7);
    let cut_first =
        |truncation: &Truncation| Ok::<_, BpeError>(cut(pair, truncation)?.swap_remove(0));
    assert_eq!(cut_first(&truncation).unwrap(), "[abc]ab");
    truncation.strategy = TruncationStrategy::OnlyFirst;
    assert_eq!(cut(pair, &truncation).unwrap(), ["[ab]abc", "[cd]abc", "[e]abc"]);
    truncation.strategy = TruncationStrategy::OnlySecond;
    assert!(matches!(cut_first(&truncation), Err(BpeError::Truncation { max_length: 7, .. })));
    truncation.max_length = 8;
    assert_eq!(cut(pair, &truncation).unwrap(), ["[abcde]a", "[abcde]b", "[abcde]c"]);
}

#[test]
fn what_cannot_be_cut_is_an_error() {
    let reason = |truncation: &Truncation, input: Input<'_>| match cut(input, truncation) {
        Err(BpeError::Truncation { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let mut truncation = Truncation::new(0);
    assert_eq!(reason(&truncation, "a".into()), "the template alone has more tokens");
    truncation.max_length = 1;
    assert_eq!(cut("ab".into(), &truncation).unwrap(), ["[", "[ab"], "nothing remains");
    truncation = Truncation { stride: 2, ..Truncation::new(3) };
    assert_eq!(cut("ab".into(), &truncation).unwrap(), ["[ab"], "short enough");
    let expected = "the stride is not below the tokens that remain of a text";
    assert_eq!(reason(&truncation, "abc".into()), expected);
    truncation.strategy = TruncationStrategy::OnlySecond;
    assert_eq!(reason(&truncation, "abc".into()), "there is no second text to cut");
}

#[test]
fn padding_fills_up_to_the_longest_and_to_multiples() {
    let tokenizer = tokenizer(template());
    let mut padding = Padding::new(TokenId(8), "[PAD]");
    let texts = |padding: &Padding| {
        let options = EncodeOptions::default().padded(padding.clone());
        let encodings = tokenizer.encodings(["a", "abc", ""], &options).unwrap();
        assert!(encodings.iter().all(|encoding| {
            let masks = encoding.attention_mask().iter().zip(encoding.special_tokens_mask());
            masks
                .zip(encoding.ids())
                .all(|((attends, special), id)| *attends == (id.0 != 8) && attends != special)
        }));
        encodings.iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(texts(&padding), ["a..", "abc", "..."]);
    padding.multiple = Some(2);
    padding.direction = Side::Left;
    assert_eq!(texts(&padding), ["...a", ".abc", "...."]);
    padding.length = PadLength::Fixed(2);
    assert_eq!(texts(&padding), [".a", "abc", ".."]);
    padding.multiple = Some(0);
    padding.length = PadLength::Fixed(0);
    assert_eq!(texts(&padding), ["a", "abc", ""]);
}

#[test]
fn templates_are_applied_on_request() {
    let tokenizer = tokenizer(template());
    let options = EncodeOptions::default();
    assert_eq!(text(&tokenizer.encoding("a", &options).unwrap()), "a");
    let options = options.with_template(true);
    let pair = tokenizer.encoding(("a b", "c"), &options).unwrap();
    assert_eq!(text(&pair), "[a_b]c");
    assert_eq!(pair.type_ids(), [0, 0, 0, 0, 5, 1]);
    let sequences = [None, Some(0), Some(0), Some(0), None, Some(1)];
    assert_eq!(pair.sequences(), sequences);
    assert_eq!(pair.words(), [None, Some(0), Some(1), Some(1), None, Some(0)]);
    let offsets = [(0, 0), (0, 1), (1, 2), (2, 3), (0, 0), (0, 1)];
    assert_eq!(pair.offsets(), offsets);
    assert_eq!(pair.len(), 6);
    let ids = tokenizer.encode_with_template("a", AllowedSpecial::None);
    assert_eq!(ids, [TokenId(0), TokenId(2)]);
    let plain = self::tokenizer(Value::Null);
    assert_eq!(text(&plain.encoding(("a", "b"), &options).unwrap()), "ab");
}

#[test]
fn old_templates_frame_texts() {
    let tokens = |kind: &str| json!({ "type": kind, "sep": ["]", 1], "cls": ["[", 0] });
    let options = EncodeOptions::default().with_template(true);
    let bert = tokenizer(tokens("BertProcessing"));
    let pair = bert.encoding(("a", "b"), &options).unwrap();
    assert_eq!((text(&pair).as_str(), pair.type_ids()), ("[a]b]", &[0, 0, 0, 1, 1][..]));
    let roberta = tokenizer(tokens("RobertaProcessing"));
    let pair = roberta.encoding(("a", "b"), &options).unwrap();
    assert_eq!((text(&pair).as_str(), pair.type_ids()), ("[a]]b]", &[0; 6][..]));
    assert_eq!(text(&roberta.encoding("", &options).unwrap()), "[]");
    assert_eq!(roberta.encode_with_template("a", AllowedSpecial::None).len(), 3);
}

#[test]
fn characters_are_counted_over_words_of_bits() {
    let text = "aé中😀".repeat(40);
    let positions = CharPositions::new(&text);
    for (index, (byte, _)) in text.char_indices().enumerate() {
        assert_eq!(positions.of(byte), index);
    }
    assert_eq!((positions.of(text.len()), positions.of(9999)), (160, 160));
    assert_eq!(CharPositions::new("").of(0), 0);
}
