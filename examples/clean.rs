//! Filters documents by quality: kept ones, rejected ones with rule, value and threshold, a report.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use clap::Args;
use examples::command::{self, Common, Failure, OrUsage, required, required_list};
use examples::progress::Progress;
use examples::stages::clean::{CleanConfig, clean, diff, explain};
use examples::stages::{Documents, StageReport, megabytes};
use pretrain_corpus::ReadOptions;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Settings {
    /// Files or folders of documents: JSONL (.gz, .zst), Parquet, text, WET
    #[arg(long, num_args = 1.., value_name = "PATH")]
    input: Vec<PathBuf>,
    /// Where the kept documents, `rejected/` and `report.json` go
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The rules: gopher, c4, fineweb, fineweb-0.10, pii, residue, prose or code [default: gopher]
    #[arg(long)]
    preset: Option<String>,
    /// The field that holds the text [default: text]
    #[arg(long, value_name = "NAME")]
    text_field: Option<String>,
    /// The field that holds the id [default: id]
    #[arg(long, value_name = "NAME")]
    id_field: Option<String>,
    /// Print the preset as TOML, to be edited and passed back as `[filters]`, and stop
    #[arg(long)]
    print_preset: bool,
    /// Drop nothing: keep every document with the value of every check in its metadata
    #[arg(long)]
    annotate: bool,
    /// Print every check of the document with this id, and stop
    #[arg(long, value_name = "ID")]
    explain: Option<String>,
    /// Print what this preset would change against the rules, and stop
    #[arg(long, value_name = "PRESET")]
    diff: Option<String>,
    /// Rules in full, instead of a preset (configuration file only)
    #[arg(skip)]
    filters: Option<CleanConfig>,
}

#[derive(Serialize)]
struct Outcome {
    #[serde(flatten)]
    report: StageReport,
    out: PathBuf,
}

fn run(settings: Settings, common: &Common) -> Result<Option<Outcome>, Failure> {
    let preset = settings.preset.as_deref().unwrap_or("gopher");
    let mut config = match settings.filters {
        Some(config) => config,
        None => CleanConfig::preset(preset).or_usage()?,
    };
    if settings.print_preset {
        println!("[filters]\n{}", toml::to_string(&config).or_usage()?);
        return Ok(None);
    }
    config.annotate |= settings.annotate;
    let input = required_list(&settings.input, "input")?;
    let defaults = ReadOptions::default();
    let documents = Documents::open(input).or_usage()?.with_options(ReadOptions {
        text_field: settings.text_field.unwrap_or(defaults.text_field),
        id_field: settings.id_field.unwrap_or(defaults.id_field),
        ..ReadOptions::default()
    });
    if let Some(id) = &settings.explain {
        print!("{}", explain(&documents, &config, id)?);
        return Ok(None);
    }
    if let Some(preset) = &settings.diff {
        let other = CleanConfig::preset(preset).or_usage()?;
        let changes = diff(&documents, &config.default, &other.default)?;
        println!("{}", serde_json::to_string_pretty(&changes).or_usage()?);
        return Ok(None);
    }
    let out = required(settings.out, "out")?;
    let done = clean(&documents, &out, &config, Progress::new(common.quiet))?;
    if !common.json {
        let StageReport { documents, bytes, .. } = done.report;
        println!("kept {documents} documents ({}) in {}", megabytes(bytes), out.display());
    }
    Ok(Some(Outcome { report: done.report, out }))
}

fn main() -> ExitCode {
    command::main("Filter documents by quality", run)
}
