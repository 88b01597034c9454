//! Entropy of characters and words: texts that say the same over and over, or nothing at all.

use std::collections::{BTreeMap, HashMap};

use pretrain_text::{TextView, lowercase};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::checks::{Checks, Outcome, share};
use crate::config::Faults;
use crate::name::RuleName;

/// Limits on Shannon entropies. Absent ones are not checked. Words are RedPajama-V2's: without ASCII
/// punctuation, in lower case, decomposed, between white space (Weber et al. 2024, arXiv:2411.12372).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Entropy {
    /// Fewest bits per character (code point).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_char_bits: Option<f64>,
    /// Most bits per character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_char_bits: Option<f64>,
    /// Fewest nats per word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_word_nats: Option<f64>,
    /// Most nats per word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_word_nats: Option<f64>,
    /// Smallest share of different words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_unique_words: Option<f64>,
    /// Largest share of different words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unique_words: Option<f64>,
}

impl Entropy {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        for (field, min, max) in [
            ("min_char_bits", self.min_char_bits, self.max_char_bits),
            ("min_word_nats", self.min_word_nats, self.max_word_nats),
            ("min_unique_words", self.min_unique_words, self.max_unique_words),
        ] {
            faults.number(field, min);
            faults.number(&field.replace("min", "max"), max);
            faults.ordered(field, min, max);
        }
    }

    pub(crate) fn check(&self, view: &TextView<'_>, checks: &mut Checks<'_>) -> Outcome {
        if self.min_char_bits.is_some() || self.max_char_bits.is_some() {
            let bits = char_entropy_bits(view.text());
            checks.at_least(RuleName::EntropyMinCharBits, self.min_char_bits, || bits)?;
            checks.at_most(RuleName::EntropyMaxCharBits, self.max_char_bits, || bits)?;
        }
        let wanted =
            [self.min_word_nats, self.max_word_nats, self.min_unique_words, self.max_unique_words];
        if wanted.iter().any(Option::is_some) {
            let words = WordEntropy::of(view.text());
            checks.at_least(RuleName::EntropyMinWordNats, self.min_word_nats, || words.nats)?;
            checks.at_most(RuleName::EntropyMaxWordNats, self.max_word_nats, || words.nats)?;
            let unique = || share(words.n_unique, words.n_words);
            checks.at_least(RuleName::EntropyMinUniqueWords, self.min_unique_words, unique)?;
            checks.at_most(RuleName::EntropyMaxUniqueWords, self.max_unique_words, unique)?;
        }
        Outcome::Continue(())
    }
}

/// Entropy of counts, in nats. The sum is in rising order of counts, so that it depends on nothing
/// else; not a number without any.
fn nats(counts: &mut [usize]) -> f64 {
    counts.sort_unstable();
    let total: usize = counts.iter().sum();
    if total == 0 {
        return f64::NAN;
    }
    let terms = counts.iter().map(|&count| {
        let p = count as f64 / total as f64;
        -p * p.ln()
    });
    terms.sum()
}

/// Shannon entropy of the code points of a text, in bits per code point; not a number for none.
pub fn char_entropy_bits(text: &str) -> f64 {
    let mut ascii = [0usize; 128];
    let mut other: BTreeMap<char, usize> = BTreeMap::new();
    for c in text.chars() {
        match ascii.get_mut(c as usize) {
            Some(count) => *count += 1,
            None => *other.entry(c).or_default() += 1,
        }
    }
    let counts = ascii.into_iter().chain(other.into_values()).filter(|&count| count > 0);
    nats(&mut counts.collect::<Vec<_>>()) / std::f64::consts::LN_2
}

/// Entropy of the words of a text, as RedPajama-V2's `rps_doc_unigram_entropy` (not rounded).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WordEntropy {
    /// Nats per word; not a number without words.
    pub nats: f64,
    /// Number of words.
    pub n_words: usize,
    /// Number of different words.
    pub n_unique: usize,
}

impl WordEntropy {
    /// Of the normalised words of `text`. Linear in its length.
    pub fn of(text: &str) -> Self {
        let plain: String = text.chars().filter(|c| !c.is_ascii_punctuation()).collect();
        let plain: String = lowercase(&plain).nfd().collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let words = plain.split(pretrain_text::is_space).filter(|word| !word.is_empty());
        words.for_each(|word| *counts.entry(word).or_default() += 1);
        let mut counts: Vec<usize> = counts.into_values().collect();
        Self { n_words: counts.iter().sum(), n_unique: counts.len(), nats: nats(&mut counts) }
    }
}
