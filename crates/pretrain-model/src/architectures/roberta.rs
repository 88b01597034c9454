//! RoBERTa: BERT whose positions start after the padding's row and leave padding out of the count.
//!
//! Liu et al., "RoBERTa: A Robustly Optimized BERT Pretraining Approach", 2019.

use super::{Architecture, Family, bert};
use crate::config::hugging_face::Fields;
use crate::config::{Activation, ModelConfig};
use crate::design::{Design, HeadDesign, Positions};
use crate::error::Result;
use crate::names::Layout::Same;
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Roberta;

/// The row of the first position.
fn offset(config: &ModelConfig) -> usize {
    config.special_tokens.pad.unwrap_or(1) as usize + 1
}

impl Family for Roberta {
    fn name(&self) -> &'static str {
        "roberta"
    }

    fn class(&self) -> &'static str {
        "RobertaForMaskedLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &["activation", "token_types"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        bert::complete(config, 1);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let bert = bert::design(config);
        Design {
            positions: Positions::Learned { offset: offset(config), skip_padding: true },
            head: HeadDesign { transform: Some(Activation::Gelu), ..bert.head },
            ..bert
        }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        NAMES.to_vec()
    }

    fn derived(&self) -> &'static [&'static str] {
        bert::UNUSED
    }

    fn copies(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("lm_head.decoder.weight", "roberta.embeddings.word_embeddings.weight"),
            ("lm_head.decoder.bias", "lm_head.bias"),
        ]
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = bert::read(Architecture(&Roberta), fields, 1e-12)?;
        config.special_tokens.pad.get_or_insert(1);
        // The file counts the rows of the table.
        config.max_seq_len = config.max_seq_len.saturating_sub(offset(&config));
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = bert::write(config);
        let rows = config.max_seq_len + offset(config);
        map.insert("max_position_embeddings".to_owned(), rows.into());
        map
    }
}

const NAMES: &[Row] = &[
    ("roberta.embeddings.word_embeddings.weight", Same("embedding.weight")),
    ("roberta.embeddings.position_embeddings.weight", Same("embedding.positions")),
    ("roberta.embeddings.token_type_embeddings.weight", Same("embedding.token_types")),
    ("roberta.embeddings.LayerNorm.weight", Same("embedding.norm.weight")),
    ("roberta.embeddings.LayerNorm.bias", Same("embedding.norm.bias")),
    (
        "roberta.encoder.layer.#.attention.self.query.weight",
        Same("blocks.#.attention.query.weight"),
    ),
    ("roberta.encoder.layer.#.attention.self.query.bias", Same("blocks.#.attention.query.bias")),
    ("roberta.encoder.layer.#.attention.self.key.weight", Same("blocks.#.attention.key.weight")),
    ("roberta.encoder.layer.#.attention.self.key.bias", Same("blocks.#.attention.key.bias")),
    (
        "roberta.encoder.layer.#.attention.self.value.weight",
        Same("blocks.#.attention.value.weight"),
    ),
    ("roberta.encoder.layer.#.attention.self.value.bias", Same("blocks.#.attention.value.bias")),
    (
        "roberta.encoder.layer.#.attention.output.dense.weight",
        Same("blocks.#.attention.output.weight"),
    ),
    ("roberta.encoder.layer.#.attention.output.dense.bias", Same("blocks.#.attention.output.bias")),
    (
        "roberta.encoder.layer.#.attention.output.LayerNorm.weight",
        Same("blocks.#.attention_norm.weight"),
    ),
    (
        "roberta.encoder.layer.#.attention.output.LayerNorm.bias",
        Same("blocks.#.attention_norm.bias"),
    ),
    ("roberta.encoder.layer.#.intermediate.dense.weight", Same("blocks.#.mlp.up.weight")),
    ("roberta.encoder.layer.#.intermediate.dense.bias", Same("blocks.#.mlp.up.bias")),
    ("roberta.encoder.layer.#.output.dense.weight", Same("blocks.#.mlp.down.weight")),
    ("roberta.encoder.layer.#.output.dense.bias", Same("blocks.#.mlp.down.bias")),
    ("roberta.encoder.layer.#.output.LayerNorm.weight", Same("blocks.#.mlp_norm.weight")),
    ("roberta.encoder.layer.#.output.LayerNorm.bias", Same("blocks.#.mlp_norm.bias")),
    ("lm_head.dense.weight", Same("head.transform.weight")),
    ("lm_head.dense.bias", Same("head.transform.bias")),
    ("lm_head.layer_norm.weight", Same("head.norm.weight")),
    ("lm_head.layer_norm.bias", Same("head.norm.bias")),
    ("lm_head.decoder.weight", Same("head.weight")),
    ("lm_head.bias", Same("head.bias")),
];
