//! Gemma 2: norms before and after each sublayer that scale by one plus their weight, scaled
//! embeddings, capped scores, every other block with a window.
//!
//! Gemma team, "Gemma 2: Improving Open Language Models at a Practical Size", 2024.

use super::{Architecture, Family, llama};
use crate::config::hugging_face::{Defaults, Fields, Keys};
use crate::config::{Activation, ModelConfig, RopeConfig};
use crate::design::{Design, EmbeddingDesign, NormDesign, NormWeight, Placement};
use crate::error::Result;
use crate::names::Layout::Same;
use crate::names::Row;
use serde_json::{Map, Value, json};

pub(super) struct Gemma2;

const KEYS: Keys = Keys { activation: Some("hidden_activation"), ..Keys::LLAMA };

impl Family for Gemma2 {
    fn name(&self) -> &'static str {
        "gemma2"
    }

    fn class(&self) -> &'static str {
        "Gemma2ForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        OPTIONS
    }

    fn complete(&self, config: &mut ModelConfig) {
        complete(config, |i| i % 2 == 0);
        config.options.attention_softcap.get_or_insert(50.0);
        config.options.logit_softcap.get_or_insert(30.0);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        design(config)
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        names()
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        fields.not_null(&["attn_logit_softcapping", "final_logit_softcapping"])?;
        read(Architecture(&Gemma2), fields, 8192)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        write(config)
    }
}

pub(super) const OPTIONS: &[&str] = &[
    "rope",
    "n_kv_heads",
    "head_dim",
    "activation",
    "attention_bias",
    "sliding_window",
    "windowed_layers",
    "query_scalar",
    "attention_softcap",
    "logit_softcap",
];

pub(super) fn complete(config: &mut ModelConfig, windowed: impl Fn(usize) -> bool) {
    let options = &mut config.options;
    options.activation.get_or_insert(Activation::GeluTanh);
    options.attention_bias.get_or_insert(false);
    options.sliding_window.get_or_insert(4096);
    options.query_scalar.get_or_insert(256.0);
    let layers = || (0..config.n_layers).map(windowed).collect();
    options.windowed_layers.get_or_insert_with(layers);
}

pub(super) fn design(config: &ModelConfig) -> Design {
    let llama = Design::llama(config);
    // The reference rounds the factor as it does every number it stores.
    let scale = f64::from((config.d_model as f32).sqrt());
    Design {
        embedding: EmbeddingDesign { scale: Some(scale), ..llama.embedding },
        norm: NormDesign { weight: NormWeight::OnePlus, ..llama.norm },
        placement: Placement::Sandwich,
        ..llama
    }
}

pub(super) fn names() -> Vec<Row> {
    let norms = [
        (
            "model.layers.#.post_attention_layernorm.weight",
            Same("blocks.#.attention_output_norm.weight"),
        ),
        ("model.layers.#.pre_feedforward_layernorm.weight", Same("blocks.#.mlp_norm.weight")),
        (
            "model.layers.#.post_feedforward_layernorm.weight",
            Same("blocks.#.mlp_output_norm.weight"),
        ),
    ];
    let other = |row: &&Row| !row.0.contains("post_attention_layernorm");
    llama::NAMES.iter().filter(other).copied().chain(norms).collect()
}

pub(super) fn read(
    architecture: Architecture,
    fields: &Fields<'_>,
    max_seq_len: usize,
) -> Result<ModelConfig> {
    let defaults = Defaults { max_seq_len, norm_eps: 1e-6, tied: true };
    let mut config = KEYS.read(architecture, fields, defaults)?;
    fields.no_dropout(&["attention_dropout"])?;
    fields.only("hidden_act", json!(fields.get("hidden_activation")), "hidden_activation")?;
    fields.not_null(&["sliding_window"])?;
    config.head_dim = config.head_dim.or(Some(256));
    config.rope = Some(fields.rope(10_000.0, None)?);
    config.options.attention_bias = fields.flag("attention_bias")?;
    config.options.sliding_window = fields.size("sliding_window")?;
    config.options.windowed_layers = fields.layer_types()?;
    config.options.query_scalar = fields.number("query_pre_attn_scalar")?;
    config.options.attention_softcap = fields.number("attn_logit_softcapping")?;
    config.options.logit_softcap = fields.number("final_logit_softcapping")?;
    Ok(config)
}

pub(super) fn write(config: &ModelConfig) -> Map<String, Value> {
    let mut map = KEYS.write(config);
    RopeConfig::write(config, &mut map);
    let options = &config.options;
    let mut put = |key: &str, value: Value| drop(map.insert(key.to_owned(), value));
    put("attention_dropout", 0.0.into());
    put("attention_bias", options.attention_bias.into());
    put("sliding_window", options.sliding_window.into());
    put("query_pre_attn_scalar", options.query_scalar.into());
    put("attn_logit_softcapping", options.attention_softcap.into());
    put("final_logit_softcapping", options.logit_softcap.into());
    let windowed = options.windowed_layers.as_deref().unwrap_or_default();
    put("layer_types", Fields::spell_layer_types(windowed));
    map
}
