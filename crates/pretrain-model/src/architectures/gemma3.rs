//! Gemma 3, text only: Gemma 2 with norms on queries and keys instead of caps, five blocks with a
//! window to one without, and another base of the angles in each kind.
//!
//! Gemma team, "Gemma 3 Technical Report", 2025.

use super::{Architecture, Family, gemma2};
use crate::config::hugging_face::Fields;
use crate::config::{ModelConfig, RopeConfig};
use crate::design::{AttentionDesign, Design, QkNorm};
use crate::error::Result;
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Gemma3;

impl Family for Gemma3 {
    fn name(&self) -> &'static str {
        "gemma3"
    }

    fn model_type(&self) -> &'static str {
        "gemma3_text"
    }

    fn class(&self) -> &'static str {
        "Gemma3ForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        gemma2::OPTIONS
    }

    fn complete(&self, config: &mut ModelConfig) {
        gemma2::complete(config, |i| (i + 1) % 6 != 0);
        let rope = config.rope.get_or_insert(RopeConfig::new(1e6));
        rope.local_theta.get_or_insert(10_000.0);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let gemma2 = gemma2::design(config);
        let qk_norm = Some(QkNorm { whole: false, after_rope: false });
        Design { attention: AttentionDesign { qk_norm, ..gemma2.attention }, ..gemma2 }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        gemma2::names()
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = gemma2::read(Architecture(&Gemma3), fields, 131_072)?;
        config.rope = Some(fields.rope(1e6, None)?);
        if let Some(every) = fields.size("sliding_window_pattern")?.filter(|every| *every > 0) {
            let windowed = (0..config.n_layers).map(|i| (i + 1) % every != 0).collect();
            config.options.windowed_layers.get_or_insert(windowed);
        }
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        gemma2::write(config)
    }
}
