//! Tokenizer files of every kind, told apart by their names.

use anyhow::{Context, bail};
use pretrain_bpe::{Pattern, TokenId, Tokenizer, VocabMerges};
use pretrain_store::{read, write_atomic};
use std::path::{Path, PathBuf};

/// The vocabulary and the merges of GPT-2's kind, as Hugging Face and as OpenAI call them.
const PAIRS: [(&str, &str); 2] = [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")];
/// Their control token, which is in neither file.
const END_OF_TEXT: &str = "<|endoftext|>";

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
        let end = Tokenizer::from_vocab_merges(&vocab, &merges, pattern.clone(), NO_SPECIALS)?
            .token_to_id(END_OF_TEXT);
        let specials = end.map(|id| (END_OF_TEXT, id));
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

/// Writes a tokenizer in the format that the name asks for; answers with the files.
///
/// # Errors
/// The format cannot express the tokenizer, or the disk refuses.
pub fn save_tokenizer(tokenizer: &Tokenizer, out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if let Some(merges_path) = merges_of(out) {
        let VocabMerges { vocab, merges } = tokenizer.to_vocab_merges()?;
        write_atomic(out, &vocab)?;
        write_atomic(&merges_path, &merges)?;
        return Ok(vec![out.to_owned(), merges_path]);
    }
    let bytes = match out.extension().and_then(|extension| extension.to_str()) {
        Some("json") => tokenizer.to_json(),
        Some("tiktoken") => tokenizer.to_tiktoken()?,
        _ => bail!("a tokenizer file ends in .json or .tiktoken, or is called vocab.json"),
    };
    write_atomic(out, &bytes)?;
    Ok(vec![out.to_owned()])
}

/// The file of merges that belongs beside a file of this name.
fn merges_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?;
    let (_, merges) = PAIRS.iter().find(|(vocab, _)| name == *vocab)?;
    Some(path.with_file_name(merges))
}
