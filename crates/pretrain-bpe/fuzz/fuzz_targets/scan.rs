//! The scanners against the regular expressions that define them.

#![no_main]

use std::sync::OnceLock;

use pretrain_bpe::{Pattern, PreTokenizer};

/// Each named pattern, scanned and through the regex engine.
fn twins() -> &'static [(PreTokenizer, PreTokenizer)] {
    static TWINS: OnceLock<Vec<(PreTokenizer, PreTokenizer)>> = OnceLock::new();
    TWINS.get_or_init(|| {
        let named = Pattern::NAMES.iter().filter_map(|name| name.parse::<Pattern>().ok());
        named
            .filter_map(|pattern| {
                let twin = Pattern::Custom(pattern.regex()?.to_owned());
                Some((PreTokenizer::new(&pattern).ok()?, PreTokenizer::new(&twin).ok()?))
            })
            .collect()
    })
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    for (scanner, regex) in twins() {
        let [mut fast, mut slow] = [Vec::new(), Vec::new()];
        scanner.for_each(text, |piece| fast.push(piece));
        regex.for_each(text, |piece| slow.push(piece));
        assert_eq!(fast, slow, "{}", scanner.pattern());
    }
});
