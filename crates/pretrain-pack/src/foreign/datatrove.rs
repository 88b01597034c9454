//! datatrove's `.ds` (`src/datatrove/pipeline/tokens/tokenizer.py`).

use super::{Element, Layout, TokenFile, malformed, words};
use crate::{PackError, Result};
use std::path::{Path, PathBuf};

/// Opens `NAME.ds` with its neighbours `NAME.ds.index` and `NAME.ds.metadata`.
///
/// # Errors
/// A file is missing, the metadata names no token size of 2 or 4, or index, metadata and tokens
/// disagree on how much there is.
pub fn datatrove(path: &Path) -> Result<TokenFile> {
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let file = pretrain_store::open(path)?;
    let metadata_path = beside(".metadata");
    let metadata = pretrain_store::read_to_string(&metadata_path)?;
    let mut lines = metadata.lines();
    // `tokenizer|token size`, then the number of tokens, then the same for people.
    let first = lines.next().unwrap_or_default();
    let element = match first.rsplit_once('|').map(|(_, size)| size) {
        Some("2") => Element::U16,
        Some("4") => Element::U32,
        _ => {
            let expected = "tokenizer|2 or tokenizer|4".to_owned();
            let format = "datatrove metadata file";
            return Err(malformed(&metadata_path, format, 0, expected, format!("{first:?}")));
        }
    };
    let n_tokens = file.len() / element.bytes();
    let index_path = beside(".index");
    let index = pretrain_store::read(&index_path)?;
    let ends: Vec<u64> = words(&index).collect();
    let disagree = |path: &Path, expected: String, found: String| -> PackError {
        malformed(path, "datatrove file", 0, expected, found)
    };
    let stated = lines.next().unwrap_or_default();
    if stated.trim().parse() != Ok(n_tokens) || !file.len().is_multiple_of(element.bytes()) {
        let expected = format!("{stated} tokens of {} bytes", element.bytes());
        return Err(disagree(path, expected, format!("{} bytes", file.len())));
    }
    let rising = ends.windows(2).all(|pair| pair[0] <= pair[1]);
    if !rising || !index.len().is_multiple_of(8) || ends.last().copied().unwrap_or(0) != n_tokens {
        let expected = format!("ends of documents that rise to {n_tokens}");
        return Err(disagree(&index_path, expected, format!("a last end of {:?}", ends.last())));
    }
    Ok(TokenFile { file, element, n_tokens, layout: Layout::Ends(ends) })
}
