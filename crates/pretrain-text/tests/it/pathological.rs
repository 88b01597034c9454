//! Texts that make careless code quadratic, or fall over. Each is a megabyte or more: a quadratic
//! step would not come back.

use pretrain_text::{
    TextView, lines, n_chars, paragraphs, sentences, simplify, strip, word_spans, words,
};

const MEGABYTE: usize = 1 << 20;

/// Everything on one text; the number of words.
fn everything(text: &str) -> usize {
    let view = TextView::new(text);
    assert_eq!(view.n_chars(), n_chars(text));
    assert_eq!(view.lines().len(), lines(text).count());
    assert_eq!(sentences(text).map(str::len).sum::<usize>(), text.len());
    assert!(paragraphs(text).len() <= lines(text).count());
    assert!(simplify(text).len() <= 3 * text.len() + 3);
    let mut end = 0;
    for span in word_spans(text) {
        assert!(span.start >= end && !span.is_empty());
        end = span.end;
    }
    assert!(strip(text).len() <= text.len());
    view.words().len()
}

#[test]
fn one_character_a_million_times() {
    let one_word = ["a", "A", "1", "-", "é", "漢", "@", "\0", "\u{301}", "\u{200b}", "Σ"];
    for character in one_word {
        assert_eq!(everything(&character.repeat(MEGABYTE)), 1, "{character:?}");
    }
    for character in ["(", ":", "\"", "。", "😀", "₿"] {
        assert_eq!(everything(&character.repeat(MEGABYTE)), MEGABYTE, "{character:?}");
    }
    assert_eq!(everything(&".".repeat(MEGABYTE)), 1);
    // Two apostrophes are a special case: once in the middle, once in what is left on either side.
    assert_eq!(everything(&"'".repeat(MEGABYTE)), MEGABYTE - 3);
    for space in [" ", "\n", "\r\n", "\u{2028}", "\t"] {
        assert_eq!(everything(&space.repeat(MEGABYTE)), 0, "{space:?}");
    }
}

#[test]
fn patterns_repeated() {
    for pattern in [
        "a@",
        "a.",
        "1m",
        "..,",
        ":(",
        "a-",
        "a/",
        "http://",
        "a@a:12/",
        "x@1.2.3.4:",
        "[1",
        "'s",
        "1-",
        "…",
        "Σ\u{301}",
        "(a",
        "a)",
        "°c.",
        "...)",
        "\"'",
        "a\u{85}",
        "US$",
        "don't",
        ":-",
    ] {
        everything(&pattern.repeat(MEGABYTE / pattern.len()));
    }
}

#[test]
fn many_lines_and_nothing_at_all() {
    assert_eq!(everything(&"one line of words.\n".repeat(100_000)), 500_000);
    assert_eq!(everything(""), 0);
    assert_eq!(words("\u{1c}\u{1f}").count(), 0);
}
