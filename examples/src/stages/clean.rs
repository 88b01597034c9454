//! Quality filters: documents in, kept documents and reasons out.

use super::{Documents, Done, run_stage};
use crate::progress::Progress;
use pretrain_corpus::Document;
use pretrain_corpus::JsonlWriter;
use pretrain_filter::{
    Comparison, Explanation, Filter, FilterConfig, Funnel, Input, Scratch, Verdict,
};
use pretrain_store::{OpenStage, Unit, write_atomic};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Which filter judges which document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CleanConfig {
    /// For documents whose source has no filter of its own.
    pub default: FilterConfig,
    /// By `source`.
    #[serde(default)]
    pub by_source: BTreeMap<String, FilterConfig>,
    /// Keep every document as it is, with the value of every check in its metadata under `checks`.
    #[serde(default)]
    pub annotate: bool,
}

impl CleanConfig {
    /// One preset for everything.
    ///
    /// # Errors
    /// There is no preset of this name; the known ones are listed.
    pub fn preset(name: &str) -> anyhow::Result<Self> {
        Ok(Self {
            default: FilterConfig::preset(name)?,
            by_source: BTreeMap::new(),
            annotate: false,
        })
    }
}

/// The unit that is made of all others.
const REPORT: &str = "report";

/// A dropped document, as a line of `rejected/`.
#[derive(Serialize)]
struct Rejected<'a> {
    id: &'a str,
    rule: String,
    value: f64,
    threshold: f64,
}

/// A document as a filter sees it; its language is what `language` or `lang` of its metadata says.
fn input(document: &Document) -> Input<'_> {
    let language = |key| document.metadata.get(key).and_then(serde_json::Value::as_str);
    Input {
        text: &document.text,
        id: document.id.as_str(),
        url: document.url.as_deref(),
        language: language("language").or_else(|| language("lang")),
    }
}

/// Every check of the document with this id.
///
/// # Errors
/// There is none, the filter's settings are impossible, or the input cannot be read.
pub fn explain(
    documents: &Documents,
    config: &CleanConfig,
    id: &str,
) -> anyhow::Result<Explanation> {
    let mut found = None;
    for file in &documents.files {
        documents.each(
            file,
            |_| Ok(()),
            |document| {
                if found.is_none() && document.id.as_str() == id {
                    let source = document.source.as_deref().unwrap_or_default();
                    let rules = config.by_source.get(source).unwrap_or(&config.default);
                    found = Some(Filter::new(rules.clone())?.explain(input(&document)));
                }
                Ok(())
            },
        )?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    anyhow::bail!("no document has the id {id:?}")
}

/// What `second` changes against `first` over all documents. Writes nothing.
///
/// # Errors
/// A filter's settings are impossible, or the input cannot be read.
pub fn diff(
    documents: &Documents,
    first: &FilterConfig,
    second: &FilterConfig,
) -> anyhow::Result<Comparison> {
    let (first, second) = (Filter::new(first.clone())?, Filter::new(second.clone())?);
    let one = |file| {
        let (mut part, mut scratch) = (Comparison::default(), Scratch::default());
        documents.each(
            file,
            |_| Ok(()),
            |document| {
                let verdict = first.judge_with(input(&document), &mut scratch);
                let other = second.judge_with(input(&document), &mut scratch);
                part.add(&document.text, &verdict, &other);
                Ok(())
            },
        )?;
        Ok(part)
    };
    let parts: Vec<Comparison> =
        documents.files.par_iter().map(one).collect::<anyhow::Result<_>>()?;
    let mut whole = Comparison::default();
    parts.iter().for_each(|part| whole.merge(part));
    Ok(whole)
}

/// Judges every document. Writes kept ones as `part-*.jsonl.zst`, dropped ones with their reason
/// under `rejected/`, records that are no documents under `bad/`, and `report.json`.
///
/// # Errors
/// A filter's settings are impossible, the input cannot be read, or the disk refuses.
pub fn clean(
    documents: &Documents,
    out: &Path,
    config: &CleanConfig,
    progress: Progress,
) -> anyhow::Result<Done> {
    let default = Filter::new(config.default.clone())?;
    let by_source = config
        .by_source
        .iter()
        .map(|(source, filter)| Ok((source.clone(), Filter::new(filter.clone())?)));
    let by_source: BTreeMap<String, Filter> = by_source.collect::<anyhow::Result<_>>()?;
    let spec = documents.spec("clean", config)?;
    run_stage(out, &spec, progress, documents.bytes, |stage, bar| {
        documents.each_unit(&stage, bar, |name, file| {
            let dir = stage.dir();
            let mut kept = JsonlWriter::create(&dir.join(format!("{name}.jsonl.zst")))?;
            let mut rejected = JsonlWriter::create(&dir.join(format!("rejected/{name}.jsonl")))?;
            let mut bad = JsonlWriter::create(&dir.join(format!("bad/{name}.jsonl")))?;
            let mut funnels: BTreeMap<String, Funnel> = BTreeMap::new();
            let mut unit = Unit::new(name);
            let mut n_bad = 0;
            let mut scratch = Scratch::default();
            documents.each(
                file,
                |record| {
                    n_bad += 1;
                    Ok(bad.write_json(&record)?)
                },
                |mut document| {
                    let source = document.source.clone().unwrap_or_default();
                    let filter = by_source.get(&source).unwrap_or(&default);
                    let verdict = filter.judge_with(input(&document), &mut scratch);
                    let funnel = funnels.entry(source).or_default();
                    funnel.add(document.text.len() as u64, &verdict);
                    match verdict {
                        _ if config.annotate => {
                            let checks = filter.measure(input(&document));
                            let values =
                                checks.iter().map(|c| (c.rule.to_string(), c.value.into()));
                            let values: serde_json::Map<_, _> = values.collect();
                            document.metadata.insert("checks".to_owned(), values.into());
                        }
                        Verdict::Keep => {}
                        Verdict::Rewrite(text) => document.text = text,
                        Verdict::Drop(reason) => {
                            rejected.write_json(&Rejected {
                                id: document.id.as_str(),
                                rule: reason.rule.to_string(),
                                value: reason.value,
                                threshold: reason.threshold,
                            })?;
                            return Ok(());
                        }
                    }
                    let counts = &mut unit.counts;
                    *counts.entry("documents".to_owned()).or_default() += 1;
                    *counts.entry("bytes".to_owned()).or_default() += document.text.len() as u64;
                    Ok(kept.write(&document)?)
                },
            )?;
            Ok(unit
                .file(kept.finish()?)
                .file(rejected.finish()?.under("rejected"))
                .file(bad.finish()?.under("bad"))
                .count("bad_records", n_bad)
                .detail(serde_json::to_value(&funnels)?))
        })?;
        finish(stage)
    })
}

/// Merges the units' funnels into `report.json`.
fn finish(stage: OpenStage) -> anyhow::Result<pretrain_store::Manifest> {
    let mut report: BTreeMap<String, Funnel> = BTreeMap::new();
    for unit in stage.units().into_iter().filter(|unit| unit.name != REPORT) {
        let funnels: BTreeMap<String, Funnel> = serde_json::from_value(unit.detail)?;
        for (source, funnel) in funnels {
            report.entry(source).or_default().merge(&funnel);
        }
    }
    let json = serde_json::to_vec_pretty(&report)?;
    let entry = write_atomic(&stage.dir().join("report.json"), &json)?;
    stage.commit_unit(Unit::new(REPORT).file(entry))?;
    Ok(stage.finish([])?)
}
