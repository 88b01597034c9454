//! GPT-NeoX and Pythia: attention and network read the same stream, a quarter of each head turns.
//!
//! Black et al., "GPT-NeoX-20B: An Open-Source Autoregressive Language Model", 2022.

use super::{Architecture, Family};
use crate::config::hugging_face::{Defaults, Fields, Keys};
use crate::config::{Activation, ModelConfig, RopeConfig};
use crate::design::{AttentionDesign, Design};
use crate::error::Result;
use crate::names::Layout::{PerHead, Same};
use crate::names::Row;
use serde_json::{Map, Value};

pub(super) struct GptNeox;

impl Family for GptNeox {
    fn name(&self) -> &'static str {
        "gpt_neox"
    }

    fn class(&self) -> &'static str {
        "GPTNeoXForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &["rope", "activation", "attention_bias", "parallel_residual"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        config.options.activation.get_or_insert(Activation::Gelu);
        config.options.attention_bias.get_or_insert(true);
        config.options.parallel_residual.get_or_insert(true);
        config.rope.get_or_insert(RopeConfig { partial: Some(0.25), ..RopeConfig::default() });
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let bias = config.options.attention_bias.unwrap_or(true);
        let gpt2 = Design::gpt2(config);
        Design {
            positions: Design::llama(config).positions,
            parallel: config.options.parallel_residual.unwrap_or(true),
            attention: AttentionDesign { bias, output_bias: bias, ..gpt2.attention },
            ..gpt2
        }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        NAMES.to_vec()
    }

    fn derived(&self) -> &'static [&'static str] {
        &[".rotary_emb.inv_freq", ".attention.bias", ".attention.masked_bias"]
    }

    fn copies(&self) -> &'static [(&'static str, &'static str)] {
        &[("embed_out.weight", "gpt_neox.embed_in.weight")]
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let defaults = Defaults { max_seq_len: 2048, norm_eps: 1e-5, tied: false };
        let mut config = Keys::BERT.read(Architecture(&GptNeox), fields, defaults)?;
        fields.no_dropout(&["attention_dropout", "hidden_dropout"])?;
        let theta = fields.number("rotary_emb_base")?.unwrap_or(10_000.0);
        let share = fields.number("rotary_pct")?.unwrap_or(0.25);
        config.rope = Some(fields.rope(theta, Some(share))?);
        config.options.attention_bias = fields.flag("attention_bias")?;
        config.options.parallel_residual = fields.flag("use_parallel_residual")?;
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = Keys::BERT.write(config);
        let rope = config.rope.unwrap_or_default();
        let share = rope.partial.unwrap_or(1.0);
        let spelled = RopeConfig { partial: Some(share), ..rope };
        RopeConfig::write(&ModelConfig { rope: Some(spelled), ..config.clone() }, &mut map);
        let mut put = |key: &str, value: Value| drop(map.insert(key.to_owned(), value));
        put("rotary_pct", share.into());
        put("rotary_emb_base", rope.theta.into());
        put("attention_bias", config.options.attention_bias.into());
        put("use_parallel_residual", config.options.parallel_residual.into());
        map
    }
}

const NAMES: &[Row] = &[
    ("gpt_neox.embed_in.weight", Same("embedding.weight")),
    ("gpt_neox.layers.#.input_layernorm.*", Same("blocks.#.attention_norm.*")),
    (
        "gpt_neox.layers.#.attention.query_key_value.*",
        PerHead(&[
            "blocks.#.attention.query.*",
            "blocks.#.attention.key.*",
            "blocks.#.attention.value.*",
        ]),
    ),
    ("gpt_neox.layers.#.attention.dense.*", Same("blocks.#.attention.output.*")),
    ("gpt_neox.layers.#.post_attention_layernorm.*", Same("blocks.#.mlp_norm.*")),
    ("gpt_neox.layers.#.mlp.dense_h_to_4h.*", Same("blocks.#.mlp.up.*")),
    ("gpt_neox.layers.#.mlp.dense_4h_to_h.*", Same("blocks.#.mlp.down.*")),
    ("gpt_neox.final_layer_norm.*", Same("norm.*")),
    ("embed_out.weight", Same("head.weight")),
];
