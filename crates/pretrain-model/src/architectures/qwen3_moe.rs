//! Qwen 3 with many small networks of which each token passes a few.
//!
//! Yang et al., "Qwen3 Technical Report", 2025.

use super::{Architecture, Family, llama, mixtral, qwen2, qwen3};
use crate::config::hugging_face::Fields;
use crate::config::{ExpertsConfig, ModelConfig};
use crate::design::Design;
use crate::error::{ConfigFault, Result};
use crate::names::Layout::Same;
use crate::names::Row;
use serde_json::{Map, Value, json};

pub(super) struct Qwen3Moe;

impl Family for Qwen3Moe {
    fn name(&self) -> &'static str {
        "qwen3_moe"
    }

    fn class(&self) -> &'static str {
        "Qwen3MoeForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &[
            "rope",
            "n_kv_heads",
            "head_dim",
            "activation",
            "attention_bias",
            "sliding_window",
            "windowed_layers",
            "experts",
        ]
    }

    fn complete(&self, config: &mut ModelConfig) {
        qwen3::Qwen3.complete(config);
        config.options.experts.get_or_insert(ExpertsConfig::new(128, 8, 768));
    }

    fn faults(&self, config: &ModelConfig) -> Vec<ConfigFault> {
        let kept = |e: ExpertsConfig| ExpertsConfig {
            normalize: e.normalize,
            balance_loss: e.balance_loss,
            z_loss: e.z_loss,
            ..ExpertsConfig::new(e.count, e.top_k, e.d_ff)
        };
        let foreign = config.options.experts.filter(|experts| *experts != kept(*experts));
        let field = "experts with shares, groups, a scale or plain blocks before them";
        foreign
            .map(|_| ConfigFault::NoPlace { field, architecture: Architecture(&Qwen3Moe) })
            .into_iter()
            .collect()
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let experts = mixtral::softmax_experts(config);
        Design { experts, ..qwen3::Qwen3.design(config) }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        llama::NAMES.iter().chain(NAMES).copied().collect()
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = llama::read(Architecture(&Qwen3Moe), fields, 32_768, 1e-6)?;
        config.options.attention_bias = fields.flag("attention_bias")?;
        qwen2::read_windows(fields, &mut config)?;
        fields.only("decoder_sparse_step", 1, "1")?;
        fields.only("mlp_only_layers", json!([]), "[]")?;
        let (balance_loss, z_loss) = mixtral::read_router_losses(fields)?;
        let count = fields.size("num_experts")?.or(fields.size("num_local_experts")?);
        let top_k = fields.size("num_experts_per_tok")?.unwrap_or(8);
        let d_ff = fields.size("moe_intermediate_size")?.unwrap_or(768);
        config.options.experts = Some(ExpertsConfig {
            normalize: fields.flag("norm_topk_prob")?.unwrap_or(false),
            balance_loss,
            z_loss,
            ..ExpertsConfig::new(count.unwrap_or(128), top_k, d_ff)
        });
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = qwen3::Qwen3.write(config);
        let experts = config.options.experts.map_or(Value::Null, |experts| {
            json!({
                "decoder_sparse_step": 1,
                "mlp_only_layers": [],
                "num_experts": experts.count,
                "num_local_experts": experts.count,
                "num_experts_per_tok": experts.top_k,
                "moe_intermediate_size": experts.d_ff,
                "norm_topk_prob": experts.normalize,
                "output_router_logits": experts.balance_loss > 0.0,
                "router_aux_loss_coef": experts.balance_loss,
                "router_z_loss_coef": experts.z_loss,
            })
        });
        map.extend(experts.as_object().cloned().unwrap_or_default());
        map
    }
}

/// Also those of DeepSeek's experts.
pub(super) const NAMES: &[Row] = &[
    ("model.layers.#.mlp.gate.weight", Same("blocks.#.mlp.router.weight")),
    ("model.layers.#.mlp.experts.%.gate_proj.weight", Same("blocks.#.mlp.experts.%.gate.weight")),
    ("model.layers.#.mlp.experts.%.up_proj.weight", Same("blocks.#.mlp.experts.%.up.weight")),
    ("model.layers.#.mlp.experts.%.down_proj.weight", Same("blocks.#.mlp.experts.%.down.weight")),
];
