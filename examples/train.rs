//! Trains a model on token shards.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use anyhow::anyhow;
use clap::Args;
use examples::command::{self, Common, Failure, OrUsage, required};
use examples::device::Device;
use examples::progress::Progress;
use examples::stages::tokens::open_packed;
use examples::stages::train::{Learn, ModelSettings, TrainingSettings, has_run, train};
use pretrain_model::SpecialTokens;
use pretrain_pack::{PackConfig, Packing};
use pretrain_train::Outcome;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Settings {
    /// A directory that `pack` or `pretrain` filled with token shards
    #[arg(long, value_name = "DIR")]
    tokens: Option<PathBuf>,
    /// Where checkpoints and metrics.jsonl go
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Training steps
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Tokens per sequence [default: 256]
    #[arg(long, value_name = "N")]
    seq_len: Option<usize>,
    /// Of the weights and the order of the data [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Go on with the run in --out
    #[arg(long)]
    resume: bool,
    /// cpu or cuda
    #[arg(long)]
    device: Option<Device>,
    /// Shape of the model (configuration file only)
    #[arg(skip)]
    model: Option<ModelSettings>,
    /// How it is trained (configuration file only)
    #[arg(skip)]
    training: Option<TrainingSettings>,
}

fn run(settings: Settings, common: &Common) -> Result<Value, Failure> {
    let (tokens, out) = (required(settings.tokens, "tokens")?, required(settings.out, "out")?);
    let (steps, seed) = (required(settings.steps, "steps")?, settings.seed.unwrap_or(0));
    if has_run(&out) && !settings.resume {
        let message = anyhow!("{} holds a run: pass --resume to go on with it", out.display());
        return Err(Failure::Usage(message));
    }
    let seq_len = settings.seq_len.unwrap_or(256);
    let device = settings.device.unwrap_or_default();
    device.check().or_usage()?;
    let config = settings.training.unwrap_or_default().resolve(seed, steps, seq_len).or_usage()?;
    let packed = open_packed(&tokens, "train", PackConfig::new(seq_len, Packing::Concat))?;
    let vocab_size = packed.tokens().header().vocab_size;
    let special = SpecialTokens { bos: Some(0), eos: vec![0], pad: None };
    let model = settings.model.unwrap_or_default().resolve(vocab_size, seq_len, special);
    let model = model.or_usage()?;
    let progress = Progress::new(common.quiet);
    let learn = Learn { tokens: &tokens, out: &out, model: &model, config: &config, progress };
    match train(&learn, device)? {
        Outcome::Finished {
            step,
            loss,
            validation_loss,
            tokens_per_second,
            weights_sha256,
            checkpoint,
            ..
        } => {
            if !common.json {
                println!("{}", checkpoint.display());
            }
            Ok(json!({
                "interrupted": false, "step": step, "loss": loss,
                "validation_loss": validation_loss, "tokens_per_second": tokens_per_second,
                "weights_sha256": weights_sha256, "checkpoint": checkpoint,
            }))
        }
        Outcome::Interrupted { step, checkpoint, .. } => {
            Ok(json!({ "interrupted": true, "step": step, "checkpoint": checkpoint }))
        }
        other => Err(anyhow!("training ended in an unknown way: {other:?}").into()),
    }
}

fn main() -> ExitCode {
    command::main("Train a model on token shards", run)
}
