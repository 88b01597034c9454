//! Masked language modelling (Devlin et al. 2019, arXiv 1810.04805).

use super::Faults;
use crate::rng::{Purpose, happens, keyed};
use crate::sample::{IGNORE_LABEL, Sample};
use crate::{PackError, Result};
use rand_core::Rng;
use serde::{Deserialize, Serialize};

/// Settings of [`Mlm`]; the paper's are 0.15, 0.8 and 0.1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlmConfig {
    /// Probability that a position is a target.
    pub probability: f64,
    /// Share of targets replaced by the mask id.
    pub mask: f64,
    /// Share of targets replaced by a random id; the rest stays as it is.
    pub random: f64,
    /// The mask id.
    pub mask_id: u32,
    /// Random ids are drawn from `0..vocab_size`.
    pub vocab_size: u32,
    /// Ids that are never targets.
    pub special_ids: Vec<u32>,
}

impl MlmConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// All faults at once: a probability outside 0..=1, shares above 1 together, an empty
    /// vocabulary.
    pub fn resolve(mut self) -> Result<Mlm> {
        let mut faults = Faults::default();
        faults.probability("probability", self.probability);
        faults.probability("mask", self.mask);
        faults.probability("random", self.random);
        // 0.9 + 0.1 must pass although it is not exact in binary.
        if self.mask + self.random > 1.0 + 1e-12 {
            faults.0.push(format!("random: {} with mask {} is above 1", self.random, self.mask));
        }
        if self.vocab_size == 0 {
            faults.0.push("vocab_size: is 0".into());
        }
        faults.finish()?;
        self.special_ids.sort_unstable();
        Ok(Mlm { config: self })
    }
}

/// Replaces some ids and asks for them back. The labels are not shifted: the label of a target is
/// the id that stood there.
#[derive(Debug, Clone, PartialEq)]
pub struct Mlm {
    config: MlmConfig,
}

impl Mlm {
    /// Masks a packed sample in place, with draws that depend on `seed` and `index` only. Padding is
    /// left alone.
    pub fn apply(&self, sample: &mut Sample, seed: u64, index: u64) {
        let mut rng = keyed(seed, Purpose::MaskedLanguageModel, 0, index);
        let columns = sample.input_ids.iter_mut().zip(&mut sample.labels).zip(&sample.segment_ids);
        for ((id, label), &segment) in columns {
            // Three draws per position whatever comes of them, so that the draws of a position do
            // not depend on the ids before it.
            let draws = [rng.next_u32(), rng.next_u32(), rng.next_u32()];
            let masked = if segment == 0 { None } else { self.mask(*id, draws) };
            *label = masked.map_or(IGNORE_LABEL, |_| *id as i32);
            *id = masked.unwrap_or(*id);
        }
    }

    /// The same without randomness, for any sequence: three uniform draws per position, for choosing
    /// it, for what replaces it, and for the random id. Returns inputs and labels.
    ///
    /// # Errors
    /// The lengths differ.
    pub fn apply_with(&self, ids: &[u32], draws: &[[u32; 3]]) -> Result<(Vec<u32>, Vec<i32>)> {
        if ids.len() != draws.len() {
            let faults = vec![format!("draws: {} for {} ids", draws.len(), ids.len())];
            return Err(PackError::Config { faults });
        }
        let masked = ids.iter().zip(draws).map(|(&id, &draws)| (id, self.mask(id, draws)));
        Ok(masked
            .map(|(id, masked)| (masked.unwrap_or(id), masked.map_or(IGNORE_LABEL, |_| id as i32)))
            .unzip())
    }

    /// What stands in place of `id`, if it is a target.
    fn mask(&self, id: u32, [select, kind, word]: [u32; 3]) -> Option<u32> {
        let MlmConfig { probability, mask, random, mask_id, vocab_size, special_ids } =
            &self.config;
        if !happens(select, *probability) || special_ids.binary_search(&id).is_ok() {
            None
        } else if happens(kind, *mask) {
            Some(*mask_id)
        } else if happens(kind, mask + random) {
            Some(((u64::from(word) * u64::from(*vocab_size)) >> 32) as u32)
        } else {
            Some(id)
        }
    }
}
