//! Each normaliser on a few texts, and the law that binds tracked and untracked texts.

use proptest::prelude::*;

use super::*;

#[test]
fn unicode_forms() {
    let of = |form: Normalizer, text: &str| form.normalize(text).into_owned();
    assert_eq!(of(Normalizer::Nfc, "e\u{301} \u{212b}"), "\u{e9} \u{c5}");
    assert_eq!(of(Normalizer::Nfd, "\u{e9}한"), "e\u{301}\u{1112}\u{1161}\u{11ab}");
    assert_eq!(of(Normalizer::Nfkc, "ﬁ①\u{a0}"), "fi1 ");
    assert_eq!(of(Normalizer::Nfkd, "ﬁé"), "fie\u{301}");
    assert!(matches!(Normalizer::Nfc.normalize("naïve 中文"), Cow::Borrowed(_)));
    assert!(matches!(Normalizer::Nfkc.normalize("plain"), Cow::Borrowed(_)));
    // Assigned in Unicode 11: unknown to the version that is pinned.
    assert_eq!(NORMALIZATION_UNICODE_VERSION.0, 9);
    assert_eq!(of(Normalizer::Nfd, "\u{1133b}a"), "\u{1133b}a");
}

#[test]
fn simple_rewriting() {
    let of = |normalizer: Normalizer, text: &str| normalizer.normalize(text).into_owned();
    assert_eq!(of(Normalizer::Lowercase, "AbİΣ"), "abi\u{307}σ");
    assert_eq!(of(Normalizer::Strip { left: true, right: false }, " \u{a0}a "), "a ");
    assert_eq!(of(Normalizer::Strip { left: true, right: true }, " \t "), "");
    assert_eq!(of(Normalizer::StripAccents, "e\u{301}a\u{903}"), "ea");
    assert_eq!(of(Normalizer::Prepend("▁".into()), "a"), "▁a");
    assert_eq!(of(Normalizer::Prepend("▁".into()), ""), "");
    assert_eq!(of(Normalizer::Nmt, "a\u{1}\u{200b}\tb\u{ad}"), "a  b\u{ad}");
    assert_eq!(of(Normalizer::ByteLevel, " é"), "ĠÃ©");
    let spaces = Replace::regex(" {2,}", "_").unwrap();
    let llama = Replace::string("a", "").unwrap();
    let both = Normalizer::Sequence(vec![Normalizer::Replace(spaces), Normalizer::Replace(llama)]);
    assert_eq!(of(both, "a  b a"), "_b ");
    assert!(Replace::string("", "x").is_err() && Replace::regex("(", "x").is_err());
}

#[test]
fn bert() {
    let mut bert = BertNormalizer {
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: None,
        lowercase: true,
    };
    let text = "Ün\u{ad}\u{0} 中x\u{2003}\u{fffd}\r";
    assert_eq!(Normalizer::Bert(bert).normalize(text), "un  中 x  ");
    bert.lowercase = false;
    assert_eq!(Normalizer::Bert(bert).normalize(text), "Ün  中 x  ");
    bert.strip_accents = Some(true);
    assert_eq!(Normalizer::Bert(bert).normalize("Ün"), "Un");
}

fn any_normalizer() -> impl Strategy<Value = Normalizer> {
    let bert =
        any::<(bool, bool, Option<bool>, bool)>().prop_map(|(clean, chinese, accents, lower)| {
            Normalizer::Bert(BertNormalizer {
                clean_text: clean,
                handle_chinese_chars: chinese,
                strip_accents: accents,
                lowercase: lower,
            })
        });
    let replace = prop::sample::select(vec!["a", "é", " +", "\\w$", "^", "(?=b)"])
        .prop_map(|regex| Normalizer::Replace(Replace::regex(regex, "_é").unwrap()));
    let simple = prop::sample::select(vec![
        Normalizer::Nfc,
        Normalizer::Nfd,
        Normalizer::Nfkc,
        Normalizer::Nfkd,
        Normalizer::Lowercase,
        Normalizer::StripAccents,
        Normalizer::ByteLevel,
        Normalizer::Nmt,
        Normalizer::Strip { left: true, right: true },
        Normalizer::Prepend("▁x".into()),
    ]);
    prop_oneof![simple, bert, replace]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn tracking_changes_no_text_and_origins_are_places_in_the_original(
        text in "[a-cA-Cé ﬁ\u{301}\u{327}\u{1e9b}\u{323}한ㄱ中İ\u{a0}\u{ad}\0①😀]{0,12}",
        normalizers in prop::collection::vec(any_normalizer(), 0..4),
        base in 0usize..5,
    ) {
        let normalizer = Normalizer::Sequence(normalizers);
        let mut tracked = NormalizedText::new(&text, base, true);
        normalizer.apply(&mut tracked);
        prop_assert_eq!(tracked.as_str(), &*normalizer.normalize(&text));
        for (at, c) in tracked.as_str().char_indices() {
            let range = tracked.origin(at..at + c.len_utf8());
            prop_assert!(base <= range.start && range.end <= base + text.len());
            prop_assert!(text.get(range.start - base..range.end - base).is_some(), "{:?}", range);
        }
    }
}
