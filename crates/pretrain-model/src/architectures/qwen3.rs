//! Qwen 3: Llama with a norm on each head's queries and keys.
//!
//! Yang et al., "Qwen3 Technical Report", 2025.

use super::{Architecture, Family, llama, qwen2};
use crate::config::hugging_face::Fields;
use crate::config::{Activation, ModelConfig};
use crate::design::{AttentionDesign, Design, QkNorm};
use crate::error::Result;
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Qwen3;

impl Family for Qwen3 {
    fn name(&self) -> &'static str {
        "qwen3"
    }

    fn class(&self) -> &'static str {
        "Qwen3ForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &[
            "rope",
            "n_kv_heads",
            "head_dim",
            "activation",
            "attention_bias",
            "sliding_window",
            "windowed_layers",
        ]
    }

    fn complete(&self, config: &mut ModelConfig) {
        config.options.activation.get_or_insert(Activation::Silu);
        config.options.attention_bias.get_or_insert(false);
        qwen2::complete_windows(config);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let llama = Design::llama(config);
        let qk_norm = Some(QkNorm { whole: false, after_rope: false });
        Design { attention: AttentionDesign { qk_norm, ..llama.attention }, ..llama }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        llama::NAMES.to_vec()
    }

    fn derived(&self) -> &'static [&'static str] {
        llama::DERIVED
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = llama::read(Architecture(&Qwen3), fields, 32_768, 1e-6)?;
        config.options.attention_bias = fields.flag("attention_bias")?;
        config.head_dim = config.head_dim.or(Some(128));
        qwen2::read_windows(fields, &mut config)?;
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = llama::write(config);
        map.insert("attention_bias".to_owned(), config.options.attention_bias.into());
        qwen2::write_windows(config, &mut map);
        map
    }
}
