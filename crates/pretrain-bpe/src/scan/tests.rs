//! Scanners against the regular expressions that define them.

use std::sync::OnceLock;

use proptest::prelude::*;

use crate::unicode::Classes;
use crate::{Pattern, PreTokenizer};

fn pieces(pre_tokenizer: &PreTokenizer, text: &str) -> Vec<std::ops::Range<usize>> {
    let mut pieces = Vec::new();
    pre_tokenizer.for_each(text, |range| pieces.push(range));
    pieces
}

/// Each named pattern with the twin that a regex engine runs.
fn twins() -> &'static [(PreTokenizer, PreTokenizer)] {
    static TWINS: OnceLock<Vec<(PreTokenizer, PreTokenizer)>> = OnceLock::new();
    TWINS.get_or_init(compile_twins)
}

fn compile_twins() -> Vec<(PreTokenizer, PreTokenizer)> {
    let named = Pattern::NAMES.iter().map(|name| name.parse::<Pattern>().unwrap());
    named
        .filter_map(|pattern| {
            let slow = Pattern::Custom(pattern.regex()?.to_owned());
            Some((PreTokenizer::new(&pattern).unwrap(), PreTokenizer::new(&slow).unwrap()))
        })
        .collect()
}

fn assert_twins_agree(twins: &[(PreTokenizer, PreTokenizer)], text: &str) {
    for (fast, slow) in twins {
        let (fast_pieces, slow_pieces) = (pieces(fast, text), pieces(slow, text));
        if let Some(i) = fast_pieces.iter().zip(&slow_pieces).position(|(a, b)| a != b) {
            let start = fast_pieces[i].start;
            let around =
                text[start..].chars().take(12).collect::<String>().escape_unicode().to_string();
            panic!(
                "{} at {start}: {:?} for {:?} in {around}",
                fast.pattern(),
                fast_pieces[i],
                slow_pieces[i]
            );
        }
        assert_eq!(fast_pieces, slow_pieces, "{} on {text:?}", fast.pattern());
    }
}

/// One character of each kind that any pattern tells apart.
const ALPHABET: &[&str] = &[
    "a",
    "Z",
    "s",
    "S",
    "ſ",
    "t",
    "l",
    "L",
    "e",
    "r",
    "ve",
    "D",
    "é",
    "É",
    "ǅ",
    "ʰ",
    "中",
    "\u{301}",
    "1",
    "٣",
    "Ⅷ",
    "'",
    "'",
    ".",
    "/",
    "-",
    "_",
    "😀",
    "\u{200d}",
    " ",
    " ",
    " ",
    "\t",
    "\n",
    "\r",
    "\u{b}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{3000}",
    "\u{0}",
    "\u{ad}",
    "\u{10ffff}",
    "’",
];

#[test]
fn all_short_sequences_of_kinds() {
    let twins = twins();
    let mut kinds: Vec<&str> = ALPHABET.to_vec();
    kinds.dedup();
    for a in &kinds {
        for b in &kinds {
            let mut text = String::new();
            for c in &kinds {
                text.clear();
                text.extend([*a, *b, *c]);
                assert_twins_agree(twins, &text);
            }
        }
    }
}

/// The scalar values at the borders of the runs of equal classes; the test of the table compares the
/// classes of all.
#[test]
fn each_run_of_classes_in_context() {
    let classes = Classes::get();
    let mut text = String::new();
    for c in '\0'..=char::MAX {
        let class = classes.of(c as u32);
        let is_border = |other: u32| classes.of(other.min(0x10_ffff)) != class;
        if is_border((c as u32).saturating_sub(1)) || is_border(c as u32 + 1) || c < '\u{180}' {
            text.extend(['a', c, '1', c, ' ', c, c, '\'', 'S', c, 'B', c, '\n', c]);
        }
        if text.len() > 1 << 12 {
            assert_twins_agree(twins(), &text);
            text.clear();
        }
    }
    assert_twins_agree(twins(), &text);
}

#[test]
fn edges() {
    let twins = twins();
    for text in [
        "",
        " ",
        "\n",
        "'",
        "\r\n\r\n  ",
        " '",
        "''s",
        "a  ",
        "  1",
        "ªAAA",
        "AªBc'LL",
        "!\u{301}a",
        "a'lL",
        "don't've's",
        "!\n/\n/!",
    ] {
        assert_twins_agree(twins, text);
    }
    let none = PreTokenizer::new(&Pattern::None).unwrap();
    assert_eq!(pieces(&none, "a b"), vec![0..3; 1]);
    assert!(pieces(&none, "").is_empty());
}

#[test]
fn gaps_and_empty_matches_of_a_custom_pattern() {
    let custom = PreTokenizer::new(&Pattern::Custom("b*".into())).unwrap();
    assert_eq!(pieces(&custom, "abba"), [0..1, 1..3, 3..4]);
    assert!(PreTokenizer::new(&Pattern::Custom("(".into())).is_err());
}

#[test]
fn long_runs_take_linear_time() {
    let twins = twins();
    for unit in ["a", "A", "ªA", "1", " ", "\n", "!", "'", " \n", "\u{301}", "中"] {
        let text = unit.repeat(200_000);
        for (fast, _) in twins {
            assert_eq!(pieces(fast, &text).last().unwrap().end, text.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..Default::default() })]

    #[test]
    fn random_sequences_of_kinds(parts in prop::collection::vec(prop::sample::select(ALPHABET), 0..150)) {
        assert_twins_agree(twins(), &parts.concat());
    }

    #[test]
    fn random_texts(text in any::<String>()) {
        assert_twins_agree(twins(), &text);
    }
}
