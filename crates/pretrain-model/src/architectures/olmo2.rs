//! OLMo 2: norms on what a sublayer adds, and on all queries and keys together.
//!
//! OLMo team, "2 OLMo 2 Furious", 2024, §3.

use super::{Architecture, Family, llama};
use crate::config::hugging_face::Fields;
use crate::config::{Activation, ModelConfig};
use crate::design::{AttentionDesign, Design, Placement, QkNorm};
use crate::error::Result;
use crate::names::Layout::Same;
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Olmo2;

impl Family for Olmo2 {
    fn name(&self) -> &'static str {
        "olmo2"
    }

    fn class(&self) -> &'static str {
        "Olmo2ForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &["rope", "n_kv_heads", "activation", "attention_bias"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        config.options.activation.get_or_insert(Activation::Silu);
        config.options.attention_bias.get_or_insert(false);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let llama = Design::llama(config);
        let qk_norm = Some(QkNorm { whole: true, after_rope: false });
        let attention = AttentionDesign { qk_norm, ..llama.attention };
        Design { placement: Placement::Output, attention, ..llama }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        let after = [
            (
                "model.layers.#.post_attention_layernorm.weight",
                Same("blocks.#.attention_output_norm.weight"),
            ),
            (
                "model.layers.#.post_feedforward_layernorm.weight",
                Same("blocks.#.mlp_output_norm.weight"),
            ),
        ];
        llama::NAMES.iter().copied().chain(after).collect()
    }

    fn derived(&self) -> &'static [&'static str] {
        llama::DERIVED
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = llama::read(Architecture(&Olmo2), fields, 2048, 1e-5)?;
        config.options.attention_bias = fields.flag("attention_bias")?;
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = llama::write(config);
        map.remove("head_dim");
        map.insert("attention_bias".to_owned(), config.options.attention_bias.into());
        map
    }
}
