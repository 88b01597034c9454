//! Where a model may differ from its family. Each family has a place for some of these; the others
//! are refused by name.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Differences from the family; absent = what the family does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelOptions {
    /// Blocks of the encoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder_layers: Option<usize>,
    /// What bends the stream inside the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// Whether the network has a gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gated_mlp: Option<bool>,
    /// Whether attention's products have biases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention_bias: Option<bool>,
    /// Whether the network's products have biases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mlp_bias: Option<bool>,
    /// Positions that a token sees, its own included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sliding_window: Option<usize>,
    /// Which blocks have that window; `n_layers` entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windowed_layers: Option<Vec<bool>>,
    /// Scores are divided by the square root of this number; the width of a head when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_scalar: Option<f64>,
    /// Bound of attention's scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention_softcap: Option<f64>,
    /// Bound of the output scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logit_softcap: Option<f64>,
    /// Whether attention and network read the same stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_residual: Option<bool>,
    /// Number of token types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_types: Option<usize>,
    /// Width of the embedding's rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding_width: Option<usize>,
    /// Number of positions inside a filled blank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_positions: Option<usize>,
    /// Buckets of relative positions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative_positions: Option<RelativeConfig>,
    /// Experts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experts: Option<ExpertsConfig>,
    /// Latent attention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latent: Option<LatentConfig>,
}

impl ModelOptions {
    /// The names of the options that are given.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let Ok(Value::Object(map)) = serde_json::to_value(self) else { return Vec::new() };
        NAMES.iter().copied().filter(|name| map.contains_key(*name)).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As `RopeConfig::check`.
    pub(super) fn check(&self, range: &mut impl FnMut(bool, &'static str, f64, &'static str)) {
        let positive = "a positive number";
        let mut number = |field, value: Option<f64>| {
            let value = value.unwrap_or(1.0);
            range(value > 0.0, field, value, positive);
        };
        let size = |value: Option<usize>| value.map(|n| n as f64);
        number("options.query_scalar", self.query_scalar);
        number("options.attention_softcap", self.attention_softcap);
        number("options.logit_softcap", self.logit_softcap);
        number("options.sliding_window", size(self.sliding_window));
        number("options.encoder_layers", size(self.encoder_layers));
        number("options.embedding_width", size(self.embedding_width));
        if let Some(relative) = self.relative_positions {
            let RelativeConfig { buckets, max_distance } = relative;
            let field = "options.relative_positions.buckets";
            let fits = buckets >= 4 && buckets.is_multiple_of(2);
            range(fits, field, buckets as f64, "even and at least 4");
            let field = "options.relative_positions.max_distance";
            range(max_distance > buckets / 2, field, max_distance as f64, "above buckets / 2");
        }
        if let Some(experts) = self.experts {
            experts.check(range);
        }
        if let Some(latent) = self.latent {
            let rank = latent.query_rank.unwrap_or(1).min(latent.key_value_rank);
            let least = rank.min(latent.plain_dim).min(latent.rope_dim).min(latent.value_dim);
            range(least > 0, "options.latent", least as f64, "made of positive sizes");
        }
    }
}

/// The fields of [`ModelOptions`].
const NAMES: &[&str] = &[
    "encoder_layers",
    "activation",
    "gated_mlp",
    "attention_bias",
    "mlp_bias",
    "sliding_window",
    "windowed_layers",
    "query_scalar",
    "attention_softcap",
    "logit_softcap",
    "parallel_residual",
    "token_types",
    "embedding_width",
    "block_positions",
    "relative_positions",
    "experts",
    "latent",
];

/// What bends the stream inside a network; see [`pretrain_kernels::Activation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activation {
    /// `x sigmoid(x)`.
    Silu,
    /// With the normal distribution's function.
    Gelu,
    /// With its approximation by a hyperbolic tangent.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// `max(x, 0)^2`.
    ReluSquared,
}

impl From<Activation> for pretrain_kernels::Activation {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Silu => Self::Silu,
            Activation::Gelu => Self::Gelu,
            Activation::GeluTanh => Self::GeluTanh,
            Activation::Relu => Self::Relu,
            Activation::ReluSquared => Self::ReluSquared,
        }
    }
}

/// Buckets of distances that share a bias.
///
/// # Source
/// Raffel et al. 2020, §2.1: half of the buckets are single distances, the others grow
/// logarithmically up to `max_distance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelativeConfig {
    /// Number of buckets, even.
    pub buckets: usize,
    /// Distances from here on share the last bucket.
    pub max_distance: usize,
}

/// Several networks of which each token passes a few (Shazeer et al., "Outrageously Large Neural
/// Networks", 2017). No token is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpertsConfig {
    /// Number of experts.
    pub count: usize,
    /// Experts of a token.
    pub top_k: usize,
    /// Width inside an expert.
    pub d_ff: usize,
    /// Experts that every token passes, as one network of their joint width; 0 = none.
    #[serde(default)]
    pub shared: usize,
    /// Leading blocks that have a plain network instead.
    #[serde(default)]
    pub dense_layers: usize,
    /// Whether the weights of a token's experts are divided by their sum.
    pub normalize: bool,
    /// Multiplies the weights.
    #[serde(default = "one")]
    pub scale: f64,
    /// Groups of experts of which only the best are looked at (DeepSeek-V3).
    #[serde(default = "one_group")]
    pub groups: usize,
    /// How many of the groups.
    #[serde(default = "one_group")]
    pub top_groups: usize,
    /// Weight of the loss that balances the experts (Fedus et al., "Switch Transformers", 2021).
    #[serde(default)]
    pub balance_loss: f64,
    /// Weight of the squared log-sum-exp of a router's scores (Zoph et al., "ST-MoE", 2022).
    #[serde(default)]
    pub z_loss: f64,
}

fn one() -> f64 {
    1.0
}

fn one_group() -> usize {
    1
}

impl ExpertsConfig {
    /// `count` experts of width `d_ff`, of which a token passes `top_k`; nothing else.
    pub const fn new(count: usize, top_k: usize, d_ff: usize) -> Self {
        Self {
            count,
            top_k,
            d_ff,
            shared: 0,
            dense_layers: 0,
            normalize: false,
            scale: 1.0,
            groups: 1,
            top_groups: 1,
            balance_loss: 0.0,
            z_loss: 0.0,
        }
    }

    fn check(&self, range: &mut impl FnMut(bool, &'static str, f64, &'static str)) {
        let count = self.count;
        range(count > 0, "options.experts.count", count as f64, "a positive number");
        range(self.d_ff > 0, "options.experts.d_ff", self.d_ff as f64, "a positive number");
        let groups = self.groups;
        let fits = groups > 0 && count.is_multiple_of(groups);
        range(fits, "options.experts.groups", groups as f64, "a divisor of count");
        let fits = self.top_groups > 0 && self.top_groups <= groups;
        let top = self.top_groups as f64;
        range(fits, "options.experts.top_groups", top, "between 1 and groups");
        let seen = count.checked_div(groups).unwrap_or(0).saturating_mul(self.top_groups);
        let fits = self.top_k > 0 && self.top_k <= seen;
        range(fits, "options.experts.top_k", self.top_k as f64, "between 1 and the experts seen");
        range(self.scale > 0.0, "options.experts.scale", self.scale, "a positive number");
        for (field, weight) in [
            ("options.experts.balance_loss", self.balance_loss),
            ("options.experts.z_loss", self.z_loss),
        ] {
            range(weight >= 0.0, field, weight, "a number of at least 0");
        }
    }
}

/// Multi-head latent attention: queries, keys and values are made from narrow vectors, and only part
/// of a head turns, with one key for all heads.
///
/// # Source
/// DeepSeek-AI, "DeepSeek-V2", 2024, §2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatentConfig {
    /// Width of the vector that queries are made from; absent = from the stream itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_rank: Option<usize>,
    /// Width of the vector that keys and values are made from.
    pub key_value_rank: usize,
    /// Features of a query or key that do not turn.
    pub plain_dim: usize,
    /// Features that do.
    pub rope_dim: usize,
    /// Width of a value.
    pub value_dim: usize,
}
