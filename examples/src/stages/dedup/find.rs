//! The first pass: what each method says of each document.

use super::options::DedupOptions;
use super::{Clock, DedupConfig, Documents};
use crate::progress::Bar;
use pretrain_corpus::Document;
use pretrain_dedup::decontaminate::{
    Contamination, ContaminationReport, DecontaminateConfig, Evaluations, ExampleCount,
};
use pretrain_dedup::exact::ExactConfig;
use pretrain_dedup::minhash::MinHashConfig;
use pretrain_dedup::paragraph::{ParagraphConfig, ParagraphDedup};
use pretrain_dedup::staged::{Key, Outcome, ShardWriter, Staged};
use pretrain_dedup::substring::{FirstPass, SubstringConfig};
use pretrain_dedup::{DocIndex, Keep};
use pretrain_store::write_atomic;
use serde_json::json;
use std::ops::Range;
use std::path::Path;

/// What is to be done with a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Edit {
    Keep,
    Remove,
    /// Take these byte ranges out; they are ascending and end at characters.
    Cut(Vec<Range<usize>>),
}

/// What the first pass works with.
pub(super) struct Context<'a> {
    pub(super) documents: &'a Documents,
    pub(super) options: &'a DedupOptions,
    pub(super) work: &'a Path,
    pub(super) index: Option<&'a Path>,
    pub(super) bar: &'a Bar,
}

/// What the first pass found.
pub(super) struct Found {
    /// Number of documents, file by file.
    pub(super) counts: Vec<usize>,
    pub(super) decisions: Decisions,
    pub(super) detail: serde_json::Value,
    /// Lines about evaluation examples.
    pub(super) examples: Vec<(String, ExampleCount)>,
}

pub(super) enum Decisions {
    /// Clusters on disk.
    Clusters(Outcome),
    /// Document by document.
    Edits(Vec<Edit>),
}

impl Decisions {
    pub(super) fn of(&self, document: usize) -> &Edit {
        match self {
            Self::Edits(edits) => &edits[document],
            Self::Clusters(found) => {
                let index = u32::try_from(document).expect("the collection refuses more documents");
                if found.is_kept(DocIndex(index)) { &Edit::Keep } else { &Edit::Remove }
            }
        }
    }
}

pub(super) fn find(
    context: &Context<'_>,
    config: &DedupConfig,
    clock: &mut Clock<'_>,
) -> anyhow::Result<Found> {
    match config {
        DedupConfig::Exact(config) => exact(context, *config, clock),
        DedupConfig::Minhash(config) => minhash(context, *config, clock),
        DedupConfig::Paragraph(config) => clock.time("find", || paragraph(context, *config)),
        DedupConfig::Substring(config) => clock.time("find", || repeated(context, config)),
        DedupConfig::Decontaminate(config) => {
            clock.time("find", || decontaminate(context, *config))
        }
    }
}

/// Hands every document of the files whose shards are not committed to `push`.
fn fill<K: Key>(
    context: &Context<'_>,
    staged: &Staged<K>,
    push: impl Fn(&mut ShardWriter<'_, K>, Document) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<Vec<usize>> {
    context.documents.map_files(context.bar, |i, file| {
        if let Some(mut shard) = staged.shard(i)? {
            context.documents.each_sound(file, |document| push(&mut shard, document))?;
            shard.commit()?;
        }
        Ok(staged.shard_documents(i).unwrap_or(0) as usize)
    })
}

fn exact(
    context: &Context<'_>,
    config: ExactConfig,
    clock: &mut Clock<'_>,
) -> anyhow::Result<Found> {
    let Context { documents, options, work, index, .. } = *context;
    let keep = options.keep.unwrap_or(Keep::First);
    let (n, inputs, memory) = (documents.files.len(), &documents.inputs, options.memory_bytes);
    let staged = Staged::exact(work, &config, keep, n, inputs, index, memory)?;
    let counts = clock.time("keys", || {
        fill(context, &staged, |shard, document| {
            let rank = options.rank(&document, keep);
            Ok(shard.push_key(config.key(&document.text), rank)?)
        })
    })?;
    clock.time("groups", || staged.group())?;
    clustered(context, &staged, counts, json!({ "method": "exact" }), clock)
}

fn minhash(
    context: &Context<'_>,
    config: MinHashConfig,
    clock: &mut Clock<'_>,
) -> anyhow::Result<Found> {
    let Context { documents, options, work, index, .. } = *context;
    let config = MinHashConfig { keep: options.keep.unwrap_or(config.keep), ..config };
    let hasher = config.resolve()?;
    let (n, inputs, memory) = (documents.files.len(), &documents.inputs, options.memory_bytes);
    let staged = Staged::minhash(work, &config, &options.staged, n, inputs, index, memory)?;
    let counts = clock.time("keys", || {
        fill(context, &staged, |shard, document| {
            let rank = options.rank(&document, config.keep);
            let signature = hasher.signature(&document.text);
            Ok(shard.push_signature(&hasher, signature.as_ref(), rank)?)
        })
    })?;
    clock.time("groups", || staged.group())?;
    if let Some(wanted) = clock.time("pairs", || staged.pairs())? {
        clock.time("shingles", || {
            documents.map_files(context.bar, |i, file| {
                let Some(mut sets) = staged.sets(i)? else { return Ok(()) };
                let mut index = 0..;
                documents.each_sound(file, |document| {
                    let at = index.next().expect("a shard has fewer documents");
                    if wanted.contains(i, at) {
                        sets.push(at, hasher.shingle_hashes(&document.text))?;
                    }
                    Ok(())
                })?;
                Ok(sets.commit()?)
            })
        })?;
        clock.time("verify", || staged.verify())?;
    }
    let curve: Vec<_> = [0.5, 0.6, 0.7, 0.8, 0.9].map(|j| (j, hasher.s_curve(j))).into();
    let detail = json!({ "method": "minhash", "threshold": hasher.threshold(), "s_curve": curve });
    clustered(context, &staged, counts, detail, clock)
}

fn clustered<K: Key>(
    context: &Context<'_>,
    staged: &Staged<K>,
    counts: Vec<usize>,
    mut detail: serde_json::Value,
    clock: &mut Clock<'_>,
) -> anyhow::Result<Found> {
    let found = clock.time("clusters", || staged.finish())?;
    clock.time("index", || staged.write_index(&context.work.join(super::INDEX_NAME)))?;
    detail["clusters"] = serde_json::to_value(found.report())?;
    Ok(Found { counts, decisions: Decisions::Clusters(found), detail, examples: Vec::new() })
}

fn paragraph(context: &Context<'_>, config: ParagraphConfig) -> anyhow::Result<Found> {
    let mut dedup = ParagraphDedup::new(config)?;
    let (mut counts, mut edits, mut removed) = (Vec::new(), Vec::new(), 0);
    // First occurrences depend on the order, so the documents are taken one by one.
    in_order(context, &mut counts, |document| {
        let rewritten = dedup.push(&document.text)?;
        removed += rewritten.removed_paragraphs.iter().map(ExactSizeIterator::len).sum::<usize>();
        edits.push(edit(&document.text, rewritten.removed));
        Ok(())
    })?;
    let detail = json!({ "method": "paragraph", "removed_paragraphs": removed });
    Ok(Found { counts, decisions: Decisions::Edits(edits), detail, examples: Vec::new() })
}

fn repeated(context: &Context<'_>, config: &SubstringConfig) -> anyhow::Result<Found> {
    let config = SubstringConfig { memory_budget: context.options.memory_bytes, ..*config };
    let (mut counts, mut n, mut removed) = (Vec::new(), 0, 0);
    // Compressed text is a few times larger than its file; a wrong guess only costs time.
    let mut first = FirstPass::new(&config, 4 * context.documents.bytes)?;
    in_order(context, &mut counts, |document| {
        first.push(document.text.as_bytes());
        n += 1;
        Ok(())
    })?;
    let mut second = first.next(context.work);
    in_order(context, &mut Vec::new(), |document| {
        second.push(document.text.as_bytes())?;
        Ok(())
    })?;
    let mut ranges = vec![Vec::new(); n];
    for range in second.finish()? {
        let (document, range) = range?;
        ranges[document.as_usize()].push(range);
    }
    let (mut edits, mut ranges) = (Vec::with_capacity(n), ranges.into_iter());
    in_order(context, &mut Vec::new(), |document| {
        let mut ranges = ranges.next().unwrap_or_default();
        config.cut.apply(document.text.as_bytes(), &mut ranges);
        removed += ranges.iter().map(ExactSizeIterator::len).sum::<usize>();
        edits.push(edit(&document.text, ranges));
        Ok(())
    })?;
    let detail = json!({ "method": "substring", "removed_bytes": removed });
    Ok(Found { counts, decisions: Decisions::Edits(edits), detail, examples: Vec::new() })
}

fn decontaminate(context: &Context<'_>, config: DecontaminateConfig) -> anyhow::Result<Found> {
    let Some(sets) = &context.options.evaluations else {
        anyhow::bail!("decontamination needs evaluation sets");
    };
    let (mut evaluations, mut names) = (Evaluations::new(config)?, Vec::new());
    for file in &sets.files {
        sets.each_sound(file, |example| {
            evaluations.push(&example.text)?;
            names.push(example.id.as_str().to_owned());
            Ok(())
        })?;
    }
    let parts = context.documents.map_files(context.bar, |_, file| {
        let (mut report, mut edits) = (ContaminationReport::new(&evaluations), Vec::new());
        context.documents.each_sound(file, |document| {
            let found = evaluations.find(&document.text);
            report.add(&found);
            edits.push(without_examples(context.options, &evaluations, &document.text, &found));
            Ok(())
        })?;
        Ok((report, edits))
    })?;
    let mut report = ContaminationReport::new(&evaluations);
    parts.iter().for_each(|(part, _)| report.merge(part));
    let counts = parts.iter().map(|(_, edits)| edits.len()).collect();
    let edits = parts.into_iter().flat_map(|(_, edits)| edits).collect();
    let detail = json!({
        "method": "decontaminate",
        "contaminated": report.n_contaminated,
        "examples": evaluations.len(),
        "examples_too_short": report.examples.iter().filter(|example| !example.can_match).count(),
        "examples_found": report.examples.iter().filter(|example| example.n_documents > 0).count(),
    });
    let examples = names.into_iter().zip(report.examples).collect();
    Ok(Found { counts, decisions: Decisions::Edits(edits), detail, examples })
}

fn without_examples(
    options: &DedupOptions,
    evaluations: &Evaluations,
    text: &str,
    found: &Contamination,
) -> Edit {
    if found.matches.is_empty() {
        return Edit::Keep;
    }
    match evaluations.cuts(text, found).filter(|_| options.cut) {
        Some(ranges) => edit(text, ranges),
        None => Edit::Remove,
    }
}

/// Reads everything document by document and notes how many each file has.
fn in_order(
    context: &Context<'_>,
    counts: &mut Vec<usize>,
    mut work: impl FnMut(Document) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for file in &context.documents.files {
        let mut n = 0;
        context.documents.each_sound(file, |document| {
            n += 1;
            work(document)
        })?;
        counts.push(n);
        context.bar.advance(pretrain_store::open(&file.path)?.len());
    }
    Ok(())
}

/// A document of which nothing but white space is left goes.
fn edit(text: &str, ranges: Vec<Range<usize>>) -> Edit {
    if ranges.is_empty() {
        return Edit::Keep;
    }
    let left = pretrain_dedup::substring::without(text.as_bytes(), &ranges);
    if left.trim_ascii().is_empty() { Edit::Remove } else { Edit::Cut(ranges) }
}

/// Writes the lines about evaluation examples.
pub(super) fn write_examples(
    path: &Path,
    examples: &[(String, ExampleCount)],
) -> anyhow::Result<pretrain_store::FileEntry> {
    let mut lines = String::new();
    for (id, count) in examples {
        let mut line = serde_json::to_value(count)?;
        line["id"] = id.as_str().into();
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    Ok(write_atomic(path, lines.as_bytes())?)
}
