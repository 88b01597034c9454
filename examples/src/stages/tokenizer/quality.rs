//! How well a tokenizer fits documents.

use super::super::Documents;
use crate::progress::{Progress, Unit};
use pretrain_bpe::{
    CostModel, QualityCounts, QualityReport, Tokenizer, VocabularyChoice, VocabularyCurve,
};
use pretrain_corpus::Document;
use serde::Serialize;
use std::fmt;

/// A quality report, and the best vocabulary size if a model was described.
#[derive(Debug, Serialize)]
pub struct Quality {
    /// How the texts are cut.
    pub pattern: Option<String>,
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Compression, fertility, parity and use of tokens.
    #[serde(flatten)]
    pub report: QualityReport,
    /// The vocabulary size, up to this tokenizer's, with which the model spends least on these texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_size: Option<VocabularyChoice>,
}

/// Measures a tokenizer on documents, which are grouped by the member `by`: `source`, or any other that
/// they have. A document without it counts as `other`.
///
/// # Errors
/// The input cannot be read, or a best size is wanted of a tokenizer that was not trained merge by merge.
pub fn quality(
    documents: &Documents,
    tokenizer: &Tokenizer,
    by: &str,
    model: Option<CostModel>,
    progress: Progress,
) -> anyhow::Result<Quality> {
    let bar = progress.stage("inspect", Unit::Bytes, documents.bytes);
    let parts = documents.map_files(&bar, |_, file| {
        let mut counts = QualityCounts::new(tokenizer);
        documents.each(
            file,
            |_| Ok(()),
            |document| {
                counts.add(label(&document, by), &document.text);
                Ok(())
            },
        )?;
        Ok(counts)
    })?;
    bar.finish("");
    let mut counts = QualityCounts::new(tokenizer);
    for part in &parts {
        counts.merge(part)?;
    }
    let curve = model.map(|model| counts.curve().map(|curve| (curve, model))).transpose()?;
    let best = |(curve, model): (VocabularyCurve, CostModel)| curve.best(&model);
    Ok(Quality {
        pattern: tokenizer.pattern().map(ToString::to_string),
        vocab_size: tokenizer.vocab_size(),
        report: counts.report(None),
        best_size: curve.and_then(best),
    })
}

fn label<'d>(document: &'d Document, by: &str) -> &'d str {
    let member = match by {
        "source" => document.source.as_deref(),
        other => document.metadata.get(other).and_then(|value| value.as_str()),
    };
    member.unwrap_or("other")
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.report)?;
        let Some(best) = self.best_size else { return Ok(()) };
        let VocabularyChoice { size, bytes_per_token, embedding_parameters, flops_per_byte } = best;
        write!(
            f,
            "\nbest vocabulary size for this model: {size} ({bytes_per_token:.3} bytes per token, \
             {embedding_parameters} embedding parameters, {flops_per_byte:.0} operations per byte)"
        )
    }
}
