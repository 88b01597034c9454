//! Writing a token shard in one pass.

use super::{
    BLOCK_BYTES, END_MAGIC, FIXED_HEADER, FOOTER, MAGIC, ShardHeader, VERSION, payload_padding,
};
use crate::{PackError, Result};
use pretrain_store::{AtomicFile, FileEntry};
use std::io::Write;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// Writes documents to a token shard; the file appears under its name at [`finish`](Self::finish).
///
/// Memory: one block of 1 MiB, and 16 bytes per document for the index, which is written last.
/// A writer that is dropped leaves nothing behind.
#[derive(Debug)]
pub struct TokenShardWriter {
    file: AtomicFile,
    header: ShardHeader,
    /// Payload bytes of the block that is being filled.
    block: Vec<u8>,
    block_sums: Vec<u64>,
    token_ends: Vec<u64>,
    text_ends: Vec<u64>,
    n_tokens: u64,
    text_bytes: u64,
}

impl TokenShardWriter {
    /// Begins the shard at `path`; parent directories are made when missing.
    ///
    /// # Errors
    /// The vocabulary is empty or above 2^31, the fingerprint is longer than 1024 bytes, or the file
    /// cannot be made.
    pub fn create(path: &Path, header: &ShardHeader) -> Result<Self> {
        header.validate()?;
        let mut writer = Self {
            file: AtomicFile::create(path)?,
            header: header.clone(),
            block: Vec::with_capacity(BLOCK_BYTES as usize),
            block_sums: Vec::new(),
            token_ends: Vec::new(),
            text_ends: Vec::new(),
            n_tokens: 0,
            text_bytes: 0,
        };
        let bytes = encode_header(header);
        writer.write(&bytes)?;
        Ok(writer)
    }

    /// Appends one document: its ids, the end-of-text id last where there is one, and the length of
    /// the text they came from in bytes. An empty document is stored and gives no tokens.
    ///
    /// # Errors
    /// An id is outside the vocabulary or the text bytes add up past `u64` (nothing of the document
    /// is written then), or the disk refuses.
    pub fn push_document(&mut self, ids: &[u32], text_bytes: u64) -> Result<()> {
        let vocab_size = self.header.vocab_size;
        if let Some(at) = ids.iter().position(|&id| id as usize >= vocab_size) {
            return Err(PackError::TokenOutOfRange {
                path: self.file.path().to_path_buf(),
                position: self.n_tokens + at as u64,
                id: u64::from(ids[at]),
                vocab_size,
            });
        }
        let Some(text_end) = self.text_bytes.checked_add(text_bytes) else {
            let faults = vec![format!("text_bytes: {text_bytes} more do not fit in 64 bits")];
            return Err(PackError::Config { faults });
        };
        let width = self.header.token_bytes();
        // A document may be longer than a block: fill, flush, and go on.
        let mut rest = ids;
        while !rest.is_empty() {
            let room = (BLOCK_BYTES as usize - self.block.len()) / width;
            let (now, later) = rest.split_at(room.min(rest.len()));
            let filled = self.block.len();
            self.block.resize(filled + now.len() * width, 0);
            let room = self.block[filled..].chunks_exact_mut(width).zip(now);
            if width == 2 {
                room.for_each(|(bytes, &id)| bytes.copy_from_slice(&(id as u16).to_le_bytes()));
            } else {
                room.for_each(|(bytes, &id)| bytes.copy_from_slice(&id.to_le_bytes()));
            }
            if self.block.len() == BLOCK_BYTES as usize {
                self.flush_block()?;
            }
            rest = later;
        }
        self.n_tokens += ids.len() as u64;
        self.text_bytes = text_end;
        self.token_ends.push(self.n_tokens);
        self.text_ends.push(self.text_bytes);
        Ok(())
    }

    /// Tokens so far; a caller who wants shards of bounded size looks here.
    pub fn n_tokens(&self) -> u64 {
        self.n_tokens
    }

    /// Documents so far.
    pub fn n_documents(&self) -> u64 {
        self.token_ends.len() as u64
    }

    /// Writes the index and the checksums, and makes the file real.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn finish(mut self) -> Result<FileEntry> {
        self.flush_block()?;
        let payload = self.n_tokens * self.header.token_bytes() as u64;
        let padding = payload_padding(payload) as usize;
        self.write(&[0; 8][..padding])?;

        let mut index = xxhash_rust::xxh3::Xxh3::new();
        let sections = [
            std::mem::take(&mut self.token_ends),
            std::mem::take(&mut self.text_ends),
            std::mem::take(&mut self.block_sums),
        ];
        let (n_documents, n_blocks) = (sections[0].len() as u64, sections[2].len() as u64);
        for section in &sections {
            for piece in section.chunks(1 << 13) {
                let bytes: Vec<u8> = piece.iter().flat_map(|v| v.to_le_bytes()).collect();
                index.update(&bytes);
                self.write(&bytes)?;
            }
        }

        let mut footer = Vec::with_capacity(FOOTER);
        for value in [self.n_tokens, n_documents, self.text_bytes, n_blocks, index.digest()] {
            footer.extend(value.to_le_bytes());
        }
        footer.extend(xxh3_64(&footer).to_le_bytes());
        footer.extend(END_MAGIC);
        self.write(&footer)?;
        Ok(self.file.commit()?)
    }

    fn flush_block(&mut self) -> Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        self.block_sums.push(xxh3_64(&self.block));
        let block = std::mem::take(&mut self.block);
        self.write(&block)?;
        self.block = block;
        self.block.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|source| PackError::Write { path: self.file.path().to_path_buf(), source })
    }
}

fn encode_header(header: &ShardHeader) -> Vec<u8> {
    let fingerprint = header.tokenizer.as_bytes();
    let len = ShardHeader::encoded_len(fingerprint.len());
    let mut bytes = Vec::with_capacity(len);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((header.token_bytes() as u32).to_le_bytes());
    bytes.extend((header.vocab_size as u64).to_le_bytes());
    bytes.extend((fingerprint.len() as u32).to_le_bytes());
    bytes.extend(BLOCK_BYTES.to_le_bytes());
    debug_assert_eq!(bytes.len(), FIXED_HEADER);
    bytes.extend(fingerprint);
    bytes.resize(len - 8, 0);
    bytes.extend(xxh3_64(&bytes).to_le_bytes());
    bytes
}
