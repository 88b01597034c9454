//! Removes duplicates: exact, paragraph, MinHash or substring; or what is in evaluation sets.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use clap::Args;
use examples::command::{self, Common, Failure, OrUsage, required, required_list};
use examples::progress::Progress;
use examples::stages::dedup::{DedupConfig, DedupOptions, Method, Step, dedup};
use examples::stages::{Documents, StageReport, megabytes};
use pretrain_dedup::Keep;
use pretrain_dedup::minhash::Tuning;
use pretrain_dedup::staged::{Guard, GuardAction, StagedConfig};
use serde::{Deserialize, Serialize};
use serde_json::Value;
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
    /// Also remove what an earlier run of this program saw there, and extend its index (exact and minhash)
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// Bands and rows for this Jaccard similarity instead of datatrove's (minhash)
    #[arg(long, value_name = "J")]
    threshold: Option<f64>,
    /// Compare the shingles of candidate pairs; only pairs of this Jaccard similarity count (minhash)
    #[arg(long, value_name = "J")]
    verify: Option<f64>,
    /// Cut clusters that are too large or too sparse into stars instead of only reporting them (minhash)
    #[arg(long)]
    split_chains: bool,
    /// Which document of a cluster stays: first, longest, newest, highest-score
    #[arg(long, value_parser = keep, value_name = "POLICY")]
    keep: Option<Keep>,
    /// The metadata field with the date (a number) or the score
    #[arg(long, value_name = "NAME")]
    rank_field: Option<String>,
    /// Evaluation sets, as documents (decontaminate)
    #[arg(long, num_args = 1.., value_name = "PATH")]
    evaluations: Vec<PathBuf>,
    /// Cut what is in the evaluation sets out instead of dropping the document (decontaminate)
    #[arg(long)]
    cut: bool,
    /// Memory to use, in megabytes [default: 1074]
    #[arg(long, value_name = "MB")]
    memory: Option<u64>,
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
    steps: Vec<Step>,
    sources: Value,
    detail: Value,
}

fn keep(name: &str) -> Result<Keep, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}

fn options(settings: &Settings) -> anyhow::Result<DedupOptions> {
    let action = if settings.split_chains { GuardAction::Split } else { GuardAction::Report };
    let guard = Guard { action, ..Guard::default() };
    let default = DedupOptions::default();
    let sets = (!settings.evaluations.is_empty()).then(|| Documents::open(&settings.evaluations));
    Ok(DedupOptions {
        memory_bytes: settings.memory.map_or(default.memory_bytes, |n| n.saturating_mul(1_000_000)),
        staged: StagedConfig { verify: settings.verify, guard },
        keep: settings.keep,
        rank_field: settings.rank_field.clone(),
        evaluations: sets.transpose()?,
        cut: settings.cut,
    })
}

fn run(settings: Settings, common: &Common) -> Result<Outcome, Failure> {
    let options = options(&settings).or_usage()?;
    let out = required(settings.out, "out")?;
    let input = required_list(&settings.input, "input")?;
    let mut config =
        settings.config.unwrap_or_else(|| settings.method.unwrap_or_default().config());
    if let (Some(threshold), DedupConfig::Minhash(minhash)) = (settings.threshold, &mut config) {
        let tuning = Tuning::for_threshold(threshold, minhash.n_permutations(), 0.5).or_usage()?;
        *minhash = tuning.apply(*minhash);
    }
    let documents = Documents::open(input).or_usage()?;
    let (progress, against) = (Progress::new(common.quiet), settings.against.as_deref());
    let found = dedup("dedup", &documents, &out, &config, &options, against, progress)?;
    let done = found.done;
    let removed = done.manifest.counts.get("removed").copied().unwrap_or(0);
    let mut report: Value =
        serde_json::from_slice(&pretrain_store::read(&out.join("report.json"))?)?;
    let (sources, detail) = (report["sources"].take(), report["detail"].take());
    if !common.json {
        print(&done.report, removed, &sources, &detail, &found.steps);
        println!("{} clusters; everything is in {}", report["clusters"], out.display());
    }
    Ok(Outcome { report: done.report, removed, out, steps: found.steps, sources, detail })
}

fn print(report: &StageReport, removed: u64, sources: &Value, detail: &Value, steps: &[Step]) {
    println!(
        "kept {} documents ({}), removed {removed}",
        report.documents,
        megabytes(report.bytes)
    );
    for (source, loss) in sources.as_object().into_iter().flatten() {
        let n = |key: &str| loss[key].as_u64().unwrap_or(0);
        let (gone, all) = (megabytes(n("removed_bytes")), megabytes(n("bytes_in")));
        println!(
            "  {source}: {} of {} documents, {gone} of {all}",
            n("removed_documents"),
            n("documents_in")
        );
    }
    if let Some(flagged @ 1..) = detail["clusters"]["n_flagged"].as_u64() {
        println!("warning: {flagged} clusters look chained together; report.json lists them");
    }
    let times: Vec<String> =
        steps.iter().map(|step| format!("{} {:.2} s", step.name, step.seconds)).collect();
    println!("{}", times.join(", "));
}

fn main() -> ExitCode {
    command::main("Remove duplicate documents", run)
}
