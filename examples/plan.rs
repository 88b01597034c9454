//! What a model costs before it is trained: parameters, FLOPs, memory, tokens, time and money.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use clap::Args;
use examples::command::{self, Common, Failure, OrUsage, required};
use pretrain_plan::{
    Hardware, MemoryConfig, ModelShape, OptimizerKind, Plan, PlanConfig, Precision, Recomputation,
    TokenBudget,
};
use serde::{Deserialize, Serialize};
use std::process::ExitCode;

#[derive(Args, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Settings {
    /// Tokens in the vocabulary
    #[arg(long, value_name = "N")]
    vocab_size: Option<u64>,
    /// Width of the residual stream
    #[arg(long, value_name = "N")]
    d_model: Option<u64>,
    /// Blocks
    #[arg(long, value_name = "N")]
    n_layers: Option<u64>,
    /// Query heads
    #[arg(long, value_name = "N")]
    n_heads: Option<u64>,
    /// Key and value heads [default: as many as query heads]
    #[arg(long, value_name = "N")]
    n_kv_heads: Option<u64>,
    /// Width of the gated MLP
    #[arg(long, value_name = "N")]
    d_ff: Option<u64>,
    /// Tokens per sequence
    #[arg(long, value_name = "N")]
    seq_len: Option<u64>,
    /// Share the embedding with the output head
    #[arg(long)]
    tie_embeddings: bool,
    /// Tokens to train on [default: 20 per parameter]
    #[arg(long, value_name = "N")]
    tokens: Option<u64>,
    /// Sequences per forward pass [default: 1]
    #[arg(long, value_name = "N")]
    micro_batch: Option<u64>,
    /// Compute in bf16 with f32 masters
    #[arg(long)]
    bf16: bool,
    /// Recompute each block in the backward pass
    #[arg(long)]
    recompute: bool,
    /// Devices [default: 1]
    #[arg(long, value_name = "N")]
    devices: Option<u64>,
    /// Peak FLOP/s of one device, for time and cost (an H100 has 989.5e12 in bf16)
    #[arg(long, value_name = "FLOPS")]
    peak_flops: Option<f64>,
    /// Share of the peak that is reached [default: 0.4]
    #[arg(long, value_name = "SHARE")]
    mfu: Option<f64>,
    /// Price of one device for one hour
    #[arg(long, value_name = "PRICE")]
    price_per_hour: Option<f64>,
}

fn config(settings: Settings) -> Result<PlanConfig, Failure> {
    let n_heads = required(settings.n_heads, "n-heads")?;
    let d_model = required(settings.d_model, "d-model")?;
    let precision = if settings.bf16 { Precision::Bf16 } else { Precision::F32 };
    Ok(PlanConfig {
        model: ModelShape {
            vocab_size: required(settings.vocab_size, "vocab-size")?,
            d_model,
            n_layers: required(settings.n_layers, "n-layers")?,
            n_heads,
            n_kv_heads: settings.n_kv_heads.unwrap_or(n_heads),
            head_dim: d_model / n_heads.max(1),
            d_ff: required(settings.d_ff, "d-ff")?,
            tie_embeddings: settings.tie_embeddings,
            seq_len: required(settings.seq_len, "seq-len")?,
            gated_mlp: true,
        },
        tokens: settings.tokens.map_or(TokenBudget::PerParameter(20.0), TokenBudget::Tokens),
        memory: MemoryConfig {
            compute: precision,
            gradients: Precision::F32,
            masters: settings.bf16,
            optimizer: OptimizerKind::AdamW,
            micro_batch_size: settings.micro_batch.unwrap_or(1),
            recomputation: if settings.recompute {
                Recomputation::Block
            } else {
                Recomputation::None
            },
            logits_chunk: None,
            materialised_attention: false,
        },
        hardware: settings.peak_flops.map(|peak_flops| Hardware {
            devices: settings.devices.unwrap_or(1),
            peak_flops,
            mfu: settings.mfu.unwrap_or(0.4),
            price_per_device_hour: settings.price_per_hour,
        }),
    })
}

fn run(settings: Settings, common: &Common) -> Result<Plan, Failure> {
    let plan = config(settings)?.plan().or_usage()?;
    if !common.json {
        println!("{:#}", serde_json::to_value(&plan)?);
    }
    Ok(plan)
}

fn main() -> ExitCode {
    command::main("What a model costs before it is trained", run)
}
