//! Token files of other systems, read document by document.
//!
//! A [`TokenFile`] is opened by one function per format and turned into shards of ours:
//!
//! ```no_run
//! use pretrain_pack::{ShardHeader, TokenShardWriter, foreign};
//! use std::path::Path;
//!
//! let file = foreign::megatron(Path::new("data.idx"), Path::new("data.bin"))?;
//! let header = ShardHeader { vocab_size: 50_257, tokenizer: "fingerprint".into() };
//! let mut writer = TokenShardWriter::create(Path::new("data.tokens"), &header)?;
//! for document in file.documents() {
//!     writer.push_document(&document?, 0)?; // these formats do not know the bytes of text
//! }
//! writer.finish()?;
//! # Ok::<(), pretrain_pack::PackError>(())
//! ```
//!
//! Memory: one document, the file's index, and a buffer of 256 KiB. Not here: writing these formats,
//! and what they carry beside tokens (datatrove's loss masks, OLMo's document ids, Megatron's modes).

mod datatrove;
mod flat;
mod megatron;

pub use datatrove::datatrove;
pub use flat::{llm_c, raw};
pub use megatron::megatron;

use crate::{PackError, Result};
use pretrain_store::ReadFile;
use std::path::Path;

/// Tokens that are read at once where documents have to be found.
const CHUNK: u64 = 1 << 16;

/// How a token is stored, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// One byte.
    U8,
    /// One byte, signed.
    I8,
    /// Two bytes, signed.
    I16,
    /// Two bytes.
    U16,
    /// Four bytes, signed.
    I32,
    /// Four bytes.
    U32,
    /// Eight bytes, signed.
    I64,
    /// Eight bytes.
    U64,
    /// Four bytes, floating point: whole numbers are accepted.
    F32,
    /// Eight bytes, floating point: whole numbers are accepted.
    F64,
}

impl Element {
    /// Bytes per token.
    pub fn bytes(self) -> u64 {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// The token in `bytes`, which are as many as [`bytes`](Self::bytes), or what was found there.
    fn decode(self, bytes: &[u8]) -> Result<u32, String> {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(wide);
        let shift = 64 - 8 * bytes.len();
        let whole = |value: f64| {
            let fits = value >= 0.0 && value < 2_f64.powi(31) && value.fract() == 0.0;
            if fits { Ok(value as u32) } else { Err(value.to_string()) }
        };
        match self {
            Self::F32 => whole(f64::from(f32::from_bits(bits as u32))),
            Self::F64 => whole(f64::from_bits(bits)),
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => {
                u32::try_from(bits).map_err(|_| bits.to_string())
            }
            Self::I8 | Self::I16 | Self::I32 | Self::I64 => {
                let signed = ((bits << shift) as i64) >> shift;
                u32::try_from(signed).map_err(|_| signed.to_string())
            }
        }
    }
}

/// What separates documents in a file without an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// This id is the last of each document. What follows the last one is a document too.
    Last(u32),
    /// This id is the first of each document. What precedes the first one is a document too.
    First(u32),
}

/// An open token file of another system.
#[derive(Debug)]
pub struct TokenFile {
    file: ReadFile,
    element: Element,
    n_tokens: u64,
    layout: Layout,
}

#[derive(Debug)]
enum Layout {
    /// From a byte offset on, in one piece, up to these ends in tokens.
    Ends(Vec<u64>),
    /// Sequences as byte offset and tokens; documents as the number of sequences up to and with
    /// each.
    Sequences { sequences: Vec<(u64, u64)>, ends: Vec<u64> },
    /// From a byte offset on, to be searched.
    Marked { offset: u64, boundary: Boundary },
}

impl TokenFile {
    /// Tokens in the file.
    pub fn n_tokens(&self) -> u64 {
        self.n_tokens
    }

    /// How tokens are stored.
    pub fn element(&self) -> Element {
        self.element
    }

    /// The documents in order; the first error is the last item.
    pub fn documents(&self) -> Documents<'_> {
        let chunk = Vec::new();
        Documents { file: self, document: 0, place: 0, chunk, used: 0, failed: false }
    }

    /// Appends `n` tokens from a byte offset on.
    fn read(&self, offset: u64, n: u64, out: &mut Vec<u32>) -> Result<()> {
        let width = self.element.bytes();
        // Sizes were checked against the file when it was opened.
        let mut bytes = vec![0; (n * width) as usize];
        self.file.read_exact_at(&mut bytes, offset)?;
        for (at, token) in (0..).zip(bytes.chunks_exact(width as usize)) {
            out.push(self.element.decode(token).map_err(|found| {
                let expected = "a token id".to_owned();
                malformed(self.file.path(), "token file", offset + at * width, expected, found)
            })?);
        }
        Ok(())
    }
}

/// The documents of a [`TokenFile`].
#[derive(Debug)]
pub struct Documents<'a> {
    file: &'a TokenFile,
    document: usize,
    /// Tokens, or sequences, already handed out.
    place: u64,
    /// Tokens read ahead while searching, and how many of them are used.
    chunk: Vec<u32>,
    used: usize,
    failed: bool,
}

impl Documents<'_> {
    fn indexed(&mut self) -> Option<Result<Vec<u32>>> {
        let (Layout::Ends(ends) | Layout::Sequences { ends, .. }) = &self.file.layout else {
            return self.searched().transpose();
        };
        let end = *ends.get(self.document)?;
        let start = std::mem::replace(&mut self.place, end);
        self.document += 1;
        let mut ids = Vec::new();
        let read = match &self.file.layout {
            Layout::Sequences { sequences, .. } => sequences[start as usize..end as usize]
                .iter()
                .try_for_each(|&(offset, n)| self.file.read(offset, n, &mut ids)),
            _ => self.file.read(start * self.file.element.bytes(), end - start, &mut ids),
        };
        Some(read.map(|()| ids))
    }

    fn searched(&mut self) -> Result<Option<Vec<u32>>> {
        let Layout::Marked { offset, boundary } = self.file.layout else { return Ok(None) };
        let mut ids = Vec::new();
        loop {
            if self.used == self.chunk.len() {
                let n = CHUNK.min(self.file.n_tokens - self.place);
                self.chunk.clear();
                self.used = 0;
                let at = offset + self.place * self.file.element.bytes();
                self.file.read(at, n, &mut self.chunk)?;
                self.place += n;
            }
            let rest = &self.chunk[self.used..];
            if rest.is_empty() {
                return Ok((!ids.is_empty()).then_some(ids));
            }
            // Where the document ends in what is there, if it does.
            let end = match boundary {
                Boundary::Last(id) => rest.iter().position(|&t| t == id).map(|at| at + 1),
                // The first token of a document is its own mark.
                Boundary::First(id) => {
                    let own = usize::from(ids.is_empty());
                    rest.iter().skip(own).position(|&t| t == id).map(|at| at + own)
                }
            };
            let taken = end.unwrap_or(rest.len());
            ids.extend(&rest[..taken]);
            self.used += taken;
            if end.is_some() {
                return Ok(Some(ids));
            }
        }
    }
}

impl Iterator for Documents<'_> {
    type Item = Result<Vec<u32>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.indexed();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

fn malformed(
    path: &Path,
    format: &'static str,
    offset: u64,
    expected: String,
    found: String,
) -> PackError {
    PackError::Format { path: path.to_path_buf(), format, offset, expected, found }
}

/// The `u64` at `index` of little-endian words.
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().expect("chunks of eight")))
}
