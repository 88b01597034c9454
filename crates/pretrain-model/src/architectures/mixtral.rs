//! Mixtral: Mistral with eight networks of which each token passes two.
//!
//! Jiang et al., "Mixtral of Experts", 2024.

use super::{Architecture, Family, llama};
use crate::config::hugging_face::Fields;
use crate::config::{Activation, ExpertsConfig, ModelConfig, RopeConfig};
use crate::design::{Design, ExpertsDesign, Scoring};
use crate::error::{ConfigFault, Result};
use crate::names::Layout::Same;
use crate::names::Row;
use serde_json::{Map, Value, json};

pub(super) struct Mixtral;

impl Family for Mixtral {
    fn name(&self) -> &'static str {
        "mixtral"
    }

    fn class(&self) -> &'static str {
        "MixtralForCausalLM"
    }

    fn options(&self) -> &'static [&'static str] {
        &["rope", "n_kv_heads", "head_dim", "activation", "sliding_window", "experts"]
    }

    fn complete(&self, config: &mut ModelConfig) {
        config.options.activation.get_or_insert(Activation::Silu);
        let experts = ExpertsConfig { normalize: true, ..ExpertsConfig::new(8, 2, config.d_ff) };
        config.options.experts.get_or_insert(experts);
        config.rope.get_or_insert(RopeConfig::new(1e6));
    }

    fn faults(&self, config: &ModelConfig) -> Vec<ConfigFault> {
        let kept = |e: ExpertsConfig| ExpertsConfig {
            normalize: true,
            balance_loss: e.balance_loss,
            z_loss: e.z_loss,
            ..ExpertsConfig::new(e.count, e.top_k, config.d_ff)
        };
        let foreign = config.options.experts.filter(|experts| *experts != kept(*experts));
        let field = "experts other than normalised ones of width d_ff, without shares or groups";
        foreign
            .map(|_| ConfigFault::NoPlace { field, architecture: Architecture(&Mixtral) })
            .into_iter()
            .collect()
    }

    fn design(&self, config: &ModelConfig) -> Design {
        let experts = softmax_experts(config);
        Design { experts, ..Design::llama(config) }
    }

    fn names(&self, _: &ModelConfig) -> Vec<Row> {
        llama::NAMES.iter().chain(NAMES).copied().collect()
    }

    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig> {
        let mut config = llama::read(Architecture(&Mixtral), fields, 131_072, 1e-5)?;
        config.rope = Some(fields.rope(1e6, None)?);
        fields.only("router_jitter_noise", 0.0, "0")?;
        let (balance_loss, z_loss) = read_router_losses(fields)?;
        config.options.sliding_window = fields.size("sliding_window")?;
        let count = fields.size("num_local_experts")?.unwrap_or(8);
        let top_k = fields.size("num_experts_per_tok")?.unwrap_or(2);
        config.options.experts = Some(ExpertsConfig {
            normalize: true,
            balance_loss,
            z_loss,
            ..ExpertsConfig::new(count, top_k, config.d_ff)
        });
        Ok(config)
    }

    fn write(&self, config: &ModelConfig) -> Map<String, Value> {
        let mut map = llama::write(config);
        let experts = config.options.experts.map_or(Value::Null, |experts| {
            json!({
                "num_local_experts": experts.count,
                "num_experts_per_tok": experts.top_k,
                "output_router_logits": experts.balance_loss > 0.0,
                "router_aux_loss_coef": experts.balance_loss,
                "router_z_loss_coef": experts.z_loss,
                "sliding_window": config.options.sliding_window,
            })
        });
        map.extend(experts.as_object().cloned().unwrap_or_default());
        map
    }
}

/// Experts whose scores are a softmax over all of them.
pub(super) fn softmax_experts(config: &ModelConfig) -> Option<ExpertsDesign> {
    let design = |config| ExpertsDesign { config, scoring: Scoring::Softmax, correction: false };
    config.options.experts.map(design)
}

/// The weights of the balance loss, which the reference adds only where it shows the scores, and of the
/// z-loss.
pub(super) fn read_router_losses(fields: &Fields<'_>) -> Result<(f64, f64)> {
    let shown = fields.flag("output_router_logits")?.unwrap_or(false);
    let weight = fields.number("router_aux_loss_coef")?.unwrap_or(0.001);
    let z_loss = fields.number("router_z_loss_coef")?.unwrap_or(0.0);
    Ok((if shown { weight } else { 0.0 }, z_loss))
}

const NAMES: &[Row] = &[
    ("model.layers.#.block_sparse_moe.gate.weight", Same("blocks.#.mlp.router.weight")),
    (
        "model.layers.#.block_sparse_moe.experts.%.w1.weight",
        Same("blocks.#.mlp.experts.%.gate.weight"),
    ),
    (
        "model.layers.#.block_sparse_moe.experts.%.w3.weight",
        Same("blocks.#.mlp.experts.%.up.weight"),
    ),
    (
        "model.layers.#.block_sparse_moe.experts.%.w2.weight",
        Same("blocks.#.mlp.experts.%.down.weight"),
    ),
];
