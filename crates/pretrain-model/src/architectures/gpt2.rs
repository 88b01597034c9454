//! GPT-2: LayerNorm before each sublayer, learned positions, GELU, biases. With an added table of
//! positions inside a blank it is also the model of GLM's blank infilling.
//!
//! Radford et al., "Language Models are Unsupervised Multitask Learners", 2019; Du et al., "GLM:
//! General Language Model Pretraining with Autoregressive Blank Infilling", 2022.

use super::{Architecture, Family};
use crate::config::hugging_face::{Defaults, Fields, Keys};
use crate::config::{Activation, ModelConfig};
use crate::design::Design;
use crate::error::Result;
use crate::names::Layout::{Same, StackedTransposed, Transposed};
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Gpt2;

const KEYS: Keys = Keys {
    d_model: "n_embd",
    n_layers: "n_layer",
    n_heads: "n_head",
    d_ff: Some("n_inner"),
    max_seq_len: "n_positions",
    norm_eps: "layer_norm_epsilon",
    activation: Some("activation_function"),
    ..Keys::BERT
};

impl Family for Gpt2 {
    fn name(&self) -> &'static str {
        "gpt2"
    }

    fn class(&self) -> &'static str {
        "GPT2LMHeadModel"
    }

    fn options(&self) -> &'static [&'static str] {
        &["activation", "block_positions"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        config.options.activation.get_or_insert(Activation::GeluTanh);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        Design::gpt2(config)
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        NAMES.to_vec()
    }

    fn derived(&self) -> &'static [&'static str] {
        &[".attn.bias", ".attn.masked_bias"]
    }

    fn copies(&self) -> &'static [(&'static str, &'static str)] {
        &[("lm_head.weight", "transformer.wte.weight")]
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let defaults = Defaults { max_seq_len: 1024, norm_eps: 1e-5, tied: true };
        let mut config = KEYS.read(Architecture(&Gpt2), fields, defaults)?;
        fields.no_dropout(&["attn_pdrop", "embd_pdrop", "resid_pdrop"])?;
        fields.only("scale_attn_weights", true, "true")?;
        fields.only("n_ctx", config.max_seq_len, "n_positions")?;
        config.options.block_positions = fields.size("block_positions")?;
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = KEYS.write(config);
        for rate in ["attn_pdrop", "embd_pdrop", "resid_pdrop"] {
            map.insert(rate.to_owned(), 0.0.into());
        }
        if let Some(positions) = config.options.block_positions {
            map.insert("block_positions".to_owned(), positions.into());
        }
        map
    }
}

const NAMES: &[Row] = &[
    ("transformer.wte.weight", Same("embedding.weight")),
    ("transformer.wpe.weight", Same("embedding.positions")),
    ("block_pos", Same("embedding.block_positions")),
    ("transformer.h.#.ln_1.*", Same("blocks.#.attention_norm.*")),
    (
        "transformer.h.#.attn.c_attn.*",
        StackedTransposed(&[
            "blocks.#.attention.query.*",
            "blocks.#.attention.key.*",
            "blocks.#.attention.value.*",
        ]),
    ),
    ("transformer.h.#.attn.c_proj.*", Transposed("blocks.#.attention.output.*")),
    ("transformer.h.#.ln_2.*", Same("blocks.#.mlp_norm.*")),
    ("transformer.h.#.mlp.c_fc.*", Transposed("blocks.#.mlp.up.*")),
    ("transformer.h.#.mlp.c_proj.*", Transposed("blocks.#.mlp.down.*")),
    ("transformer.ln_f.*", Same("norm.*")),
    ("lm_head.weight", Same("head.weight")),
];
