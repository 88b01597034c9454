//! The two directions between ids and byte strings.

use crate::error::{BpeError, Result};
use crate::hash;

/// The id that stands for "no token" inside tables; files cannot hold it.
pub(crate) const NO_TOKEN: u32 = u32::MAX;

/// Tokens as bytes by id, with an index back. Holes between ids are allowed.
#[derive(Clone, Debug)]
pub(crate) struct Vocabulary {
    arena: Vec<u8>,
    /// Start and end in the arena by id; empty = no token.
    spans: Vec<(u32, u32)>,
    /// Open addressing by hash of the bytes, a power of two of slots: the id, and the upper half of the
    /// hash above it, so that other bytes are seldom looked at. [`FREE`] = free.
    slots: Vec<u64>,
    n_tokens: usize,
}

impl Default for Vocabulary {
    /// No tokens.
    fn default() -> Self {
        Self { arena: Vec::new(), spans: Vec::new(), slots: vec![FREE; 2], n_tokens: 0 }
    }
}

impl Vocabulary {
    /// Builds the vocabulary of `(id, bytes)` pairs in any order. Memory grows with the highest id.
    pub(crate) fn new(mut tokens: Vec<(u32, Vec<u8>)>) -> Result<Self> {
        tokens.sort_unstable();
        let n_ids = tokens.last().map_or(0, |(id, _)| *id as usize + 1);
        let n_bytes = tokens.iter().map(|(_, bytes)| bytes.len()).sum();
        if u32::try_from(n_bytes).is_err() {
            return Err(BpeError::TooLarge { bytes: n_bytes });
        }
        let mut this = Self {
            arena: Vec::with_capacity(n_bytes),
            spans: vec![(0, 0); n_ids],
            slots: vec![FREE; (tokens.len() * 2).next_power_of_two().max(2)],
            n_tokens: tokens.len(),
        };
        for (id, bytes) in &tokens {
            let (id, bytes) = (*id, &bytes[..]);
            if bytes.is_empty() {
                return Err(BpeError::EmptyToken { id });
            }
            if let Some(first) = this.bytes(id) {
                let (first, second) = (printable(first), printable(bytes));
                return Err(BpeError::DuplicateId { id, first, second });
            }
            match this.slot_of(bytes) {
                Ok(first) => {
                    let token = printable(bytes);
                    return Err(BpeError::DuplicateToken { token, first, second: id });
                }
                Err((free, tag)) => this.slots[free] = tag | u64::from(id),
            }
            let start = this.arena.len() as u32;
            this.arena.extend_from_slice(bytes);
            this.spans[id as usize] = (start, this.arena.len() as u32);
        }
        Ok(this)
    }

    /// The highest id + 1.
    pub(crate) fn n_ids(&self) -> usize {
        self.spans.len()
    }

    /// Tokens, holes not counted.
    pub(crate) fn n_tokens(&self) -> usize {
        self.n_tokens
    }

    #[inline]
    pub(crate) fn bytes(&self, id: u32) -> Option<&[u8]> {
        let &(start, end) = self.spans.get(id as usize)?;
        (start < end).then(|| &self.arena[start as usize..end as usize])
    }

    /// The length in bytes; 0 when there is no such token.
    #[inline]
    pub(crate) fn len_of(&self, id: u32) -> usize {
        self.spans.get(id as usize).map_or(0, |(start, end)| (end - start) as usize)
    }

    #[inline]
    pub(crate) fn id(&self, bytes: &[u8]) -> Option<u32> {
        self.slot_of(bytes).ok()
    }

    /// The token of each byte, or `NO_TOKEN`.
    pub(crate) fn byte_ids(&self) -> [u32; 256] {
        std::array::from_fn(|byte| self.id(&[byte as u8]).unwrap_or(NO_TOKEN))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        (0..self.spans.len() as u32).filter_map(|id| Some((id, self.bytes(id)?)))
    }

    /// The id with these bytes, or the slot where it would go and what would be above it.
    fn slot_of(&self, bytes: &[u8]) -> Result<u32, (usize, u64)> {
        let mask = self.slots.len() - 1;
        let hash = hash::bytes(bytes);
        let tag = hash & TAG;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                FREE => return Err((slot, tag)),
                found if found & TAG == tag && self.bytes(found as u32) == Some(bytes) => {
                    return Ok(found as u32);
                }
                _ => slot = (slot + 1) & mask,
            }
        }
    }
}

/// No token has the id `NO_TOKEN`.
const FREE: u64 = u64::MAX;
const TAG: u64 = !0 << 32;

/// Bytes as text for an error message.
pub(crate) fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
