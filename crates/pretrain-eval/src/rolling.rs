//! Likelihood of whole documents, longer than the model's window.

use crate::error::{EvalError, Result};
use crate::request::Request;
use crate::scorer::Scorer;
use pretrain_model::KernelBackend;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::f64::consts::LN_2;

/// How a document is cut into windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollingConfig {
    /// Tokens that the model reads at once, at most its longest sequence.
    pub max_length: usize,
    /// Tokens of context that every window but the first begins with: 1 gives windows that do not
    /// overlap (the harness's choice, cheapest), `max_length` scores one token per window (dearest).
    pub context_len: usize,
    /// Stands before the first token of every document: the token that ends documents.
    pub prefix: u32,
}

impl RollingConfig {
    fn check(&self, longest: usize) -> Result<()> {
        let range = |field, found: usize, max| {
            if (1..=max).contains(&found) {
                return Ok(());
            }
            Err(EvalError::Window { field, found, max })
        };
        range("max_length", self.max_length, longest)?;
        range("context_len", self.context_len, self.max_length)
    }
}

/// A part of a document that is scored at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Tokens before the scored ones that the model sees, the prefix counted as token 0.
    pub context: usize,
    /// First scored token, in the document.
    pub start: usize,
    /// One past the last scored token.
    pub end: usize,
}

/// Cuts a document of `n_tokens` so that every token is scored once.
///
/// The first window scores `max_length` tokens after the prefix alone; each later one scores
/// `max_length - context_len + 1` tokens (the last window what is left) after as many earlier
/// tokens as fit. This is `get_rolling_token_windows` with `make_disjoint_window` of the Language
/// Model Evaluation Harness.
pub fn rolling_windows(n_tokens: usize, max_length: usize, context_len: usize) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut start = 0;
    while start < n_tokens {
        let step = if start == 0 { max_length } else { max_length + 1 - context_len };
        let end = n_tokens.min(start + step);
        // The model reads the prefix and tokens up to the one before `end`: `end` inputs, of which
        // the last `max_length` fit.
        let first = if start == 0 { 0 } else { end.saturating_sub(max_length) };
        windows.push(Window { context: start + 1 - first, start, end });
        start = end;
    }
    windows
}

/// Tokens of a document and the length of its text.
#[derive(Debug, Clone, Copy)]
pub struct TokenDocument<'a> {
    /// Token ids.
    pub ids: &'a [u32],
    /// Bytes of the text that they encode.
    pub bytes: u64,
}

/// How well a model predicts some documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Perplexity {
    /// Number of documents.
    pub documents: u64,
    /// Number of predicted tokens.
    pub tokens: u64,
    /// Bytes of their texts.
    pub bytes: u64,
    /// Negative log-likelihood of all tokens, in nats.
    pub nll: f64,
}

impl Perplexity {
    /// Nats per token; not a number without tokens.
    pub fn loss(&self) -> f64 {
        self.nll / self.tokens as f64
    }

    /// `exp` of the loss; not a number without tokens.
    pub fn perplexity(&self) -> f64 {
        self.per(self.tokens)
    }

    /// `exp(nll / units)`: perplexity per word, byte, or whatever was counted.
    pub fn per(&self, units: u64) -> f64 {
        libm::exp(self.nll / units as f64)
    }

    /// Bits per byte of text, which does not depend on the tokenizer; not a number without bytes.
    pub fn bits_per_byte(&self) -> f64 {
        self.nll / (self.bytes as f64 * LN_2)
    }

    /// Adds other documents.
    pub fn merge(&mut self, other: &Self) {
        self.documents += other.documents;
        self.tokens += other.tokens;
        self.bytes += other.bytes;
        self.nll += other.nll;
    }
}

impl<B: KernelBackend> Scorer<'_, B> {
    /// Perplexity of documents, each scored in [`rolling_windows`] of its own. Memory: one
    /// document's windows and one batch.
    ///
    /// # Errors
    /// A window setting is outside its range, or a token is outside the vocabulary.
    pub fn perplexity<'d>(
        &self,
        documents: impl IntoIterator<Item = TokenDocument<'d>>,
        config: &RollingConfig,
    ) -> Result<Perplexity> {
        config.check(self.max_length())?;
        let mut total = Perplexity::default();
        let mut requests: Vec<Request> = Vec::new();
        let mut pending = 0;
        for document in documents {
            total.documents += 1;
            total.bytes += document.bytes;
            total.tokens += document.ids.len() as u64;
            for window in rolling_windows(document.ids.len(), config.max_length, config.context_len)
            {
                let request = request(document.ids, &window, config.prefix);
                pending += request.n_inputs();
                requests.push(request);
            }
            // Enough for full batches of similar lengths.
            if pending >= 8 * self.batch_tokens() {
                total.nll -= self.sum(&requests)?;
                requests.clear();
                pending = 0;
            }
        }
        total.nll -= self.sum(&requests)?;
        Ok(total)
    }

    fn sum(&self, requests: &[Request]) -> Result<f64> {
        Ok(self.score(requests)?.iter().map(|score| score.log_likelihood).sum())
    }
}

fn request(ids: &[u32], window: &Window, prefix: u32) -> Request {
    // Position 0 of the extended document is the prefix.
    let first = window.start + 1 - window.context;
    let context = if first == 0 {
        [&[prefix], &ids[..window.start]].concat()
    } else {
        ids[first - 1..window.start].to_vec()
    };
    Request { context, continuation: ids[window.start..window.end].to_vec() }
}

/// The baseline that knows how often each token occurs in these very documents and nothing else:
/// the entropy of the empirical distribution. A model that does worse has learnt nothing.
pub fn unigram<'d>(documents: impl IntoIterator<Item = TokenDocument<'d>>) -> Perplexity {
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    let mut total = Perplexity::default();
    for document in documents {
        total.documents += 1;
        total.bytes += document.bytes;
        total.tokens += document.ids.len() as u64;
        document.ids.iter().for_each(|id| *counts.entry(*id).or_default() += 1);
    }
    let n = total.tokens as f64;
    total.nll = counts.values().map(|count| *count as f64 * libm::log(n / *count as f64)).sum();
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_scored_once_with_as_much_context_as_fits() {
        for (n, max_length, context_len) in
            [(0, 4, 1), (1, 4, 1), (4, 4, 1), (5, 4, 1), (23, 4, 2), (23, 4, 4), (23, 1, 1)]
        {
            let windows = rolling_windows(n, max_length, context_len);
            let mut next = 0;
            for window in &windows {
                assert_eq!(window.start, next);
                next = window.end;
                let inputs = window.context + (window.end - window.start) - 1;
                assert!(inputs <= max_length);
                assert!(window.start == 0 || inputs == max_length, "{window:?}");
                assert!(window.start == 0 || window.context >= context_len);
            }
            assert_eq!(next, n);
        }
        let windows = rolling_windows(6, 4, 2);
        assert_eq!(windows[0], Window { context: 1, start: 0, end: 4 });
        assert_eq!(windows[1], Window { context: 3, start: 4, end: 6 });
    }

    #[test]
    fn requests_are_the_tokens_before_and_of_the_window() {
        let ids = [10, 11, 12, 13, 14, 15];
        let of = |window: &Window| request(&ids, window, 99);
        let windows = rolling_windows(6, 4, 2);
        assert_eq!(
            of(&windows[0]),
            Request { context: vec![99], continuation: vec![10, 11, 12, 13] }
        );
        assert_eq!(
            of(&windows[1]),
            Request { context: vec![11, 12, 13], continuation: vec![14, 15] }
        );
    }

    #[test]
    fn the_unigram_baseline_is_the_entropy() {
        let documents = [[1, 1, 2, 3].as_slice(), &[1, 1, 2, 3]];
        let documents = documents.map(|ids| TokenDocument { ids, bytes: 6 });
        let found = unigram(documents);
        // 1.5 bits per token, 8 tokens in 12 bytes.
        assert!((found.bits_per_byte() - 1.0).abs() < 1e-12);
        assert!((found.perplexity() - 2f64.powf(1.5)).abs() < 1e-12);
        assert_eq!((found.documents, found.tokens, found.bytes), (2, 8, 12));
        assert!(unigram([]).loss().is_nan());
    }
}
