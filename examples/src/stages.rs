//! The steps of the pipeline, each from finished directories to a finished directory.
//!
//! A step opens its [`Stage`]; if the manifest is there the work was done by an earlier run and its
//! counts are read back. Otherwise it goes through the input shard by shard, in parallel, and commits
//! each shard as a unit, so that a killed run loses at most the shards it was in.

pub mod clean;
pub mod dedup;
pub mod evaluate;
pub mod export;
pub mod read;
pub mod tokenizer;
pub mod tokens;
pub mod train;

use crate::progress::{Bar, Progress, Unit as Count};
use pretrain_corpus::{Document, InputFile, ReadOptions, Record};
use pretrain_store::{
    Digest, InputRef, MANIFEST_NAME, Manifest, OpenStage, Stage, StageSpec, Unit,
};
use rayon::prelude::*;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A line of the summary.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageReport {
    /// The stage's name.
    pub name: String,
    /// Wall-clock time of this run; near zero where an earlier run had finished the stage.
    pub seconds: f64,
    /// Documents that left the stage.
    pub documents: u64,
    /// Bytes of text that left the stage.
    pub bytes: u64,
}

/// A finished stage.
#[derive(Debug)]
pub struct Done {
    /// What it made.
    pub manifest: Manifest,
    /// How long it took.
    pub report: StageReport,
}

/// Documents to read: files in order, and what pins them in a manifest.
#[derive(Debug)]
pub struct Documents {
    files: Vec<InputFile>,
    inputs: Vec<InputRef>,
    bytes: u64,
    options: ReadOptions,
}

impl Documents {
    /// Finds the document files behind `paths`: files, folders, or finished stages.
    ///
    /// # Errors
    /// A path is missing, unreadable, of an unknown kind, or an unfinished stage.
    pub fn open(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let files = pretrain_corpus::discover(paths)?;
        let mut inputs = Vec::new();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if pretrain_store::exists(&path.join(MANIFEST_NAME)) {
                inputs.push(Manifest::load(path)?.as_input(&name));
            }
        }
        let mut bytes = 0;
        for file in &files {
            let len = pretrain_store::open(&file.path)?.len();
            bytes += len;
            if inputs.is_empty() || paths.contains(&file.path) {
                // A raw file is pinned by name and length: reading terabytes twice to hash them
                // first would cost more than the stage itself.
                let identity = format!("{} {len}", file.name);
                let digest = Digest::of(identity.as_bytes());
                inputs.push(InputRef { name: file.name.clone(), digest });
            }
        }
        Ok(Self { files, inputs, bytes, options: ReadOptions::default() })
    }

    /// The same documents read under other options.
    #[must_use]
    pub fn with_options(mut self, options: ReadOptions) -> Self {
        self.options = options;
        self
    }

    /// Length of all files in bytes, as they lie on the disk.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A stage that reads these documents.
    pub fn spec(&self, stage: &str, config: &impl Serialize) -> anyhow::Result<StageSpec> {
        let mut spec = StageSpec::new(stage, serde_json::to_value(config)?);
        spec.inputs.clone_from(&self.inputs);
        Ok(spec)
    }

    /// Calls `work` with every document of one file; records that are none go to `bad`.
    fn each(
        &self,
        file: &InputFile,
        mut bad: impl FnMut(pretrain_corpus::BadRecord) -> anyhow::Result<()>,
        mut work: impl FnMut(Document) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for record in pretrain_corpus::read(file, &self.options)? {
            match record? {
                Record::Document(document) => work(document)?,
                Record::Bad(record) => bad(record)?,
            }
        }
        Ok(())
    }

    /// Calls `work` with every document of one of our own shards, where a bad record is corruption.
    fn each_of_ours(
        &self,
        file: &InputFile,
        work: impl FnMut(Document) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.each(file, |bad| anyhow::bail!("{bad}"), work)
    }

    /// Calls `work` with every document of one file, passing over bad records: somebody else reports them.
    fn each_sound(
        &self,
        file: &InputFile,
        work: impl FnMut(Document) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.each(file, |_| Ok(()), work)
    }

    /// Maps every file in parallel; the results come in the files' order.
    fn map_files<T: Send>(
        &self,
        bar: &Bar,
        work: impl Fn(usize, &InputFile) -> anyhow::Result<T> + Sync,
    ) -> anyhow::Result<Vec<T>> {
        let one = |(i, file): (usize, &InputFile)| {
            let result = work(i, file)?;
            bar.advance(pretrain_store::open(&file.path)?.len());
            Ok(result)
        };
        self.files.par_iter().enumerate().map(one).collect()
    }

    /// Makes each file a unit of the stage, skipping those that are committed.
    fn each_unit(
        &self,
        stage: &OpenStage,
        bar: &Bar,
        work: impl Fn(&str, &InputFile) -> anyhow::Result<Unit> + Sync,
    ) -> anyhow::Result<()> {
        self.map_files(bar, |i, file| {
            let name = part_name(i);
            if stage.unit(&name).is_none() {
                stage.commit_unit(work(&name, file)?)?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// The name of the i-th unit and of its files.
fn part_name(i: usize) -> String {
    format!("part-{i:05}")
}

/// Runs a stage unless it is finished: `work` fills the directory and calls `finish`.
fn run_stage(
    dir: &Path,
    spec: &StageSpec,
    progress: Progress,
    total_bytes: u64,
    work: impl FnOnce(OpenStage, &Bar) -> anyhow::Result<Manifest>,
) -> anyhow::Result<Done> {
    let bar = progress.stage(&spec.stage, Count::Bytes, total_bytes);
    let manifest = match Stage::open(dir, spec)? {
        Stage::Finished(manifest) => manifest,
        Stage::Unfinished(stage) => work(stage, &bar)?,
    };
    let count = |name: &str| manifest.counts.get(name).copied().unwrap_or(0);
    let (documents, bytes) = (count("documents"), count("bytes"));
    let seconds = bar.finish(&format!("{documents} documents, {}", megabytes(bytes)));
    let report = StageReport { name: spec.stage.clone(), seconds, documents, bytes };
    Ok(Done { manifest, report })
}

/// A length for people.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
