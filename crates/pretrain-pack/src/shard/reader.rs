//! Opening a token shard, reading ranges of it, and proving it whole.

use super::{
    END_MAGIC, FIXED_HEADER, FOOTER, FORMAT, MAGIC, MAX_FINGERPRINT, MAX_VOCAB, ShardHeader,
    VERSION, payload_padding,
};
use crate::{PackError, Result};
use pretrain_store::ReadFile;
use std::ops::Range;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// An open token shard.
///
/// Opening reads and checks everything but the payload: both magics, the version, all lengths
/// against the file's length, and the checksums of header, index and footer. The payload is checked
/// by [`verify`](Self::verify). Reads are positioned and take `&self`, so threads share one shard.
/// Memory: 16 bytes per document, 8 bytes per MiB of payload.
#[derive(Debug)]
pub struct TokenShard {
    file: ReadFile,
    header: ShardHeader,
    payload_offset: u64,
    block_bytes: u64,
    n_tokens: u64,
    token_ends: Vec<u64>,
    text_ends: Vec<u64>,
    block_sums: Vec<u64>,
    content: u64,
}

/// Where a document lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentSpan {
    /// Its tokens, as indices into the shard or dataset that was asked.
    pub tokens: Range<u64>,
    /// Length of the text it was made from, in bytes.
    pub text_bytes: u64,
}

impl TokenShard {
    /// Opens and checks a shard.
    ///
    /// # Errors
    /// The file is missing, is no token shard, is of a later version, is cut off, or a checksum of
    /// header, index or footer does not match.
    pub fn open(path: &Path) -> Result<Self> {
        let file = pretrain_store::open(path)?;
        let (header, payload_offset, block_bytes, header_sum) = read_header(&file)?;
        let footer = read_footer(&file)?;

        let width = header.token_bytes() as u64;
        let lengths = footer.n_tokens.checked_mul(width).and_then(|payload| {
            let index = footer.n_documents.checked_mul(16)?;
            let sums = footer.n_blocks.checked_mul(8)?;
            let index_bytes = index.checked_add(sums)?;
            let index_offset =
                payload_offset.checked_add(payload)?.checked_add(payload_padding(payload))?;
            let len = index_offset.checked_add(index_bytes)?.checked_add(FOOTER as u64)?;
            Some((payload.div_ceil(block_bytes), index_offset, index_bytes, len))
        });
        let Some((n_blocks, index_offset, index_bytes, _)) =
            lengths.filter(|&(_, _, _, len)| len == file.len())
        else {
            let expected = lengths.map_or_else(|| "a length".into(), |l| format!("{} bytes", l.3));
            return Err(malformed(&file, file.len(), expected, format!("{} bytes", file.len())));
        };
        if n_blocks != footer.n_blocks {
            let found = format!("{}", footer.n_blocks);
            return Err(malformed(&file, file.len(), format!("{n_blocks} checksums"), found));
        }

        let mut index = vec![0; usize_of(&file, index_bytes)?];
        file.read_exact_at(&mut index, index_offset)?;
        check(&file, "index", index_offset, footer.index_sum, xxh3_64(&index))?;
        let n_documents = usize_of(&file, footer.n_documents)?;
        let (token_ends, rest) = index.split_at(n_documents * 8);
        let (text_ends, block_sums) = rest.split_at(n_documents * 8);
        let (token_ends, text_ends) = (u64s(token_ends), u64s(text_ends));
        check_ends(&file, index_offset, &token_ends, footer.n_tokens)?;
        let text_offset = index_offset + 8 * footer.n_documents;
        check_ends(&file, text_offset, &text_ends, footer.text_bytes)?;
        // The index holds the payload's block sums, so these two name the whole content.
        let content = [header_sum.to_le_bytes(), footer.sum.to_le_bytes()].concat();
        Ok(Self {
            header,
            payload_offset,
            block_bytes,
            n_tokens: footer.n_tokens,
            token_ends,
            text_ends,
            block_sums: u64s(block_sums),
            content: xxh3_64(&content),
            file,
        })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The tokenizer's fingerprint and vocabulary.
    pub fn header(&self) -> &ShardHeader {
        &self.header
    }

    /// Tokens in the shard.
    pub fn n_tokens(&self) -> u64 {
        self.n_tokens
    }

    /// Documents in the shard, empty ones included.
    pub fn n_documents(&self) -> u64 {
        self.token_ends.len() as u64
    }

    /// Bytes of text that the tokens were made from.
    pub fn text_bytes(&self) -> u64 {
        self.text_ends.last().copied().unwrap_or(0)
    }

    /// Where document `index` lies, or `None` past the end.
    pub fn document(&self, index: u64) -> Option<DocumentSpan> {
        let index = usize::try_from(index).ok()?;
        let before = |ends: &[u64]| index.checked_sub(1).map_or(0, |i| ends[i]);
        let end = *self.token_ends.get(index)?;
        Some(DocumentSpan {
            tokens: before(&self.token_ends)..end,
            text_bytes: self.text_ends[index] - before(&self.text_ends),
        })
    }

    /// The document that token `position` belongs to, or `None` past the end. O(log documents).
    pub fn document_at(&self, position: u64) -> Option<u64> {
        (position < self.n_tokens)
            .then(|| self.token_ends.partition_point(|&end| end <= position) as u64)
    }

    /// Appends the tokens of `range` to `out`.
    ///
    /// # Errors
    /// The range goes past the end, the disk refuses, or an id on the disk is outside the
    /// vocabulary (the payload is corrupt). `out` is then as it was.
    pub fn read(&self, range: Range<u64>, out: &mut Vec<u32>) -> Result<()> {
        if range.start > range.end || range.end > self.n_tokens {
            let index = range.end.max(range.start);
            return Err(PackError::OutOfRange { what: "token", index, len: self.n_tokens });
        }
        let width = self.header.token_bytes();
        let mut bytes = vec![0; usize_of(&self.file, range.end - range.start)? * width];
        self.file.read_exact_at(&mut bytes, self.payload_offset + range.start * width as u64)?;
        let before = out.len();
        if width == 2 {
            out.extend(bytes.chunks_exact(2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]]))));
        } else {
            let word = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            out.extend(bytes.chunks_exact(4).map(word));
        }
        let vocab_size = self.header.vocab_size;
        if let Some(at) = out[before..].iter().position(|&id| id as usize >= vocab_size) {
            let id = u64::from(out[before + at]);
            out.truncate(before);
            return Err(PackError::TokenOutOfRange {
                path: self.path().to_path_buf(),
                position: range.start + at as u64,
                id,
                vocab_size,
            });
        }
        Ok(())
    }

    /// Reads the whole payload and compares each block with its checksum.
    ///
    /// # Errors
    /// A block does not match (the error says where), or the disk refuses.
    pub fn verify(&self) -> Result<()> {
        let end = self.payload_offset + self.n_tokens * self.header.token_bytes() as u64;
        let mut block = Vec::new();
        let mut offset = self.payload_offset;
        for &expected in &self.block_sums {
            block.resize(usize_of(&self.file, self.block_bytes.min(end - offset))?, 0);
            self.file.read_exact_at(&mut block, offset)?;
            check(&self.file, "payload block", offset, expected, xxh3_64(&block))?;
            offset += block.len() as u64;
        }
        let mut padding = vec![0; payload_padding(end - self.payload_offset) as usize];
        self.file.read_exact_at(&mut padding, end)?;
        if padding.iter().any(|&byte| byte != 0) {
            let found = format!("{padding:02x?}");
            return Err(malformed(&self.file, end, "zeros after the payload".into(), found));
        }
        Ok(())
    }

    /// A number that names the shard's content: equal for equal shards wherever they lie. It is
    /// made from the stored checksums, so it is free, and worth as much as they are.
    pub fn content(&self) -> u64 {
        self.content
    }
}

struct Footer {
    n_tokens: u64,
    n_documents: u64,
    text_bytes: u64,
    n_blocks: u64,
    index_sum: u64,
    sum: u64,
}

fn read_header(file: &ReadFile) -> Result<(ShardHeader, u64, u64, u64)> {
    let shortest = (ShardHeader::encoded_len(0) + FOOTER) as u64;
    if file.len() < shortest {
        let found = format!("{} bytes", file.len());
        return Err(malformed(file, file.len(), format!("at least {shortest} bytes"), found));
    }
    let mut fixed = [0; FIXED_HEADER];
    file.read_exact_at(&mut fixed, 0)?;
    if fixed[..8] != MAGIC {
        return Err(malformed(file, 0, printable(&MAGIC), printable(&fixed[..8])));
    }
    let (version, width) = (u32_at(&fixed, 8), u32_at(&fixed, 12));
    if version != VERSION {
        let path = file.path().to_path_buf();
        return Err(PackError::Version { path, found: version, supported: VERSION });
    }
    let vocab_size = u64_at(&fixed, 16);
    let (fingerprint_bytes, block_bytes) = (u32_at(&fixed, 24) as usize, u32_at(&fixed, 28));
    if fingerprint_bytes > MAX_FINGERPRINT {
        let expected = format!("a length up to {MAX_FINGERPRINT}");
        return Err(malformed(file, 24, expected, fingerprint_bytes.to_string()));
    }
    let len = ShardHeader::encoded_len(fingerprint_bytes);
    if file.len() < (len + FOOTER) as u64 {
        let (expected, found) = (format!("{} bytes", len + FOOTER), format!("{}", file.len()));
        return Err(malformed(file, file.len(), expected, found));
    }
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, 0)?;
    let (content, sum) = bytes.split_at(len - 8);
    let found = xxh3_64(content);
    check(file, "header", 0, u64_at(sum, 0), found)?;

    if vocab_size == 0 || vocab_size > MAX_VOCAB as u64 {
        let expected = "a vocabulary size in 1..=2^31".into();
        return Err(malformed(file, 16, expected, vocab_size.to_string()));
    }
    if block_bytes == 0 || block_bytes % 8 != 0 {
        let expected = "a block size that is a multiple of 8".into();
        return Err(malformed(file, 28, expected, block_bytes.to_string()));
    }
    let fingerprint = &content[FIXED_HEADER..FIXED_HEADER + fingerprint_bytes];
    let tokenizer = String::from_utf8(fingerprint.to_vec()).map_err(|_| {
        malformed(file, FIXED_HEADER as u64, "UTF-8".into(), printable(fingerprint))
    })?;
    let header = ShardHeader { vocab_size: vocab_size as usize, tokenizer };
    if width as usize != header.token_bytes() {
        let expected = format!("{} bytes per token", header.token_bytes());
        return Err(malformed(file, 12, expected, width.to_string()));
    }
    Ok((header, len as u64, u64::from(block_bytes), found))
}

fn read_footer(file: &ReadFile) -> Result<Footer> {
    let offset = file.len() - FOOTER as u64;
    let mut bytes = [0; FOOTER];
    file.read_exact_at(&mut bytes, offset)?;
    if bytes[48..] != END_MAGIC {
        let (expected, found) = (printable(&END_MAGIC), printable(&bytes[48..]));
        return Err(malformed(file, offset + 48, expected, found));
    }
    let sum = xxh3_64(&bytes[..40]);
    check(file, "footer", offset, u64_at(&bytes, 40), sum)?;
    Ok(Footer {
        n_tokens: u64_at(&bytes, 0),
        n_documents: u64_at(&bytes, 8),
        text_bytes: u64_at(&bytes, 16),
        n_blocks: u64_at(&bytes, 24),
        index_sum: u64_at(&bytes, 32),
        sum,
    })
}

/// End positions must not fall, and the last must be the total.
fn check_ends(file: &ReadFile, offset: u64, ends: &[u64], total: u64) -> Result<()> {
    let place = |at: usize| offset + 8 * at as u64;
    if let Some(at) = ends.windows(2).position(|pair| pair[0] > pair[1]) {
        let expected = format!("at least {}", ends[at]);
        return Err(malformed(file, place(at + 1), expected, ends[at + 1].to_string()));
    }
    let last = ends.last().copied().unwrap_or(0);
    if last != total {
        let at = place(ends.len().saturating_sub(1));
        return Err(malformed(file, at, format!("a last end of {total}"), last.to_string()));
    }
    Ok(())
}

fn check(
    file: &ReadFile,
    section: &'static str,
    offset: u64,
    expected: u64,
    found: u64,
) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(PackError::Checksum { path: file.path().to_path_buf(), section, offset, expected, found })
}

fn malformed(file: &ReadFile, offset: u64, expected: String, found: String) -> PackError {
    PackError::Format { path: file.path().to_path_buf(), format: FORMAT, offset, expected, found }
}

/// Sizes were checked against the file's length, so this fails on 32-bit machines only.
fn usize_of(file: &ReadFile, value: u64) -> Result<usize> {
    usize::try_from(value)
        .map_err(|_| malformed(file, 0, "a size that fits in memory".into(), value.to_string()))
}

fn printable(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes were sliced"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were sliced"))
}

fn u64s(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks_exact(8).map(|b| u64_at(b, 0)).collect()
}
