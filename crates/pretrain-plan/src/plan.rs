//! A whole run in numbers.

use crate::error::positive;
use crate::scaling::TOKENS_PER_PARAMETER;
use crate::{Memory, MemoryConfig, ModelShape, Parameters, PlanError, Result, ScalingLaw};
use serde::{Deserialize, Serialize};

/// How many tokens a run trains on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenBudget {
    /// So many.
    Tokens(u64),
    /// So many per parameter, embeddings included; 20 is the usual rule.
    PerParameter(f64),
    /// So many that the given operations are spent.
    Flops(f64),
}

/// The machines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Devices.
    pub devices: u64,
    /// Peak operations per second of one device, dense, in the format computed with. An H100 SXM
    /// has 989.5e12 in bf16, an A100 312e12.
    pub peak_flops: f64,
    /// Model FLOPs utilisation: the share of the peak that the model's own operations reach, above
    /// 0, at most 1. 0.3 to 0.5 is usual on large accelerators.
    pub mfu: f64,
    /// Price of one device for one hour, in any currency.
    #[serde(default)]
    pub price_per_device_hour: Option<f64>,
}

/// What to plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanConfig {
    /// The model.
    pub model: ModelShape,
    /// The data.
    pub tokens: TokenBudget,
    /// How it is trained.
    pub memory: MemoryConfig,
    /// On what, if time and cost are asked for.
    #[serde(default)]
    pub hardware: Option<Hardware>,
}

/// The numbers of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Parameters in total.
    pub parameters: u64,
    /// Parameters by part.
    pub parameters_by_part: Parameters,
    /// Operations per token, forward and backward, by convention; see
    /// [`FlopsPerToken`](crate::FlopsPerToken).
    pub flops_per_token: u64,
    /// Operations per token of the forward pass, exactly.
    pub forward_flops_per_token: u64,
    /// Memory of one device that holds the whole model.
    pub memory_bytes: Memory,
    /// Tokens trained on.
    pub tokens: u64,
    /// Operations of the whole run: `flops_per_token * tokens`.
    pub total_flops: f64,
    /// Loss in nats per token that [`ScalingLaw::HOFFMANN_2022`] predicts.
    pub predicted_loss: f64,
    /// Loss in nats per token that [`ScalingLaw::BESIROGLU_2024`] predicts.
    pub predicted_loss_refit: f64,
    /// Compute-optimal tokens for the model.
    pub optimal_tokens: OptimalTokens,
    /// Time in seconds, where hardware is given.
    pub seconds: Option<f64>,
    /// Tokens per second over all devices, where hardware is given.
    pub tokens_per_second: Option<f64>,
    /// Cost, where hardware and price are given.
    pub cost: Option<f64>,
}

/// Compute-optimal tokens by three rules.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimalTokens {
    /// Twenty per parameter.
    pub rule_of_thumb: f64,
    /// By [`ScalingLaw::HOFFMANN_2022`].
    pub hoffmann_2022: f64,
    /// By [`ScalingLaw::BESIROGLU_2024`].
    pub besiroglu_2024: f64,
}

impl PlanConfig {
    /// Computes the plan.
    ///
    /// # Errors
    /// The shape is impossible, or settings are: every fault of the shape, or else every fault of
    /// memory, tokens and hardware.
    pub fn plan(self) -> Result<Plan> {
        let Self { model, tokens: budget, memory, hardware } = self;
        let architecture = model.resolve()?;
        let by_part = architecture.parameters();
        let flops = architecture.flops_per_token();
        let mut faults = Vec::new();
        let memory_bytes = match architecture.memory(&memory) {
            Ok(memory) => Some(memory),
            Err(PlanError::Settings { faults: found } | PlanError::Shape { faults: found }) => {
                faults.extend(found);
                None
            }
        };
        let n = by_part.total() as f64;
        let tokens = match budget {
            TokenBudget::Tokens(tokens) => tokens as f64,
            TokenBudget::PerParameter(ratio) => ratio * n,
            TokenBudget::Flops(total) => total / flops.training as f64,
        };
        if !(1.0..2_f64.powi(63)).contains(&tokens) {
            faults.push(format!("tokens: {tokens} is not between 1 and 2^63"));
        }
        if let Some(Hardware { devices, peak_flops, mfu, price_per_device_hour }) = &hardware {
            positive("devices", *devices as f64, &mut faults);
            positive("peak_flops", *peak_flops, &mut faults);
            positive("mfu", *mfu, &mut faults);
            if *mfu > 1.0 {
                faults.push(format!("mfu: {mfu} is above 1"));
            }
            if let Some(price) = price_per_device_hour.filter(|p| !(p.is_finite() && *p >= 0.0)) {
                faults.push(format!("price_per_device_hour: {price} is no price"));
            }
        }
        let Some(memory_bytes) = memory_bytes.filter(|_| faults.is_empty()) else {
            return Err(PlanError::Settings { faults });
        };

        // Whole tokens from here on, so that the parts of the plan agree with each other.
        let tokens = tokens as u64;
        let total_flops = flops.training as f64 * tokens as f64;
        let seconds =
            hardware.as_ref().map(|h| total_flops / (h.peak_flops * h.mfu * h.devices as f64));
        let price =
            hardware.as_ref().and_then(|h| Some(h.price_per_device_hour? * h.devices as f64));
        Ok(Plan {
            parameters: by_part.total(),
            parameters_by_part: by_part,
            flops_per_token: flops.training,
            forward_flops_per_token: flops.forward(),
            memory_bytes,
            tokens,
            total_flops,
            predicted_loss: ScalingLaw::HOFFMANN_2022.loss(n, tokens as f64),
            predicted_loss_refit: ScalingLaw::BESIROGLU_2024.loss(n, tokens as f64),
            optimal_tokens: OptimalTokens {
                rule_of_thumb: TOKENS_PER_PARAMETER * n,
                hoffmann_2022: ScalingLaw::HOFFMANN_2022.optimal_tokens(n),
                besiroglu_2024: ScalingLaw::BESIROGLU_2024.optimal_tokens(n),
            },
            seconds,
            tokens_per_second: seconds.map(|seconds| tokens as f64 / seconds),
            cost: price.zip(seconds).map(|(price, seconds)| price * seconds / 3600.0),
        })
    }
}
