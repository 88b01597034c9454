//! Mistral 7B: Llama with a window.
//!
//! Jiang et al., "Mistral 7B", 2023.

use super::{Architecture, Family, llama};
use crate::config::hugging_face::Fields;
use crate::config::{Activation, ModelConfig};
use crate::design::Design;
use crate::error::Result;
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Mistral;

impl Family for Mistral {
    fn name(&self) -> &'static str {
        "mistral"
    }

    fn class(&self) -> &'static str {
        "MistralForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &["rope", "n_kv_heads", "head_dim", "activation", "sliding_window"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        config.options.activation.get_or_insert(Activation::Silu);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        Design::llama(config)
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        llama::NAMES.to_vec()
    }

    fn derived(&self) -> &'static [&'static str] {
        llama::DERIVED
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = llama::read(Architecture(&Mistral), fields, 131_072, 1e-6)?;
        // The class's default is a window; `null` is none.
        let default = if fields.has("sliding_window") { None } else { Some(4096) };
        config.options.sliding_window = fields.size("sliding_window")?.or(default);
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = llama::write(config);
        map.insert("sliding_window".to_owned(), config.options.sliding_window.into());
        map
    }
}
