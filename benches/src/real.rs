//! Real documents, where the machine has some.

use crate::Corpus;
use anyhow::{Context, Result};
use pretrain_corpus::{Format, InputFile, ReadOptions, Record, discover, read};
use std::path::{Path, PathBuf};

/// Where a longer document is cut, so that one book is not all of what its file gives.
const MAX_TEXT_BYTES: usize = 1 << 16;

/// The folder with real data: what `PRETRAIN_DATA` names, or `../shared/data` beside the workspace.
pub fn data_folder() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("PRETRAIN_DATA").map_or_else(beside, PathBuf::from);
    pretrain_store::is_dir(&folder).then_some(folder)
}

/// About `n_bytes` bytes of the documents in `docs/*.jsonl.zst` of the [`data_folder`]: the first of
/// each file until it has given its share. Documents are cut at 64 KiB. `None` without such files.
///
/// # Errors
/// A file cannot be read.
pub fn real(n_bytes: usize) -> Result<Option<Corpus>> {
    let Some(docs) = data_folder().map(|folder| folder.join("docs")) else { return Ok(None) };
    if !pretrain_store::is_dir(&docs) {
        return Ok(None);
    }
    let mut files = discover(&[docs])?;
    files.retain(|file| file.format == Format::Jsonl);
    let mut texts = Vec::new();
    for (index, file) in files.iter().enumerate() {
        // A file that had less than its share leaves the rest to those after it.
        let taken: usize = texts.iter().map(String::len).sum();
        let share = n_bytes.saturating_sub(taken) / (files.len() - index);
        take(file, share, &mut texts).with_context(|| file.path.display().to_string())?;
    }
    Ok((!texts.is_empty()).then_some(Corpus { name: "real", texts }))
}

/// Adds the first documents of a file, `share` bytes of them.
fn take(file: &InputFile, share: usize, texts: &mut Vec<String>) -> Result<()> {
    let mut left = share;
    for record in read(file, &ReadOptions::default())? {
        // Bad records are lines of another kind, such as lists of pairs.
        let Record::Document(document) = record? else { continue };
        let mut text = document.text;
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES.min(left)));
        left -= text.len();
        if text.is_empty() {
            break;
        }
        texts.push(text);
    }
    Ok(())
}
