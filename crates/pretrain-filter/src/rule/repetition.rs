//! The repetition rules of Gopher (Rae et al. 2021, arXiv:2112.11446, table A1), as datatrove 0.10
//! has them.

use pretrain_text::{TextView, strip};
use serde::{Deserialize, Serialize};

use crate::checks::{Checks, Outcome, share};
use crate::config::Faults;
use crate::duplicate::{NgramScratch, Ngrams, repeated};
use crate::error::Problem;
use crate::name::RuleName;

/// Limits on what repeats inside one text. Shares of characters are of all code points of the text,
/// white space included. Absent limits are not checked; the order is that of the fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GopherRepetition {
    /// Largest share of paragraphs (separated by two or more line feeds) that repeat an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duplicate_paragraphs: Option<f64>,
    /// Largest share of characters in such paragraphs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duplicate_paragraph_chars: Option<f64>,
    /// Largest share of lines (separated by line feeds) that repeat an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duplicate_lines: Option<f64>,
    /// Largest share of characters in such lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duplicate_line_chars: Option<f64>,
    /// Largest shares of characters in the most frequent n-gram of words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub top_ngrams: Vec<NgramLimit>,
    /// Largest shares of characters in n-grams of words that repeat an earlier one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub duplicate_ngrams: Vec<NgramLimit>,
}

/// A limit for n-grams of one length.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NgramLimit {
    /// Number of words.
    pub n: usize,
    /// Largest share of characters. It can be above 1 for `top_ngrams`: occurrences overlap.
    pub max: f64,
}

impl GopherRepetition {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        faults.share("max_duplicate_paragraphs", self.max_duplicate_paragraphs);
        faults.share("max_duplicate_paragraph_chars", self.max_duplicate_paragraph_chars);
        faults.share("max_duplicate_lines", self.max_duplicate_lines);
        faults.share("max_duplicate_line_chars", self.max_duplicate_line_chars);
        for (field, limits) in
            [("top_ngrams", &self.top_ngrams), ("duplicate_ngrams", &self.duplicate_ngrams)]
        {
            for (i, limit) in limits.iter().enumerate() {
                if limit.n == 0 {
                    faults.add(&format!("{field}[{i}].n"), Problem::Zero);
                }
                if limits[..i].iter().any(|earlier| earlier.n == limit.n) {
                    faults.add(&format!("{field}[{i}].n"), Problem::Repeated(limit.n));
                }
                faults.number(&format!("{field}[{i}].max"), Some(limit.max));
            }
        }
    }

    pub(crate) fn check(
        &self,
        view: &TextView<'_>,
        scratch: &mut NgramScratch,
        checks: &mut Checks<'_>,
    ) -> Outcome {
        let text = view.text();
        if text.is_empty() {
            return checks.check(RuleName::GopherRepetitionEmpty, 0.0, 1.0, true);
        }
        let n_chars = view.n_chars();
        if self.max_duplicate_paragraphs.is_some() || self.max_duplicate_paragraph_chars.is_some() {
            let (n, chars) = repeated(split_at_runs(strip(text), 2));
            checks.at_most(
                RuleName::GopherRepetitionMaxDuplicateParagraphs,
                self.max_duplicate_paragraphs,
                || share(n, split_at_runs(strip(text), 2).count()),
            )?;
            checks.at_most(
                RuleName::GopherRepetitionMaxDuplicateParagraphChars,
                self.max_duplicate_paragraph_chars,
                || share(chars, n_chars),
            )?;
        }
        if self.max_duplicate_lines.is_some() || self.max_duplicate_line_chars.is_some() {
            let (n, chars) = repeated(split_at_runs(text, 1));
            checks.at_most(
                RuleName::GopherRepetitionMaxDuplicateLines,
                self.max_duplicate_lines,
                || share(n, split_at_runs(text, 1).count()),
            )?;
            checks.at_most(
                RuleName::GopherRepetitionMaxDuplicateLineChars,
                self.max_duplicate_line_chars,
                || share(chars, n_chars),
            )?;
        }
        if self.top_ngrams.is_empty() && self.duplicate_ngrams.is_empty() {
            return Outcome::Continue(());
        }
        let mut ngrams = Ngrams::new(text, view.words(), scratch);
        for limit in &self.top_ngrams {
            if let Some(chars) = ngrams.top(limit.n) {
                let rule = RuleName::GopherRepetitionTopNgram(limit.n);
                checks.at_most(rule, Some(limit.max), || share(chars, n_chars))?;
            }
        }
        for limit in &self.duplicate_ngrams {
            let rule = RuleName::GopherRepetitionDuplicateNgrams(limit.n);
            let chars = ngrams.duplicate(limit.n);
            checks.at_most(rule, Some(limit.max), || share(chars, n_chars))?;
        }
        Outcome::Continue(())
    }
}

/// The pieces of `text` between runs of at least `min_run` line feeds; pieces at the ends can be
/// empty. Python: `re.split(r"\n{min_run,}", text)`.
fn split_at_runs(text: &str, min_run: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        let bytes = current.as_bytes();
        let mut at = 0;
        while let Some(found) = current[at..].find('\n') {
            let start = at + found;
            let run = bytes[start..].iter().take_while(|&&b| b == b'\n').count();
            if run >= min_run {
                rest = Some(&current[start + run..]);
                return Some(&current[..start]);
            }
            at = start + run;
        }
        rest = None;
        Some(current)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_line_feeds_split() {
        let split = |text, n| split_at_runs(text, n).collect::<Vec<_>>();
        assert_eq!(split("a\nb\n\n\nc\n\n", 2), ["a\nb", "c", ""]);
        assert_eq!(split("\na\n\nb", 1), ["", "a", "b"]);
        assert_eq!(split("", 1), [""]);
        assert_eq!(split("\n", 1), ["", ""]);
    }
}
