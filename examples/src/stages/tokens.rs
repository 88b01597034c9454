//! Tokenisation: documents and a tokenizer in, token shards for training and validation out.

use super::{Documents, Done, run_stage};
use crate::progress::Progress;
use anyhow::Context;
use pretrain_bpe::Tokenizer;
use pretrain_pack::{
    PackConfig, PackedDataset, SHARD_EXTENSION, ShardHeader, TokenDataset, TokenShardWriter,
};
use pretrain_store::{Digest, InputRef, Unit};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The token that ends every document.
pub const END_OF_TEXT: &str = "<|endoftext|>";

/// Which documents are held out. A document's fate depends on its id alone, so the same document
/// is on the same side in every run with this seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Of the hash that decides.
    pub seed: u64,
    /// Share of documents that is held out, 0 to 1.
    pub validation_fraction: f64,
}

impl Split {
    /// Refuses a share outside 0 to 1.
    ///
    /// # Errors
    /// Names the setting.
    pub fn validate(&self) -> anyhow::Result<()> {
        let share = self.validation_fraction;
        anyhow::ensure!(
            (0.0..1.0).contains(&share),
            "`validation-fraction` is {share}, it must be at least 0 and below 1"
        );
        Ok(())
    }

    /// Whether the document is held out.
    pub fn is_validation(&self, id: &str) -> bool {
        let unit = xxh3_64_with_seed(id.as_bytes(), self.seed) as f64 / 2f64.powi(64);
        unit < self.validation_fraction
    }
}

/// Encodes every document, an end-of-text token after each. Writes `train-*.tokens` and
/// `validation-*.tokens`.
///
/// # Errors
/// The tokenizer lacks the end-of-text token, the input cannot be read, or the disk refuses.
pub fn tokenise(
    documents: &Documents,
    tokenizer: &Tokenizer,
    out: &Path,
    split: Split,
    progress: Progress,
) -> anyhow::Result<Done> {
    let end = tokenizer.token_to_id(END_OF_TEXT).with_context(|| {
        format!("the tokenizer has no {END_OF_TEXT} token, which ends every document")
    })?;
    let fingerprint = tokenizer.fingerprint().to_string();
    let spec = documents.spec("tokens", &split)?.input(InputRef {
        name: "tokenizer".to_owned(),
        digest: Digest::of(fingerprint.as_bytes()),
    });
    let header = ShardHeader { vocab_size: tokenizer.vocab_size(), tokenizer: fingerprint };
    run_stage(out, &spec, progress, documents.bytes, |stage, bar| {
        documents.each_unit(&stage, bar, |name, file| {
            let create = |kind: &str| {
                let path = stage.dir().join(format!("{kind}-{name}.{SHARD_EXTENSION}"));
                TokenShardWriter::create(&path, &header)
            };
            let (mut train, mut validation) = (create("train")?, create("validation")?);
            let mut unit = Unit::new(name);
            let mut ids = Vec::new();
            documents.each_of_ours(file, |document| {
                ids.clear();
                tokenizer.encode_into(&document.text, &mut ids);
                ids.push(end.0);
                let held_out = split.is_validation(document.id.as_str());
                let side = if held_out { &mut validation } else { &mut train };
                let (tokens, bytes) = (ids.len() as u64, document.text.len() as u64);
                side.push_document(&ids, bytes)?;
                let source = document.source.as_deref().unwrap_or("documents");
                let side = if held_out { "validation" } else { "train" };
                let mut count = |key: String, n| *unit.counts.entry(key).or_default() += n;
                count("documents".to_owned(), 1);
                count("bytes".to_owned(), bytes);
                count("tokens".to_owned(), tokens);
                count(format!("bytes.{source}"), bytes);
                count(format!("tokens.{source}"), tokens);
                count(format!("documents.{side}"), 1);
                count(format!("tokens.{side}"), tokens);
                Ok(())
            })?;
            Ok(unit.file(train.finish()?).file(validation.finish()?))
        })?;
        Ok(stage.finish([])?)
    })
}

/// Opens one side (`train` or `validation`) of a finished tokens directory, packed into sequences.
///
/// # Errors
/// There are no shards, one is corrupt, or there are too few tokens for one sequence.
pub fn open_packed(dir: &Path, side: &str, config: PackConfig) -> anyhow::Result<PackedDataset> {
    let is_side = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&format!("{side}-")) && name.ends_with(SHARD_EXTENSION)
    };
    let shards: Vec<PathBuf> = pretrain_store::list(dir)?.into_iter().filter(is_side).collect();
    anyhow::ensure!(!shards.is_empty(), "{} holds no {side} token shards", dir.display());
    let tokens = TokenDataset::open(&shards)?;
    let packed = PackedDataset::new(tokens, config);
    packed.with_context(|| format!("cannot pack the {side} tokens of {}", dir.display()))
}
