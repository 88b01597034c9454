//! Fill in the middle (Bavarian et al. 2022, arXiv 2207.14255).

use super::Faults;
use crate::Result;
use crate::rng::{Purpose, below, happens, keyed};
use rand_core::Rng;
use serde::{Deserialize, Serialize};

/// The ids that mark the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FimIds {
    /// Before the prefix.
    pub prefix: u32,
    /// Before the middle.
    pub middle: u32,
    /// Before the suffix.
    pub suffix: u32,
}

/// In which order the parts come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FimOrder {
    /// `PRE prefix SUF suffix MID middle`.
    Psm,
    /// `PRE SUF suffix MID prefix middle`: the paper's second variant, the one in use.
    Spm,
    /// `SUF suffix PRE prefix MID middle`: the paper's first variant.
    SpmV1,
}

/// Settings of [`FillInTheMiddle`]; both rates are 0.5 in the paper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FimConfig {
    /// Probability that a document is rearranged.
    pub rate: f64,
    /// Share of rearranged documents with the suffix first.
    pub spm_rate: f64,
    /// The ids that mark the parts.
    pub ids: FimIds,
}

impl FimConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// All faults at once.
    pub fn resolve(self) -> Result<FillInTheMiddle> {
        let mut faults = Faults::default();
        faults.probability("rate", self.rate);
        faults.probability("spm_rate", self.spm_rate);
        let FimIds { prefix, middle, suffix } = self.ids;
        if prefix == middle || middle == suffix || prefix == suffix {
            faults.0.push(format!("ids: {prefix}, {middle}, {suffix} are not different"));
        }
        faults.finish()?;
        Ok(FillInTheMiddle { config: self })
    }
}

/// Where a document is cut and how its parts are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FimPlan {
    /// End of the prefix.
    pub start: usize,
    /// End of the middle, at least `start`.
    pub end: usize,
    /// The order of the parts.
    pub order: FimOrder,
}

/// Rearranges documents so that a left-to-right model learns to fill a gap.
///
/// A document is its ids without the end-of-text id, which follows the result. Cutting between
/// tokens is done by [`apply`](Self::apply). To cut between characters, as the paper recommends, take
/// the cuts of [`plan`](Self::plan) for the number of characters, encode the three parts, and put
/// them together with [`arrange`](Self::arrange).
#[derive(Debug, Clone, PartialEq)]
pub struct FillInTheMiddle {
    config: FimConfig,
}

impl FillInTheMiddle {
    /// The cuts for document `index` of `length` units, or `None` where it stays as it is. The two
    /// cuts are independent and uniform over `0..=length`, in rising order.
    pub fn plan(&self, length: usize, seed: u64, index: u64) -> Option<FimPlan> {
        let mut rng = keyed(seed, Purpose::FillInTheMiddle, 0, index);
        if !happens(rng.next_u32(), self.config.rate) {
            return None;
        }
        let suffix_first = happens(rng.next_u32(), self.config.spm_rate);
        let mut cut = || below(&mut rng, length as u64 + 1) as usize;
        let (a, b) = (cut(), cut());
        let order = if suffix_first { FimOrder::Spm } else { FimOrder::Psm };
        Some(FimPlan { start: a.min(b), end: a.max(b), order })
    }

    /// Rearranges a document between tokens; without a [`plan`](Self::plan) it comes back unchanged.
    pub fn apply(&self, ids: &[u32], seed: u64, index: u64) -> Vec<u32> {
        match self.plan(ids.len(), seed, index) {
            None => ids.to_vec(),
            Some(FimPlan { start, end, order }) => {
                self.arrange(&ids[..start], &ids[start..end], &ids[end..], order)
            }
        }
    }

    /// Puts parts together.
    pub fn arrange(
        &self,
        prefix: &[u32],
        middle: &[u32],
        suffix: &[u32],
        order: FimOrder,
    ) -> Vec<u32> {
        let FimIds { prefix: pre, middle: mid, suffix: suf } = self.config.ids;
        match order {
            FimOrder::Psm => [&[pre], prefix, &[suf], suffix, &[mid], middle].concat(),
            FimOrder::Spm => [&[pre, suf], suffix, &[mid], prefix, middle].concat(),
            FimOrder::SpmV1 => [&[suf], suffix, &[pre], prefix, &[mid], middle].concat(),
        }
    }
}
