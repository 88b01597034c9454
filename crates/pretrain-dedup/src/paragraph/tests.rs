//! Paragraph removal against joining by hand.

use super::*;
use proptest::prelude::*;

const BLANK: ParagraphConfig =
    ParagraphConfig { separator: Separator::BlankLine, normalise: Normalise::Folded, min_chars: 1 };

fn run(config: ParagraphConfig, texts: &[&str]) -> Vec<String> {
    let mut dedup = ParagraphDedup::new(config).unwrap();
    texts.iter().map(|text| dedup.push(text).unwrap().text.into_owned()).collect()
}

#[test]
fn the_first_occurrence_stays_and_the_separators_with_it() {
    let texts = ["A\n\nb\n\na  \n\nc", "B\n\nd", "c\n\n\n\nB", "a", ""];
    assert_eq!(run(BLANK, &texts), ["A\n\nb\n\nc", "d", "", "", ""]);
}

#[test]
fn spans_and_positions_say_what_was_taken_out() {
    let mut dedup = ParagraphDedup::new(BLANK).unwrap();
    dedup.push("x\n\ny").unwrap();
    let text = "X\n\ny\n\nkeep\n\nx\n\nstay\n\nY\n\nx";
    let rewritten = dedup.push(text).unwrap();
    assert_eq!(rewritten.text, "keep\n\nstay");
    assert_eq!(rewritten.removed, [0..6, 12..15, 19..25]);
    assert_eq!(rewritten.removed_paragraphs, [0..2, 3..4, 5..7]);
    assert_eq!((rewritten.n_paragraphs, rewritten.document), (7, DocIndex(1)));
    assert_eq!(dedup.n_distinct(), 4);
}

#[test]
fn short_paragraphs_are_left_alone() {
    let config = ParagraphConfig { separator: Separator::Line, min_chars: 3, ..BLANK };
    assert_eq!(
        run(config, &["ab\nabc\nab\nABC \n\n\n", "éé\nééé\nééé"]),
        ["ab\nabc\nab\n\n\n", "éé\nééé"]
    );
    assert!(matches!(
        ParagraphDedup::new(ParagraphConfig { min_chars: 0, ..BLANK }),
        Err(DedupError::Config { what: "paragraph", faults }) if faults.len() == 1
    ));
}

#[test]
fn an_untouched_text_is_borrowed() {
    let mut dedup = ParagraphDedup::new(BLANK).unwrap();
    assert!(matches!(dedup.push("one\n\ntwo").unwrap().text, Cow::Borrowed(_)));
    assert!(matches!(dedup.push("one").unwrap().text, Cow::Owned(text) if text.is_empty()));
}

/// Strings that are all separators, ends and repeats.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof!["[abA ]", Just("\n".to_owned()), Just("\n\n".to_owned())],
        0..14,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn equals_split_filter_join(
        texts in prop::collection::vec(text(), 0..6),
        lines in any::<bool>(),
    ) {
        let separator = if lines { Separator::Line } else { Separator::BlankLine };
        let config = ParagraphConfig { separator, ..BLANK };
        let mut dedup = ParagraphDedup::new(config).unwrap();
        let mut again = ParagraphDedup::new(config).unwrap();
        let mut seen = HashSet::new();
        for text in &texts {
            let kept: Vec<&str> = text
                .split(separator.as_str())
                .filter(|p| {
                    let key = config.normalise.apply(p);
                    key.is_empty() || seen.insert(key.into_owned())
                })
                .collect();
            let rewritten = dedup.push(text).unwrap();
            prop_assert_eq!(&rewritten.text, &kept.join(separator.as_str()));
            prop_assert_eq!(&without(text, &rewritten.removed), &rewritten.text);
            let twice = again.push(&rewritten.text).unwrap();
            prop_assert_eq!(twice.removed, []);
        }
    }
}
