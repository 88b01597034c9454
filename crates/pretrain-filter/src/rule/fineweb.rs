//! The rules that FineWeb added (Penedo et al. 2024, arXiv:2406.17557), as datatrove 0.10 has them.

use pretrain_text::{TextView, is_blank, is_terminal_punctuation, n_chars};
use serde::{Deserialize, Serialize};

use crate::checks::{Checks, Outcome, share};
use crate::config::Faults;
use crate::duplicate::repeated;
use crate::name::RuleName;

/// Limits on lines: the non-blank ones between line feeds. A text without any is dropped. Absent
/// limits are not checked; the order is that of the fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FinewebQuality {
    /// Smallest share of lines whose very last character ends a sentence
    /// ([`pretrain_text::is_terminal_punctuation`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_punctuated_lines: Option<f64>,
    /// Pass a text of which no line at all ends so.
    pub spare_unpunctuated: bool,
    /// Largest share of short lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_short_lines: Option<f64>,
    /// A line of at most this many code points is short.
    pub short_line_chars: usize,
    /// Largest share of characters (line feeds not counted) in lines that repeat an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duplicate_line_chars: Option<f64>,
    /// Most line feeds per word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_newlines_per_word: Option<f64>,
}

impl FinewebQuality {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        faults.share("min_punctuated_lines", self.min_punctuated_lines);
        faults.share("max_short_lines", self.max_short_lines);
        faults.share("max_duplicate_line_chars", self.max_duplicate_line_chars);
        faults.number("max_newlines_per_word", self.max_newlines_per_word);
    }

    pub(crate) fn check(&self, view: &TextView<'_>, checks: &mut Checks<'_>) -> Outcome {
        let text = view.text();
        let lines = || text.split('\n').filter(|line| !is_blank(line));
        let n_lines = lines().count();
        if n_lines == 0 {
            return checks.check(RuleName::FinewebQualityEmpty, 0.0, 1.0, true);
        }
        let n_punctuated = lines().filter(|line| line.ends_with(is_terminal_punctuation)).count();
        if n_punctuated > 0 || !self.spare_unpunctuated {
            let min = self.min_punctuated_lines;
            checks.at_least(RuleName::FinewebQualityMinPunctuatedLines, min, || {
                share(n_punctuated, n_lines)
            })?;
        }
        checks.at_most(RuleName::FinewebQualityMaxShortLines, self.max_short_lines, || {
            let short = |line: &&str| is_short(line, self.short_line_chars);
            share(lines().filter(short).count(), n_lines)
        })?;
        let n_feeds = || text.bytes().filter(|&b| b == b'\n').count();
        let max = self.max_duplicate_line_chars;
        checks.at_most(RuleName::FinewebQualityMaxDuplicateLineChars, max, || {
            share(repeated(lines()).1, view.n_chars() - n_feeds())
        })?;
        let max = self.max_newlines_per_word;
        checks.at_most(RuleName::FinewebQualityMaxNewlinesPerWord, max, || {
            share(n_feeds(), view.words().len())
        })
    }
}

/// Whether `line` has at most `max` code points; a long line is not read to its end.
fn is_short(line: &str, max: usize) -> bool {
    line.len() <= max || (line.len() / 4 <= max && n_chars(line) <= max)
}
