//! The laws and cases of `duplicate`.

use std::collections::{HashMap, HashSet};

use pretrain_text::{TextView, n_chars};
use proptest::prelude::*;

use super::*;

/// The definition, with strings.
fn slow_top(words: &[&str], n: usize) -> Option<usize> {
    let grams: Vec<String> = words.windows(n).map(|w| w.join(" ")).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for gram in &grams {
        *counts.entry(gram).or_default() += 1;
    }
    let best = *counts.values().max()?;
    let first = grams.iter().find(|gram| counts[gram.as_str()] == best)?;
    Some(n_chars(first) * best)
}

fn slow_duplicate(words: &[&str], n: usize) -> usize {
    let (mut seen, mut chars, mut i) = (HashSet::new(), 0, 0);
    while i + n <= words.len() {
        let gram = words[i..i + n].concat();
        if seen.contains(&gram) {
            chars += n_chars(&gram);
            i += n;
        } else {
            seen.insert(gram);
            i += 1;
        }
    }
    chars
}

proptest! {
    #[test]
    fn fast_ngrams_are_the_slow_ones(
        words in prop::collection::vec("[abé]{1,3}|[\\x00a]|漢", 0..60),
        n in 1usize..6,
    ) {
        let text = words.join(" ");
        let view = TextView::new(&text);
        let strings: Vec<&str> = view.words().iter().map(|w| w.span.of(&text)).collect();
        let mut scratch = NgramScratch::default();
        let mut ngrams = Ngrams::new(&text, view.words(), &mut scratch);
        prop_assert_eq!(ngrams.top(n), slow_top(&strings, n));
        prop_assert_eq!(ngrams.duplicate(n), slow_duplicate(&strings, n));
    }
}

#[test]
fn words_written_together_are_the_same_duplicate() {
    let text = "ab c x a bc";
    let view = TextView::new(text);
    let mut scratch = NgramScratch::default();
    let mut ngrams = Ngrams::new(text, view.words(), &mut scratch);
    assert_eq!(ngrams.duplicate(2), 3);
    assert_eq!(ngrams.top(2), Some(4));
    assert_eq!(
        (ngrams.top(9), ngrams.duplicate(9), ngrams.top(0), ngrams.duplicate(0)),
        (None, 0, None, 0)
    );
}

#[test]
fn base_inverse() {
    assert_eq!(multiply(BASE, BASE_INVERSE), 1);
    assert_eq!(powers(40).0, multiply(power(BASE, 39), BASE));
}

#[test]
fn repeated_segments_count_extra_copies_only() {
    assert_eq!(repeated(["é", "b", "é", "é", ""].into_iter()), (2, 2));
}
