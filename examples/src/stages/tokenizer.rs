//! Tokenizer training: documents in, `tokenizer.json` out.

use super::{Documents, Done, run_stage};
use crate::progress::{Bar, Progress};
use anyhow::Context;
use pretrain_bpe::{TokenId, Tokenizer, Trainer, TrainerConfig};
use pretrain_store::{Unit, write_atomic};
use serde::Deserialize;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

mod files;
mod quality;

pub use files::{Format, open_tokenizer, save_tokenizer};
pub use quality::{Quality, quality};

/// The file a tokenizer's directory holds.
pub const TOKENIZER_NAME: &str = "tokenizer.json";

/// Trains a byte-level BPE tokenizer on all documents, as a stage.
///
/// # Errors
/// As [`fit`], or the disk refuses.
pub fn train_tokenizer(
    documents: &Documents,
    out: &Path,
    config: &TrainerConfig,
    progress: Progress,
) -> anyhow::Result<Done> {
    let spec = documents.spec("tokenizer", config)?;
    run_stage(out, &spec, progress, documents.bytes, |stage, bar| {
        let Fitted { tokenizer, n_texts, n_bytes } = fit(documents, config, bar)?;
        let entry = write_atomic(&stage.dir().join(TOKENIZER_NAME), &tokenizer.to_json())?;
        let unit = Unit::new("tokenizer").file(entry).count("documents", n_texts);
        let unit = unit.count("bytes", n_bytes).count("vocabulary", config.vocab_size as u64);
        stage.commit_unit(unit)?;
        Ok(stage.finish([])?)
    })
}

/// A trained tokenizer and what it was trained on.
#[derive(Debug)]
pub struct Fitted {
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// Documents read.
    pub n_texts: u64,
    /// Bytes of text read.
    pub n_bytes: u64,
}

/// Trains a byte-level BPE tokenizer on all documents. Memory: the distinct pre-tokens.
///
/// # Errors
/// The settings are impossible, the text is too small for the vocabulary, or the input cannot be
/// read.
pub fn fit(documents: &Documents, config: &TrainerConfig, bar: &Bar) -> anyhow::Result<Fitted> {
    let trainer = Trainer::new(config.clone())?;
    let parts = documents.map_files(bar, |_, file| {
        let mut counts = trainer.counts();
        documents.each(
            file,
            |_| Ok(()),
            |document| {
                counts.count(&document.text);
                Ok(())
            },
        )?;
        Ok(counts)
    })?;
    let mut counts = trainer.counts();
    for part in &parts {
        counts.merge(part)?;
    }
    let tokenizer = trainer.train(&counts, &mut |step| {
        bar.message(format!("vocabulary {}", step.vocab_size));
    })?;
    let (found, wanted) = (tokenizer.vocab_size(), config.vocab_size);
    anyhow::ensure!(
        found == wanted,
        "the text gives a vocabulary of {found} tokens, `vocab-size` asks for {wanted}: \
         lower it or add text"
    );
    Ok(Fitted { tokenizer, n_texts: counts.n_texts(), n_bytes: counts.n_bytes() })
}

/// Loads a tokenizer from its file, or from the directory of a finished stage or model.
///
/// # Errors
/// The file is missing or is no tokenizer that is understood.
pub fn load_tokenizer(path: &Path) -> anyhow::Result<Tokenizer> {
    let path =
        if pretrain_store::is_dir(path) { path.join(TOKENIZER_NAME) } else { path.to_path_buf() };
    let bytes = pretrain_store::read(&path)?;
    Tokenizer::from_json(&bytes).with_context(|| format!("cannot load {}", path.display()))
}

/// Prints a JSON line `{"id", "ids"}` per document, with `"offsets"` in bytes if asked; answers with
/// the number of documents.
///
/// # Errors
/// The input cannot be read, or nobody listens on stdout.
pub fn encode_documents(
    documents: &Documents,
    tokenizer: &Tokenizer,
    offsets: bool,
) -> anyhow::Result<u64> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut n, mut ids) = (0, Vec::new());
    for file in &documents.files {
        documents.each(
            file,
            |bad| anyhow::bail!("{bad}"),
            |document| {
                let mut line = json!({ "id": document.id.as_str() });
                if offsets {
                    let tokens = tokenizer.encode_with_offsets(&document.text);
                    line["ids"] = tokens.iter().map(|(id, _)| id.0).collect();
                    line["offsets"] =
                        tokens.iter().map(|(_, at)| json!([at.start, at.end])).collect();
                } else {
                    ids.clear();
                    tokenizer.encode_into(&document.text, &mut ids);
                    line["ids"] = json!(ids);
                }
                n += 1;
                Ok(writeln!(out, "{line}")?)
            },
        )?;
    }
    out.flush()?;
    Ok(n)
}

/// Prints a JSON line `{"text"}` for each line `{"ids": [..]}` of the files; answers with their number.
///
/// # Errors
/// A file cannot be read or a line is of another form, or nobody listens on stdout.
pub fn decode_lines(files: &[PathBuf], tokenizer: &Tokenizer) -> anyhow::Result<u64> {
    #[derive(Deserialize)]
    struct Line {
        ids: Vec<u32>,
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut n = 0;
    for path in files {
        for (i, line) in pretrain_store::read_to_string(path)?.lines().enumerate() {
            let line: Line = serde_json::from_str(line)
                .with_context(|| format!("{}, line {}", path.display(), i + 1))?;
            let ids: Vec<TokenId> = line.ids.into_iter().map(TokenId).collect();
            writeln!(out, "{}", json!({ "text": tokenizer.decode_lossy(&ids) }))?;
            n += 1;
        }
    }
    out.flush()?;
    Ok(n)
}
