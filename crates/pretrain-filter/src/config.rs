//! Configuration: a list of rules with their thresholds, as plain data.

use serde::{Deserialize, Serialize};

use crate::error::{Fault, FilterError, Problem, Result};
use crate::rule::{
    C4, C4Paragraphs, Code, Entropy, FinewebQuality, GopherQuality, GopherRepetition, LanguageRule,
    Length, Phrases, PiiRule, Prose, Residue, UrlLists,
};

/// The rules of a filter, in the order in which they are applied.
///
/// In TOML, a rule is a table with one key, its kind:
///
/// ```toml
/// [[rules]]
/// [rules.length]
/// min_bytes = 100
///
/// [[rules]]
/// [rules.fineweb-quality]
/// max_short_lines = 0.67
/// short_line_chars = 30
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterConfig {
    /// The rules.
    pub rules: Vec<RuleConfig>,
}

/// One rule and its thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RuleConfig {
    /// Lengths in bytes, code points and words.
    Length(Length),
    /// Gopher's repetition rules.
    GopherRepetition(GopherRepetition),
    /// Gopher's quality rules.
    GopherQuality(GopherQuality),
    /// C4's line and document rules. Rewrites the text for the rules after it.
    C4(C4),
    /// mC4's paragraph rule.
    C4Paragraphs(C4Paragraphs),
    /// FineWeb's rules.
    FinewebQuality(FinewebQuality),
    /// Generated, minified and tabular source files.
    Code(Code),
    /// Markdown and doc comments that are not prose.
    Prose(Prose),
    /// Phrases that are not wanted, by language: C4's bad words.
    Phrases(Phrases),
    /// Where the text comes from.
    UrlLists(UrlLists),
    /// Entropy of characters and words.
    Entropy(Entropy),
    /// HTML, placeholders and wrong decoding.
    Residue(Residue),
    /// Which language the text is in.
    Language(LanguageRule),
    /// Personal data. Rewrites the text for the rules after it, or drops it.
    Pii(PiiRule),
}

impl RuleConfig {
    /// The kind of the rule, as in the configuration.
    pub fn kind(&self) -> &'static str {
        match self {
            RuleConfig::Length(_) => "length",
            RuleConfig::GopherRepetition(_) => "gopher-repetition",
            RuleConfig::GopherQuality(_) => "gopher-quality",
            RuleConfig::C4(_) => "c4",
            RuleConfig::C4Paragraphs(_) => "c4-paragraphs",
            RuleConfig::FinewebQuality(_) => "fineweb-quality",
            RuleConfig::Code(_) => "code",
            RuleConfig::Prose(_) => "prose",
            RuleConfig::Phrases(_) => "phrases",
            RuleConfig::UrlLists(_) => "url-lists",
            RuleConfig::Entropy(_) => "entropy",
            RuleConfig::Residue(_) => "residue",
            RuleConfig::Language(_) => "language",
            RuleConfig::Pii(_) => "pii",
        }
    }
}

impl FilterConfig {
    /// Checks every threshold of every rule.
    ///
    /// # Errors
    ///
    /// [`FilterError::Invalid`] with all faults.
    pub fn validate(&self) -> Result<()> {
        let mut faults = Faults::default();
        for (i, rule) in self.rules.iter().enumerate() {
            faults.prefix = format!("rules[{i}].{}", rule.kind());
            match rule {
                RuleConfig::Length(rule) => rule.validate(&mut faults),
                RuleConfig::GopherRepetition(rule) => rule.validate(&mut faults),
                RuleConfig::GopherQuality(rule) => rule.validate(&mut faults),
                RuleConfig::C4(rule) => rule.validate(&mut faults),
                RuleConfig::C4Paragraphs(_) => {}
                RuleConfig::FinewebQuality(rule) => rule.validate(&mut faults),
                RuleConfig::Code(rule) => rule.validate(&mut faults),
                RuleConfig::Prose(rule) => rule.validate(&mut faults),
                RuleConfig::Phrases(rule) => rule.validate(&mut faults),
                RuleConfig::UrlLists(rule) => rule.validate(&mut faults),
                RuleConfig::Entropy(rule) => rule.validate(&mut faults),
                RuleConfig::Residue(rule) => rule.validate(&mut faults),
                RuleConfig::Language(rule) => rule.validate(&mut faults),
                RuleConfig::Pii(_) => {}
            }
        }
        if faults.all.is_empty() {
            Ok(())
        } else {
            Err(FilterError::Invalid { faults: faults.all })
        }
    }
}

/// Faults found so far.
#[derive(Default)]
pub(crate) struct Faults {
    prefix: String,
    all: Vec<Fault>,
}

impl Faults {
    pub(crate) fn add(&mut self, field: &str, problem: Problem) {
        self.all.push(Fault { field: format!("{}.{field}", self.prefix), problem });
    }

    /// A threshold that is a finite number and not negative.
    pub(crate) fn number(&mut self, field: &str, value: Option<f64>) {
        match value {
            Some(value) if !value.is_finite() => self.add(field, Problem::NotFinite(value)),
            Some(value) if value < 0.0 => self.add(field, Problem::Negative(value)),
            _ => {}
        }
    }

    /// A threshold between 0 and 1.
    pub(crate) fn share(&mut self, field: &str, value: Option<f64>) {
        self.number(field, value);
        match value {
            Some(value) if value.is_finite() && value > 1.0 => {
                self.add(field, Problem::AboveOne(value));
            }
            _ => {}
        }
    }

    /// A lower limit that is not above the upper one.
    pub(crate) fn ordered(&mut self, field: &str, min: Option<f64>, max: Option<f64>) {
        match (min, max) {
            (Some(min), Some(max)) if min > max => {
                self.add(field, Problem::MinAboveMax { min, max })
            }
            _ => {}
        }
    }

    /// Strings to look for, none of them empty.
    pub(crate) fn strings(&mut self, field: &str, strings: &[String]) {
        if strings.iter().any(String::is_empty) {
            self.add(field, Problem::EmptyString);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported() {
        let config = FilterConfig {
            rules: vec![
                RuleConfig::Length(Length {
                    min_bytes: Some(2),
                    max_bytes: Some(1),
                    ..Length::default()
                }),
                RuleConfig::FinewebQuality(FinewebQuality {
                    min_punctuated_lines: Some(f64::NAN),
                    max_short_lines: Some(-0.5),
                    max_duplicate_line_chars: Some(1.5),
                    ..FinewebQuality::default()
                }),
                RuleConfig::GopherRepetition(GopherRepetition {
                    top_ngrams: vec![
                        crate::NgramLimit { n: 0, max: 0.1 },
                        crate::NgramLimit { n: 0, max: f64::INFINITY },
                    ],
                    ..GopherRepetition::default()
                }),
            ],
        };
        let Err(FilterError::Invalid { faults }) = config.validate() else { panic!("has faults") };
        let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
        assert_eq!(
            lines,
            [
                "rules[0].length.min_bytes: minimum 2 is above maximum 1",
                "rules[1].fineweb-quality.min_punctuated_lines: NaN is not a finite number",
                "rules[1].fineweb-quality.max_short_lines: -0.5 is negative",
                "rules[1].fineweb-quality.max_duplicate_line_chars: 1.5 is above 1, the largest share",
                "rules[2].gopher-repetition.top_ngrams[0].n: has to be at least 1",
                "rules[2].gopher-repetition.top_ngrams[1].n: has to be at least 1",
                "rules[2].gopher-repetition.top_ngrams[1].n: 0 is listed twice",
                "rules[2].gopher-repetition.top_ngrams[1].max: inf is not a finite number",
            ]
        );
    }
}
