//! BLOOM: ALiBi instead of positions, a norm on the embedding.
//!
//! BigScience, "BLOOM: A 176B-Parameter Open-Access Multilingual Language Model", 2022.

use super::{Architecture, Family};
use crate::config::ModelConfig;
use crate::config::hugging_face::{Defaults, Fields, Keys};
use crate::design::{Design, EmbeddingDesign, Positions};
use crate::error::Result;
use crate::names::Layout::{PerHead, Same};
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Bloom;

const KEYS: Keys = Keys {
    n_layers: "n_layer",
    n_heads: "n_head",
    d_ff: Some("n_inner"),
    max_seq_len: "seq_length",
    norm_eps: "layer_norm_epsilon",
    activation: None,
    ..Keys::BERT
};

impl Family for Bloom {
    fn name(&self) -> &'static str {
        "bloom"
    }

    fn class(&self) -> &'static str {
        "BloomForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let gpt2 = Design::gpt2(config);
        let embedding = EmbeddingDesign { norm: true, ..gpt2.embedding };
        Design { embedding, positions: Positions::Alibi, ..gpt2 }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        NAMES.to_vec()
    }

    fn copies(&self) -> &'static [(&'static str, &'static str)] {
        &[("lm_head.weight", "transformer.word_embeddings.weight")]
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let defaults = Defaults { max_seq_len: 2048, norm_eps: 1e-5, tied: true };
        // The oldest files call the width of the stream `n_embed`, and the heads as BERT does.
        let keys = Keys {
            d_model: if fields.has("n_embed") { "n_embed" } else { KEYS.d_model },
            n_heads: if fields.has("n_head") { KEYS.n_heads } else { Keys::BERT.n_heads },
            ..KEYS
        };
        let config = keys.read(Architecture(&Bloom), fields, defaults)?;
        fields.no_dropout(&["attention_dropout", "hidden_dropout"])?;
        fields.only("apply_residual_connection_post_layernorm", false, "false")?;
        for key in
            ["offset_alibi", "masked_softmax_fusion", "bias_dropout_fusion", "slow_but_exact"]
        {
            fields.get(key);
        }
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = KEYS.write(config);
        for rate in ["attention_dropout", "hidden_dropout"] {
            map.insert(rate.to_owned(), 0.0.into());
        }
        map
    }
}

const NAMES: &[Row] = &[
    ("transformer.word_embeddings.weight", Same("embedding.weight")),
    ("transformer.word_embeddings_layernorm.*", Same("embedding.norm.*")),
    ("transformer.h.#.input_layernorm.*", Same("blocks.#.attention_norm.*")),
    (
        "transformer.h.#.self_attention.query_key_value.*",
        PerHead(&[
            "blocks.#.attention.query.*",
            "blocks.#.attention.key.*",
            "blocks.#.attention.value.*",
        ]),
    ),
    ("transformer.h.#.self_attention.dense.*", Same("blocks.#.attention.output.*")),
    ("transformer.h.#.post_attention_layernorm.*", Same("blocks.#.mlp_norm.*")),
    ("transformer.h.#.mlp.dense_h_to_4h.*", Same("blocks.#.mlp.up.*")),
    ("transformer.h.#.mlp.dense_4h_to_h.*", Same("blocks.#.mlp.down.*")),
    ("transformer.ln_f.*", Same("norm.*")),
    ("lm_head.weight", Same("head.weight")),
];
