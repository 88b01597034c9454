//! Which characters have to be covered, and the words without the others.

use std::collections::HashMap;

/// The characters that have to be pieces, the most frequent first.
#[derive(Debug)]
pub(super) struct Alphabet {
    pub(super) chars: Vec<(char, u64)>,
}

/// Distinct words, sorted, with their counts.
pub(super) type Words = Vec<(String, u64)>;

impl Alphabet {
    /// Counts characters and keeps the most frequent that make up `coverage` of all; of equally frequent
    /// ones the smaller code points. Words are cut at all other characters, which belong to no piece.
    pub(super) fn cover<'a>(
        words: impl IntoIterator<Item = (&'a str, u64)>,
        coverage: f64,
    ) -> (Self, Words) {
        let mut counts: HashMap<char, u64> = HashMap::new();
        let mut kept: HashMap<&str, u64> = HashMap::new();
        for (word, count) in words.into_iter().filter(|(_, count)| *count > 0) {
            let sum = kept.entry(word).or_default();
            *sum = sum.saturating_add(count);
        }
        for (word, count) in &kept {
            for c in word.chars() {
                let sum = counts.entry(c).or_default();
                *sum = sum.saturating_add(*count);
            }
        }
        // NUL and spaces cannot be written in a model.
        let mut chars: Vec<(char, u64)> =
            counts.into_iter().filter(|(c, _)| !matches!(c, '\0' | ' ')).collect();
        chars.sort_unstable_by_key(|&(c, count)| (std::cmp::Reverse(count), c));
        let all: f64 = chars.iter().map(|(_, count)| *count as f64).sum();
        let mut covered = 0.0;
        let n = chars.iter().position(|(_, count)| {
            let is_enough = covered / all >= coverage;
            covered += *count as f64;
            is_enough
        });
        chars.truncate(n.unwrap_or(chars.len()));
        let mut sorted: Vec<char> = chars.iter().map(|(c, _)| *c).collect();
        sorted.sort_unstable();
        let mut parts: HashMap<&str, u64> = HashMap::new();
        for (word, count) in kept {
            let known = |c: char| sorted.binary_search(&c).is_ok();
            for part in word.split(|c| !known(c)).filter(|part| !part.is_empty()) {
                let sum = parts.entry(part).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        let mut words: Words =
            parts.into_iter().map(|(part, count)| (part.to_owned(), count)).collect();
        words.sort_unstable();
        (Self { chars }, words)
    }
}
