//! What a filter says about a text.

use serde::{Deserialize, Serialize};

use crate::name::RuleName;

/// The outcome for one text.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Keep it as it is.
    Keep,
    /// Keep it in this form: a rule removed lines or citations.
    Rewrite(String),
    /// Drop it, for this reason.
    Drop(Reason),
}

/// Why a text was dropped: the first check that failed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The check.
    pub rule: RuleName,
    /// What was measured.
    pub value: f64,
    /// The limit that the value is beyond.
    pub threshold: f64,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (value {}, threshold {})", self.rule, self.value, self.threshold)
    }
}

/// One check of one text, passed or failed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// The check.
    pub rule: RuleName,
    /// What was measured; not a number where the text has nothing to measure (a mean of no words).
    pub value: f64,
    /// The limit.
    pub threshold: f64,
    /// Whether the value is beyond the limit.
    pub failed: bool,
}
