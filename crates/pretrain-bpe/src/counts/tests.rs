//! Counting and merging.

use super::*;

fn owned(expected: &[(&str, u64)]) -> Vec<(Vec<u8>, u64)> {
    expected.iter().map(|(text, count)| (text.as_bytes().to_vec(), *count)).collect()
}

#[test]
fn counts_merge_to_the_whole() {
    let texts = ["the cat the", " cat", "", "the  end\n\n"];
    let mut whole = PreTokenCounts::new(&Pattern::Gpt2).unwrap();
    let mut parts = [whole.clone(), whole.clone()];
    for (i, text) in texts.iter().enumerate() {
        whole.count(text);
        parts[i % 2].count(text);
    }
    let [mut left, right] = parts;
    left.merge(&right).unwrap();
    assert_eq!(left.sorted(), whole.sorted());
    let expected = [("\n\n", 1), (" ", 1), (" cat", 2), (" end", 1), (" the", 1), ("the", 2)];
    assert_eq!(whole.sorted(), owned(&expected));
    assert_eq!((left.n_texts(), left.n_bytes(), left.n_pre_tokens()), (4, 25, 8));
    assert_eq!((whole.get("the"), whole.get("dog"), whole.get("")), (2, 0, 0));
}

#[test]
fn weights_multiply_and_saturate() {
    let mut counts = PreTokenCounts::new(&Pattern::None).unwrap();
    counts.count_weighted("x", u64::MAX - 1);
    counts.count_weighted("x", 7);
    counts.count_weighted("y", 0);
    assert_eq!(counts.sorted(), owned(&[("x", u64::MAX)]));
    assert_eq!(counts.n_texts(), u64::MAX);
}

/// A weight is worth as many repetitions.
#[test]
fn weighted_sources_equal_repeated_ones() {
    let mut weighted = PreTokenCounts::new(&Pattern::Llama3).unwrap();
    let mut repeated = weighted.clone();
    for (text, weight) in [("one two", 3), ("two three, a rather-long-hyphenated-word", 5)] {
        weighted.count_weighted(text, weight);
        (0..weight).for_each(|_| repeated.count(text));
    }
    assert_eq!(weighted.sorted(), repeated.sorted());
    assert_eq!(weighted.totals, repeated.totals);
}

/// Short and long keys, on both sides of the border, and lengths at the end of a text.
#[test]
fn many_distinct_pre_tokens() {
    let mut counts = PreTokenCounts::new(&Pattern::None).unwrap();
    for i in 0..20_000 {
        for text in [i.to_string(), format!("{i:015}"), format!("{i:016}"), format!("{i:040}")] {
            counts.count(&text);
        }
        counts.count(&format!("{:015}", i / 2));
        counts.count(&format!("{:016}", i / 2));
    }
    assert_eq!(counts.n_distinct(), 80_000);
    let get = |text: String| counts.get(&text);
    assert_eq!((counts.get("9999"), counts.get("20000")), (1, 0));
    assert_eq!((get(format!("{:015}", 9999)), get(format!("{:016}", 10_000))), (3, 1));
    assert_eq!(get(format!("{:040}", 19_999)), 1);
    let mut again = PreTokenCounts::new(&Pattern::None).unwrap();
    again.merge(&counts).unwrap();
    assert_eq!(again.sorted(), counts.sorted());
    again.retain_frequent(2);
    assert_eq!(again.n_distinct(), 20_000);
    assert!(again.memory() < counts.memory());
}

#[test]
fn zero_bytes_are_bytes() {
    let mut counts = PreTokenCounts::new(&Pattern::None).unwrap();
    ["\0", "\0\0", "\0", "a\0"].iter().for_each(|text| counts.count(text));
    assert_eq!(counts.sorted(), owned(&[("\0", 2), ("\0\0", 1), ("a\0", 1)]));
}

#[test]
fn other_patterns_do_not_merge() {
    let mut counts = PreTokenCounts::new(&Pattern::None).unwrap();
    let other = PreTokenCounts::new(&Pattern::Gpt2).unwrap();
    assert!(matches!(counts.merge(&other), Err(BpeError::PatternMismatch { .. })));
}
