//! What the staged pipeline is asked to do beyond the method's own parameters.

use crate::error::ConfigFault;
use crate::{DedupError, Result};
use serde::{Deserialize, Serialize};

/// Settings of the stages after the keys.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StagedConfig {
    /// Only pairs with at least this true Jaccard similarity of their shingle sets count, so that
    /// precision is 1 at this threshold. Above 0, at most 1; MinHash only.
    pub verify: Option<f64>,
    /// What is watched for false clusters.
    pub guard: Guard,
}

/// Catches clusters that transitive closure chained together.
///
/// A cluster is *flagged* if it has more than `max_documents` members, or if the share of its pairs
/// that have a key in common (after verification: that passed) is below `min_density`. Copies of
/// one text have density near 1, a chain of n documents has 2 / n.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// Largest cluster that is not flagged for its size.
    pub max_documents: u32,
    /// Least edge density that is not flagged, 0 to 1.
    pub min_density: f64,
    /// What happens to a flagged cluster.
    pub action: GuardAction,
}

/// What happens to a flagged cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardAction {
    /// It is reported and otherwise treated like any other, so that clusters are datatrove's.
    #[default]
    Report,
    /// It is reported and cut into stars: in the order of the keep policy a document is removed if it
    /// has a key in common with a document that stays, else it stays. What is removed is thus a direct
    /// match of what is kept. A cluster of true copies stays one star.
    Split,
}

impl Default for Guard {
    fn default() -> Self {
        Self { max_documents: 10_000, min_density: 0.25, action: GuardAction::Report }
    }
}

impl StagedConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`DedupError::Config`] with every fault.
    pub fn validate(&self) -> Result<()> {
        let mut faults = Vec::new();
        if let Some(threshold) = self.verify
            && !(threshold > 0.0 && threshold <= 1.0)
        {
            faults.push(ConfigFault::new("verify", threshold, "above 0, at most 1"));
        }
        if !(0.0..=1.0).contains(&self.guard.min_density) {
            faults.push(ConfigFault::new("guard.min_density", self.guard.min_density, "0 to 1"));
        }
        if self.guard.max_documents < 2 {
            let found = self.guard.max_documents;
            faults.push(ConfigFault::new("guard.max_documents", found, "2 or more"));
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(DedupError::Config { what: "staged", faults })
    }
}
