//! The original encoder and decoder: sines and cosines as positions, norms around each sum, one matrix
//! for both texts and the head, under the names of torch's layers. Its files have a `config.json` of
//! their own, since no class of Hugging Face's is this model.
//!
//! Vaswani et al., "Attention Is All You Need", 2017.

use super::{Architecture, Family};
use crate::config::hugging_face::Fields;
use crate::config::{Activation, ModelConfig, ModelOptions};
use crate::design::{Design, EmbeddingDesign, Placement, Positions};
use crate::error::Result;
use crate::names::Layout::{Same, Stacked};
use crate::names::Row;
use serde_json::{Map, Value, json};

pub(super) struct Transformer;

impl Family for Transformer {
    fn name(&self) -> &'static str {
        "transformer"
    }

    fn model_type(&self) -> &'static str {
        "transformer_postnorm_torch"
    }

    fn class(&self) -> &'static str {
        "Transformer"
    }

    fn options(&self) -> &'static [&'static str] {
        &["encoder_layers", "activation"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        config.options.activation.get_or_insert(Activation::Relu);
        config.options.encoder_layers.get_or_insert(config.n_layers);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let gpt2 = Design::gpt2(config);
        let scale = Some((config.d_model as f64).sqrt());
        Design {
            embedding: EmbeddingDesign { scale, ..gpt2.embedding },
            positions: Positions::Sinusoidal,
            encoder_layers: config.options.encoder_layers,
            placement: Placement::Post,
            final_norm: false,
            ..gpt2
        }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        NAMES.to_vec()
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        // Smoothing of labels is a matter of training.
        fields.get("label_smoothing");
        let n_heads = fields.required("heads", Fields::size)?;
        Ok(ModelConfig {
            architecture: Architecture(&Transformer),
            vocab_size: fields.required("vocab", Fields::size)?,
            d_model: fields.required("d", Fields::size)?,
            n_layers: fields.required("n_dec", Fields::size)?,
            n_heads,
            n_kv_heads: n_heads,
            head_dim: None,
            d_ff: fields.required("ff", Fields::size)?,
            max_seq_len: fields.size("max_positions")?.unwrap_or(512),
            norm_eps: fields.number("eps")?.unwrap_or(1e-6),
            tie_embeddings: fields.flag("tied")?.unwrap_or(true),
            init_std: fields.number("initializer_range")?.unwrap_or(0.02),
            rope: None,
            options: ModelOptions {
                encoder_layers: fields.size("n_enc")?,
                activation: fields.activation("activation")?,
                ..ModelOptions::default()
            },
            special_tokens: fields.special_tokens()?,
        })
    }

    fn write(&self, c: &ModelConfig) -> Map<String, Value> {
        let keys = crate::config::hugging_face::Keys::BERT;
        let map = json!({
            "vocab": c.vocab_size,
            "d": c.d_model,
            "n_enc": c.options.encoder_layers,
            "n_dec": c.n_layers,
            "heads": c.n_heads,
            "ff": c.d_ff,
            "max_positions": c.max_seq_len,
            "eps": c.norm_eps,
            "tied": c.tie_embeddings,
            "initializer_range": c.init_std,
            "activation": c.options.activation.map(|activation| keys.spell(activation)),
        });
        map.as_object().cloned().unwrap_or_default()
    }
}

const NAMES: &[Row] = &[
    ("embed.weight", Same("embedding.weight")),
    (
        "encoder.layers.#.self_attn.in_proj_weight",
        Stacked(&[
            "encoder.blocks.#.attention.query.weight",
            "encoder.blocks.#.attention.key.weight",
            "encoder.blocks.#.attention.value.weight",
        ]),
    ),
    (
        "encoder.layers.#.self_attn.out_proj.weight",
        Same("encoder.blocks.#.attention.output.weight"),
    ),
    (
        "encoder.layers.#.self_attn.in_proj_bias",
        Stacked(&[
            "encoder.blocks.#.attention.query.bias",
            "encoder.blocks.#.attention.key.bias",
            "encoder.blocks.#.attention.value.bias",
        ]),
    ),
    ("encoder.layers.#.self_attn.out_proj.bias", Same("encoder.blocks.#.attention.output.bias")),
    ("encoder.layers.#.norm1.*", Same("encoder.blocks.#.attention_norm.*")),
    ("encoder.layers.#.norm2.*", Same("encoder.blocks.#.mlp_norm.*")),
    ("encoder.layers.#.linear1.*", Same("encoder.blocks.#.mlp.up.*")),
    ("encoder.layers.#.linear2.*", Same("encoder.blocks.#.mlp.down.*")),
    (
        "decoder.layers.#.self_attn.in_proj_weight",
        Stacked(&[
            "blocks.#.attention.query.weight",
            "blocks.#.attention.key.weight",
            "blocks.#.attention.value.weight",
        ]),
    ),
    ("decoder.layers.#.self_attn.out_proj.weight", Same("blocks.#.attention.output.weight")),
    (
        "decoder.layers.#.self_attn.in_proj_bias",
        Stacked(&[
            "blocks.#.attention.query.bias",
            "blocks.#.attention.key.bias",
            "blocks.#.attention.value.bias",
        ]),
    ),
    ("decoder.layers.#.self_attn.out_proj.bias", Same("blocks.#.attention.output.bias")),
    (
        "decoder.layers.#.multihead_attn.in_proj_weight",
        Stacked(&[
            "blocks.#.cross_attention.query.weight",
            "blocks.#.cross_attention.key.weight",
            "blocks.#.cross_attention.value.weight",
        ]),
    ),
    (
        "decoder.layers.#.multihead_attn.out_proj.weight",
        Same("blocks.#.cross_attention.output.weight"),
    ),
    (
        "decoder.layers.#.multihead_attn.in_proj_bias",
        Stacked(&[
            "blocks.#.cross_attention.query.bias",
            "blocks.#.cross_attention.key.bias",
            "blocks.#.cross_attention.value.bias",
        ]),
    ),
    ("decoder.layers.#.multihead_attn.out_proj.bias", Same("blocks.#.cross_attention.output.bias")),
    ("decoder.layers.#.norm1.*", Same("blocks.#.attention_norm.*")),
    ("decoder.layers.#.norm2.*", Same("blocks.#.cross_attention_norm.*")),
    ("decoder.layers.#.norm3.*", Same("blocks.#.mlp_norm.*")),
    ("decoder.layers.#.linear1.*", Same("blocks.#.mlp.up.*")),
    ("decoder.layers.#.linear2.*", Same("blocks.#.mlp.down.*")),
    ("head.weight", Same("head.weight")),
];
