//! Tokenizer files of every kind, told apart by their names.

use crate::stages::tokens::END_OF_TEXT;
use anyhow::Context;
use pretrain_bpe::{Pattern, TokenId, Tokenizer, VocabMerges};
use pretrain_store::{read, write_atomic};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The vocabulary and the merges of GPT-2's kind, as Hugging Face and as OpenAI call them.
const PAIRS: [(&str, &str); 2] = [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")];

/// Reads a tokenizer: `.tiktoken` and `vocab.json` (or `encoder.json`) with the merges beside it, which do
/// not name their `pattern`; `.model` of SentencePiece; `tekken.json`; any other `.json` as a `tokenizer.json`.
/// A directory stands for the `tokenizer.json` in it.
///
/// # Errors
/// The file is missing or is no tokenizer that is understood.
pub fn open_tokenizer(path: &Path, pattern: &Pattern) -> anyhow::Result<Tokenizer> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let tokenizer = if let Some(merges) = merges_of(path) {
        let (vocab, merges) = (read(path)?, read(&merges)?);
        // Which tokens are control tokens is in neither file.
        let ids: Map<String, Value> = serde_json::from_slice(&vocab)?;
        let end = ids.get(END_OF_TEXT).and_then(|id| u32::try_from(id.as_u64()?).ok());
        let specials = end.map(|id| (END_OF_TEXT, TokenId(id)));
        Tokenizer::from_vocab_merges(&vocab, &merges, pattern.clone(), specials)
    } else if name.ends_with(".tiktoken") {
        Tokenizer::from_tiktoken(&read(path)?, pattern.clone(), NO_SPECIALS)
    } else if name.contains(".model") {
        Tokenizer::from_sentencepiece(&read(path)?)
    } else if name == "tekken.json" {
        Tokenizer::from_tekken(&read(path)?)
    } else {
        return super::load_tokenizer(path);
    };
    tokenizer.with_context(|| format!("cannot load {}", path.display()))
}

const NO_SPECIALS: [(&str, TokenId); 0] = [];

/// The formats in which a tokenizer is written.
#[derive(Debug, Clone)]
pub enum Format {
    /// `tokenizer.json`.
    Json,
    /// A rank file.
    Tiktoken,
    /// A vocabulary, with the merges in this file beside it.
    VocabMerges(PathBuf),
}

impl Format {
    /// What the name of a file asks for.
    ///
    /// # Errors
    /// It asks for nothing that can be written.
    pub fn of(out: &Path) -> anyhow::Result<Self> {
        match (merges_of(out), out.extension().and_then(|extension| extension.to_str())) {
            (Some(merges), _) => Ok(Self::VocabMerges(merges)),
            (None, Some("json")) => Ok(Self::Json),
            (None, Some("tiktoken")) => Ok(Self::Tiktoken),
            _ => anyhow::bail!("--out must end in .json or .tiktoken, or be called vocab.json"),
        }
    }
}

/// Writes a tokenizer; answers with the files.
///
/// # Errors
/// The format cannot express the tokenizer, or the disk refuses.
pub fn save_tokenizer(
    tokenizer: &Tokenizer,
    format: Format,
    out: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = vec![out.to_owned()];
    let bytes = match format {
        Format::Json => tokenizer.to_json(),
        Format::Tiktoken => tokenizer.to_tiktoken()?,
        Format::VocabMerges(path) => {
            let VocabMerges { vocab, merges } = tokenizer.to_vocab_merges()?;
            write_atomic(&path, &merges)?;
            files.push(path);
            vocab
        }
    };
    write_atomic(out, &bytes)?;
    Ok(files)
}

/// The file of merges that belongs beside a file of this name.
fn merges_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?;
    let (_, merges) = PAIRS.iter().find(|(vocab, _)| name == *vocab)?;
    Some(path.with_file_name(merges))
}
