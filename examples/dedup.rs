//! Removes duplicates: exact, paragraph, MinHash or substring.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use clap::Args;
use examples::command::{self, Common, Failure, OrUsage, required, required_list};
use examples::progress::Progress;
use examples::stages::dedup::{DedupConfig, Method, dedup};
use examples::stages::{Documents, StageReport, megabytes};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Settings {
    /// Files or folders of documents
    #[arg(long, num_args = 1.., value_name = "PATH")]
    input: Vec<PathBuf>,
    /// Where the kept documents, `clusters.jsonl` and `report.json` go
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What counts as a duplicate [default: minhash]
    #[arg(long)]
    method: Option<Method>,
    /// Also remove what an earlier run of this program kept there (exact and minhash)
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// The method's settings in full (configuration file only)
    #[arg(skip)]
    config: Option<DedupConfig>,
}

#[derive(Serialize)]
struct Outcome {
    #[serde(flatten)]
    report: StageReport,
    removed: u64,
    out: PathBuf,
}

fn run(settings: Settings, common: &Common) -> Result<Outcome, Failure> {
    let out = required(settings.out, "out")?;
    let input = required_list(&settings.input, "input")?;
    let config = settings.config.unwrap_or_else(|| settings.method.unwrap_or_default().config());
    let documents = Documents::open(input).or_usage()?;
    let progress = Progress::new(common.quiet);
    let done = dedup("dedup", &documents, &out, &config, settings.against.as_deref(), progress)?;
    let removed = done.manifest.counts.get("removed").copied().unwrap_or(0);
    if !common.json {
        let StageReport { documents, bytes, .. } = done.report;
        let out = out.display();
        println!("kept {documents} documents ({}), removed {removed}, in {out}", megabytes(bytes));
    }
    Ok(Outcome { report: done.report, removed, out })
}

fn main() -> ExitCode {
    command::main("Remove duplicate documents", run)
}
