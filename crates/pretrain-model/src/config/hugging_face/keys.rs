//! What a family calls the sizes that every model has.

use super::Fields;
use crate::architectures::Architecture;
use crate::config::{Activation, ModelConfig, ModelOptions};
use crate::error::{ModelError, Result};
use serde_json::{Map, Value, json};

/// The keys of a family's `config.json`; absent = the family has no such key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    pub(crate) d_model: &'static str,
    pub(crate) n_layers: &'static str,
    pub(crate) n_heads: &'static str,
    pub(crate) n_kv_heads: Option<&'static str>,
    pub(crate) head_dim: Option<&'static str>,
    pub(crate) d_ff: Option<&'static str>,
    pub(crate) max_seq_len: &'static str,
    pub(crate) norm_eps: &'static str,
    pub(crate) init_std: &'static str,
    pub(crate) activation: Option<&'static str>,
    /// How the family spells GELU by a hyperbolic tangent.
    pub(crate) tanh_gelu: &'static str,
}

/// Values of keys that are left out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defaults {
    pub(crate) max_seq_len: usize,
    pub(crate) norm_eps: f64,
    pub(crate) tied: bool,
}

impl Keys {
    /// Llama's and those of most families after it.
    pub(crate) const LLAMA: Self = Self {
        d_model: "hidden_size",
        n_layers: "num_hidden_layers",
        n_heads: "num_attention_heads",
        n_kv_heads: Some("num_key_value_heads"),
        head_dim: Some("head_dim"),
        d_ff: Some("intermediate_size"),
        max_seq_len: "max_position_embeddings",
        norm_eps: "rms_norm_eps",
        init_std: "initializer_range",
        activation: Some("hidden_act"),
        tanh_gelu: "gelu_pytorch_tanh",
    };

    /// BERT's and those of its relatives.
    pub(crate) const BERT: Self = Self {
        n_kv_heads: None,
        head_dim: None,
        norm_eps: "layer_norm_eps",
        tanh_gelu: "gelu_new",
        ..Self::LLAMA
    };

    /// The sizes of a model of `architecture`.
    pub(crate) fn read(
        &self,
        architecture: Architecture,
        fields: &Fields<'_>,
        defaults: Defaults,
    ) -> Result<ModelConfig> {
        let optional = |key: Option<&str>| key.map_or(Ok(None), |key| fields.size(key));
        let d_model = fields.required(self.d_model, Fields::size)?;
        let n_heads = fields.required(self.n_heads, Fields::size)?;
        let d_ff = match (optional(self.d_ff)?, self.d_ff) {
            (Some(d_ff), _) => d_ff,
            (None, Some(key)) if key == "intermediate_size" || key == "ffn_dim" => {
                return Err(ModelError::MissingField { field: fields.path(key) });
            }
            (None, _) => d_model.saturating_mul(4),
        };
        let activation = self.activation.map_or(Ok(None), |key| fields.activation(key))?;
        Ok(ModelConfig {
            architecture,
            vocab_size: fields.required("vocab_size", Fields::size)?,
            d_model,
            n_layers: fields.required(self.n_layers, Fields::size)?,
            n_heads,
            n_kv_heads: optional(self.n_kv_heads)?.unwrap_or(n_heads),
            head_dim: optional(self.head_dim)?,
            d_ff,
            max_seq_len: fields.size(self.max_seq_len)?.unwrap_or(defaults.max_seq_len),
            norm_eps: fields.number(self.norm_eps)?.unwrap_or(defaults.norm_eps),
            tie_embeddings: fields.flag("tie_word_embeddings")?.unwrap_or(defaults.tied),
            init_std: fields.number(self.init_std)?.unwrap_or(0.02),
            rope: None,
            options: ModelOptions { activation, ..ModelOptions::default() },
            special_tokens: fields.special_tokens()?,
        })
    }

    /// The sizes of a model, as [`read`](Self::read) reads them.
    pub(crate) fn write(&self, c: &ModelConfig) -> Map<String, Value> {
        let mut map = Map::new();
        let mut put = |key: &str, value: Value| drop(map.insert(key.to_owned(), value));
        put("vocab_size", c.vocab_size.into());
        put(self.d_model, c.d_model.into());
        put(self.n_layers, c.n_layers.into());
        put(self.n_heads, c.n_heads.into());
        put(self.max_seq_len, c.max_seq_len.into());
        put(self.norm_eps, c.norm_eps.into());
        put(self.init_std, c.init_std.into());
        put("tie_word_embeddings", c.tie_embeddings.into());
        let sizes =
            [(self.n_kv_heads, c.n_kv_heads), (self.head_dim, c.head_width()), (self.d_ff, c.d_ff)];
        for (key, size) in sizes {
            if let Some(key) = key {
                put(key, size.into());
            }
        }
        if let (Some(key), Some(activation)) = (self.activation, c.options.activation) {
            put(key, json!(self.spell(activation)));
        }
        map
    }

    /// The name of a function.
    pub(crate) fn spell(&self, activation: Activation) -> &'static str {
        match activation {
            Activation::Silu => "silu",
            Activation::Gelu => "gelu",
            Activation::GeluTanh => self.tanh_gelu,
            Activation::Relu => "relu",
            Activation::ReluSquared => "relu2",
        }
    }
}
