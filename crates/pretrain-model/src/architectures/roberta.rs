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
        config.special_tokens.pad.get_or_insert(1);
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
    ("roberta.embeddings.LayerNorm.*", Same("embedding.norm.*")),
    ("roberta.encoder.layer.#.attention.self.query.*", Same("blocks.#.attention.query.*")),
    ("roberta.encoder.layer.#.attention.self.key.*", Same("blocks.#.attention.key.*")),
    ("roberta.encoder.layer.#.attention.self.value.*", Same("blocks.#.attention.value.*")),
    ("roberta.encoder.layer.#.attention.output.dense.*", Same("blocks.#.attention.output.*")),
    ("roberta.encoder.layer.#.attention.output.LayerNorm.*", Same("blocks.#.attention_norm.*")),
    ("roberta.encoder.layer.#.intermediate.dense.*", Same("blocks.#.mlp.up.*")),
    ("roberta.encoder.layer.#.output.dense.*", Same("blocks.#.mlp.down.*")),
    ("roberta.encoder.layer.#.output.LayerNorm.*", Same("blocks.#.mlp_norm.*")),
    ("lm_head.dense.*", Same("head.transform.*")),
    ("lm_head.layer_norm.*", Same("head.norm.*")),
    ("lm_head.decoder.weight", Same("head.weight")),
    ("lm_head.bias", Same("head.bias")),
];
