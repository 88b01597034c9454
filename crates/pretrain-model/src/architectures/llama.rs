//! Llama 1 to 3: RMSNorm before each sublayer, rotary positions, grouped-query attention, SwiGLU.
//!
//! Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", 2023; Dubey et al., "The
//! Llama 3 Herd of Models", 2024.

use super::{Architecture, Family};
use crate::config::hugging_face::{Defaults, Fields, Keys};
use crate::config::{Activation, ModelConfig, RopeConfig};
use crate::design::Design;
use crate::error::Result;
use crate::names::Layout::Same;
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Llama;

impl Family for Llama {
    fn name(&self) -> &'static str {
        "llama"
    }

    fn class(&self) -> &'static str {
        "LlamaForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &["rope", "n_kv_heads", "head_dim", "activation", "attention_bias", "mlp_bias"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        let options = &mut config.options;
        options.activation.get_or_insert(Activation::Silu);
        options.attention_bias.get_or_insert(false);
        options.mlp_bias.get_or_insert(false);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        Design::llama(config)
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        NAMES.to_vec()
    }

    fn derived(&self) -> &'static [&'static str] {
        DERIVED
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = read(Architecture(&Llama), fields, 2048, 1e-6)?;
        config.options.attention_bias = fields.flag("attention_bias")?;
        config.options.mlp_bias = fields.flag("mlp_bias")?;
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = write(config);
        map.insert("attention_bias".to_owned(), config.options.attention_bias.into());
        map.insert("mlp_bias".to_owned(), config.options.mlp_bias.into());
        map.insert("pretraining_tp".to_owned(), 1.into());
        map
    }
}

/// What Llama and the families after it have in common.
pub(super) fn read(
    architecture: Architecture,
    fields: &Fields<'_>,
    max_seq_len: usize,
    norm_eps: f64,
) -> Result<ModelConfig> {
    let defaults = Defaults { max_seq_len, norm_eps, tied: false };
    let config = Keys::LLAMA.read(architecture, fields, defaults)?;
    fields.no_dropout(&["attention_dropout"])?;
    Ok(ModelConfig { rope: Some(fields.rope(10_000.0, None)?), ..config })
}

/// As [`read`].
pub(super) fn write(config: &ModelConfig) -> Map<String, Value> {
    let mut map = Keys::LLAMA.write(config);
    map.insert("attention_dropout".to_owned(), 0.0.into());
    RopeConfig::write(config, &mut map);
    map
}

/// The frequencies of the angles, which old files have.
pub(super) const DERIVED: &[&str] = &[".rotary_emb.inv_freq"];

/// Also those of the families whose blocks have the same parts.
pub(super) const NAMES: &[Row] = &[
    ("model.embed_tokens.weight", Same("embedding.weight")),
    ("model.layers.#.input_layernorm.weight", Same("blocks.#.attention_norm.weight")),
    ("model.layers.#.self_attn.q_proj.*", Same("blocks.#.attention.query.*")),
    ("model.layers.#.self_attn.k_proj.*", Same("blocks.#.attention.key.*")),
    ("model.layers.#.self_attn.v_proj.*", Same("blocks.#.attention.value.*")),
    ("model.layers.#.self_attn.q_norm.weight", Same("blocks.#.attention.query_norm.weight")),
    ("model.layers.#.self_attn.k_norm.weight", Same("blocks.#.attention.key_norm.weight")),
    ("model.layers.#.self_attn.o_proj.*", Same("blocks.#.attention.output.*")),
    ("model.layers.#.post_attention_layernorm.weight", Same("blocks.#.mlp_norm.weight")),
    ("model.layers.#.mlp.gate_proj.*", Same("blocks.#.mlp.gate.*")),
    ("model.layers.#.mlp.up_proj.*", Same("blocks.#.mlp.up.*")),
    ("model.layers.#.mlp.down_proj.*", Same("blocks.#.mlp.down.*")),
    ("model.norm.weight", Same("norm.weight")),
    ("lm_head.weight", Same("head.weight")),
];
