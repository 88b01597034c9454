//! Behaviours of delimiters, chains, and what they compile to.

use proptest::prelude::*;

use super::*;

fn pieces(component: &Component, byte_level: bool, text: &str) -> Vec<String> {
    let cut = Cut::compile(Some(component), byte_level).unwrap();
    let pieces = cut.pieces(NormalizedText::new(text, 0, true));
    pieces.ranges.iter().map(|range| pieces.text.as_str()[range.clone()].to_owned()).collect()
}

fn split(regex: &str, behavior: Behavior, invert: bool) -> Component {
    Component::Split { pattern: TextPattern::regex(regex).unwrap(), behavior, invert }
}

#[test]
fn behaviors() {
    let of =
        |behavior, invert| pieces(&split("-", behavior, invert), false, "the-final--countdown");
    assert_eq!(of(Behavior::Removed, false), ["the", "final", "countdown"]);
    assert_eq!(of(Behavior::Removed, true), ["-", "-", "-"]);
    assert_eq!(of(Behavior::Isolated, false), ["the", "-", "final", "-", "-", "countdown"]);
    assert_eq!(of(Behavior::MergedWithPrevious, false), ["the-", "final-", "-", "countdown"]);
    assert_eq!(of(Behavior::MergedWithNext, false), ["the", "-final", "-", "-countdown"]);
    assert_eq!(of(Behavior::Contiguous, false), ["the", "-", "final", "--", "countdown"]);
    // An empty match only cuts.
    let before_capitals = split("(?=[A-Z])", Behavior::Isolated, false);
    assert_eq!(pieces(&before_capitals, false, "aBcD"), ["a", "Bc", "D"]);
}

#[test]
fn components() {
    let of = |component: Component, text: &str| pieces(&component, false, text);
    assert_eq!(of(Component::Bert, "Hi, 中?\n$x"), ["Hi", ",", "中", "?", "$", "x"]);
    assert_eq!(of(Component::Whitespace, "a_1 b's…"), ["a_1", "b", "'", "s", "…"]);
    assert_eq!(of(Component::WhitespaceSplit, " a,b \u{3000}c"), ["a,b", "c"]);
    assert_eq!(of(Component::Digits { individual: false }, "a12½b"), ["a", "12½", "b"]);
    assert_eq!(of(Component::CharDelimiterSplit('x'), "axxb"), ["a", "b"]);
    assert_eq!(of(Component::FixedLength(2), "aé中"), ["aé", "中"]);
    assert_eq!(of(Component::FixedLength(2), ""), [""; 0]);
    let bytes =
        Component::ByteLevel { add_prefix_space: true, trim_offsets: true, use_regex: true };
    assert_eq!(of(bytes, "é b"), ["ĠÃ©", "Ġb"]);
    assert_eq!(of(Component::Sequence(vec![]), "a b"), ["a b"]);
}

#[test]
fn marks_stand_for_spaces() {
    let of = |prepend, split, text: &str| {
        pieces(&Component::Metaspace(Metaspace { replacement: '▁', prepend, split }), false, text)
    };
    assert_eq!(of(PrependScheme::Always, true, "a  b"), ["▁a", "▁", "▁b"]);
    assert_eq!(of(PrependScheme::First, false, "a b"), ["▁a▁b"]);
    assert_eq!(of(PrependScheme::Never, true, "a b"), ["a", "▁b"]);
    assert_eq!(of(PrependScheme::Always, true, " a"), ["▁a"]);
    // Only the piece that the original begins with is the first.
    let metaspace = Metaspace { replacement: '_', prepend: PrependScheme::First, split: true };
    let after_digits = [Component::Digits { individual: true }, Component::Metaspace(metaspace)];
    let chain = Component::Sequence(after_digits.to_vec());
    assert_eq!(pieces(&chain, false, "a1b c"), ["_a", "1", "b", "_c"]);
    let cut = Cut::compile(Some(&chain), false).unwrap();
    let later = cut.pieces(NormalizedText::new("a", 3, true));
    assert_eq!(later.text.as_str(), "a");
}

#[test]
fn usual_chains_become_patterns() {
    let named = Pattern::NAMES.iter().map(|name| name.parse().unwrap());
    for pattern in named.chain([Pattern::Custom("a+".into())]) {
        let component = Component::of_pattern(&pattern).unwrap();
        assert!(component.ends_in_byte_level());
        assert_eq!(Cut::compile(Some(&component), true).unwrap().pattern(), Some(&pattern));
        assert_eq!(Cut::compile(Some(&component), false).unwrap().pattern(), None);
    }
    let byte_level =
        || Component::ByteLevel { add_prefix_space: false, trim_offsets: true, use_regex: false };
    let llama3 = Pattern::Llama3.regex().unwrap();
    let removed = vec![split(llama3, Behavior::Removed, true), byte_level()];
    let cut = Cut::compile(Some(&Component::Sequence(removed)), true).unwrap();
    assert_eq!(cut.pattern(), Some(&Pattern::Llama3));
    let dropping = vec![split("a+", Behavior::Removed, true), byte_level()];
    let cut = Cut::compile(Some(&Component::Sequence(dropping)), true).unwrap();
    assert_eq!(cut.pattern(), None, "what the expression does not match is dropped");
    let twice = Component::Sequence(vec![byte_level(), byte_level()]);
    assert!(!twice.ends_in_byte_level());
}

#[test]
fn three_splits_before_bytes() {
    let isolated = |regex| split(regex, Behavior::Isolated, false);
    let deepseek = Component::Sequence(vec![
        isolated(r"\p{N}{1,3}"),
        isolated("[一-龥぀-ゟ゠-ヿ]+"),
        isolated(r"[!-/:-~]?[A-Za-z]+| ?[^\s\p{L}\p{N}]+|\s+"),
        Component::ByteLevel { add_prefix_space: false, trim_offsets: true, use_regex: false },
    ]);
    let text = "x12345中文 ok!?";
    assert_eq!(pieces(&deepseek, true, text), ["x", "123", "45", "中文", " ", "ok", "!?"]);
    assert_eq!(pieces(&deepseek, false, text)[3], "ä¸Ńæĸĩ");
}

#[test]
fn classes_split_alike_with_and_without_lists() {
    let text = ",a, b..c１2";
    for class in [CharClass::Punctuation, CharClass::Number, CharClass::Whitespace] {
        for behavior in [Behavior::Isolated, Behavior::Removed] {
            let (mut direct, mut listed) = (vec![], vec![]);
            class.split(text, behavior == Behavior::Removed, &mut direct);
            let parts = super::split::parts(class.matches(text), text.len());
            behavior.split(parts.into_iter(), &mut listed);
            assert_eq!(direct, listed, "{class:?} {behavior:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// What is cut and not removed is there, once and in order.
    #[test]
    fn nothing_is_lost(
        text in "[a-c1２ .,!\n中é▁]{0,20}",
        cuts in prop::collection::vec(prop::sample::select(vec![
            Component::Digits { individual: true },
            Component::Digits { individual: false },
            Component::Punctuation(Behavior::MergedWithNext),
            Component::Punctuation(Behavior::Contiguous),
            Component::FixedLength(3),
            split("[ab]+", Behavior::MergedWithPrevious, false),
            split("b|(?=c)", Behavior::Isolated, true),
        ]), 0..4),
    ) {
        let cut = Cut::compile(Some(&Component::Sequence(cuts)), false).unwrap();
        let pieces = cut.pieces(NormalizedText::new(&text, 0, true));
        let whole: String =
            pieces.ranges.iter().map(|range| &pieces.text.as_str()[range.clone()]).collect();
        prop_assert_eq!(&whole, &text);
        prop_assert!(pieces.ranges.iter().all(|range| !range.is_empty()));
    }
}
