//! T5 1.0 and 1.1: an encoder and a decoder without absolute positions; scores get a bias per bucket
//! of distance and are not scaled. Version 1.0 has a tied head that reads scaled vectors and networks
//! of ReLU, 1.1 its own head and gates.
//!
//! Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
//! Transformer", 2020.

use super::{Architecture, Family};
use crate::config::hugging_face::{Defaults, Fields, Keys};
use crate::config::{Activation, ModelConfig, RelativeConfig};
use crate::design::{AttentionDesign, Design, HeadDesign, MlpDesign, Positions};
use crate::error::{ConfigFault, Result};
use crate::names::Layout::Same;
use crate::names::Row;
use serde_json::{Map, Value, json};

pub(super) struct T5;

const KEYS: Keys = Keys {
    d_model: "d_model",
    n_layers: "num_decoder_layers",
    n_heads: "num_heads",
    n_kv_heads: None,
    head_dim: Some("d_kv"),
    d_ff: Some("d_ff"),
    max_seq_len: "n_positions",
    norm_eps: "layer_norm_epsilon",
    activation: None,
    ..Keys::BERT
};

const RELATIVE: RelativeConfig = RelativeConfig { buckets: 32, max_distance: 128 };

impl Family for T5 {
    fn name(&self) -> &'static str {
        "t5"
    }

    fn class(&self) -> &'static str {
        "T5ForConditionalGeneration"
    }

    fn options(&self) -> &'static [&'static str] {
        &["head_dim", "encoder_layers", "activation", "gated_mlp", "relative_positions"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        let options = &mut config.options;
        let gated = *options.gated_mlp.get_or_insert(false);
        let activation = if gated { Activation::GeluTanh } else { Activation::Relu };
        options.activation.get_or_insert(activation);
        options.encoder_layers.get_or_insert(config.n_layers);
        options.relative_positions.get_or_insert(RELATIVE);
    }

    fn faults(&self, config: &ModelConfig) -> Vec<ConfigFault> {
        let spelled = match (config.options.gated_mlp, config.options.activation) {
            (Some(true), activation) => {
                matches!(activation, Some(Activation::GeluTanh | Activation::Silu))
            }
            (_, activation) => activation == Some(Activation::Relu),
        };
        let field = "an activation other than relu, gated gelu_tanh and gated silu";
        let fault = ConfigFault::NoPlace { field, architecture: Architecture(&T5) };
        if spelled { Vec::new() } else { vec![fault] }
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let llama = Design::llama(config);
        let scale = config.tie_embeddings.then(|| (config.d_model as f64).sqrt().recip());
        Design {
            positions: Positions::Relative(config.options.relative_positions.unwrap_or(RELATIVE)),
            encoder_layers: config.options.encoder_layers,
            attention: AttentionDesign { scale: Some(1.0), ..llama.attention },
            mlp: MlpDesign { gated: config.options.gated_mlp == Some(true), ..llama.mlp },
            head: HeadDesign { scale, ..llama.head },
            ..llama
        }
    }

    fn names(&self, config: &ModelConfig) -> Vec<Row> {
        let gated = config.options.gated_mlp == Some(true);
        let networks = if gated { GATED } else { PLAIN };
        NAMES.iter().chain(networks).copied().collect()
    }

    fn copies(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("encoder.embed_tokens.weight", "shared.weight"),
            ("decoder.embed_tokens.weight", "shared.weight"),
            ("lm_head.weight", "shared.weight"),
        ]
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let defaults = Defaults { max_seq_len: 512, norm_eps: 1e-6, tied: true };
        let has_decoder = fields.get("num_decoder_layers").is_some();
        let keys =
            Keys { n_layers: if has_decoder { KEYS.n_layers } else { "num_layers" }, ..KEYS };
        let mut config = keys.read(Architecture(&T5), fields, defaults)?;
        // The class of transformers 5 says of every head that it is tied; what it scales tells.
        let scaled = fields.flag("scale_decoder_outputs")?;
        config.tie_embeddings = scaled.unwrap_or(config.tie_embeddings);
        fields.no_dropout(&["dropout_rate", "classifier_dropout"])?;
        fields.only("is_encoder_decoder", true, "true")?;
        for key in ["initializer_factor", "decoder_start_token_id", "dense_act_fn", "is_gated_act"]
        {
            fields.get(key);
        }
        let (gated, activation) = match fields.get("feed_forward_proj").and_then(Value::as_str) {
            None | Some("relu") => (false, Activation::Relu),
            Some("gated-gelu") => (true, Activation::GeluTanh),
            Some("gated-silu") => (true, Activation::Silu),
            Some(_) => {
                return Err(fields.unsupported("feed_forward_proj", "relu, gated-gelu, gated-silu"));
            }
        };
        let options = &mut config.options;
        (options.gated_mlp, options.activation) = (Some(gated), Some(activation));
        options.encoder_layers = fields.size("num_layers")?;
        let buckets = fields.size("relative_attention_num_buckets")?.unwrap_or(RELATIVE.buckets);
        let max_distance = fields.size("relative_attention_max_distance")?;
        let max_distance = max_distance.unwrap_or(RELATIVE.max_distance);
        options.relative_positions = Some(RelativeConfig { buckets, max_distance });
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = KEYS.write(config);
        let options = &config.options;
        let relative = options.relative_positions.unwrap_or(RELATIVE);
        let network = match (options.gated_mlp, options.activation) {
            (Some(true), Some(Activation::Silu)) => "gated-silu",
            (Some(true), _) => "gated-gelu",
            _ => "relu",
        };
        let more = json!({
            "decoder_start_token_id": config.special_tokens.pad.unwrap_or(0),
            "dropout_rate": 0.0,
            "feed_forward_proj": network,
            "is_encoder_decoder": true,
            "num_layers": options.encoder_layers,
            "relative_attention_max_distance": relative.max_distance,
            "relative_attention_num_buckets": relative.buckets,
            "scale_decoder_outputs": config.tie_embeddings,
        });
        map.extend(more.as_object().cloned().unwrap_or_default());
        map
    }
}

const NAMES: &[Row] = &[
    ("shared.weight", Same("embedding.weight")),
    (
        "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
        Same("encoder.relative_bias.weight"),
    ),
    ("encoder.block.#.layer.0.layer_norm.weight", Same("encoder.blocks.#.attention_norm.weight")),
    (
        "encoder.block.#.layer.0.SelfAttention.q.weight",
        Same("encoder.blocks.#.attention.query.weight"),
    ),
    (
        "encoder.block.#.layer.0.SelfAttention.k.weight",
        Same("encoder.blocks.#.attention.key.weight"),
    ),
    (
        "encoder.block.#.layer.0.SelfAttention.v.weight",
        Same("encoder.blocks.#.attention.value.weight"),
    ),
    (
        "encoder.block.#.layer.0.SelfAttention.o.weight",
        Same("encoder.blocks.#.attention.output.weight"),
    ),
    ("encoder.block.#.layer.1.layer_norm.weight", Same("encoder.blocks.#.mlp_norm.weight")),
    ("encoder.block.#.layer.1.DenseReluDense.wo.weight", Same("encoder.blocks.#.mlp.down.weight")),
    ("encoder.final_layer_norm.weight", Same("encoder.norm.weight")),
    (
        "decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
        Same("relative_bias.weight"),
    ),
    ("decoder.block.#.layer.0.layer_norm.weight", Same("blocks.#.attention_norm.weight")),
    ("decoder.block.#.layer.0.SelfAttention.q.weight", Same("blocks.#.attention.query.weight")),
    ("decoder.block.#.layer.0.SelfAttention.k.weight", Same("blocks.#.attention.key.weight")),
    ("decoder.block.#.layer.0.SelfAttention.v.weight", Same("blocks.#.attention.value.weight")),
    ("decoder.block.#.layer.0.SelfAttention.o.weight", Same("blocks.#.attention.output.weight")),
    ("decoder.block.#.layer.1.layer_norm.weight", Same("blocks.#.cross_attention_norm.weight")),
    (
        "decoder.block.#.layer.1.EncDecAttention.q.weight",
        Same("blocks.#.cross_attention.query.weight"),
    ),
    (
        "decoder.block.#.layer.1.EncDecAttention.k.weight",
        Same("blocks.#.cross_attention.key.weight"),
    ),
    (
        "decoder.block.#.layer.1.EncDecAttention.v.weight",
        Same("blocks.#.cross_attention.value.weight"),
    ),
    (
        "decoder.block.#.layer.1.EncDecAttention.o.weight",
        Same("blocks.#.cross_attention.output.weight"),
    ),
    ("decoder.block.#.layer.2.layer_norm.weight", Same("blocks.#.mlp_norm.weight")),
    ("decoder.block.#.layer.2.DenseReluDense.wo.weight", Same("blocks.#.mlp.down.weight")),
    ("decoder.final_layer_norm.weight", Same("norm.weight")),
    ("lm_head.weight", Same("head.weight")),
];

const PLAIN: &[Row] = &[
    ("encoder.block.#.layer.1.DenseReluDense.wi.weight", Same("encoder.blocks.#.mlp.up.weight")),
    ("decoder.block.#.layer.2.DenseReluDense.wi.weight", Same("blocks.#.mlp.up.weight")),
];

const GATED: &[Row] = &[
    (
        "encoder.block.#.layer.1.DenseReluDense.wi_0.weight",
        Same("encoder.blocks.#.mlp.gate.weight"),
    ),
    ("encoder.block.#.layer.1.DenseReluDense.wi_1.weight", Same("encoder.blocks.#.mlp.up.weight")),
    ("decoder.block.#.layer.2.DenseReluDense.wi_0.weight", Same("blocks.#.mlp.gate.weight")),
    ("decoder.block.#.layer.2.DenseReluDense.wi_1.weight", Same("blocks.#.mlp.up.weight")),
];
