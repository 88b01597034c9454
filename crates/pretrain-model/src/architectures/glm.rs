//! GLM-4: the first half of each head turns, in neighbouring pairs; gate and network are one tensor.
//!
//! GLM team, "ChatGLM: A Family of Large Language Models", 2024.

use super::{Architecture, Family, llama};
use crate::config::hugging_face::Fields;
use crate::config::{Activation, ModelConfig, RopeConfig};
use crate::design::{AttentionDesign, Design, Positions};
use crate::error::Result;
use crate::names::Layout::Stacked;
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Glm;

impl Family for Glm {
    fn name(&self) -> &'static str {
        "glm"
    }

    fn class(&self) -> &'static str {
        "GlmForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &["rope", "n_kv_heads", "head_dim", "activation", "attention_bias"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        config.options.activation.get_or_insert(Activation::Silu);
        config.options.attention_bias.get_or_insert(false);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let mut llama = Design::llama(config);
        if let Positions::Rotary(rotary) = &mut llama.positions {
            rotary.interleaved = true;
        }
        let attention = AttentionDesign { output_bias: false, ..llama.attention };
        Design { attention, ..llama }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        let fused = (
            "model.layers.#.mlp.gate_up_proj.weight",
            Stacked(&["blocks.#.mlp.gate.weight", "blocks.#.mlp.up.weight"]),
        );
        let apart = |row: &&Row| !row.0.contains("gate_proj") && !row.0.contains("up_proj");
        llama::NAMES.iter().filter(apart).copied().chain([fused]).collect()
    }

    fn derived(&self) -> &'static [&'static str] {
        llama::DERIVED
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = llama::read(Architecture(&Glm), fields, 131_072, 1.5625e-7)?;
        config.rope = Some(fields.rope(10_000.0, Some(0.5))?);
        config.options.attention_bias = fields.flag("attention_bias")?.or(Some(true));
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = llama::write(config);
        let rope = config.rope.unwrap_or_default();
        // The class's default is one half, so a whole head has to be spelled out.
        let rope = RopeConfig { partial: rope.partial.or(Some(1.0)), ..rope };
        RopeConfig::write(&ModelConfig { rope: Some(rope), ..config.clone() }, &mut map);
        map.insert("attention_bias".to_owned(), config.options.attention_bias.into());
        map
    }
}
