//! The second pass: what is left, and the report.

use super::find::{Context, Decisions, Edit, Found, write_examples};
use super::{Clock, INDEX_NAME};
use crate::stages::part_name;
use pretrain_corpus::{BadRecord, Document, JsonlWriter};
use pretrain_dedup::{DocIndex, substring};
use pretrain_store::{FileEntry, Manifest, OpenStage, Unit, write_atomic};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A line of `clusters.jsonl`.
#[derive(Serialize)]
struct ClusterLine<'a> {
    kept: &'a str,
    members: Vec<&'a str>,
}

/// What one source lost.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Loss {
    documents_in: u64,
    bytes_in: u64,
    removed_documents: u64,
    removed_bytes: u64,
}

type Losses = BTreeMap<String, Loss>;

/// `report.json`.
#[derive(Serialize)]
struct Report {
    documents_in: u64,
    documents_out: u64,
    bytes_out: u64,
    removed: u64,
    /// Records that are no documents; they are in `rejected/`.
    bad_records: u64,
    clusters: u64,
    sources: Losses,
    detail: serde_json::Value,
}

pub(super) fn write(
    context: &Context<'_>,
    stage: OpenStage,
    found: Found,
    clock: &mut Clock<'_>,
) -> anyhow::Result<Manifest> {
    let clustered = clustered(&found.decisions)?;
    clock.time("write", || write_parts(context, &stage, &found, &clustered))?;
    let mut unit = Unit::new("report");
    let mut clusters = 0;
    let mut lines = JsonlWriter::create(&stage.dir().join("clusters.jsonl"))?;
    if let Decisions::Clusters(outcome) = &found.decisions {
        let ids = load_ids(context)?;
        let id = |document: &DocIndex| -> anyhow::Result<&str> {
            let at = clustered.binary_search(&document.0).ok().and_then(|at| ids.get(at));
            at.map(String::as_str)
                .ok_or_else(|| anyhow::anyhow!("the id of {document:?} is missing"))
        };
        for cluster in outcome.clusters()? {
            let cluster = cluster?;
            let members = cluster.members.iter().map(id).collect::<anyhow::Result<_>>()?;
            lines.write_json(&ClusterLine { kept: id(&cluster.kept)?, members })?;
            clusters += 1;
        }
        let index = pretrain_store::read(&context.work.join(INDEX_NAME))?;
        unit = unit.file(write_atomic(&stage.dir().join(INDEX_NAME), &index)?);
    }
    unit = unit.file(lines.finish()?);
    if !found.examples.is_empty() {
        let path = stage.dir().join("evaluations.jsonl");
        unit = unit.file(write_examples(&path, &found.examples)?);
    }
    let units = stage.units();
    let count = |name: &str| -> u64 { units.iter().filter_map(|unit| unit.counts.get(name)).sum() };
    let documents_in = found.counts.iter().sum::<usize>() as u64;
    let removed = documents_in - count("documents");
    let report = Report {
        documents_in,
        documents_out: count("documents"),
        bytes_out: count("bytes"),
        removed,
        bad_records: count("bad_records"),
        clusters,
        sources: losses(&units)?,
        detail: found.detail,
    };
    let json = serde_json::to_vec_pretty(&report)?;
    let unit = unit
        .file(write_atomic(&stage.dir().join("report.json"), &json)?)
        .count("clusters", clusters)
        .count("removed", removed);
    stage.commit_unit(unit)?;
    Ok(stage.finish([])?)
}

fn write_parts(
    context: &Context<'_>,
    stage: &OpenStage,
    found: &Found,
    clustered: &[u32],
) -> anyhow::Result<()> {
    let mut first = 0;
    let firsts = found.counts.iter().map(|n| {
        first += n;
        first - n
    });
    let firsts: Vec<usize> = firsts.collect();
    context.documents.map_files(context.bar, |i, file| {
        let name = part_name(i);
        if stage.unit(&name).is_some() {
            return Ok(());
        }
        let mut kept = JsonlWriter::create(&stage.dir().join(format!("{name}.jsonl.zst")))?;
        let (mut n, mut bytes, mut at) = (0, 0, firsts[i]);
        let (mut losses, mut ids) = (Losses::new(), Vec::new());
        let mut bad = Vec::new();
        let note = |record: BadRecord| -> anyhow::Result<()> {
            bad.push(serde_json::json!({ "rule": "bad-record", "reason": record.to_string() }));
            Ok(())
        };
        context.documents.each(file, note, |mut document| {
            let index = at;
            at += 1;
            if clustered.binary_search(&(index as u32)).is_ok() {
                ids.push(document.id.as_str().to_owned());
            }
            let before = document.text.len();
            let stays = apply(&mut document, found.decisions.of(index))?;
            let after = if stays { document.text.len() } else { 0 };
            let source = document.source.clone().unwrap_or_else(|| "unknown".to_owned());
            let loss = losses.entry(source).or_default();
            loss.documents_in += 1;
            loss.bytes_in += before as u64;
            loss.removed_documents += u64::from(!stays);
            loss.removed_bytes += (before - after) as u64;
            if stays {
                n += 1;
                bytes += after as u64;
                kept.write(&document)?;
            }
            Ok(())
        })?;
        write_atomic(&context.work.join(format!("ids-{i:06}.json")), &serde_json::to_vec(&ids)?)?;
        let mut unit = Unit::new(&name).file(kept.finish()?).detail(serde_json::to_value(&losses)?);
        if !bad.is_empty() {
            let file_name = format!("rejected/{name}.jsonl");
            let mut lines = JsonlWriter::create(&stage.dir().join(&file_name))?;
            bad.iter().try_for_each(|line| lines.write_json(line))?;
            let entry = FileEntry { name: file_name, ..lines.finish()? };
            unit = unit.file(entry).count("bad_records", bad.len() as u64);
        }
        Ok(stage.commit_unit(unit.count("documents", n).count("bytes", bytes))?)
    })?;
    Ok(())
}

/// Whether anything of the document stays.
fn apply(document: &mut Document, edit: &Edit) -> anyhow::Result<bool> {
    if let Edit::Cut(ranges) = edit {
        let left = substring::without(document.text.as_bytes(), ranges);
        document.text = String::from_utf8(left)?;
    }
    Ok(*edit != Edit::Remove)
}

/// The documents of all clusters, ascending.
fn clustered(decisions: &Decisions) -> anyhow::Result<Vec<u32>> {
    let mut documents = Vec::new();
    if let Decisions::Clusters(outcome) = decisions {
        for cluster in outcome.clusters()? {
            documents.extend(cluster?.members.iter().map(|member| member.0));
        }
    }
    documents.sort_unstable();
    Ok(documents)
}

/// Their ids.
fn load_ids(context: &Context<'_>) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for i in 0..context.documents.files.len() {
        let path = context.work.join(format!("ids-{i:06}.json"));
        let part: Vec<String> = serde_json::from_slice(&pretrain_store::read(&path)?)?;
        ids.extend(part);
    }
    Ok(ids)
}

fn losses(units: &[Unit]) -> anyhow::Result<Losses> {
    let mut all = Losses::new();
    for unit in units.iter().filter(|unit| !unit.detail.is_null()) {
        for (source, loss) in serde_json::from_value::<Losses>(unit.detail.clone())? {
            let sum = all.entry(source).or_default();
            sum.documents_in += loss.documents_in;
            sum.bytes_in += loss.bytes_in;
            sum.removed_documents += loss.removed_documents;
            sum.removed_bytes += loss.removed_bytes;
        }
    }
    Ok(all)
}
