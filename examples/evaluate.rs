//! Scores a model on benchmark tasks.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use anyhow::{Context, anyhow};
use clap::Args;
use examples::command::{self, Common, Failure, OrUsage, required, required_list};
use examples::device::{Device, OnDevice};
use examples::model::{end_of_text, find_checkpoint, find_tokenizer};
use examples::progress::{Progress, Unit};
use pretrain_bpe::Tokenizer;
use pretrain_corpus::{Format, InputFile, ReadOptions, Record, read};
use pretrain_eval::{Scorer, Task, evaluate};
use pretrain_kernels::KernelBackend;
use pretrain_model::Transformer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Settings {
    /// A checkpoint, a training directory, a run, or an exported model
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
    /// Names of tasks, separated by commas: lambada, hellaswag, piqa, ...
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    tasks: Vec<String>,
    /// A folder with the tasks' JSON lines (llm-foundry's form), plain or .zst
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// `tokenizer.json` [default: beside the checkpoint, or of its run]
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// Questions per task [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Also write results.json there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// cpu or cuda
    #[arg(long)]
    device: Option<Device>,
}

type Results = BTreeMap<String, BTreeMap<String, f64>>;

struct Evaluate<'a> {
    checkpoint: &'a Path,
    tokenizer: &'a Tokenizer,
    prefix: u32,
    tasks: &'a [(Task, String)],
    limit: Option<usize>,
    progress: Progress,
}

impl OnDevice for Evaluate<'_> {
    type Out = anyhow::Result<Results>;

    fn run<B: KernelBackend>(self, device: &B::Device) -> Self::Out {
        let model = Transformer::<B>::import_dir(self.checkpoint, device)?;
        let scorer = Scorer::new(&model, 4096);
        let one = |(task, lines): &(Task, String)| {
            let bar = self.progress.stage(task.name(), Unit::Items, 0);
            let metrics = evaluate(&scorer, self.tokenizer, self.prefix, *task, lines, self.limit)?;
            bar.finish("");
            Ok((task.name().to_owned(), metrics))
        };
        self.tasks.iter().map(one).collect()
    }
}

/// The file of a task: `<name>.jsonl`, or with something after the name, at any depth.
fn task_lines(data: &Path, name: &str) -> anyhow::Result<String> {
    let files = pretrain_store::list_recursive(data)?;
    let is_task = |path: &&PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        file.strip_prefix(name).is_some_and(|rest| {
            (rest.starts_with('.') || rest.starts_with('_')) && rest.contains(".jsonl")
        })
    };
    let file = files.iter().filter(is_task).min_by_key(|path| path.as_os_str().len());
    let file = file.with_context(|| format!("{} has no {name}*.jsonl", data.display()))?;
    // The corpus crate unpacks it; the lines are the task's own business.
    let file = InputFile { format: Format::Text, ..InputFile::new(file)? };
    let record = read(&file, &ReadOptions::default())?.next();
    match record.context("an empty file")?? {
        Record::Document(document) => Ok(document.text),
        Record::Bad(bad) => anyhow::bail!("{bad}"),
    }
}

fn run(settings: Settings, common: &Common) -> Result<Results, Failure> {
    let checkpoint = find_checkpoint(&required(settings.checkpoint, "checkpoint")?).or_usage()?;
    let data = required(settings.data, "data")?;
    let names = required_list(&settings.tasks, "tasks")?;
    let device = settings.device.unwrap_or_default();
    device.check().or_usage()?;
    let task = |name: &String| {
        let task: Task = name.parse()?;
        Ok((task, task_lines(&data, task.name())?))
    };
    let tasks: Vec<(Task, String)> =
        names.iter().map(task).collect::<anyhow::Result<_>>().or_usage()?;
    let tokenizer = find_tokenizer(settings.tokenizer.as_deref(), &checkpoint).or_usage()?;
    let prefix = *end_of_text(&tokenizer)
        .first()
        .ok_or_else(|| anyhow!("the tokenizer has no end-of-text token"))?;
    let results = device.run(Evaluate {
        checkpoint: &checkpoint,
        tokenizer: &tokenizer,
        prefix,
        tasks: &tasks,
        limit: settings.limit,
        progress: Progress::new(common.quiet),
    })??;
    let pretty = serde_json::to_string_pretty(&results)?;
    if let Some(out) = settings.out {
        pretrain_store::write_atomic(&out.join("results.json"), pretty.as_bytes())?;
    }
    if !common.json {
        println!("{pretty}");
    }
    Ok(results)
}

fn main() -> ExitCode {
    command::main("Score a model on benchmark tasks", run)
}
