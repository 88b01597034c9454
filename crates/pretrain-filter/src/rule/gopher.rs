//! The quality rules of Gopher (Rae et al. 2021, arXiv:2112.11446, table A1), as datatrove 0.10 has
//! them.

use pretrain_text::{TextView, strip};
use serde::{Deserialize, Serialize};

use crate::checks::{Checks, Outcome, limit, share};
use crate::config::Faults;
use crate::name::RuleName;

/// Limits on words, symbols and lines. Words are [`pretrain_text::words`], so punctuation marks are
/// words; a word is "more than symbols" unless every character is punctuation
/// ([`pretrain_text::is_symbol`]). Absent limits are not checked; the order is that of the fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GopherQuality {
    /// Fewest words that are more than symbols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_words: Option<usize>,
    /// Most words that are more than symbols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_words: Option<usize>,
    /// Smallest mean length in code points of the words that are more than symbols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_mean_word_length: Option<f64>,
    /// Largest mean length in code points of the words that are more than symbols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_mean_word_length: Option<f64>,
    /// Most `#` per word (all words).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_hash_ratio: Option<f64>,
    /// Most `...` and `…` per word (all words).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ellipsis_ratio: Option<f64>,
    /// Largest share of lines that begin with `•` or `-`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bullet_lines: Option<f64>,
    /// Largest share of lines that end with `...` or `…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ellipsis_lines: Option<f64>,
    /// Smallest share of words (all words) that have a letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_alphabetic_words: Option<f64>,
    /// Fewest different stop words, as they are spelt in `stop_words`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_stop_words: Option<usize>,
    /// The stop words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_words: Vec<String>,
}

impl GopherQuality {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        faults.ordered("min_words", limit(self.min_words), limit(self.max_words));
        faults.number("min_mean_word_length", self.min_mean_word_length);
        faults.number("max_mean_word_length", self.max_mean_word_length);
        faults.ordered(
            "min_mean_word_length",
            self.min_mean_word_length,
            self.max_mean_word_length,
        );
        faults.number("max_hash_ratio", self.max_hash_ratio);
        faults.number("max_ellipsis_ratio", self.max_ellipsis_ratio);
        faults.share("max_bullet_lines", self.max_bullet_lines);
        faults.share("max_ellipsis_lines", self.max_ellipsis_lines);
        faults.share("min_alphabetic_words", self.min_alphabetic_words);
        faults.strings("stop_words", &self.stop_words);
        // More stop words asked for than there are: nothing could pass.
        let known = Some(self.stop_words.len() as f64);
        faults.ordered("min_stop_words", limit(self.min_stop_words), known);
    }

    pub(crate) fn check(&self, view: &TextView<'_>, checks: &mut Checks<'_>) -> Outcome {
        let text = view.text();
        let (n, chars) = view.non_symbol_words();
        checks.at_least(RuleName::GopherQualityMinWords, limit(self.min_words), || n as f64)?;
        checks.at_most(RuleName::GopherQualityMaxWords, limit(self.max_words), || n as f64)?;
        let n_words = view.words().len();
        if n_words == 0 {
            // Without words nothing below has a value; the reference divides by zero here.
            return checks.check(RuleName::GopherQualityEmpty, 0.0, 1.0, true);
        }
        let mean = || share(chars, n);
        let (min, max) = (self.min_mean_word_length, self.max_mean_word_length);
        checks.at_least(RuleName::GopherQualityMinMeanWordLength, min, mean)?;
        checks.at_most(RuleName::GopherQualityMaxMeanWordLength, max, mean)?;
        checks.at_most(RuleName::GopherQualityMaxHashRatio, self.max_hash_ratio, || {
            share(text.bytes().filter(|&b| b == b'#').count(), n_words)
        })?;
        checks.at_most(RuleName::GopherQualityMaxEllipsisRatio, self.max_ellipsis_ratio, || {
            share(text.matches("...").count() + text.matches('…').count(), n_words)
        })?;
        checks.at_most(RuleName::GopherQualityMaxBulletLines, self.max_bullet_lines, || {
            share_of_lines(view, |line| line.starts_with(['•', '-']))
        })?;
        checks.at_most(RuleName::GopherQualityMaxEllipsisLines, self.max_ellipsis_lines, || {
            share_of_lines(view, |line| line.ends_with("...") || line.ends_with('…'))
        })?;
        let min = self.min_alphabetic_words;
        checks.at_least(RuleName::GopherQualityMinAlphabeticWords, min, || {
            share(view.n_alphabetic_words(), n_words)
        })?;
        checks.at_least(RuleName::GopherQualityMinStopWords, limit(self.min_stop_words), || {
            self.n_stop_words(view) as f64
        })
    }

    /// How many different stop words the text has.
    fn n_stop_words(&self, view: &TextView<'_>) -> usize {
        let mut known: Vec<&str> = self.stop_words.iter().map(String::as_str).collect();
        known.sort_unstable();
        known.dedup();
        let mut by_length = 0u64;
        for word in &known {
            by_length |= 1 << word.len().min(63);
        }
        let mut found = vec![false; known.len()];
        for word in view.words() {
            if by_length >> word.span.len().min(63) & 1 == 1
                && let Ok(i) = known.binary_search(&word.span.of(view.text()))
            {
                found[i] = true;
            }
        }
        found.iter().filter(|&&found| found).count()
    }
}

fn share_of_lines(view: &TextView<'_>, is: impl Fn(&str) -> bool) -> f64 {
    let lines = view.lines();
    let n_lines = lines.len();
    share(lines.filter(|line| is(strip(line))).count(), n_lines)
}
