//! The laws and cases of `word`.

use proptest::prelude::*;

use super::*;

fn cut(text: &str) -> Vec<&str> {
    words(text).collect()
}

/// The definition: every chunk through the general rules, and special cases merged over the whole
/// text at once.
fn slow(text: &str) -> Vec<&str> {
    let specials = Specials::get();
    let mut scratch = affix::Scratch::default();
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut was_space = None;
    let mut cuts: Vec<(usize, bool)> = Vec::new();
    for (i, c) in text.char_indices() {
        if was_space != Some(is_python_space(c)) {
            cuts.push((i, is_python_space(c)));
            was_space = Some(is_python_space(c));
        }
    }
    for (n, &(at, space)) in cuts.iter().enumerate() {
        let end = cuts.get(n + 1).map_or(text.len(), |next| next.0);
        start = start.max(at);
        if space {
            start += usize::from(at > 0 && text[at..].starts_with(' '));
            if start < end {
                tokens.push(Span { start, end });
            }
        } else {
            let chunk = Span { start, end };
            if !specials.push(chunk, text, &mut tokens) {
                affix::split(text, chunk, Some(specials), &mut scratch, &mut tokens);
            }
        }
        start = end;
    }
    specials.merge(text, &mut tokens);
    let words = tokens.into_iter().map(|span| span.of(text));
    words.filter(|word| !word.starts_with(is_python_space)).collect()
}

#[test]
fn reference_sentence() {
    let text = "don't U.S. e-mail 3.5% $5 http://a.com/x?y=1 (ok). end…wait a/b x--y I'm cannot";
    assert_eq!(
        cut(text).join(" "),
        "do n't U.S. e - mail 3.5 % $ 5 http://a.com/x?y=1 ( ok ) . end … wait a / b x -- y I 'm can not"
    );
}

#[test]
fn rules_one_by_one() {
    let cases: &[(&str, &[&str])] = &[
        ("", &[]),
        (" \n\u{a0}", &[]),
        (
            "word, word. W. USA. Mr. Mr.,",
            &["word", ",", "word", ".", "W.", "USA", ".", "Mr.", "Mr.", ","],
        ),
        (
            "5km 5kmx +5 5+ 3°C. US$5 5US$",
            &["5", "km", "5kmx", "+5", "5", "+", "3", "°", "C", ".", "US$", "5", "5", "US$"],
        ),
        ("(:-) x:) \"it's\"", &["(", ":-)", "x", ":)", "\"", "it", "'s", "\""]),
        (
            "...a.. b…… c.D ef.G e.f 1.G",
            &["...", "a", "..", "b", "……", "c.", "D", "ef", ".", "G", "e.f", "1.G"],
        ),
        (
            "a,b 1,000 x=y 1-2 a—b a--b a---",
            &[
                "a", ",", "b", "1,000", "x", "=", "y", "1", "-", "2", "a", "—", "b", "a", "--",
                "b", "a---",
            ],
        ),
        ("漢字。😀x 漢字。", &["漢字。", "😀", "x", "漢字", "。"]),
    ];
    for (text, words) in cases {
        assert_eq!(cut(text), *words, "{text:?}");
    }
}

#[test]
fn urls_are_one_word() {
    for url in [
        "http://a.com/x-y?z=1",
        "user:pw@host-a.org:8080/a/b",
        "me@example.co.uk/x/y",
        "8.8.8.8/a/b",
        "ftp://ü-x.de#a/b",
    ] {
        assert_eq!(cut(url), [url]);
    }
    assert!(cut("10.0.0.1/a/b").len() > 1);
    assert!(cut("a-b.C/d-e").len() > 1);
    assert!(cut("a-b.com:1/d-e").len() > 1);
}

/// Pieces that the rules are about.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z]{1,6}",
        2 => prop::sample::select(SPECIAL).prop_map(str::to_owned),
        2 => "[ \\n\\t\u{a0}]{1,2}",
        2 => Just(" ".to_owned()),
        3 => "[!\"#$%&'()*+,./:;<=>?@\\[\\]^_`{|}~\\\\-]{1,3}",
        1 => "[0-9]{1,3}",
        1 => "[éßЖж漢。…—–’“”°²€§→😀\u{301}٣]{1,2}",
    ]
}

const SPECIAL: &[&str] = &[
    "don't",
    "dont",
    "cannot",
    "Mr.",
    "e.g.",
    "a.",
    ":)",
    ":-(",
    "(-_-)",
    "and/or",
    "o.O",
    "'s",
    "’em",
    "°C.",
    "8-)",
    "km",
    "m/s",
    "US$",
    "://",
    "www.x.com",
    "1.2.3.4",
    "C++",
    "--",
    "...",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_short_paths_are_the_definition(pieces in prop::collection::vec(piece(), 0..24)) {
        let text = pieces.concat();
        prop_assert_eq!(cut(&text), slow(&text));
    }

    #[test]
    fn words_are_the_text_without_white_space(text in any::<String>()) {
        let visible: String = text.chars().filter(|&c| !is_python_space(c)).collect();
        prop_assert_eq!(words(&text).collect::<String>(), visible);
    }
}
