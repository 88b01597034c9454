//! Quality filters: documents in, kept documents and reasons out.

use super::{Documents, Done, run_stage};
use crate::progress::Progress;
use pretrain_corpus::JsonlWriter;
use pretrain_filter::{Filter, FilterConfig, Funnel, Verdict};
use pretrain_store::{OpenStage, Unit, write_atomic};
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
}

impl CleanConfig {
    /// One preset for everything.
    ///
    /// # Errors
    /// There is no preset of this name; the known ones are listed.
    pub fn preset(name: &str) -> anyhow::Result<Self> {
        Ok(Self { default: FilterConfig::preset(name)?, by_source: BTreeMap::new() })
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
            documents.each(
                file,
                |record| {
                    n_bad += 1;
                    Ok(bad.write_json(&record)?)
                },
                |mut document| {
                    let source = document.source.clone().unwrap_or_default();
                    let filter = by_source.get(&source).unwrap_or(&default);
                    let verdict = filter.judge(&document.text);
                    let funnel = funnels.entry(source).or_default();
                    funnel.add(document.text.len() as u64, &verdict);
                    match verdict {
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
