//! The pieces to begin with: substrings that occur again, found in sorted suffixes.

use std::cmp::Reverse;

use super::UnigramTrainerConfig;
use super::alphabet::{Alphabet, Words};
use super::lattice::Pieces;
use crate::model::word_cuts::MARK;

/// All characters of the alphabet, and the best substrings by count times length.
///
/// A substring is taken if it occurs at least twice and is not always followed by the same character
/// (the end of a word counts as a character of its own): the inner nodes of the suffix tree, as in
/// SentencePiece, which has the sentences where this has the words and their counts.
pub(super) fn seeds(words: &Words, alphabet: &Alphabet, config: &UnigramTrainerConfig) -> Pieces {
    let text = Text::new(words, config.max_piece_chars);
    let mut found = text.repeated();
    let n = config.seed_size.saturating_sub(alphabet.chars.len());
    // Equal scores: in order of the text. The order of equal texts is that of the words.
    let key = |seed: &Seed| (Reverse(seed.score()), text.slice(seed));
    found.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
    found.truncate(n);
    let chars = alphabet.chars.iter().map(|(c, count)| (c.to_string(), *count as f64));
    let seeds =
        found.iter().map(|seed| (text.slice(seed).iter().collect::<String>(), seed.score() as f64));
    let pieces: Vec<(String, f64)> = chars.chain(seeds).collect();
    let sum: f64 = pieces.iter().map(|(_, score)| score).sum();
    let log = sum.ln();
    Pieces::new(pieces.into_iter().map(|(piece, score)| (piece, score.ln() - log)).collect())
}

/// A substring: where it occurs first, its length in characters, how often it occurs.
struct Seed {
    at: usize,
    len: usize,
    count: u64,
}

impl Seed {
    fn score(&self) -> u128 {
        u128::from(self.count) * self.len as u128
    }
}

/// The characters of all words.
struct Text {
    chars: Vec<char>,
    /// For each position, how many characters are left in its word, the longest piece at most.
    left: Vec<u8>,
    /// For each position, how often its word occurs.
    counts: Vec<u64>,
}

impl Text {
    fn new(words: &Words, max_len: usize) -> Self {
        let (mut chars, mut left, mut counts) = (vec![], vec![], vec![]);
        for (word, count) in words {
            let n = word.chars().count();
            for (i, c) in word.chars().enumerate() {
                chars.push(c);
                left.push((n - i).min(max_len) as u8);
                counts.push(*count);
            }
        }
        Self { chars, left, counts }
    }

    fn suffix(&self, at: usize) -> &[char] {
        &self.chars[at..at + self.left[at] as usize]
    }

    fn slice(&self, seed: &Seed) -> &[char] {
        &self.chars[seed.at..seed.at + seed.len]
    }

    /// The substrings of two and more characters that qualify: where suffixes are sorted, the prefixes
    /// that an interval of them has in common and no larger one has, and whole suffixes.
    fn repeated(&self) -> Vec<Seed> {
        let mut order: Vec<usize> = (0..self.chars.len()).filter(|&at| self.left[at] > 1).collect();
        order.sort_unstable_by(|&a, &b| self.suffix(a).cmp(self.suffix(b)).then(a.cmp(&b)));
        let mut seeds = Vec::new();
        // Open prefixes of the last suffix: length and count so far.
        let mut open: Vec<(usize, u64)> = Vec::new();
        let mut close = |open: &mut Vec<(usize, u64)>, at: usize, common: usize| {
            let mut carried = 0u64;
            while let Some((len, count)) = open.pop_if(|(len, _)| *len > common) {
                carried = carried.saturating_add(count);
                let seed = Seed { at, len, count: carried };
                if len > 1 && carried > 1 && self.is_valid(&seed) {
                    seeds.push(seed);
                }
            }
            match open.last_mut() {
                Some((len, count)) if *len == common => *count = count.saturating_add(carried),
                _ if carried > 0 => open.push((common, carried)),
                _ => {}
            }
        };
        for (i, &at) in order.iter().enumerate() {
            if let Some(&previous) = i.checked_sub(1).map(|i| &order[i]) {
                let pairs = self.suffix(previous).iter().zip(self.suffix(at));
                let common = pairs.take_while(|(a, b)| a == b).count();
                close(&mut open, previous, common);
            }
            let len = self.left[at] as usize;
            let count = self.counts[at];
            match open.last_mut() {
                Some((open_len, sum)) if *open_len == len => *sum = sum.saturating_add(count),
                _ => open.push((len, count)),
            }
        }
        if let Some(&last) = order.last() {
            close(&mut open, last, 0);
        }
        seeds
    }

    /// A mark stands at the beginning or nowhere.
    fn is_valid(&self, seed: &Seed) -> bool {
        !self.slice(seed)[1..].contains(&MARK)
    }
}
