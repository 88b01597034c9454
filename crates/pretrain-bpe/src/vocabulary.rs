//! The two directions between ids and byte strings.

use std::ops::Range;

use crate::error::{BpeError, Result};
use crate::hash;

/// The id that stands for "no token" inside tables; files cannot hold it.
pub(crate) const NO_TOKEN: u32 = u32::MAX;

/// Tokens on their way into a [`Vocabulary`], in any order: their bytes in one piece of memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenList {
    arena: Vec<u8>,
    /// The id, and where its bytes are.
    tokens: Vec<(u32, Range<usize>)>,
}

impl TokenList {
    /// No tokens, and room for some.
    pub(crate) fn with_capacity(n_tokens: usize, n_bytes: usize) -> Self {
        Self { arena: Vec::with_capacity(n_bytes), tokens: Vec::with_capacity(n_tokens) }
    }

    /// Adds a token of the bytes that `write` appends, or none if it gives `None`.
    pub(crate) fn push_with(
        &mut self,
        id: u32,
        write: impl FnOnce(&mut Vec<u8>) -> Option<()>,
    ) -> Option<()> {
        let start = self.arena.len();
        write(&mut self.arena)?;
        self.tokens.push((id, start..self.arena.len()));
        Some(())
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        self.tokens.iter().map(|(id, _)| *id)
    }
}

impl From<Vec<(u32, Vec<u8>)>> for TokenList {
    fn from(tokens: Vec<(u32, Vec<u8>)>) -> Self {
        let n_bytes = tokens.iter().map(|(_, bytes)| bytes.len()).sum();
        let mut list = Self::with_capacity(tokens.len(), n_bytes);
        for (id, bytes) in tokens {
            let start = list.arena.len();
            list.arena.extend_from_slice(&bytes);
            list.tokens.push((id, start..list.arena.len()));
        }
        list
    }
}

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
    pub(crate) fn new(tokens: Vec<(u32, Vec<u8>)>) -> Result<Self> {
        Self::of_list(tokens.into())
    }

    /// [`new`](Self::new) without copying the bytes.
    pub(crate) fn of_list(list: TokenList) -> Result<Self> {
        let TokenList { arena, mut tokens } = list;
        if u32::try_from(arena.len()).is_err() {
            return Err(BpeError::TooLarge { bytes: arena.len() });
        }
        if !tokens.is_sorted_by_key(|(id, _)| *id) {
            tokens.sort_by_key(|(id, _)| *id);
        }
        let n_ids = tokens.last().map_or(0, |(id, _)| *id as usize + 1);
        let mut this = Self {
            arena,
            spans: vec![(0, 0); n_ids],
            slots: vec![FREE; (tokens.len() * 2).next_power_of_two().max(2)],
            n_tokens: tokens.len(),
        };
        for &(id, Range { start, end }) in &tokens {
            if start == end {
                return Err(BpeError::EmptyToken { id });
            }
            if let Some(first) = this.bytes(id) {
                let (first, second) = (printable(first), printable(&this.arena[start..end]));
                return Err(BpeError::DuplicateId { id, first, second });
            }
            this.spans[id as usize] = (start as u32, end as u32);
        }
        for group in tokens.chunks(GROUP) {
            this.index(group)?;
        }
        Ok(this)
    }

    /// Makes tokens found by their bytes. All their slots are looked at before the first is filled: of a
    /// large vocabulary none is in a cache, and they arrive together (o200k: 24 ms one by one, 16 so).
    fn index(&mut self, tokens: &[(u32, Range<usize>)]) -> Result<()> {
        let mut hashes = [0; GROUP];
        let mut seen = 0;
        for (hash, (_, range)) in hashes.iter_mut().zip(tokens) {
            *hash = hash::bytes(&self.arena[range.clone()]);
            seen ^= self.slots[*hash as usize & (self.slots.len() - 1)];
        }
        std::hint::black_box(seen);
        for (&hash, (id, range)) in hashes.iter().zip(tokens) {
            match self.slot_of(hash, &self.arena[range.clone()]) {
                Ok(first) => {
                    let token = printable(&self.arena[range.clone()]);
                    return Err(BpeError::DuplicateToken { token, first, second: *id });
                }
                Err((free, tag)) => self.slots[free] = tag | u64::from(*id),
            }
        }
        Ok(())
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
        self.slot_of(hash::bytes(bytes), bytes).ok()
    }

    /// The token of each byte, or `NO_TOKEN`.
    pub(crate) fn byte_ids(&self) -> [u32; 256] {
        std::array::from_fn(|byte| self.id(&[byte as u8]).unwrap_or(NO_TOKEN))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        (0..self.spans.len() as u32).filter_map(|id| Some((id, self.bytes(id)?)))
    }

    /// The id with these bytes, or the slot where it would go and what would be above it.
    #[inline]
    fn slot_of(&self, hash: u64, bytes: &[u8]) -> Result<u32, (usize, u64)> {
        let mask = self.slots.len() - 1;
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
/// So many tokens enter the index together.
const GROUP: usize = 32;

/// Bytes as text for an error message.
pub(crate) fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
