//! Megatron-LM's `.idx` and `.bin` (`megatron/core/datasets/indexed_dataset.py`).

use super::{Element, Layout, TokenFile, malformed, words};
use crate::Result;
use std::path::Path;

const FORMAT: &str = "Megatron index";
const MAGIC: &[u8; 9] = b"MMIDIDX\0\0";
/// Magic, version, element code, two counts: unaligned, so everything is read from byte slices.
const HEADER: usize = 34;

/// Opens a Megatron dataset. Several sequences of one document become one document; modes, which a
/// multimodal index has at its end, are skipped.
///
/// # Errors
/// A file is missing, the index is no index of version 1 or is cut off, or it names tokens outside
/// the `.bin` file.
pub fn megatron(index: &Path, tokens: &Path) -> Result<TokenFile> {
    let bytes = pretrain_store::read(index)?;
    let file = pretrain_store::open(tokens)?;
    let bad = |offset: usize, expected: String, found: String| {
        Err(malformed(index, FORMAT, offset as u64, expected, found))
    };
    if bytes.len() < HEADER || bytes[..9] != *MAGIC {
        let found = bytes[..bytes.len().min(9)].escape_ascii().to_string();
        return bad(0, format!("\"{}\" and a header", MAGIC.escape_ascii()), found);
    }
    let mut header = words(&bytes[9..17]).chain(words(&bytes[18..HEADER]));
    let mut word = || header.next().expect("three words were sliced");
    let (version, n_sequences, n_bounds) = (word(), word(), word());
    if version != 1 {
        return bad(9, "version 1".into(), version.to_string());
    }
    let element = match bytes[17] {
        1 => Element::U8,
        2 => Element::I8,
        3 => Element::I16,
        4 => Element::I32,
        5 => Element::I64,
        6 => Element::F64,
        7 => Element::F32,
        8 => Element::U16,
        code => return bad(17, "an element code of 1 to 8".into(), code.to_string()),
    };
    // Lengths (i32), pointers (i64), document bounds (i64), and perhaps modes (i8).
    let needed = n_sequences.checked_mul(12).and_then(|n| n.checked_add(n_bounds.checked_mul(8)?));
    let rest = (bytes.len() - HEADER) as u64;
    let without_modes = needed.filter(|&n| n == rest || n.checked_add(n_sequences) == Some(rest));
    if without_modes.is_none() {
        let expected = format!("{n_sequences} sequences and {n_bounds} document bounds");
        return bad(HEADER, expected, format!("{rest} bytes"));
    }
    // Both fit: they were compared with the length of a file in memory.
    let (n_sequences, n_bounds) = (n_sequences as usize, n_bounds as usize);
    let (lengths, rest) = bytes[HEADER..].split_at(4 * n_sequences);
    let (pointers, rest) = rest.split_at(8 * n_sequences);
    let bounds: Vec<u64> = words(&rest[..8 * n_bounds]).collect();

    let mut sequences = Vec::with_capacity(n_sequences);
    let mut n_tokens = 0_u64;
    for (at, (length, pointer)) in lengths.chunks_exact(4).zip(words(pointers)).enumerate() {
        let length = i32::from_le_bytes(length.try_into().expect("chunks of four"));
        let end = u64::try_from(length).ok().and_then(|n| pointer.checked_add(n * element.bytes()));
        if end.is_none_or(|end| end > file.len()) {
            let expected = format!("a sequence inside {} bytes of tokens", file.len());
            return bad(HEADER + 4 * at, expected, format!("{length} tokens at byte {pointer}"));
        }
        sequences.push((pointer, length as u64));
        n_tokens += length as u64;
    }
    let bounds_at = HEADER + 12 * n_sequences;
    let rising = bounds.windows(2).all(|pair| pair[0] <= pair[1]);
    if bounds.first() != Some(&0) || bounds.last() != Some(&(n_sequences as u64)) || !rising {
        let expected = format!("document bounds that rise from 0 to {n_sequences}");
        let found = format!("{:?} to {:?}", bounds.first(), bounds.last());
        return bad(bounds_at, expected, found);
    }
    let layout = Layout::Sequences { sequences, ends: bounds[1..].to_vec() };
    Ok(TokenFile { file, element, n_tokens, layout })
}
