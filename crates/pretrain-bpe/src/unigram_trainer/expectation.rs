//! Expectation maximisation: how often each piece is used, and what it is worth then.

use super::alphabet::Words;
use super::lattice::{Pieces, Sums};
use super::parts::for_each_part;

/// What a step of expectation gives.
pub(super) struct Expected {
    /// By piece.
    pub(super) counts: Vec<f64>,
    /// Minus the mean log likelihood of a word.
    pub(super) objective: f64,
}

/// How often each piece is expected, over all ways to cut each word.
pub(super) fn expectation(pieces: &Pieces, words: &Words) -> Expected {
    let mut counts = vec![0.0; pieces.len()];
    let (mut log_likelihood, mut n_words) = (0.0, 0.0);
    let work = |part: &[(String, u64)]| {
        let mut sums = Sums::default();
        let mut counts = vec![0.0; pieces.len()];
        let (mut log_likelihood, mut n_words) = (0.0, 0.0);
        for (word, count) in part {
            let count = *count as f64;
            log_likelihood += count * sums.expect(pieces, word, count, &mut counts);
            n_words += count;
        }
        (counts, log_likelihood, n_words)
    };
    for_each_part(words, work, |(part, part_log_likelihood, part_n_words)| {
        counts.iter_mut().zip(part).for_each(|(sum, count)| *sum += count);
        log_likelihood += part_log_likelihood;
        n_words += part_n_words;
    });
    Expected { counts, objective: if n_words > 0.0 { -log_likelihood / n_words } else { 0.0 } }
}

/// A piece that is expected less often than this goes.
const MIN_EXPECTED: f64 = 0.5;

impl Pieces {
    /// New log probabilities from expected counts, by the digamma function instead of the logarithm:
    /// the variational estimate under a sparse Dirichlet prior, which takes from rare pieces
    /// (Johnson et al. 2007; SentencePiece's choice).
    pub(super) fn maximize(self, expected: &[f64]) -> Self {
        let kept = self.list.into_iter().zip(expected);
        let kept: Vec<_> = kept.filter(|(_, expected)| **expected >= MIN_EXPECTED).collect();
        let sum: f64 = kept.iter().map(|(_, expected)| **expected).sum();
        let log = digamma(sum);
        let list = kept.into_iter().map(|((piece, _), expected)| (piece, digamma(*expected) - log));
        Self::new(list.collect())
    }
}

/// The logarithmic derivative of the gamma function, for positive arguments: by recurrence up to 7, then
/// by the asymptotic series at x - 1/2. The error is below 1e-11.
pub(super) fn digamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < 7.0 {
        below += 1.0 / x;
        x += 1.0;
    }
    x -= 0.5;
    let inverse = 1.0 / (x * x);
    let series = [1.0 / 24.0, -7.0 / 960.0, 31.0 / 8064.0, -127.0 / 30720.0];
    let tail = series.iter().rev().fold(0.0, |sum, coefficient| (sum + coefficient) * inverse);
    x.ln() + tail - below
}
