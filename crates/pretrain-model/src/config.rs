//! The shape of a model: what the user wrote, and what it was found to mean.
//!
//! [`ModelConfig`] is plain data without opinions; [`ResolvedConfig`] is the same data without
//! doubts. Only the second is accepted by the rest of the crate. Hugging Face's `config.json` is
//! read and written in [`hugging_face`].

mod hugging_face;

use crate::error::{ConfigFault, ModelError, Result};
use serde::{Deserialize, Serialize};

/// A decoder of the Llama family: RMSNorm before attention and MLP, rotary positions, grouped-query
/// attention, SwiGLU, no biases.
///
/// # Source
/// Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", 2023; the parameter
/// layout is that of Hugging Face's `LlamaForCausalLM`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Rows of the embedding; token ids are below it.
    pub vocab_size: usize,
    /// Width of the residual stream (`hidden_size`).
    pub d_model: usize,
    /// Number of blocks (`num_hidden_layers`).
    pub n_layers: usize,
    /// Query heads (`num_attention_heads`).
    pub n_heads: usize,
    /// Key and value heads (`num_key_value_heads`); divides `n_heads`. Equal to it = multi-head, 1 = multi-query.
    pub n_kv_heads: usize,
    /// Width of a head; `d_model / n_heads` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<usize>,
    /// Width inside the MLP (`intermediate_size`).
    pub d_ff: usize,
    /// Longest sequence in tokens (`max_position_embeddings`): the length of the table of rotary angles.
    pub max_seq_len: usize,
    /// Added to the mean square inside RMSNorm (`rms_norm_eps`).
    pub norm_eps: f64,
    /// Whether the output head is the embedding matrix (`tie_word_embeddings`).
    pub tie_embeddings: bool,
    /// Standard deviation of fresh weights (`initializer_range`); 0.02 when absent, as GPT-2.
    #[serde(default = "default_init_std")]
    pub init_std: f64,
    /// Rotary positions.
    pub rope: RopeConfig,
    /// Ids that other programs need to know; the model itself does not use them.
    #[serde(default, skip_serializing_if = "SpecialTokens::is_empty")]
    pub special_tokens: SpecialTokens,
}

fn default_init_std() -> f64 {
    0.02
}

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
}

/// A rule that stretches rotary frequencies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RopeScaling {
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

/// Ids of tokens with a meaning outside the text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecialTokens {
    /// Begins a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bos: Option<u32>,
    /// Any of these ends a generation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eos: Vec<u32>,
    /// Fills unused positions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad: Option<u32>,
}

impl SpecialTokens {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ModelConfig {
    /// A model of two small layers, for examples and tests: it runs in milliseconds and learns little.
    pub fn tiny(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            d_model: 32,
            n_layers: 2,
            n_heads: 4,
            n_kv_heads: 2,
            head_dim: None,
            d_ff: 64,
            max_seq_len: 64,
            norm_eps: 1e-5,
            tie_embeddings: true,
            init_std: default_init_std(),
            rope: RopeConfig { theta: 10_000.0, scaling: None },
            special_tokens: SpecialTokens::default(),
        }
    }

    /// Checks every field and relation, and fills what was left out.
    ///
    /// # Errors
    /// [`ModelError::Config`] with all faults at once.
    pub fn resolve(mut self) -> Result<ResolvedConfig> {
        let mut faults = self.zero_sizes();
        self.check_heads(&mut faults);
        self.check_numbers(&mut faults);
        self.check_special_tokens(&mut faults);
        if !faults.is_empty() {
            return Err(ModelError::Config { faults });
        }
        let head_dim = self.head_dim.unwrap_or_else(|| self.d_model / self.n_heads);
        self.head_dim = Some(head_dim);
        let resolved = ResolvedConfig { config: self, head_dim };
        match resolved.checked_parameters() {
            Some(_) => Ok(resolved),
            None => Err(ModelError::Config { faults: vec![ConfigFault::TooLarge] }),
        }
    }

    fn zero_sizes(&self) -> Vec<ConfigFault> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("d_model", self.d_model),
            ("n_layers", self.n_layers),
            ("n_heads", self.n_heads),
            ("n_kv_heads", self.n_kv_heads),
            ("head_dim", self.head_dim.unwrap_or(1)),
            ("d_ff", self.d_ff),
            ("max_seq_len", self.max_seq_len),
        ];
        let zero = |(field, value)| (value == 0).then_some(ConfigFault::Zero { field });
        sizes.into_iter().filter_map(zero).collect()
    }

    fn check_heads(&self, faults: &mut Vec<ConfigFault>) {
        let mut divides = |field, value: usize, divisor_field, divisor: usize| {
            if divisor != 0 && !value.is_multiple_of(divisor) {
                faults.push(ConfigFault::NotDivisible { field, value, divisor_field, divisor });
            }
        };
        divides("n_heads", self.n_heads, "n_kv_heads", self.n_kv_heads);
        if self.head_dim.is_none() {
            divides("d_model", self.d_model, "n_heads", self.n_heads);
        }
        let head_dim = self.head_dim.or_else(|| self.d_model.checked_div(self.n_heads));
        if let Some(head_dim) = head_dim.filter(|head_dim| head_dim % 2 == 1) {
            faults.push(ConfigFault::OddHeadDim { head_dim });
        }
    }

    fn check_numbers(&self, faults: &mut Vec<ConfigFault>) {
        let mut range = |ok: bool, field, found: f64, expected| {
            if !ok || !found.is_finite() {
                faults.push(ConfigFault::Range { field, found, expected });
            }
        };
        range(self.norm_eps > 0.0, "norm_eps", self.norm_eps, "a positive number");
        range(self.init_std >= 0.0, "init_std", self.init_std, "a number of at least 0");
        range(self.rope.theta > 0.0, "rope.theta", self.rope.theta, "a positive number");
        if let Some(RopeScaling::Llama3 {
            factor,
            low_freq_factor: low,
            high_freq_factor: high,
            original_max_position_embeddings: original,
        }) = self.rope.scaling
        {
            range(factor >= 1.0, "rope.scaling.factor", factor, "a number of at least 1");
            range(low > 0.0, "rope.scaling.low_freq_factor", low, "a positive number");
            let above = "above low_freq_factor";
            range(high > low, "rope.scaling.high_freq_factor", high, above);
            let field = "rope.scaling.original_max_position_embeddings";
            range(original > 0, field, original as f64, "a positive number");
        }
    }

    fn check_special_tokens(&self, faults: &mut Vec<ConfigFault>) {
        let tokens = &self.special_tokens;
        let bos = tokens.bos.iter().map(|id| ("special_tokens.bos", *id));
        let eos = tokens.eos.iter().map(|id| ("special_tokens.eos", *id));
        let pad = tokens.pad.iter().map(|id| ("special_tokens.pad", *id));
        let vocab_size = self.vocab_size;
        for (field, id) in bos.chain(eos).chain(pad) {
            if id as usize >= vocab_size {
                faults.push(ConfigFault::SpecialToken { field, id, vocab_size });
            }
        }
    }
}

/// A configuration that describes a model: every relation between the sizes holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedConfig {
    config: ModelConfig,
    head_dim: usize,
}

impl ResolvedConfig {
    /// The configuration as data, with `head_dim` filled in.
    pub fn as_config(&self) -> &ModelConfig {
        &self.config
    }

    /// Width of a head.
    pub fn head_dim(&self) -> usize {
        self.head_dim
    }

    /// Rows of the embedding.
    pub fn vocab_size(&self) -> usize {
        self.config.vocab_size
    }

    /// Width of the residual stream.
    pub fn d_model(&self) -> usize {
        self.config.d_model
    }

    /// Number of blocks.
    pub fn n_layers(&self) -> usize {
        self.config.n_layers
    }

    /// Longest sequence in tokens.
    pub fn max_seq_len(&self) -> usize {
        self.config.max_seq_len
    }

    /// Number of trainable numbers; a tied head is counted once.
    pub fn n_parameters(&self) -> usize {
        self.checked_parameters().expect("resolve refused what overflows")
    }

    fn checked_parameters(&self) -> Option<usize> {
        let c = &self.config;
        let heads = c.n_heads.checked_add(c.n_kv_heads)?.checked_mul(self.head_dim)?;
        let attention = heads.checked_mul(c.d_model)?.checked_mul(2)?;
        let mlp = c.d_model.checked_mul(c.d_ff)?.checked_mul(3)?;
        let norms = c.d_model.checked_mul(2)?;
        let block = attention.checked_add(mlp)?.checked_add(norms)?;
        let vocabulary = c.vocab_size.checked_mul(c.d_model)?;
        let embeddings = if c.tie_embeddings { vocabulary } else { vocabulary.checked_mul(2)? };
        let total = block.checked_mul(c.n_layers)?.checked_add(embeddings)?;
        // Four bytes each must be addressable too.
        let total = total.checked_add(c.d_model)?;
        (total <= isize::MAX as usize / 4).then_some(total)
    }
}

#[cfg(test)]
mod tests;
