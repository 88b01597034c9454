//! Deduplication: documents in, what is not a copy out, and who was the same as whom.
//!
//! Two passes. The first reads everything and says what is to be done with each document; the second reads
//! it again and writes what is left. The first is repeated when a killed run goes on.

mod find;

use super::{Documents, Done, part_name, run_stage};
use crate::progress::Progress;
use clap::ValueEnum;
use find::{Edit, Found};
use pretrain_corpus::JsonlWriter;
use pretrain_dedup::exact::{ExactConfig, ExactIndex};
use pretrain_dedup::minhash::{MinHashConfig, MinHashIndex};
use pretrain_dedup::paragraph::{ParagraphConfig, Separator};
use pretrain_dedup::substring::{self, Copies, Cut, SubstringConfig};
use pretrain_dedup::{Clusters, DocIndex, Normalise};
use pretrain_store::{Digest, InputRef, Manifest, OpenStage, Unit, write_atomic};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What later runs compare with (`--against`).
const INDEX_NAME: &str = "index.bin";

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
                memory_budget: 8 << 30,
            }),
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
        }
        Ok(())
    }
}

/// An index of documents that an earlier run kept.
#[derive(Debug, Clone)]
pub(crate) enum Index {
    Exact(ExactIndex),
    Minhash(MinHashIndex),
}

/// A line of `clusters.jsonl`.
#[derive(Serialize)]
struct ClusterLine<'a> {
    kept: &'a str,
    members: Vec<&'a str>,
}

/// `report.json`.
#[derive(Serialize)]
struct Report {
    documents_in: usize,
    documents_out: u64,
    bytes_out: u64,
    removed: u64,
    clusters: usize,
    detail: serde_json::Value,
}

/// Removes what is there twice. Writes what is left as `part-*.jsonl.zst`, `clusters.jsonl` and
/// `report.json`, and for exact and MinHash an index that a later run can compare `against`.
///
/// Memory: the ids, and what the method holds per document (see `pretrain_dedup`); for substrings
/// the whole text.
///
/// # Errors
/// The settings are impossible, `against` holds no index of this method, the input cannot be read,
/// or the disk refuses.
pub fn dedup(
    name: &str,
    documents: &Documents,
    out: &Path,
    config: &DedupConfig,
    against: Option<&Path>,
    progress: Progress,
) -> anyhow::Result<Done> {
    config.validate()?;
    let mut spec = documents.spec(name, config)?;
    let index = against.map(|dir| load_index(dir, config)).transpose()?;
    if let Some((_, digest)) = &index {
        spec = spec.input(InputRef { name: "against".to_owned(), digest: *digest });
    }
    let index = index.map(|(index, _)| index);
    run_stage(out, &spec, progress, 2 * documents.bytes, |stage, bar| {
        let found = find::find(documents, config, index, bar)?;
        let mut first = 0;
        let firsts = found.ids.iter().map(|part| {
            first += part.len();
            first - part.len()
        });
        let firsts: Vec<usize> = firsts.collect();
        documents.map_files(bar, |i, file| {
            let unit_name = part_name(i);
            if stage.unit(&unit_name).is_some() {
                return Ok(());
            }
            let path = stage.dir().join(format!("{unit_name}.jsonl.zst"));
            let mut kept = JsonlWriter::create(&path)?;
            let (mut n, mut bytes) = (0, 0);
            let mut edits = found.edits[firsts[i]..].iter();
            documents.each_of_ours(file, |mut document| {
                match edits.next().unwrap_or(&Edit::Keep) {
                    Edit::Keep => {}
                    Edit::Remove => return Ok(()),
                    Edit::Cut(ranges) => {
                        let left = substring::without(document.text.as_bytes(), ranges);
                        document.text = String::from_utf8(left)?;
                    }
                }
                n += 1;
                bytes += document.text.len() as u64;
                Ok(kept.write(&document)?)
            })?;
            let unit = Unit::new(&unit_name).file(kept.finish()?);
            Ok(stage.commit_unit(unit.count("documents", n).count("bytes", bytes))?)
        })?;
        finish(stage, found)
    })
}

fn load_index(dir: &Path, config: &DedupConfig) -> anyhow::Result<(Index, Digest)> {
    let bytes = pretrain_store::read(&dir.join(INDEX_NAME))?;
    let index = match config {
        DedupConfig::Exact(_) => Index::Exact(ExactIndex::from_bytes(&bytes)?),
        DedupConfig::Minhash(_) => Index::Minhash(MinHashIndex::from_bytes(&bytes)?),
        _ => anyhow::bail!("`against` works with the methods exact and minhash"),
    };
    Ok((index, Digest::of(&bytes)))
}

fn finish(stage: OpenStage, found: Found) -> anyhow::Result<Manifest> {
    let ids = found.ids.concat();
    let id = |index: &DocIndex| ids[index.as_usize()].as_str();
    let mut lines = JsonlWriter::create(&stage.dir().join("clusters.jsonl"))?;
    for cluster in found.clusters.iter().flat_map(Clusters::iter) {
        let members = cluster.members.iter().map(id).collect();
        lines.write_json(&ClusterLine { kept: id(&cluster.kept), members })?;
    }
    let count =
        |name: &str| -> u64 { stage.units().iter().filter_map(|unit| unit.counts.get(name)).sum() };
    let report = Report {
        documents_in: ids.len(),
        documents_out: count("documents"),
        bytes_out: count("bytes"),
        removed: ids.len() as u64 - count("documents"),
        clusters: found.clusters.as_ref().map_or(0, Clusters::len),
        detail: found.detail,
    };
    let json = serde_json::to_vec_pretty(&report)?;
    let mut unit = Unit::new("report")
        .file(lines.finish()?)
        .file(write_atomic(&stage.dir().join("report.json"), &json)?)
        .count("clusters", report.clusters as u64)
        .count("removed", report.removed);
    if let Some(index) = found.index {
        unit = unit.file(write_atomic(&stage.dir().join(INDEX_NAME), &index)?);
    }
    stage.commit_unit(unit)?;
    Ok(stage.finish([])?)
}
