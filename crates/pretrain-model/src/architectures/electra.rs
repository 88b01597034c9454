//! ELECTRA's discriminator: BERT with a narrow embedding, which says of each token whether it was
//! replaced.
//!
//! Clark et al., "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators", 2020.

use super::{Architecture, Family, bert};
use crate::config::ModelConfig;
use crate::config::hugging_face::Fields;
use crate::design::{Design, HeadDesign};
use crate::error::Result;
use crate::names::Layout::Same;
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Electra;

impl Family for Electra {
    fn name(&self) -> &'static str {
        "electra"
    }

    fn class(&self) -> &'static str {
        "ElectraForPreTraining"
    }

    fn options(&self) -> &'static [&'static str] {
        &["activation", "token_types", "embedding_width"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        bert::complete(config, 2);
        config.options.embedding_width.get_or_insert(config.d_model);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let bert = bert::design(config);
        Design {
            head: HeadDesign { discriminator: true, transform_norm: false, ..bert.head },
            ..bert
        }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        NAMES.to_vec()
    }

    fn derived(&self) -> &'static [&'static str] {
        bert::UNUSED
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = bert::read(Architecture(&Electra), fields, 1e-12)?;
        config.options.embedding_width = Some(fields.size("embedding_size")?.unwrap_or(128));
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = bert::write(config);
        map.insert("embedding_size".to_owned(), config.options.embedding_width.into());
        map
    }
}

const NAMES: &[Row] = &[
    ("electra.embeddings.word_embeddings.weight", Same("embedding.weight")),
    ("electra.embeddings.position_embeddings.weight", Same("embedding.positions")),
    ("electra.embeddings.token_type_embeddings.weight", Same("embedding.token_types")),
    ("electra.embeddings.LayerNorm.weight", Same("embedding.norm.weight")),
    ("electra.embeddings.LayerNorm.bias", Same("embedding.norm.bias")),
    ("electra.embeddings_project.weight", Same("embedding.projection.weight")),
    ("electra.embeddings_project.bias", Same("embedding.projection.bias")),
    (
        "electra.encoder.layer.#.attention.self.query.weight",
        Same("blocks.#.attention.query.weight"),
    ),
    ("electra.encoder.layer.#.attention.self.query.bias", Same("blocks.#.attention.query.bias")),
    ("electra.encoder.layer.#.attention.self.key.weight", Same("blocks.#.attention.key.weight")),
    ("electra.encoder.layer.#.attention.self.key.bias", Same("blocks.#.attention.key.bias")),
    (
        "electra.encoder.layer.#.attention.self.value.weight",
        Same("blocks.#.attention.value.weight"),
    ),
    ("electra.encoder.layer.#.attention.self.value.bias", Same("blocks.#.attention.value.bias")),
    (
        "electra.encoder.layer.#.attention.output.dense.weight",
        Same("blocks.#.attention.output.weight"),
    ),
    ("electra.encoder.layer.#.attention.output.dense.bias", Same("blocks.#.attention.output.bias")),
    (
        "electra.encoder.layer.#.attention.output.LayerNorm.weight",
        Same("blocks.#.attention_norm.weight"),
    ),
    (
        "electra.encoder.layer.#.attention.output.LayerNorm.bias",
        Same("blocks.#.attention_norm.bias"),
    ),
    ("electra.encoder.layer.#.intermediate.dense.weight", Same("blocks.#.mlp.up.weight")),
    ("electra.encoder.layer.#.intermediate.dense.bias", Same("blocks.#.mlp.up.bias")),
    ("electra.encoder.layer.#.output.dense.weight", Same("blocks.#.mlp.down.weight")),
    ("electra.encoder.layer.#.output.dense.bias", Same("blocks.#.mlp.down.bias")),
    ("electra.encoder.layer.#.output.LayerNorm.weight", Same("blocks.#.mlp_norm.weight")),
    ("electra.encoder.layer.#.output.LayerNorm.bias", Same("blocks.#.mlp_norm.bias")),
    ("discriminator_predictions.dense.weight", Same("head.transform.weight")),
    ("discriminator_predictions.dense.bias", Same("head.transform.bias")),
    ("discriminator_predictions.dense_prediction.weight", Same("head.weight")),
    ("discriminator_predictions.dense_prediction.bias", Same("head.bias")),
];
