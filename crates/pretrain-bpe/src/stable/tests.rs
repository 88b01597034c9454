//! The border is stable: every short continuation of every short text.

use proptest::prelude::*;

use super::{looks_ahead_little, stable_pre_tokens};
use crate::{Pattern, PreTokenizer};

fn pre_tokenizers() -> Vec<PreTokenizer> {
    let named = Pattern::NAMES.iter().map(|name| name.parse().unwrap());
    named.filter(looks_ahead_little).map(|pattern| PreTokenizer::new(&pattern).unwrap()).collect()
}

fn ends(pre_tokenizer: &PreTokenizer, text: &str) -> Vec<usize> {
    let mut ends = vec![0];
    pre_tokenizer.for_each(text, |piece| ends.push(piece.end));
    ends
}

/// The pre-tokens before the border are the same with `more` appended, and those after it are those of
/// the rest alone.
fn assert_stable(pre_tokenizer: &PreTokenizer, text: &str, more: &str) {
    let border = stable_pre_tokens(pre_tokenizer, text);
    let short = ends(pre_tokenizer, text);
    let whole = format!("{text}{more}");
    let long = ends(pre_tokenizer, &whole);
    let n = short.partition_point(|&end| end <= border);
    assert_eq!(short[..n].last(), Some(&border));
    assert_eq!(
        short[..n],
        long[..n.min(long.len())],
        "{}: {text:?} + {more:?}",
        pre_tokenizer.pattern()
    );
    assert_eq!(short[..n], ends(pre_tokenizer, &text[..border]), "cut: {text:?}");
    let rest: Vec<usize> =
        ends(pre_tokenizer, &whole[border..]).iter().map(|end| end + border).collect();
    assert_eq!(long[n - 1..], rest, "{}: {text:?} + {more:?}", pre_tokenizer.pattern());
}

/// One character of each kind that a pattern tells apart, and the letters of contractions.
const KINDS: &[&str] =
    &["a", "Z", "ª", "\u{301}", "s", "l", "r", "e", "1", "'", "!", "/", " ", "\n", "\t", "\u{a0}"];

#[test]
fn every_short_text_and_continuation() {
    let pre_tokenizers = pre_tokenizers();
    let mut texts = vec![String::new()];
    let mut last = 0..1;
    for _ in 0..4 {
        for i in last.clone() {
            for kind in KINDS {
                let text = format!("{}{kind}", texts[i]);
                texts.push(text);
            }
        }
        last = last.end..texts.len();
    }
    for pre_tokenizer in &pre_tokenizers {
        for text in &texts {
            // Long enough for all of the short text to be stable.
            assert_stable(pre_tokenizer, &format!("{text}1!a"), "");
            assert_stable(pre_tokenizer, &format!("{text}!a1"), "");
            // Most short texts have no stable part: nothing to show.
            if stable_pre_tokens(pre_tokenizer, text) == 0 {
                continue;
            }
            let n_more = if text.chars().count() < 4 { 2 } else { 1 };
            for more in texts.iter().take_while(|more| more.chars().count() <= n_more) {
                assert_stable(pre_tokenizer, text, more);
            }
        }
    }
}

#[test]
fn the_unstable_part_of_prose_is_short() {
    let text =
        "It isn't so: there're 1234 words,  and\n\nmore lines.\r\n\tThe end is   near... don't\n";
    for pre_tokenizer in &pre_tokenizers() {
        for end in 20..=text.len() {
            let border = stable_pre_tokens(pre_tokenizer, &text[..end]);
            assert!(end - border <= 14, "{}: {:?}", pre_tokenizer.pattern(), &text[border..end]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4000, ..Default::default() })]

    #[test]
    fn random_texts_and_continuations(
        text in prop::collection::vec(prop::sample::select(KINDS), 0..24),
        more in prop::collection::vec(prop::sample::select(KINDS), 0..6),
    ) {
        for pre_tokenizer in &pre_tokenizers() {
            assert_stable(pre_tokenizer, &text.concat(), &more.concat());
        }
    }

    #[test]
    fn random_unicode(text in any::<String>(), more in any::<String>()) {
        for pre_tokenizer in &pre_tokenizers() {
            assert_stable(pre_tokenizer, &text, &more);
        }
    }
}
