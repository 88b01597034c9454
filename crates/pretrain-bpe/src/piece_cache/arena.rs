//! Pre-tokens of any length with any number of tokens, in one arena with an index.

use crate::prefetch;

use super::HashedKey;

pub(super) struct Arena {
    /// One entry after another: the number of bytes and that of tokens as `u16`, the bytes, the tokens
    /// in three bytes each, all in little endian.
    bytes: Vec<u8>,
    /// Position + 1 in the lower 24 bits, a part of the hash above; 0 = free. Open addressing.
    index: Vec<u32>,
    n_entries: usize,
    max_bytes: usize,
    max_index: usize,
}

const HEADER: usize = 4;
/// Bytes of a token. No vocabulary has 2^24 tokens; if one had, those above would not be kept.
const ID: usize = 3;
const MAX_POS: u32 = (1 << 24) - 1;
const MIN_INDEX: usize = 1 << 8;
/// Longer entries are not kept. (The numbers of the header are less.)
const MAX_ENTRY: usize = 4096;

impl Arena {
    /// An arena of at most `max_bytes`, an eighth of them for the index. The pieces of a mixed corpus take
    /// 56 bytes on average.
    pub(super) fn new(max_bytes: usize) -> Self {
        let max_index = 1 << (max_bytes / 8 / size_of::<u32>()).max(MIN_INDEX).ilog2();
        let max_bytes = (max_bytes / 8 * 7).min(MAX_POS as usize);
        Self { bytes: Vec::new(), index: vec![0; MIN_INDEX], n_entries: 0, max_bytes, max_index }
    }

    #[cfg(test)]
    pub(super) fn n_bytes(&self) -> usize {
        self.bytes.capacity() + self.index.len() * size_of::<u32>()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.index.fill(0);
        self.n_entries = 0;
    }

    /// Asks for what [`fetch_entry`](Self::fetch_entry) reads.
    #[inline(always)]
    pub(super) fn fetch_index(&self, hash: u64) {
        prefetch::fetch(&self.index[hash as usize & (self.index.len() - 1)]);
    }

    /// Asks for the entry that [`get`](Self::get) most likely finds.
    #[inline(always)]
    pub(super) fn fetch_entry(&self, hash: u64) {
        let found = self.index[hash as usize & (self.index.len() - 1)];
        if let Some(first) = self.bytes.get((found & MAX_POS).saturating_sub(1) as usize) {
            prefetch::fetch(first);
        }
    }

    /// Appends the tokens of a piece. `hash` is that of its [`HashedKey`].
    pub(super) fn get(&self, hash: u64, piece: &[u8], out: &mut Vec<u32>) -> bool {
        let mask = self.index.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let found = self.index[slot];
            if found == 0 {
                return false;
            }
            let pos = (found & MAX_POS) as usize - 1;
            if found & !MAX_POS == tag(hash) && self.append_if(pos, piece, out) {
                return true;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Appends the tokens of the entry at `pos` if it is that of `piece`.
    fn append_if(&self, pos: usize, piece: &[u8], out: &mut Vec<u32>) -> bool {
        let (n_bytes, n_ids) = (self.number(pos), self.number(pos + 2));
        let (found, rest) = self.bytes[pos + HEADER..].split_at(n_bytes);
        if found != piece {
            return false;
        }
        let (ids, _) = rest[..ID * n_ids].as_chunks::<ID>();
        out.extend(ids.iter().map(|&[a, b, c]| u32::from_le_bytes([a, b, c, 0])));
        true
    }

    fn number(&self, pos: usize) -> usize {
        usize::from(u16::from_le_bytes([self.bytes[pos], self.bytes[pos + 1]]))
    }

    /// Takes a piece that is not there, unless it is too long; `false` when it is full.
    #[must_use]
    pub(super) fn put(&mut self, hash: u64, piece: &[u8], ids: &[u32]) -> bool {
        let len = HEADER + piece.len() + ID * ids.len();
        if len > MAX_ENTRY || ids.iter().any(|id| id >> (8 * ID) != 0) {
            return true;
        }
        if self.n_entries >= self.index.len() / 8 * 5 {
            if self.index.len() == self.max_index {
                return false;
            }
            self.grow_index();
        }
        if self.bytes.len() + len > self.max_bytes {
            return false;
        }
        if self.bytes.len() + len > self.bytes.capacity() {
            // Vec's own doubling would pass the limit.
            let more = self.bytes.len().max(MAX_ENTRY).min(self.max_bytes - self.bytes.len());
            self.bytes.reserve_exact(more.max(len));
        }
        self.insert(hash, self.bytes.len());
        for number in [piece.len(), ids.len()] {
            self.bytes.extend_from_slice(&(number as u16).to_le_bytes());
        }
        self.bytes.extend_from_slice(piece);
        for id in ids {
            self.bytes.extend_from_slice(&id.to_le_bytes()[..ID]);
        }
        self.n_entries += 1;
        true
    }

    fn insert(&mut self, hash: u64, pos: usize) {
        let mask = self.index.len() - 1;
        let mut slot = hash as usize & mask;
        while self.index[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.index[slot] = tag(hash) | (pos as u32 + 1);
    }

    fn grow_index(&mut self) {
        let n_slots = self.index.len() * 2;
        self.index.clear();
        self.index.resize(n_slots, 0);
        let mut pos = 0;
        while pos < self.bytes.len() {
            let (n_bytes, n_ids) = (self.number(pos), self.number(pos + 2));
            let hash = HashedKey::of(&self.bytes[pos + HEADER..][..n_bytes]).hash;
            self.insert(hash, pos);
            pos += HEADER + n_bytes + ID * n_ids;
        }
    }
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 & !MAX_POS
}
