//! Turns documents into token shards and reports how they pack into sequences.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use clap::Args;
use examples::command::{self, Common, Failure, OrUsage, required, required_list};
use examples::progress::Progress;
use examples::stages::tokenizer::load_tokenizer;
use examples::stages::tokens::{Split, open_packed, tokenise};
use examples::stages::{Documents, StageReport};
use pretrain_pack::{PackConfig, PackReport, Packing};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Settings {
    /// Files or folders of documents
    #[arg(long, num_args = 1.., value_name = "PATH")]
    input: Vec<PathBuf>,
    /// `tokenizer.json`, or the folder that holds it
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// Where the token shards go
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Tokens per sequence, for the report [default: 256]
    #[arg(long, value_name = "N")]
    seq_len: Option<usize>,
    /// concat or best-fit, for the report [default: concat]
    #[arg(long, value_name = "HOW")]
    packing: Option<String>,
    /// Share of documents that is held out for validation [default: 0]
    #[arg(long, value_name = "SHARE")]
    validation_fraction: Option<f64>,
    /// Chooses the documents that are held out [default: 0]
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Serialize)]
struct Outcome {
    #[serde(flatten)]
    report: StageReport,
    packing: PackReport,
    out: PathBuf,
}

fn run(settings: Settings, common: &Common) -> Result<Outcome, Failure> {
    let out = required(settings.out, "out")?;
    let input = required_list(&settings.input, "input")?;
    let tokenizer = load_tokenizer(&required(settings.tokenizer, "tokenizer")?).or_usage()?;
    let documents = Documents::open(input).or_usage()?;
    let split = Split {
        seed: settings.seed.unwrap_or(0),
        validation_fraction: settings.validation_fraction.unwrap_or(0.0),
    };
    split.validate().or_usage()?;
    let packing = settings.packing.as_deref().unwrap_or("concat");
    let packing: Packing = serde_json::from_value(packing.into()).or_usage()?;
    let config = PackConfig::new(settings.seq_len.unwrap_or(256), packing);
    let done = tokenise(&documents, &tokenizer, &out, split, Progress::new(common.quiet))?;
    let packed = open_packed(&out, "train", config)?;
    let report = packed.report().clone();
    if !common.json {
        let (samples, fill) = (report.samples, 100.0 * report.fill());
        println!("{} tokens, {samples} sequences, {fill:.2} % full", report.tokens);
    }
    Ok(Outcome { report: done.report, packing: report, out })
}

fn main() -> ExitCode {
    command::main("Tokenise documents and pack them into sequences", run)
}
