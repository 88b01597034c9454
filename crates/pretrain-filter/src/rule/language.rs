//! Which languages are wanted.

use pretrain_text::TextView;
use serde::{Deserialize, Serialize};

use crate::checks::{Checks, Outcome};
use crate::config::Faults;
use crate::langid::{LanguageScratch, NgramLanguageId};
use crate::name::RuleName;

/// Drops a text that the embedded identifier does not take for one of the wanted languages, or is not
/// sure of. Scores of different identifiers are not comparable: FineWeb's 0.65 is lid.176's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LanguageRule {
    /// Codes as the identifier gives them; with none every language passes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Smallest score of the best language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_score: Option<f64>,
}

impl LanguageRule {
    pub(crate) fn validate(&self, faults: &mut Faults) {
        faults.share("min_score", self.min_score);
        faults.strings("languages", &self.languages);
    }

    pub(crate) fn check(&self, view: &TextView<'_>, checks: &mut Checks<'_>) -> Outcome {
        let mut scratch = LanguageScratch::default();
        let found = NgramLanguageId::embedded().best(view.text(), &mut scratch);
        let (code, score) = found.map_or(("", 0.0), |found| (found.code, found.score));
        if !self.languages.is_empty() {
            let wanted = self.languages.iter().any(|language| language == code);
            let value = if wanted { score } else { 0.0 };
            checks.check(RuleName::LanguageUnwanted, value, 0.0, !wanted)?;
        }
        checks.at_least(RuleName::LanguageMinScore, self.min_score, || score)
    }
}
