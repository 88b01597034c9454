//! Evaluation on held-out documents: bits per byte of the model, and of what it has to beat.

use super::tokens::{END_OF_TEXT, Split};
use super::{Documents, StageReport};
use crate::device::{Device, OnDevice};
use crate::progress::{Progress, Unit};
use anyhow::Context;
use flate2::{Compression, write::GzEncoder};
use pretrain_bpe::Tokenizer;
use pretrain_eval::{Perplexity, RollingConfig, Scorer, TokenDocument, unigram};
use pretrain_kernels::KernelBackend;
use pretrain_model::Transformer;
use pretrain_store::{Manifest, Stage, Unit as StageUnit, write_atomic};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

/// Held-out text is scored up to this many bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Tokens per forward pass.
const BATCH_TOKENS: usize = 4096;

/// How well the model predicts held-out text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Nats per token.
    pub loss: f64,
    /// `exp` of it.
    pub perplexity: f64,
    /// Bits per byte of text, which does not depend on the tokenizer.
    pub bits_per_byte: f64,
    /// Documents scored.
    pub documents: u64,
    /// Bytes of text scored.
    pub bytes: u64,
}

/// What to compare it with, on the same text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Baselines {
    /// The best that any fixed distribution over the same tokens can do: its own frequencies.
    pub unigram_bits_per_byte: f64,
    /// All of the text as one stream through gzip at its highest level.
    pub gzip_bits_per_byte: f64,
}

/// What the evaluation found; `results.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The model.
    pub validation: Validation,
    /// The others.
    pub baselines: Baselines,
    /// The beginnings of held-out documents, as prompts.
    pub prompts: Vec<String>,
}

/// Documents of the held-out side, in order, up to [`MAX_BYTES`].
struct HeldOut {
    texts: Vec<String>,
    ids: Vec<Vec<u32>>,
}

/// Scores the held-out documents with the weights in `checkpoint`, as a stage.
///
/// # Errors
/// There is no held-out document, the model does not load, or the disk refuses.
pub fn evaluate(
    documents: &Documents,
    split: Split,
    tokenizer: &Tokenizer,
    checkpoint: &Path,
    out: &Path,
    device: Device,
    progress: Progress,
) -> anyhow::Result<(Results, StageReport)> {
    let spec = documents
        .spec("evaluate", &split)?
        .input(Manifest::load(checkpoint)?.as_input("checkpoint"));
    let bar = progress.stage("evaluate", Unit::Items, 0);
    let path = out.join("results.json");
    let results: Results = match Stage::open(out, &spec)? {
        Stage::Finished(_) => serde_json::from_slice(&pretrain_store::read(&path)?)?,
        Stage::Unfinished(stage) => {
            let held_out = held_out(documents, split, tokenizer)?;
            let prefix = tokenizer.token_to_id(END_OF_TEXT).context("no end-of-text token")?.0;
            let model = device.run(Score { checkpoint, held_out: &held_out, prefix })??;
            let results = results(&model, &held_out)?;
            let entry = write_atomic(&path, &serde_json::to_vec_pretty(&results)?)?;
            stage.commit_unit(StageUnit::new("results").file(entry))?;
            stage.finish([])?;
            results
        }
    };
    let Validation { bits_per_byte, documents, bytes, .. } = results.validation;
    let seconds = bar.finish(&format!("{bits_per_byte:.4} bits per byte"));
    Ok((results, StageReport { name: "evaluate".into(), seconds, documents, bytes }))
}

fn held_out(documents: &Documents, split: Split, tokenizer: &Tokenizer) -> anyhow::Result<HeldOut> {
    let (mut held_out, mut bytes) = (HeldOut { texts: Vec::new(), ids: Vec::new() }, 0);
    for file in &documents.files {
        documents.each_of_ours(file, |document| {
            if bytes < MAX_BYTES && split.is_validation(document.id.as_str()) {
                bytes += document.text.len() as u64;
                let mut ids = Vec::new();
                tokenizer.encode_into(&document.text, &mut ids);
                held_out.ids.push(ids);
                held_out.texts.push(document.text);
            }
            Ok(())
        })?;
    }
    anyhow::ensure!(
        !held_out.texts.is_empty(),
        "no document is held out: add documents or raise `validation-fraction`"
    );
    Ok(held_out)
}

struct Score<'a> {
    checkpoint: &'a Path,
    held_out: &'a HeldOut,
    prefix: u32,
}

impl OnDevice for Score<'_> {
    type Out = anyhow::Result<Perplexity>;

    fn run<B: KernelBackend>(self, device: &B::Device) -> Self::Out {
        let model = Transformer::<B>::import_dir(self.checkpoint, device)?;
        let scorer = Scorer::new(&model, BATCH_TOKENS);
        let max_length = scorer.max_length();
        // Half a window of context for every window but a document's first.
        let context_len = (max_length / 2).max(1);
        let config = RollingConfig { max_length, context_len, prefix: self.prefix };
        Ok(scorer.perplexity(token_documents(self.held_out), &config)?)
    }
}

fn token_documents(held_out: &HeldOut) -> impl Iterator<Item = TokenDocument<'_>> {
    let pairs = held_out.ids.iter().zip(&held_out.texts);
    pairs.map(|(ids, text)| TokenDocument { ids, bytes: text.len() as u64 })
}

fn results(model: &Perplexity, held_out: &HeldOut) -> anyhow::Result<Results> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    for text in &held_out.texts {
        gzip.write_all(text.as_bytes())?;
    }
    let gzip_bits = 8.0 * gzip.finish()?.len() as f64;
    Ok(Results {
        validation: Validation {
            loss: model.loss(),
            perplexity: model.perplexity(),
            bits_per_byte: model.bits_per_byte(),
            documents: model.documents,
            bytes: model.bytes,
        },
        baselines: Baselines {
            unigram_bits_per_byte: unigram(token_documents(held_out)).bits_per_byte(),
            gzip_bits_per_byte: gzip_bits / model.bytes as f64,
        },
        prompts: held_out.texts.iter().map(|text| beginning(text)).collect(),
    })
}

/// The first words of a text, about forty characters.
fn beginning(text: &str) -> String {
    let cut = text.char_indices().nth(40).map_or(text.len(), |(i, _)| i);
    let head = &text[..cut];
    let end = head.rfind(char::is_whitespace).filter(|end| *end >= 10).unwrap_or(cut);
    head[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn a_prompt_ends_at_a_word() {
        assert_eq!(beginning("short"), "short");
        assert_eq!(beginning(""), "");
        let long = "Nobody expects the Spanish inquisition, least of all in a test";
        assert_eq!(beginning(long), "Nobody expects the Spanish inquisition,");
        assert_eq!(beginning(&"é".repeat(90)).chars().count(), 40);
    }
}
