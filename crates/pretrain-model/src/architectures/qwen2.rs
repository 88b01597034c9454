//! Qwen 2 and 2.5: Llama with biases on queries, keys and values.
//!
//! Yang et al., "Qwen2 Technical Report", 2024.

use super::{Architecture, Family, llama};
use crate::config::hugging_face::Fields;
use crate::config::{Activation, ModelConfig};
use crate::design::{AttentionDesign, Design};
use crate::error::Result;
use crate::names::Row;
use serde_json::{Map, Value, json};

pub(super) struct Qwen2;

impl Family for Qwen2 {
    fn name(&self) -> &'static str {
        "qwen2"
    }

    fn class(&self) -> &'static str {
        "Qwen2ForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &["rope", "n_kv_heads", "activation", "sliding_window", "windowed_layers"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        config.options.activation.get_or_insert(Activation::Silu);
        complete_windows(config);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let llama = Design::llama(config);
        let attention = AttentionDesign { bias: true, output_bias: false, ..llama.attention };
        Design { attention, ..llama }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        llama::NAMES.to_vec()
    }

    fn derived(&self) -> &'static [&'static str] {
        llama::DERIVED
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = llama::read(Architecture(&Qwen2), fields, 32_768, 1e-6)?;
        read_windows(fields, &mut config)?;
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = llama::write(config);
        map.remove("head_dim");
        write_windows(config, &mut map);
        map
    }
}

/// With a window, all blocks have it where nothing else is said; without one, none is listed.
pub(super) fn complete_windows(config: &mut ModelConfig) {
    match config.options.sliding_window {
        Some(_) => {
            config.options.windowed_layers.get_or_insert_with(|| vec![true; config.n_layers]);
        }
        None => config.options.windowed_layers = None,
    }
}

/// `use_sliding_window` with `layer_types`, or with `max_window_layers` full blocks first.
pub(super) fn read_windows(fields: &Fields<'_>, config: &mut ModelConfig) -> Result<()> {
    let used = fields.flag("use_sliding_window")?.unwrap_or(false);
    let first = fields.size("max_window_layers")?.unwrap_or(28);
    let window = fields.size("sliding_window")?.or(Some(4096)).filter(|_| used);
    let listed = fields.layer_types()?;
    let counted = || (0..config.n_layers).map(|i| i >= first).collect();
    config.options.sliding_window = window;
    config.options.windowed_layers = window.map(|_| listed.unwrap_or_else(counted));
    Ok(())
}

/// As [`read_windows`].
pub(super) fn write_windows(config: &ModelConfig, map: &mut Map<String, Value>) {
    let window = config.options.sliding_window;
    let windowed = config.options.windowed_layers.clone();
    let windowed = windowed.unwrap_or_else(|| vec![false; config.n_layers]);
    let full = windowed.iter().take_while(|windowed| !**windowed).count();
    map.insert("use_sliding_window".to_owned(), window.is_some().into());
    map.insert("sliding_window".to_owned(), json!(window));
    map.insert("max_window_layers".to_owned(), full.into());
    map.insert("layer_types".to_owned(), Fields::spell_layer_types(&windowed));
}
