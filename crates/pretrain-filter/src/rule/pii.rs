//! Personal data as a rule: drop the text, or rewrite it.

use pretrain_text::TextView;
use serde::{Deserialize, Serialize};

use crate::checks::{Checks, Outcome};
use crate::name::RuleName;
use crate::pii::{PiiAction, PiiConfig, find, redact};

/// What to look for and what to do about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PiiRule {
    /// What to look for.
    #[serde(default)]
    pub find: PiiConfig,
    /// What to do.
    pub action: PiiAction,
}

impl PiiRule {
    /// The text without personal data, or the same text.
    pub(crate) fn rewrite(
        &self,
        view: &TextView<'_>,
        document: &str,
        checks: &mut Checks<'_>,
    ) -> Outcome<Option<String>> {
        let found = find(view.text(), &self.find);
        if self.action == PiiAction::Drop {
            checks.at_most(RuleName::PiiMaxFound, Some(0.0), || found.len() as f64)?;
            return Outcome::Continue(None);
        }
        if found.is_empty() {
            return Outcome::Continue(None);
        }
        Outcome::Continue(Some(redact(view.text(), &found, self.action, document)))
    }
}
