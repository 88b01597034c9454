//! Finding what belongs to a trained model: its newest checkpoint and its tokenizer.

use crate::stages::tokenizer::{TOKENIZER_NAME, load_tokenizer};
use anyhow::Context;
use pretrain_bpe::Tokenizer;
use pretrain_model::CONFIG_NAME;
use pretrain_store::MANIFEST_NAME;
use std::path::{Path, PathBuf};

/// The directory with the weights: `path` itself (an export, a checkpoint), or the newest complete
/// checkpoint of a training directory.
///
/// # Errors
/// There is no model in or under `path`.
pub fn find_checkpoint(path: &Path) -> anyhow::Result<PathBuf> {
    if pretrain_store::exists(&path.join(CONFIG_NAME)) {
        return Ok(path.to_path_buf());
    }
    for folder in ["checkpoints", "train/checkpoints", "export"] {
        let folder = path.join(folder);
        if pretrain_store::exists(&folder.join(CONFIG_NAME)) {
            return Ok(folder);
        }
        if pretrain_store::is_dir(&folder) {
            let complete = |dir: &PathBuf| pretrain_store::exists(&dir.join(MANIFEST_NAME));
            // Names hold the step with leading zeros, so the last is the newest.
            let newest = pretrain_store::list_dirs(&folder)?.into_iter().rfind(complete);
            if let Some(newest) = newest {
                return Ok(newest);
            }
        }
    }
    anyhow::bail!("{} holds no model ({CONFIG_NAME}) and no complete checkpoint", path.display())
}

/// The tokenizer of a model: the one given, the one beside the weights, or that of the run which the
/// checkpoint lies in.
///
/// # Errors
/// There is none, or it does not load.
pub fn find_tokenizer(given: Option<&Path>, checkpoint: &Path) -> anyhow::Result<Tokenizer> {
    if let Some(path) = given {
        return load_tokenizer(path);
    }
    let checkpoint = std::path::absolute(checkpoint)
        .with_context(|| format!("cannot resolve {}", checkpoint.display()))?;
    let beside = checkpoint.join(TOKENIZER_NAME);
    let in_run = checkpoint.ancestors().map(|dir| dir.join("tokenizer").join(TOKENIZER_NAME));
    let found = std::iter::once(beside).chain(in_run).find(|path| pretrain_store::exists(path));
    let found = found.with_context(|| {
        format!("no {TOKENIZER_NAME} beside {}; name one with --tokenizer", checkpoint.display())
    })?;
    load_tokenizer(&found)
}

/// The ids at which a generated text ends.
pub fn end_of_text(tokenizer: &Tokenizer) -> Vec<u32> {
    tokenizer.token_to_id(crate::stages::tokens::END_OF_TEXT).map(|id| id.0).into_iter().collect()
}
