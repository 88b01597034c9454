//! OPT: GPT-2 with ReLU; learned positions start at row 2 and leave padding out of the count.
//!
//! Zhang et al., "OPT: Open Pre-trained Transformer Language Models", 2022.

use super::{Architecture, Family};
use crate::config::hugging_face::{Defaults, Fields, Keys};
use crate::config::{Activation, ModelConfig};
use crate::design::{Design, Positions};
use crate::error::Result;
use crate::names::Layout::Same;
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct Opt;

const KEYS: Keys = Keys {
    d_ff: Some("ffn_dim"),
    init_std: "init_std",
    activation: Some("activation_function"),
    // The family has no such key; the class's constant is written and read back.
    norm_eps: "layer_norm_eps",
    ..Keys::BERT
};

impl Family for Opt {
    fn name(&self) -> &'static str {
        "opt"
    }

    fn class(&self) -> &'static str {
        "OPTForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &["activation"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        config.options.activation.get_or_insert(Activation::Relu);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let positions = Positions::Learned { offset: 2, skip_padding: true };
        Design { positions, ..Design::gpt2(config) }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        NAMES.to_vec()
    }

    fn copies(&self) -> &'static [(&'static str, &'static str)] {
        &[("lm_head.weight", "model.decoder.embed_tokens.weight")]
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let defaults = Defaults { max_seq_len: 2048, norm_eps: 1e-5, tied: true };
        let config = KEYS.read(Architecture(&Opt), fields, defaults)?;
        fields.no_dropout(&["dropout", "attention_dropout", "activation_dropout", "layerdrop"])?;
        for flag in ["do_layer_norm_before", "enable_bias", "layer_norm_elementwise_affine"] {
            fields.only(flag, true, "true")?;
        }
        fields.only("word_embed_proj_dim", config.d_model, "hidden_size")?;
        fields.only("_remove_final_layer_norm", false, "false")?;
        fields.get("prefix");
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = KEYS.write(config);
        let mut put = |key: &str, value: Value| drop(map.insert(key.to_owned(), value));
        for rate in ["dropout", "attention_dropout", "layerdrop"] {
            put(rate, 0.0.into());
        }
        for flag in ["do_layer_norm_before", "enable_bias", "layer_norm_elementwise_affine"] {
            put(flag, true.into());
        }
        put("word_embed_proj_dim", config.d_model.into());
        map
    }
}

const NAMES: &[Row] = &[
    ("model.decoder.embed_tokens.weight", Same("embedding.weight")),
    ("model.decoder.embed_positions.weight", Same("embedding.positions")),
    ("model.decoder.layers.#.self_attn_layer_norm.*", Same("blocks.#.attention_norm.*")),
    ("model.decoder.layers.#.self_attn.q_proj.*", Same("blocks.#.attention.query.*")),
    ("model.decoder.layers.#.self_attn.k_proj.*", Same("blocks.#.attention.key.*")),
    ("model.decoder.layers.#.self_attn.v_proj.*", Same("blocks.#.attention.value.*")),
    ("model.decoder.layers.#.self_attn.out_proj.*", Same("blocks.#.attention.output.*")),
    ("model.decoder.layers.#.final_layer_norm.*", Same("blocks.#.mlp_norm.*")),
    ("model.decoder.layers.#.fc1.*", Same("blocks.#.mlp.up.*")),
    ("model.decoder.layers.#.fc2.*", Same("blocks.#.mlp.down.*")),
    ("model.decoder.final_layer_norm.*", Same("norm.*")),
    ("lm_head.weight", Same("head.weight")),
];
