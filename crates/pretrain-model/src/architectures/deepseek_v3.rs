//! DeepSeek-V3: latent attention; after a few plain blocks, small experts chosen by corrected sigmoid
//! scores, and one that every token passes. Prediction of several tokens at once is not computed.
//!
//! DeepSeek-AI, "DeepSeek-V3 Technical Report", 2024.

use super::{Architecture, Family, llama, qwen3_moe};
use crate::config::hugging_face::Fields;
use crate::config::{Activation, ExpertsConfig, LatentConfig, ModelConfig};
use crate::design::{Design, ExpertsDesign, Positions, Scoring};
use crate::error::Result;
use crate::names::Layout::Same;
use crate::names::Row;
use serde_json::{Map, Value, json};

pub(super) struct DeepseekV3;

impl Family for DeepseekV3 {
    fn name(&self) -> &'static str {
        "deepseek_v3"
    }

    fn class(&self) -> &'static str {
        "DeepseekV3ForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &["rope", "head_dim", "activation", "attention_bias", "experts", "latent"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        let options = &mut config.options;
        options.activation.get_or_insert(Activation::Silu);
        options.attention_bias.get_or_insert(false);
        options.latent.get_or_insert(LATENT);
        options.experts.get_or_insert(EXPERTS);
        // A head is as wide as what turns in it, as the reference writes it.
        config.head_dim = options.latent.map(|latent| latent.rope_dim);
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let mut llama = Design::llama(config);
        if let Positions::Rotary(rotary) = &mut llama.positions {
            rotary.interleaved = true;
        }
        let (scoring, correction) = (Scoring::Sigmoid, true);
        Design {
            experts: config.options.experts.map(|config| ExpertsDesign {
                config,
                scoring,
                correction,
            }),
            ..llama
        }
    }

    fn names(&self, config: &ModelConfig) -> Vec<Row> {
        let other = |row: &&Row| !row.0.contains("self_attn") || row.0.contains("o_proj");
        let narrow = config.options.latent.is_some_and(|latent| latent.query_rank.is_some());
        let query = if narrow {
            "model.layers.#.self_attn.q_b_proj.weight"
        } else {
            "model.layers.#.self_attn.q_proj.weight"
        };
        let query = (query, Same("blocks.#.attention.query.weight"));
        let llama = llama::NAMES.iter().filter(other);
        llama.chain(qwen3_moe::NAMES).chain(NAMES).copied().chain([query]).collect()
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = llama::read(Architecture(&DeepseekV3), fields, 4096, 1e-6)?;
        let size =
            |field, default: usize| -> Result<usize> { Ok(fields.size(field)?.unwrap_or(default)) };
        fields.only("rope_interleave", true, "true")?;
        fields.only("num_nextn_predict_layers", 0, "0")?;
        fields.only("scoring_func", "sigmoid", "sigmoid")?;
        fields.only("topk_method", "noaux_tc", "noaux_tc")?;
        fields.only("moe_layer_freq", 1, "1")?;
        for key in ["ep_size", "output_router_logits"] {
            fields.get(key);
        }
        let latent = LatentConfig {
            query_rank: if fields.has("q_lora_rank") {
                fields.size("q_lora_rank")?
            } else {
                LATENT.query_rank
            },
            key_value_rank: size("kv_lora_rank", LATENT.key_value_rank)?,
            plain_dim: size("qk_nope_head_dim", LATENT.plain_dim)?,
            rope_dim: size("qk_rope_head_dim", LATENT.rope_dim)?,
            value_dim: size("v_head_dim", LATENT.value_dim)?,
        };
        fields.only("qk_head_dim", latent.plain_dim + latent.rope_dim, "the sum of its parts")?;
        config.options.latent = Some(latent);
        config.options.attention_bias = fields.flag("attention_bias")?;
        config.options.experts = Some(ExpertsConfig {
            shared: size("n_shared_experts", EXPERTS.shared)?,
            dense_layers: size("first_k_dense_replace", EXPERTS.dense_layers)?,
            normalize: fields.flag("norm_topk_prob")?.unwrap_or(true),
            scale: fields.number("routed_scaling_factor")?.unwrap_or(EXPERTS.scale),
            groups: size("n_group", EXPERTS.groups)?,
            top_groups: size("topk_group", EXPERTS.top_groups)?,
            balance_loss: fields.number("router_aux_loss_coef")?.unwrap_or(0.0),
            z_loss: fields.number("router_z_loss_coef")?.unwrap_or(0.0),
            ..ExpertsConfig::new(
                size("n_routed_experts", EXPERTS.count)?,
                size("num_experts_per_tok", EXPERTS.top_k)?,
                size("moe_intermediate_size", EXPERTS.d_ff)?,
            )
        });
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = llama::write(config);
        let (Some(latent), Some(experts)) = (config.options.latent, config.options.experts) else {
            return map;
        };
        let more = json!({
            "attention_bias": config.options.attention_bias,
            "first_k_dense_replace": experts.dense_layers,
            "kv_lora_rank": latent.key_value_rank,
            "moe_intermediate_size": experts.d_ff,
            "n_group": experts.groups,
            "n_routed_experts": experts.count,
            "n_shared_experts": experts.shared,
            "norm_topk_prob": experts.normalize,
            "num_experts_per_tok": experts.top_k,
            "num_nextn_predict_layers": 0,
            "q_lora_rank": latent.query_rank,
            "qk_head_dim": latent.plain_dim + latent.rope_dim,
            "qk_nope_head_dim": latent.plain_dim,
            "qk_rope_head_dim": latent.rope_dim,
            "rope_interleave": true,
            "routed_scaling_factor": experts.scale,
            "router_aux_loss_coef": experts.balance_loss,
            "router_z_loss_coef": experts.z_loss,
            "topk_group": experts.top_groups,
            "v_head_dim": latent.value_dim,
        });
        map.extend(more.as_object().cloned().unwrap_or_default());
        map
    }
}

const LATENT: LatentConfig = LatentConfig {
    query_rank: Some(1536),
    key_value_rank: 512,
    plain_dim: 128,
    rope_dim: 64,
    value_dim: 128,
};

const EXPERTS: ExpertsConfig = ExpertsConfig {
    shared: 1,
    dense_layers: 3,
    normalize: true,
    scale: 2.5,
    groups: 8,
    top_groups: 4,
    ..ExpertsConfig::new(256, 8, 2048)
};

const NAMES: &[Row] = &[
    ("model.layers.#.self_attn.q_a_proj.*", Same("blocks.#.attention.query_down.*")),
    ("model.layers.#.self_attn.q_a_layernorm.weight", Same("blocks.#.attention.query_norm.weight")),
    ("model.layers.#.self_attn.kv_a_proj_with_mqa.*", Same("blocks.#.attention.key_value_down.*")),
    (
        "model.layers.#.self_attn.kv_a_layernorm.weight",
        Same("blocks.#.attention.key_value_norm.weight"),
    ),
    ("model.layers.#.self_attn.kv_b_proj.weight", Same("blocks.#.attention.key_value.weight")),
    ("model.layers.#.mlp.gate.e_score_correction_bias", Same("blocks.#.mlp.correction")),
    ("model.layers.#.mlp.shared_experts.gate_proj.weight", Same("blocks.#.mlp.shared.gate.weight")),
    ("model.layers.#.mlp.shared_experts.up_proj.weight", Same("blocks.#.mlp.shared.up.weight")),
    ("model.layers.#.mlp.shared_experts.down_proj.weight", Same("blocks.#.mlp.shared.down.weight")),
];
