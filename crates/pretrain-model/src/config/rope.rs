//! Rotary positions as data.

use serde::{Deserialize, Serialize};

/// Rotary position embedding: pair `i` of a head turns by `position * theta^(-2i / head_dim)`.
///
/// # Source
/// Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RopeConfig {
    /// Base of the geometric series of frequencies (`rope_theta`).
    pub theta: f64,
    /// How the frequencies are stretched beyond the trained length; absent = not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<RopeScaling>,
    /// Share of each head's features that turn, the leading ones (`partial_rotary_factor`); all when
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<f64>,
    /// Base in layers with a window (Gemma 3's `rope_local_base_freq`); `theta` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_theta: Option<f64>,
}

impl Default for RopeConfig {
    /// Base 10000, all features, not stretched.
    fn default() -> Self {
        Self::new(10_000.0)
    }
}

/// A rule that stretches rotary frequencies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RopeScaling {
    /// All frequencies are divided (Chen et al., "Extending Context Window of Large Language Models
    /// via Positional Interpolation", 2023).
    Linear {
        /// Divides the frequencies.
        factor: f64,
    },
    /// The base grows with the length of the sequence beyond the trained one ("NTK-aware", as
    /// computed by Hugging Face's `_compute_dynamic_ntk_parameters`).
    Dynamic {
        /// How many times longer than trained a sequence may be.
        factor: f64,
        /// Length in tokens that the model was first trained with.
        original_max_position_embeddings: usize,
    },
    /// Short waves are kept, long ones divided, between them the change is gradual, and scores are
    /// sharpened (Peng et al., "YaRN: Efficient Context Window Extension of Large Language Models",
    /// 2023).
    Yarn {
        /// Divides the frequencies of long waves.
        factor: f64,
        /// Length in tokens that the model was first trained with.
        original_max_position_embeddings: usize,
        /// Waves with more turns over the original length are kept.
        beta_fast: f64,
        /// Waves with fewer turns are divided.
        beta_slow: f64,
        /// Multiplies cosines and sines; `0.1 ln(factor) + 1` when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attention_factor: Option<f64>,
    },
    /// Llama 3.1: long wavelengths are divided by `factor`, short ones are kept, between the two
    /// bounds the change is gradual.
    Llama3 {
        /// Divides the frequencies of long wavelengths.
        factor: f64,
        /// Wavelengths above `original_max_position_embeddings / low_freq_factor` tokens are divided.
        low_freq_factor: f64,
        /// Wavelengths below `original_max_position_embeddings / high_freq_factor` tokens are kept.
        high_freq_factor: f64,
        /// Length in tokens that the model was first trained with.
        original_max_position_embeddings: usize,
    },
}

impl RopeConfig {
    /// The plain frequencies of a base.
    pub fn new(theta: f64) -> Self {
        Self { theta, scaling: None, partial: None, local_theta: None }
    }

    /// How many of `head_dim` features turn.
    pub(crate) fn turning(&self, head_dim: usize) -> usize {
        self.partial.map_or(head_dim, |share| (head_dim as f64 * share) as usize)
    }

    /// Tells `range` of every number: whether it fits, its field, the number, what would fit.
    pub(super) fn check(&self, range: &mut impl FnMut(bool, &'static str, f64, &'static str)) {
        let positive = "a positive number";
        range(self.theta > 0.0, "rope.theta", self.theta, positive);
        let local = self.local_theta.unwrap_or(1.0);
        range(local > 0.0, "rope.local_theta", local, positive);
        let share = self.partial.unwrap_or(1.0);
        range(share > 0.0 && share <= 1.0, "rope.partial", share, "above 0, up to 1");
        let (factor, original) = match self.scaling {
            None => return,
            Some(RopeScaling::Linear { factor }) => (factor, 1),
            Some(RopeScaling::Dynamic { factor, original_max_position_embeddings }) => {
                (factor, original_max_position_embeddings)
            }
            Some(RopeScaling::Yarn {
                factor,
                original_max_position_embeddings,
                beta_fast,
                beta_slow,
                attention_factor,
            }) => {
                range(beta_slow > 0.0, "rope.scaling.beta_slow", beta_slow, positive);
                let above = "above beta_slow";
                range(beta_fast > beta_slow, "rope.scaling.beta_fast", beta_fast, above);
                let magnitude = attention_factor.unwrap_or(1.0);
                range(magnitude > 0.0, "rope.scaling.attention_factor", magnitude, positive);
                (factor, original_max_position_embeddings)
            }
            Some(RopeScaling::Llama3 {
                factor,
                low_freq_factor: low,
                high_freq_factor: high,
                original_max_position_embeddings,
            }) => {
                range(low > 0.0, "rope.scaling.low_freq_factor", low, positive);
                let above = "above low_freq_factor";
                range(high > low, "rope.scaling.high_freq_factor", high, above);
                (factor, original_max_position_embeddings)
            }
        };
        range(factor >= 1.0, "rope.scaling.factor", factor, "a number of at least 1");
        let field = "rope.scaling.original_max_position_embeddings";
        range(original > 0, field, original as f64, positive);
    }
}
