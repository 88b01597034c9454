//! Limits on the length of a text.

use pretrain_text::TextView;
use serde::{Deserialize, Serialize};

use crate::checks::{Checks, Outcome, limit};
use crate::config::Faults;
use crate::name::RuleName;

/// Limits on bytes, code points and words ([`pretrain_text::words`]). Absent ones are not checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Length {
    /// Fewest bytes of UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_bytes: Option<usize>,
    /// Most bytes of UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<usize>,
    /// Fewest code points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_chars: Option<usize>,
    /// Most code points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_chars: Option<usize>,
    /// Fewest words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_words: Option<usize>,
    /// Most words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_words: Option<usize>,
}

impl Length {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        faults.ordered("min_bytes", limit(self.min_bytes), limit(self.max_bytes));
        faults.ordered("min_chars", limit(self.min_chars), limit(self.max_chars));
        faults.ordered("min_words", limit(self.min_words), limit(self.max_words));
    }

    pub(crate) fn check(&self, view: &TextView<'_>, checks: &mut Checks<'_>) -> Outcome {
        let bytes = || view.text().len() as f64;
        checks.at_least(RuleName::LengthMinBytes, limit(self.min_bytes), bytes)?;
        checks.at_most(RuleName::LengthMaxBytes, limit(self.max_bytes), bytes)?;
        let chars = || view.n_chars() as f64;
        checks.at_least(RuleName::LengthMinChars, limit(self.min_chars), chars)?;
        checks.at_most(RuleName::LengthMaxChars, limit(self.max_chars), chars)?;
        let words = || view.words().len() as f64;
        checks.at_least(RuleName::LengthMinWords, limit(self.min_words), words)?;
        checks.at_most(RuleName::LengthMaxWords, limit(self.max_words), words)
    }
}
