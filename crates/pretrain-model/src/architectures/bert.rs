//! BERT: blocks that see both ways, norms around each sum, token types, a head with a network of its
//! own.
//!
//! Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers", 2019.

use super::{Architecture, Family};
use crate::config::hugging_face::{Defaults, Fields, Keys};
use crate::config::{Activation, ModelConfig};
use crate::design::{Design, EmbeddingDesign, HeadDesign, Placement};
use crate::error::Result;
use crate::names::Layout::Same;
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Bert;

impl Family for Bert {
    fn name(&self) -> &'static str {
        "bert"
    }

    fn class(&self) -> &'static str {
        "BertForMaskedLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &["activation", "token_types"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        complete(config, 2);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        design(config)
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        NAMES.to_vec()
    }

    fn derived(&self) -> &'static [&'static str] {
        UNUSED
    }

    fn copies(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"),
            ("cls.predictions.decoder.bias", "cls.predictions.bias"),
        ]
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        read(Architecture(&Bert), fields, 1e-12)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        write(config)
    }
}

/// Positions as numbers, and the heads of other tasks.
pub(super) const UNUSED: &[&str] = &[
    ".embeddings.position_ids",
    ".pooler.dense.weight",
    ".pooler.dense.bias",
    "cls.seq_relationship.weight",
    "cls.seq_relationship.bias",
];

pub(super) fn complete(config: &mut ModelConfig, token_types: usize) {
    config.options.activation.get_or_insert(Activation::Gelu);
    config.options.token_types.get_or_insert(token_types);
}

pub(super) fn design(config: &ModelConfig) -> Design {
    let gpt2 = Design::gpt2(config);
    Design {
        embedding: EmbeddingDesign { norm: true, ..gpt2.embedding },
        bidirectional: true,
        placement: Placement::Post,
        final_norm: false,
        head: HeadDesign {
            transform: config.options.activation,
            transform_norm: true,
            bias: true,
            ..gpt2.head
        },
        ..gpt2
    }
}

pub(super) fn read(
    architecture: Architecture,
    fields: &Fields<'_>,
    norm_eps: f64,
) -> Result<ModelConfig> {
    let defaults = Defaults { max_seq_len: 512, norm_eps, tied: true };
    let mut config = Keys::BERT.read(architecture, fields, defaults)?;
    fields.no_dropout(&["attention_probs_dropout_prob", "hidden_dropout_prob"])?;
    fields.only("position_embedding_type", "absolute", "absolute")?;
    config.options.token_types = Some(fields.size("type_vocab_size")?.unwrap_or(2));
    Ok(config)
}

pub(super) fn write(config: &ModelConfig) -> Map<String, Value> {
    let mut map = Keys::BERT.write(config);
    for rate in ["attention_probs_dropout_prob", "hidden_dropout_prob"] {
        map.insert(rate.to_owned(), 0.0.into());
    }
    map.insert("type_vocab_size".to_owned(), config.options.token_types.into());
    map
}

const NAMES: &[Row] = &[
    ("bert.embeddings.word_embeddings.weight", Same("embedding.weight")),
    ("bert.embeddings.position_embeddings.weight", Same("embedding.positions")),
    ("bert.embeddings.token_type_embeddings.weight", Same("embedding.token_types")),
    ("bert.embeddings.LayerNorm.*", Same("embedding.norm.*")),
    ("bert.encoder.layer.#.attention.self.query.*", Same("blocks.#.attention.query.*")),
    ("bert.encoder.layer.#.attention.self.key.*", Same("blocks.#.attention.key.*")),
    ("bert.encoder.layer.#.attention.self.value.*", Same("blocks.#.attention.value.*")),
    ("bert.encoder.layer.#.attention.output.dense.*", Same("blocks.#.attention.output.*")),
    ("bert.encoder.layer.#.attention.output.LayerNorm.*", Same("blocks.#.attention_norm.*")),
    ("bert.encoder.layer.#.intermediate.dense.*", Same("blocks.#.mlp.up.*")),
    ("bert.encoder.layer.#.output.dense.*", Same("blocks.#.mlp.down.*")),
    ("bert.encoder.layer.#.output.LayerNorm.*", Same("blocks.#.mlp_norm.*")),
    ("cls.predictions.transform.dense.*", Same("head.transform.*")),
    ("cls.predictions.transform.LayerNorm.*", Same("head.norm.*")),
    ("cls.predictions.decoder.weight", Same("head.weight")),
    ("cls.predictions.bias", Same("head.bias")),
];
