//! The first pass: what each method says of each document.

use super::{DedupConfig, Documents, Index};
use crate::progress::Bar;
use pretrain_corpus::Document;
use pretrain_dedup::exact::{ExactConfig, ExactDedup};
use pretrain_dedup::minhash::{MinHashConfig, MinHashDedup};
use pretrain_dedup::paragraph::{ParagraphConfig, ParagraphDedup};
use pretrain_dedup::substring::{self, SubstringConfig};
use pretrain_dedup::{Clusters, DocIndex};
use serde_json::json;
use std::ops::Range;

/// What is to be done with a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Edit {
    Keep,
    Remove,
    /// Take these byte ranges out; they are ascending and end at characters.
    Cut(Vec<Range<usize>>),
}

/// What the first pass found.
pub(crate) struct Found {
    /// File by file.
    pub(crate) ids: Vec<Vec<String>>,
    /// Document by document.
    pub(crate) edits: Vec<Edit>,
    pub(crate) clusters: Option<Clusters>,
    /// What was kept, for later runs.
    pub(crate) index: Option<Vec<u8>>,
    pub(crate) detail: serde_json::Value,
}

pub(crate) fn find(
    documents: &Documents,
    config: &DedupConfig,
    against: Option<Index>,
    bar: &Bar,
) -> anyhow::Result<Found> {
    match config {
        DedupConfig::Exact(config) => exact(documents, *config, against, bar),
        DedupConfig::Minhash(config) => minhash(documents, *config, against, bar),
        DedupConfig::Paragraph(config) => paragraph(documents, *config, bar),
        DedupConfig::Substring(config) => repeated(documents, config, bar),
    }
}

/// Reads everything in parallel and keeps the id and what `of` says of each document, in order.
fn each<T: Send>(
    documents: &Documents,
    bar: &Bar,
    of: impl Fn(Document) -> T + Sync,
) -> anyhow::Result<(Vec<Vec<String>>, Vec<T>)> {
    let parts = documents.map_files(bar, |_, file| {
        let (mut ids, mut values) = (Vec::new(), Vec::new());
        documents.each_of_ours(file, |document| {
            ids.push(document.id.as_str().to_owned());
            values.push(of(document));
            Ok(())
        })?;
        Ok((ids, values))
    })?;
    let (ids, values): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    Ok((ids, values.into_iter().flatten().collect()))
}

fn edits(clusters: &Clusters) -> Vec<Edit> {
    let edit = |i: usize| {
        let i = u32::try_from(i).expect("the collection refuses more documents");
        if clusters.is_kept(DocIndex(i)) { Edit::Keep } else { Edit::Remove }
    };
    (0..clusters.n_documents()).map(edit).collect()
}

fn exact(
    documents: &Documents,
    config: ExactConfig,
    against: Option<Index>,
    bar: &Bar,
) -> anyhow::Result<Found> {
    let mut dedup = ExactDedup::new(config);
    if let Some(Index::Exact(index)) = against {
        dedup = dedup.against(index)?;
    }
    let (ids, keys) = each(documents, bar, |document| config.key(&document.text))?;
    for key in keys {
        dedup.push_key(key)?;
    }
    let index = Some(dedup.to_index().to_bytes());
    let clusters = dedup.finish()?;
    let (edits, clusters) = (edits(&clusters), Some(clusters));
    Ok(Found { ids, edits, clusters, index, detail: json!({ "method": "exact" }) })
}

fn minhash(
    documents: &Documents,
    config: MinHashConfig,
    against: Option<Index>,
    bar: &Bar,
) -> anyhow::Result<Found> {
    let mut dedup = MinHashDedup::new(config)?;
    if let Some(Index::Minhash(index)) = against {
        dedup = dedup.against(index)?;
    }
    let hasher = dedup.hasher();
    let threshold = hasher.threshold();
    let (ids, signatures) = each(documents, bar, |document| hasher.signature(&document.text))?;
    for signature in signatures {
        dedup.push(signature)?;
    }
    let index = Some(dedup.to_index().to_bytes());
    let found = dedup.finish_reported()?;
    let detail = json!({ "method": "minhash", "threshold": threshold, "lsh": found.report });
    let (edits, clusters) = (edits(&found.clusters), Some(found.clusters));
    Ok(Found { ids, edits, clusters, index, detail })
}

fn paragraph(documents: &Documents, config: ParagraphConfig, bar: &Bar) -> anyhow::Result<Found> {
    let mut dedup = ParagraphDedup::new(config)?;
    let (mut ids, mut edits, mut removed) = (Vec::new(), Vec::new(), 0);
    // First occurrences depend on the order, so the documents are taken one by one.
    for file in &documents.files {
        let mut part = Vec::new();
        documents.each_of_ours(file, |document| {
            let rewritten = dedup.push(&document.text)?;
            removed += rewritten.removed_paragraphs.len();
            let emptied = rewritten.text.trim().is_empty() && !rewritten.removed.is_empty();
            edits.push(if emptied { Edit::Remove } else { cut(rewritten.removed) });
            part.push(document.id.as_str().to_owned());
            Ok(())
        })?;
        ids.push(part);
        bar.advance(pretrain_store::open(&file.path)?.len());
    }
    let detail = json!({ "method": "paragraph", "removed_paragraphs": removed });
    Ok(Found { ids, edits, clusters: None, index: None, detail })
}

fn repeated(documents: &Documents, config: &SubstringConfig, bar: &Bar) -> anyhow::Result<Found> {
    let (ids, texts) = each(documents, bar, |document| document.text)?;
    let bytes: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    let ranges = substring::find(&bytes, config)?;
    let removed: usize = ranges.iter().flatten().map(ExactSizeIterator::len).sum();
    let edit = |(text, ranges): (&String, Vec<Range<usize>>)| {
        let left = text.len() - ranges.iter().map(ExactSizeIterator::len).sum::<usize>();
        if left == 0 && !text.is_empty() { Edit::Remove } else { cut(ranges) }
    };
    let edits = texts.iter().zip(ranges).map(edit).collect();
    let detail = json!({ "method": "substring", "removed_bytes": removed });
    Ok(Found { ids, edits, clusters: None, index: None, detail })
}

fn cut(ranges: Vec<Range<usize>>) -> Edit {
    if ranges.is_empty() { Edit::Keep } else { Edit::Cut(ranges) }
}
