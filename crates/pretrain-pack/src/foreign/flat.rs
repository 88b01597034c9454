//! Tokens in one piece: with llm.c's header, or with none.

use super::{Boundary, Element, Layout, TokenFile, malformed};
use crate::Result;
use std::path::Path;

/// 256 numbers of four bytes.
const HEADER: u64 = 1024;

/// Opens a `.bin` file of llm.c or modded-nanogpt: version 1 with two bytes per token (GPT-2) or
/// version 7 with four (Llama 3).
///
/// # Errors
/// The file is missing, has another header, or is not as long as the header says.
pub fn llm_c(path: &Path, boundary: Boundary) -> Result<TokenFile> {
    let file = pretrain_store::open(path)?;
    let bad = |offset: u64, expected: &str, found: String| {
        Err(malformed(path, "llm.c token file", offset, expected.to_owned(), found))
    };
    if file.len() < HEADER {
        return bad(0, "a header of 1024 bytes", format!("{} bytes", file.len()));
    }
    let mut header = [0; 12];
    file.read_exact_at(&mut header, 0)?;
    let number = |at: usize| {
        i32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes were sliced"))
    };
    let element = match (number(0), number(4)) {
        (20_240_520, 1) => Element::U16,
        (20_240_801, 7) => Element::U32,
        found => return bad(0, "(20240520, 1) or (20240801, 7)", format!("{found:?}")),
    };
    let n_tokens = u64::try_from(number(8)).ok();
    let Some(n_tokens) = n_tokens.filter(|n| HEADER + n * element.bytes() == file.len()) else {
        let found = format!("{} tokens in {} bytes", number(8), file.len());
        return bad(8, "a number of tokens that fits the file", found);
    };
    let layout = Layout::Marked { offset: HEADER, boundary };
    Ok(TokenFile { file, element, n_tokens, layout })
}

/// Opens a file that is nothing but tokens: nanoGPT's `train.bin` ([`Element::U16`], documents end
/// with 50256), OLMo's and Dolma's `.npy` (which have no NPY header; [`Element::U16`] or
/// [`Element::U32`]).
///
/// # Errors
/// The file is missing or its length is no multiple of the token's.
pub fn raw(path: &Path, element: Element, boundary: Boundary) -> Result<TokenFile> {
    let file = pretrain_store::open(path)?;
    if !file.len().is_multiple_of(element.bytes()) {
        let expected = format!("a multiple of {} bytes", element.bytes());
        let found = format!("{} bytes", file.len());
        return Err(malformed(path, "file of tokens", file.len(), expected, found));
    }
    let n_tokens = file.len() / element.bytes();
    Ok(TokenFile { file, element, n_tokens, layout: Layout::Marked { offset: 0, boundary } })
}
