//! Encoding a text that comes in chunks, in bounded memory.

use crate::error::{BpeError, Result};
use crate::token::AllowedSpecial;
use crate::tokenizer::Tokenizer;

/// Encodes a text that is never held as a whole: chunks in, ids out as soon as nothing that follows can
/// change them.
///
/// The ids of all calls together are those of `encode` of the whole text, however it is cut; a cut may
/// fall inside a character. Memory: a chunk, and twice the longest stretch of text without a stable
/// border, that is a few words with a named pattern on ordinary text. Where nothing is stable before
/// the end ([`IncrementalEncoder`](crate::IncrementalEncoder) tells where) the whole text is held until
/// [`finish`](Self::finish). Time is that of `encode`, up to a constant factor, however small the
/// chunks.
#[derive(Clone, Debug)]
pub struct StreamEncoder<'t> {
    tokenizer: &'t Tokenizer,
    allowed: AllowedSpecial<'t>,
    /// Text whose tokens are not out.
    tail: String,
    /// Looking for a border is put off until the tail is as long as this, so that a long stretch
    /// without any is not searched again for each chunk.
    search_at: usize,
    /// The beginning of a character.
    partial: Vec<u8>,
    /// Bytes taken.
    n_bytes: u64,
}

impl<'t> StreamEncoder<'t> {
    /// The shortest tail that is searched for a border.
    const MIN_SEARCH: usize = 64;

    /// An encoder before its first chunk.
    pub fn new(tokenizer: &'t Tokenizer, allowed: AllowedSpecial<'t>) -> Self {
        let (tail, partial) = (String::new(), Vec::new());
        Self { tokenizer, allowed, tail, search_at: Self::MIN_SEARCH, partial, n_bytes: 0 }
    }

    /// Takes a chunk of UTF-8 and appends to `out` the ids that are now certain.
    ///
    /// # Errors
    ///
    /// [`BpeError::InvalidUtf8`] with the place in the whole text. The chunk is then not taken and
    /// nothing is appended.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u32>) -> Result<()> {
        let n_partial = self.partial.len();
        let mut joined;
        let mut bytes = chunk;
        if n_partial > 0 {
            joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(chunk);
            bytes = &joined;
        }
        let (text, rest) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, &[][..]),
            Err(error) => {
                let (valid, rest) = bytes.split_at(error.valid_up_to());
                if error.error_len().is_some() {
                    let offset = self.n_bytes - n_partial as u64 + valid.len() as u64;
                    self.partial = bytes[..n_partial].to_vec();
                    return Err(BpeError::InvalidUtf8 { offset });
                }
                let text = std::str::from_utf8(valid).expect("the part that was found valid");
                (text, rest)
            }
        };
        self.partial = rest.to_vec();
        self.n_bytes += chunk.len() as u64;
        self.tail.push_str(text);
        if self.tail.len() >= self.search_at {
            self.emit(out);
        }
        Ok(())
    }

    fn emit(&mut self, out: &mut Vec<u32>) {
        let border = self.tokenizer.stable_border(&self.tail, self.allowed);
        if border > 0 {
            self.tokenizer.encode_into_with_special(&self.tail[..border], self.allowed, out);
            self.tail.drain(..border);
        }
        self.search_at = (2 * self.tail.len()).max(Self::MIN_SEARCH);
    }

    /// Ends the text and appends the remaining ids.
    ///
    /// # Errors
    ///
    /// [`BpeError::InvalidUtf8`] when the text ends inside a character.
    pub fn finish(self, out: &mut Vec<u32>) -> Result<()> {
        if !self.partial.is_empty() {
            let offset = self.n_bytes - self.partial.len() as u64;
            return Err(BpeError::InvalidUtf8 { offset });
        }
        self.tokenizer.encode_into_with_special(&self.tail, self.allowed, out);
        Ok(())
    }

    /// The bytes of text that wait for what follows.
    pub fn n_waiting(&self) -> usize {
        self.tail.len() + self.partial.len()
    }
}
