//! Deduplication: documents in, what is not a copy out, and who was the same as whom.
//!
//! Two passes. The first reads everything and says what is to be done with each document; the second reads
//! it again and writes what is left. Exact and MinHash keep the first pass's work in `work/` beside the
//! output until it is finished, so that a killed run goes on where it was, and stay within a memory budget.

mod find;
mod options;
mod write;

use super::{Documents, Done, run_stage};
use crate::progress::Progress;
use clap::ValueEnum;
pub use options::DedupOptions;
use pretrain_dedup::Normalise;
use pretrain_dedup::decontaminate::DecontaminateConfig;
use pretrain_dedup::exact::ExactConfig;
use pretrain_dedup::minhash::MinHashConfig;
use pretrain_dedup::paragraph::{ParagraphConfig, Separator};
use pretrain_dedup::substring::{self, Copies, Cut, SubstringConfig};
use pretrain_store::{Digest, InputRef};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What later runs compare with (`--against`).
const INDEX_NAME: &str = "index.run";
/// Where the first pass works.
const WORK_NAME: &str = "work";

/// How duplicates are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum DedupConfig {
    /// Documents that are the same text.
    Exact(ExactConfig),
    /// Paragraphs that occurred before, in any document.
    Paragraph(ParagraphConfig),
    /// Documents that share most of their word n-grams.
    Minhash(MinHashConfig),
    /// Stretches of bytes that occur more than once.
    Substring(SubstringConfig),
    /// Documents that hold a piece of an evaluation set.
    Decontaminate(DecontaminateConfig),
}

/// A method by name, with the settings that most people want.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Documents that are the same text, byte for byte.
    Exact,
    /// Paragraphs that occurred before, in any document.
    Paragraph,
    /// Documents that share most of their word 5-grams, as datatrove finds them.
    #[default]
    Minhash,
    /// Stretches of 100 bytes or more that occur more than once; the first stays.
    Substring,
    /// Documents that share 13 words in a row with one of `--evaluations`.
    Decontaminate,
}

impl Method {
    /// The method's usual settings.
    pub fn config(self) -> DedupConfig {
        match self {
            Self::Exact => DedupConfig::Exact(ExactConfig { normalise: Normalise::None }),
            Self::Paragraph => DedupConfig::Paragraph(ParagraphConfig {
                separator: Separator::BlankLine,
                normalise: Normalise::Whitespace,
                min_chars: 40,
            }),
            Self::Minhash => DedupConfig::Minhash(MinHashConfig::default()),
            Self::Substring => DedupConfig::Substring(SubstringConfig {
                min_bytes: 100,
                copies: Copies::AllButFirst,
                cut: Cut::Chars,
                memory_budget: options::MEMORY_BYTES,
            }),
            Self::Decontaminate => DedupConfig::Decontaminate(DecontaminateConfig::default()),
        }
    }
}

impl DedupConfig {
    /// Checks the settings before anything is read.
    ///
    /// # Errors
    /// Every fault of the method's settings.
    pub fn validate(&self) -> anyhow::Result<()> {
        match self {
            Self::Exact(_) => {}
            Self::Paragraph(config) => config.validate()?,
            Self::Minhash(config) => config.validate()?,
            Self::Substring(config) => drop(substring::find(&[], config)?),
            Self::Decontaminate(config) => config.validate()?,
        }
        Ok(())
    }
}

/// How long a step took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// `keys`, `groups`, `pairs`, `shingles`, `verify`, `clusters`, `find`, `write` or `index`.
    pub name: &'static str,
    /// Wall-clock time of this run.
    pub seconds: f64,
}

/// A finished deduplication.
#[derive(Debug)]
pub struct Deduped {
    /// What it made.
    pub done: Done,
    /// The steps of this run in order; none if an earlier run had done everything.
    pub steps: Vec<Step>,
}

/// Removes what is there twice. Writes what is left as `part-*.jsonl.zst`, `clusters.jsonl` and
/// `report.json`; for exact and MinHash an index that a later run can compare `against`; for
/// decontamination `evaluations.jsonl`, a line per evaluation example.
///
/// Memory: what `options` allow, and the ids of documents in clusters; for paragraphs and
/// decontamination what `pretrain_dedup` states.
///
/// # Errors
/// The settings are impossible, `against` holds no index of this method, the input cannot be read,
/// or the disk refuses.
pub fn dedup(
    name: &str,
    documents: &Documents,
    out: &Path,
    config: &DedupConfig,
    options: &DedupOptions,
    against: Option<&Path>,
    progress: Progress,
) -> anyhow::Result<Deduped> {
    config.validate()?;
    options.staged.validate()?;
    let mut spec = documents.spec(name, &(config, options.of_result()))?;
    if let Some(evaluations) = &options.evaluations {
        spec.inputs.extend(evaluations.inputs.iter().cloned());
    }
    let index = against.map(|dir| dir.join(INDEX_NAME));
    if let Some(path) = &index {
        let indexed = matches!(config, DedupConfig::Exact(_) | DedupConfig::Minhash(_));
        anyhow::ensure!(indexed, "`against` works with the methods exact and minhash");
        let len = pretrain_store::open(path)?.len().to_string();
        let digest = Digest::of(len.as_bytes());
        spec = spec.input(InputRef { name: "against".to_owned(), digest });
    }
    let mut steps = Vec::new();
    let done = run_stage(out, &spec, progress, 2 * documents.bytes, |stage, bar| {
        let work = stage.dir().join(WORK_NAME);
        let mut clock = Clock { steps: &mut steps };
        let context =
            find::Context { documents, options, work: &work, index: index.as_deref(), bar };
        let found = find::find(&context, config, &mut clock)?;
        let manifest = write::write(&context, stage, found, &mut clock)?;
        pretrain_store::remove_dir_all(&work)?;
        Ok(manifest)
    })?;
    Ok(Deduped { done, steps })
}

/// Takes the time of steps.
struct Clock<'a> {
    steps: &'a mut Vec<Step>,
}

impl Clock<'_> {
    fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let started = std::time::Instant::now();
        let result = work();
        self.steps.push(Step { name, seconds: started.elapsed().as_secs_f64() });
        result
    }
}
