//! A checkpoint to a Hugging Face directory, or such a directory to a checkpoint.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use anyhow::anyhow;
use clap::Args;
use examples::command::{self, Common, Failure, OrUsage, required};
use examples::model::{find_checkpoint, find_tokenizer};
use examples::stages::export::export;
use pretrain_store::FileEntry;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Settings {
    /// What to read: a checkpoint, a training directory, a run, or a Hugging Face directory
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
    /// The directory to write; it can be read by `transformers`, `generate`, `evaluate` and `export`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// `tokenizer.json` [default: beside the checkpoint, or of its run]
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// Write the weights and the configuration alone
    #[arg(long)]
    no_tokenizer: bool,
}

#[derive(Serialize)]
struct Outcome {
    out: PathBuf,
    files: Vec<FileEntry>,
}

fn run(settings: Settings, common: &Common) -> Result<Outcome, Failure> {
    let checkpoint = find_checkpoint(&required(settings.checkpoint, "checkpoint")?).or_usage()?;
    let out = required(settings.out, "out")?;
    if pretrain_store::is_dir(&out) && !pretrain_store::list(&out)?.is_empty() {
        return Err(Failure::Usage(anyhow!("{} is not empty", out.display())));
    }
    let tokenizer = if settings.no_tokenizer {
        None
    } else {
        Some(find_tokenizer(settings.tokenizer.as_deref(), &checkpoint).or_usage()?)
    };
    let manifest = export(&checkpoint, tokenizer.as_ref(), &out)?;
    if !common.json {
        for file in &manifest.files {
            println!("{} ({} bytes)", out.join(&file.name).display(), file.bytes);
        }
    }
    Ok(Outcome { out, files: manifest.files })
}

fn main() -> ExitCode {
    command::main("Turn a checkpoint into a Hugging Face directory", run)
}
