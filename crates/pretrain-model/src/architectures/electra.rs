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
    ("electra.embeddings.LayerNorm.*", Same("embedding.norm.*")),
    ("electra.embeddings_project.*", Same("embedding.projection.*")),
    ("electra.encoder.layer.#.attention.self.query.*", Same("blocks.#.attention.query.*")),
    ("electra.encoder.layer.#.attention.self.key.*", Same("blocks.#.attention.key.*")),
    ("electra.encoder.layer.#.attention.self.value.*", Same("blocks.#.attention.value.*")),
    ("electra.encoder.layer.#.attention.output.dense.*", Same("blocks.#.attention.output.*")),
    ("electra.encoder.layer.#.attention.output.LayerNorm.*", Same("blocks.#.attention_norm.*")),
    ("electra.encoder.layer.#.intermediate.dense.*", Same("blocks.#.mlp.up.*")),
    ("electra.encoder.layer.#.output.dense.*", Same("blocks.#.mlp.down.*")),
    ("electra.encoder.layer.#.output.LayerNorm.*", Same("blocks.#.mlp_norm.*")),
    ("discriminator_predictions.dense.*", Same("head.transform.*")),
    ("discriminator_predictions.dense_prediction.*", Same("head.*")),
];
