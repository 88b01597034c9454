//! nanochat: norms without weights, also on the embedding and, after the turn, on queries and keys;
//! squared ReLU; capped scores.
//!
//! Karpathy, github.com/karpathy/nanochat, 2025.

use super::{Architecture, Family, llama};
use crate::config::hugging_face::Fields;
use crate::config::{Activation, ModelConfig};
use crate::design::{
    AttentionDesign, Design, EmbeddingDesign, MlpDesign, NormDesign, NormWeight, Positions, QkNorm,
};
use crate::error::Result;
use crate::names::Layout::Same;
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Nanochat;

impl Family for Nanochat {
    fn name(&self) -> &'static str {
        "nanochat"
    }

    fn class(&self) -> &'static str {
        "NanoChatForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &["rope", "n_kv_heads", "activation", "attention_bias", "logit_softcap"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        config.options.activation.get_or_insert(Activation::ReluSquared);
        config.options.attention_bias.get_or_insert(false);
        config.options.logit_softcap.get_or_insert(15.0);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let mut llama = Design::llama(config);
        if let Positions::Rotary(rotary) = &mut llama.positions {
            rotary.reversed = true;
        }
        let qk_norm = Some(QkNorm { whole: false, after_rope: true });
        Design {
            embedding: EmbeddingDesign { norm: true, ..llama.embedding },
            norm: NormDesign { weight: NormWeight::Absent, ..llama.norm },
            attention: AttentionDesign { qk_norm, ..llama.attention },
            mlp: MlpDesign { gated: false, ..llama.mlp },
            ..llama
        }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        let network = [
            ("model.layers.#.mlp.fc1.weight", Same("blocks.#.mlp.up.weight")),
            ("model.layers.#.mlp.fc2.weight", Same("blocks.#.mlp.down.weight")),
        ];
        let other = |row: &&Row| !row.0.contains(".mlp.");
        llama::NAMES.iter().filter(other).copied().chain(network).collect()
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = llama::read(Architecture(&Nanochat), fields, 2048, 1e-6)?;
        fields.not_null(&["final_logit_softcapping"])?;
        config.options.attention_bias = fields.flag("attention_bias")?;
        config.options.logit_softcap = fields.number("final_logit_softcapping")?;
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = llama::write(config);
        map.remove("head_dim");
        map.insert("attention_bias".to_owned(), config.options.attention_bias.into());
        map.insert("final_logit_softcapping".to_owned(), config.options.logit_softcap.into());
        map
    }
}
