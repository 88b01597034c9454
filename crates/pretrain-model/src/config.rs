//! The shape of a model: what the user wrote, and what it was found to mean.
//!
//! [`ModelConfig`] is plain data without opinions; [`ResolvedConfig`] is the same data without
//! doubts, with the [`Design`] that its family makes of it. Only the second is accepted by the rest
//! of the crate. Hugging Face's `config.json` is read and written in [`hugging_face`].

pub(crate) mod hugging_face;
mod options;
mod rope;

pub use options::{Activation, ExpertsConfig, LatentConfig, ModelOptions, RelativeConfig};
pub use rope::{RopeConfig, RopeScaling};

use crate::architectures::Architecture;
use crate::design::Design;
use crate::error::{ConfigFault, ModelError, Result};
use crate::layout::{self, count_parameters};
use serde::{Deserialize, Serialize};

/// The shape of a model of any family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// The family; Llama when absent.
    #[serde(default)]
    pub architecture: Architecture,
    /// Rows of the embedding; token ids are below it.
    pub vocab_size: usize,
    /// Width of the residual stream (`hidden_size`).
    pub d_model: usize,
    /// Number of blocks (`num_hidden_layers`); of the decoder where there is an encoder too.
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
    /// Longest sequence in tokens (`max_position_embeddings`): the length of the table of positions.
    pub max_seq_len: usize,
    /// Added to the mean square or variance inside a norm (`rms_norm_eps`).
    pub norm_eps: f64,
    /// Whether the output head is the embedding matrix (`tie_word_embeddings`).
    pub tie_embeddings: bool,
    /// Standard deviation of fresh weights (`initializer_range`); 0.02 when absent, as GPT-2.
    #[serde(default = "default_init_std")]
    pub init_std: f64,
    /// Rotary positions, for families that have them; the default base when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope: Option<RopeConfig>,
    /// Where the model differs from its family.
    #[serde(default, skip_serializing_if = "ModelOptions::is_empty")]
    pub options: ModelOptions,
    /// Ids that other programs need to know.
    #[serde(default, skip_serializing_if = "SpecialTokens::is_empty")]
    pub special_tokens: SpecialTokens,
}

fn default_init_std() -> f64 {
    0.02
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
            architecture: Architecture::default(),
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
            rope: None,
            options: ModelOptions::default(),
            special_tokens: SpecialTokens::default(),
        }
    }

    /// Width of a head, given or derived; 0 where there are no heads.
    pub(crate) fn head_width(&self) -> usize {
        self.head_dim.or_else(|| self.d_model.checked_div(self.n_heads)).unwrap_or(0)
    }

    /// Checks every field and relation, and fills what was left out.
    ///
    /// # Errors
    /// [`ModelError::Config`] with all faults at once.
    pub fn resolve(mut self) -> Result<ResolvedConfig> {
        let mut faults = self.zero_sizes();
        self.check_heads(&mut faults);
        self.check_numbers(&mut faults);
        self.check_options(&mut faults);
        self.check_special_tokens(&mut faults);
        if faults.is_empty() && !self.is_addressable() {
            faults.push(ConfigFault::TooLarge);
        }
        if !faults.is_empty() {
            return Err(ModelError::Config { faults });
        }
        self.head_dim = Some(self.head_width());
        let family = self.architecture.family();
        family.complete(&mut self);
        if family.options().contains(&"rope") {
            self.rope.get_or_insert_default();
        }
        faults.extend(family.faults(&self));
        let design = family.design(&self);
        faults.extend(layout::faults(&self, &design));
        if faults.is_empty() {
            match count_parameters(&self, &design) {
                Some(n_parameters) => {
                    return Ok(ResolvedConfig { config: self, design, n_parameters });
                }
                None => faults.push(ConfigFault::TooLarge),
            }
        }
        Err(ModelError::Config { faults })
    }

    /// Whether lists of layers and experts, and products of two sizes, can be made at all.
    fn is_addressable(&self) -> bool {
        let experts = self.options.experts.map_or(1, |e| e.count);
        let layers = self.n_layers.max(self.options.encoder_layers.unwrap_or(0));
        let product = layers.checked_mul(experts.max(1));
        let sizes = [
            self.vocab_size,
            self.d_model,
            self.n_heads,
            self.n_kv_heads,
            self.head_dim.unwrap_or(0),
            self.d_ff,
            self.max_seq_len,
        ];
        product.is_some_and(|n| n <= 1 << 20) && sizes.iter().all(|n| *n <= 1 << 31)
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
        let family = self.architecture.family();
        let no_place = |field| ConfigFault::NoPlace { field, architecture: self.architecture };
        if !family.options().contains(&"n_kv_heads") && self.n_kv_heads != self.n_heads {
            faults.push(no_place("n_kv_heads other than n_heads"));
        }
        let derived = self.d_model.checked_div(self.n_heads);
        if !family.options().contains(&"head_dim")
            && self.head_dim.is_some_and(|e| Some(e) != derived)
        {
            faults.push(no_place("head_dim other than d_model / n_heads"));
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
        if let Some(rope) = &self.rope {
            rope.check(&mut range);
        }
        self.options.check(&mut range);
    }

    /// Refuses what the family has no place for.
    fn check_options(&self, faults: &mut Vec<ConfigFault>) {
        let family = self.architecture.family();
        let rope = self.rope.is_some().then_some("rope");
        for field in self.options.given().into_iter().chain(rope) {
            if !family.options().contains(&field) {
                faults.push(ConfigFault::NoPlace { field, architecture: self.architecture });
            }
        }
        let mut length = |field, found: usize| {
            if found != self.n_layers {
                faults.push(ConfigFault::Length { field, found, expected: self.n_layers });
            }
        };
        if let Some(layers) = &self.options.windowed_layers {
            length("options.windowed_layers", layers.len());
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
    design: Design,
    n_parameters: usize,
}

impl ResolvedConfig {
    /// The configuration as data, with everything filled in that the family has a default for.
    pub fn as_config(&self) -> &ModelConfig {
        &self.config
    }

    /// What the family makes of it.
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// Whether the model is one stack whose tokens see only earlier ones and predict the next: what
    /// can be trained on text as it is, scored and continued without another text.
    pub fn is_causal(&self) -> bool {
        let design = &self.design;
        !design.bidirectional && design.encoder_layers.is_none() && !design.head.discriminator
    }

    /// Width of a head.
    pub fn head_dim(&self) -> usize {
        self.design.attention.head_dim
    }

    /// Rows of the embedding.
    pub fn vocab_size(&self) -> usize {
        self.config.vocab_size
    }

    /// Width of the residual stream.
    pub fn d_model(&self) -> usize {
        self.config.d_model
    }

    /// Number of blocks, an encoder's aside.
    pub fn n_layers(&self) -> usize {
        self.config.n_layers
    }

    /// Longest sequence in tokens.
    pub fn max_seq_len(&self) -> usize {
        self.config.max_seq_len
    }

    /// Number of stored numbers; a tied head is counted once.
    pub fn n_parameters(&self) -> usize {
        self.n_parameters
    }
}

#[cfg(test)]
mod tests;
