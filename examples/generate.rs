//! Continues a text with a trained model.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use clap::Args;
use examples::command::{self, Common, Failure, OrUsage, required};
use examples::device::{Device, OnDevice};
use examples::model::{find_checkpoint, find_tokenizer};
use pretrain_bpe::TokenId;
use pretrain_kernels::KernelBackend;
use pretrain_model::{GenerationConfig, Transformer, generate};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Settings {
    /// A checkpoint, a training directory, a run, or an exported model
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
    /// The text to continue
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// `tokenizer.json` [default: beside the checkpoint, or of its run]
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// How many tokens to add at most [default: 64]
    #[arg(long, value_name = "N")]
    max_new_tokens: Option<usize>,
    /// 0 takes the most likely token, 1 samples from the model as it is [default: 0.8]
    #[arg(long)]
    temperature: Option<f64>,
    /// Sample from the K most likely tokens only
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Sample from the most likely tokens that reach probability P together
    #[arg(long, value_name = "P")]
    top_p: Option<f64>,
    /// How many continuations [default: 1]
    #[arg(long, value_name = "N")]
    samples: Option<u64>,
    /// Of the random numbers; continuation i uses seed + i [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// cpu or cuda
    #[arg(long)]
    device: Option<Device>,
}

struct Generate {
    checkpoint: PathBuf,
    prompt: Vec<u32>,
    configs: Vec<GenerationConfig>,
}

impl OnDevice for Generate {
    type Out = anyhow::Result<Vec<Vec<u32>>>;

    fn run<B: KernelBackend>(self, device: &B::Device) -> Self::Out {
        let model = Transformer::<B>::import_dir(&self.checkpoint, device)?;
        let one = |config| Ok(generate(&model, &self.prompt, config)?);
        self.configs.iter().map(one).collect()
    }
}

#[derive(Serialize)]
struct Outcome {
    prompt: String,
    samples: Vec<String>,
}

fn run(settings: Settings, common: &Common) -> Result<Outcome, Failure> {
    let checkpoint = find_checkpoint(&required(settings.checkpoint, "checkpoint")?).or_usage()?;
    let prompt = required(settings.prompt, "prompt")?;
    let tokenizer = find_tokenizer(settings.tokenizer.as_deref(), &checkpoint).or_usage()?;
    let device = settings.device.unwrap_or_default();
    device.check().or_usage()?;
    let mut ids = Vec::new();
    tokenizer.encode_into(&prompt, &mut ids);
    let config = |i| GenerationConfig {
        max_new_tokens: settings.max_new_tokens.unwrap_or(64),
        temperature: settings.temperature.unwrap_or(0.8),
        top_k: settings.top_k,
        top_p: settings.top_p,
        seed: settings.seed.unwrap_or(0).wrapping_add(i),
        stop: examples::model::end_of_text(&tokenizer),
    };
    let configs = (0..settings.samples.unwrap_or(1)).map(config).collect();
    let made = device.run(Generate { checkpoint, prompt: ids, configs })??;
    let text = |ids: &Vec<u32>| {
        let ids: Vec<TokenId> = ids.iter().copied().map(TokenId).collect();
        tokenizer.decode_lossy(&ids)
    };
    let samples: Vec<String> = made.iter().map(text).collect();
    if !common.json {
        for sample in &samples {
            println!("{prompt}{sample}\n");
        }
    }
    Ok(Outcome { prompt, samples })
}

fn main() -> ExitCode {
    command::main("Continue a text with a trained model", run)
}
