//! How well a vocabulary fits texts: compression, fertility, parity, use of tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{BpeError, Result};
use crate::token::TokenId;
use crate::tokenizer::Tokenizer;

pub use curve::{CostModel, VocabularyChoice, VocabularyCurve};
pub use vocabulary::{DigitPolicy, VocabularyReport};

mod curve;
mod display;
#[cfg(test)]
mod tests;
mod vocabulary;

/// Counts texts by label (a language or a source) and the tokens they use.
///
/// Mergeable: threads count apart, and the sum does not depend on the order. Memory: eight bytes per id
/// and a few numbers per label. Texts are encoded as by [`Tokenizer::encode`].
///
/// ```
/// # use pretrain_bpe::{Pattern, QualityCounts, Trainer, TrainerConfig};
/// # fn main() -> Result<(), pretrain_bpe::BpeError> {
/// # let trainer = Trainer::new(TrainerConfig::new(270, Pattern::Gpt2))?;
/// # let tokenizer = trainer.train(&trainer.count(["the other then"]), &mut |_| {})?;
/// let mut counts = QualityCounts::new(&tokenizer);
/// counts.add("en", "the other day");
/// counts.add("el", "την άλλη μέρα");
/// let report = counts.report(Some("en"));
/// assert_eq!(report.labels["en"].words, 3);
/// assert!(report.labels["el"].parity.per_char > 1.0); // Greek is dearer here
/// println!("{report}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct QualityCounts<'t> {
    tokenizer: &'t Tokenizer,
    /// By id.
    tokens: Vec<u64>,
    labels: BTreeMap<String, Sums>,
    scratch: Vec<u32>,
    /// By id: whether a token is one byte, and whether it begins or ends inside a character.
    kinds: Vec<TokenKind>,
}

#[derive(Clone, Copy, Debug, Default)]
struct TokenKind {
    is_byte: bool,
    is_partial: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    texts: u64,
    bytes: u64,
    chars: u64,
    words: u64,
    tokens: u64,
    byte_tokens: u64,
    partial_tokens: u64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.texts += other.texts;
        self.bytes += other.bytes;
        self.chars += other.chars;
        self.words += other.words;
        self.tokens += other.tokens;
        self.byte_tokens += other.byte_tokens;
        self.partial_tokens += other.partial_tokens;
    }
}

impl<'t> QualityCounts<'t> {
    /// Counts of no text.
    pub fn new(tokenizer: &'t Tokenizer) -> Self {
        let kind = |id| {
            let bytes = tokenizer.token_bytes(TokenId(id)).unwrap_or_default();
            if tokenizer.is_byte_level() {
                let is_partial = std::str::from_utf8(bytes).is_err();
                return TokenKind { is_byte: bytes.len() == 1, is_partial };
            }
            let byte = fallback_byte(bytes);
            TokenKind { is_byte: byte.is_some(), is_partial: byte.is_some_and(|byte| byte >= 0x80) }
        };
        let n_ids = tokenizer.vocab_size();
        Self {
            tokenizer,
            tokens: vec![0; n_ids],
            labels: BTreeMap::new(),
            scratch: Vec::new(),
            kinds: (0..n_ids as u32).map(kind).collect(),
        }
    }

    /// Counts a text.
    pub fn add(&mut self, label: &str, text: &str) {
        self.scratch.clear();
        self.tokenizer.encode_into(text, &mut self.scratch);
        let mut sums = Sums {
            texts: 1,
            bytes: text.len() as u64,
            chars: text.chars().count() as u64,
            words: text.split_whitespace().count() as u64,
            tokens: self.scratch.len() as u64,
            ..Sums::default()
        };
        for &id in &self.scratch {
            self.tokens[id as usize] += 1;
            let kind = self.kinds[id as usize];
            sums.byte_tokens += u64::from(kind.is_byte);
            sums.partial_tokens += u64::from(kind.is_partial);
        }
        match self.labels.get_mut(label) {
            Some(all) => all.add(&sums),
            None => _ = self.labels.insert(label.to_owned(), sums),
        }
    }

    /// Counts each text of an iterator of labels and texts.
    pub fn extend<'a>(&mut self, texts: impl IntoIterator<Item = (&'a str, &'a str)>) {
        texts.into_iter().for_each(|(label, text)| self.add(label, text));
    }

    /// Adds the counts of another thread.
    ///
    /// # Errors
    ///
    /// [`BpeError::TokenizerMismatch`] when they were made with another tokenizer.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        let (expected, found) = (self.tokenizer.fingerprint(), other.tokenizer.fingerprint());
        if expected != found {
            let (expected, found) = (expected.to_owned(), found.to_owned());
            return Err(BpeError::TokenizerMismatch { expected, found });
        }
        for (mine, theirs) in self.tokens.iter_mut().zip(&other.tokens) {
            *mine += theirs;
        }
        for (label, sums) in &other.labels {
            self.labels.entry(label.clone()).or_default().add(sums);
        }
        Ok(())
    }

    /// How often each id came up; ids without token are 0.
    pub fn token_counts(&self) -> &[u64] {
        &self.tokens
    }

    /// The tokens of the vocabulary that no text used, in order of id; added tokens are not among them.
    pub fn unused(&self) -> Vec<TokenId> {
        self.ordinary().filter(|(_, count)| *count == 0).map(|(id, _)| id).collect()
    }

    /// The tokens of the vocabulary and their counts.
    fn ordinary(&self) -> impl Iterator<Item = (TokenId, u64)> {
        let ids = (0..).map(TokenId).zip(self.tokens.iter().copied());
        ids.filter(|(id, _)| vocabulary::is_ordinary(self.tokenizer, *id))
    }

    /// Everything that can be said. Parity is relative to the label `reference`, or else to the label
    /// with the fewest tokens per character.
    pub fn report(&self, reference: Option<&str>) -> QualityReport {
        let best = || {
            let rate = |sums: &Sums| ratio(sums.tokens, sums.chars);
            let used = self.labels.iter().filter(|(_, sums)| sums.chars > 0);
            let best = used.min_by(|a, b| rate(a.1).total_cmp(&rate(b.1)));
            best.map(|(label, _)| label.as_str())
        };
        let reference = reference.filter(|label| self.labels.contains_key(*label)).or_else(best);
        let base = reference.and_then(|label| self.labels.get(label)).copied().unwrap_or_default();
        let mut total = Sums::default();
        self.labels.values().for_each(|sums| total.add(sums));
        let stats = |sums: &Sums| TextStats::new(sums, &base);
        let labels = self.labels.iter().map(|(label, sums)| (label.clone(), stats(sums)));
        QualityReport {
            fingerprint: self.tokenizer.fingerprint().to_owned(),
            vocabulary: VocabularyReport::new(self.tokenizer),
            usage: self.usage(),
            reference: reference.map(str::to_owned),
            labels: labels.collect(),
            total: stats(&total),
        }
    }

    fn usage(&self) -> TokenUsage {
        let mut counts: Vec<u64> = self.ordinary().map(|(_, count)| count).collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let total: u64 = counts.iter().sum();
        let n_used = counts.partition_point(|&count| count > 0);
        let (mut entropy, mut power_sum) = (0.0, 0.0);
        for &count in &counts[..n_used] {
            let p = ratio(count, total);
            entropy -= p * p.log2();
            // p to the power of 2.5, from operations that are exact to the last bit everywhere.
            power_sum += p * p * p.sqrt();
        }
        let most = (counts.len().max(1) as f64).log2();
        let efficiency = |bits: f64| if most > 0.0 && total > 0 { bits / most } else { 0.0 };
        TokenUsage {
            n_used: n_used as u64,
            n_unused: (counts.len() - n_used) as u64,
            frequency_at_95: counts.get(counts.len() * 95 / 100).copied().unwrap_or(0),
            entropy_bits: entropy,
            shannon_efficiency: efficiency(entropy),
            renyi_efficiency: efficiency(if total > 0 {
                power_sum.log2() / (1.0 - 2.5)
            } else {
                0.0
            }),
        }
    }
}

/// What [`QualityCounts::report`] says. `Display` prints it as tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityReport {
    /// The tokenizer: [`Tokenizer::fingerprint`].
    pub fingerprint: String,
    /// The vocabulary alone, whatever the texts.
    pub vocabulary: VocabularyReport,
    /// How the texts use the vocabulary.
    pub usage: TokenUsage,
    /// The label that parity is relative to; none when no text has a character.
    pub reference: Option<String>,
    /// The texts by label.
    pub labels: BTreeMap<String, TextStats>,
    /// All texts. Its parity compares the mixture with the reference.
    pub total: TextStats,
}

/// Texts and their tokens. A rate whose denominator is 0 is 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextStats {
    /// Texts.
    pub texts: u64,
    /// Bytes of UTF-8.
    pub bytes: u64,
    /// Code points.
    pub chars: u64,
    /// Runs of characters without the property White_Space. In scripts that put no space between words
    /// a word in this sense is a clause or more, so that rates per word do not compare across scripts.
    pub words: u64,
    /// Tokens.
    pub tokens: u64,
    /// Compression: the higher, the fewer tokens.
    pub bytes_per_token: f64,
    /// Code points per token.
    pub chars_per_token: f64,
    /// Fertility (Rust et al. 2021, <https://aclanthology.org/2021.acl-long.243>), with the words above.
    pub tokens_per_word: f64,
    /// The share of tokens that are one byte (in models that are not byte-level: that fall back to bytes,
    /// `<0x0A>`), from 0 to 1.
    pub single_byte_share: f64,
    /// The share of tokens that begin or end inside a character, from 0 to 1.
    pub partial_share: f64,
    /// Against the reference label.
    pub parity: Parity,
}

/// How many times the tokens of the reference label a label needs: 1 is parity, 2 is twice as dear. 0 where
/// one of the two has no text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parity {
    /// Tokens per code point. A Chinese character says more than a Latin one.
    pub per_char: f64,
    /// Tokens per byte. Scripts differ in bytes per character.
    pub per_byte: f64,
    /// Tokens in all: the premium of Petrov et al. 2023 (<https://arxiv.org/abs/2305.15425>) if the labels
    /// hold translations of the same texts, and meaningless if they do not.
    pub parallel: f64,
}

impl TextStats {
    fn new(sums: &Sums, base: &Sums) -> Self {
        let against = |own: f64, other: f64| if other > 0.0 { own / other } else { 0.0 };
        Self {
            texts: sums.texts,
            bytes: sums.bytes,
            chars: sums.chars,
            words: sums.words,
            tokens: sums.tokens,
            bytes_per_token: ratio(sums.bytes, sums.tokens),
            chars_per_token: ratio(sums.chars, sums.tokens),
            tokens_per_word: ratio(sums.tokens, sums.words),
            single_byte_share: ratio(sums.byte_tokens, sums.tokens),
            partial_share: ratio(sums.partial_tokens, sums.tokens),
            parity: Parity {
                per_char: against(ratio(sums.tokens, sums.chars), ratio(base.tokens, base.chars)),
                per_byte: against(ratio(sums.tokens, sums.bytes), ratio(base.tokens, base.bytes)),
                parallel: ratio(sums.tokens, base.tokens),
            },
        }
    }
}

/// How texts use a vocabulary. Added tokens are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenUsage {
    /// Tokens that some text used.
    pub n_used: u64,
    /// Tokens that none used: [`QualityCounts::unused`] lists them.
    pub n_unused: u64,
    /// 95 % of the tokens occur at least this often (Gowda and May 2020,
    /// <https://aclanthology.org/2020.findings-emnlp.352>, want it to be 100 and more).
    pub frequency_at_95: u64,
    /// Shannon entropy of the tokens, in bits per token.
    pub entropy_bits: f64,
    /// The entropy by that of a vocabulary used evenly, from 0 to 1.
    pub shannon_efficiency: f64,
    /// Rényi efficiency with α = 2.5, from 0 to 1: Rényi entropy by the logarithm of the number of tokens in
    /// the vocabulary, used or not (Zouhar et al. 2023, <https://aclanthology.org/2023.acl-long.284>).
    pub renyi_efficiency: f64,
}

/// The byte that a token `<0x0A>` stands for.
fn fallback_byte(token: &[u8]) -> Option<u8> {
    let digits = token.strip_prefix(b"<0x")?.strip_suffix(b">")?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() == 2)?;
    u8::from_str_radix(digits, 16).ok()
}

fn ratio(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}
