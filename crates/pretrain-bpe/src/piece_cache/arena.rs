//! Pre-tokens of any length with any number of tokens, in one arena with an index.

use crate::hash;

/// When it is full it starts anew, empty.
pub(super) struct Arena {
    /// One entry after another: the number of bytes, that of tokens, the bytes, the tokens. All
    /// numbers are `u32` in little endian.
    bytes: Vec<u8>,
    /// Position + 1 in the lower half, a part of the hash in the upper; 0 = free. Open addressing.
    index: Vec<u64>,
    n_entries: usize,
    max_bytes: usize,
    max_index: usize,
}

const HEADER: usize = 8;
const MIN_INDEX: usize = 1 << 8;
/// Longer entries are not kept.
const MAX_ENTRY: usize = 4096;

impl Arena {
    /// An arena of at most `max_bytes`, a quarter of them for the index. The index of a mixed corpus
    /// has about 60 bytes of entry for each of its own eight, at half load.
    pub(super) fn new(max_bytes: usize) -> Self {
        let max_index = 1 << (max_bytes / 4 / size_of::<u64>()).max(MIN_INDEX).ilog2();
        let index = vec![0; MIN_INDEX];
        Self { bytes: Vec::new(), index, n_entries: 0, max_bytes: max_bytes / 4 * 3, max_index }
    }

    #[cfg(test)]
    pub(super) fn n_bytes(&self) -> usize {
        self.bytes.capacity() + self.index.len() * size_of::<u64>()
    }

    pub(super) fn get(&self, piece: &[u8], out: &mut Vec<u32>) -> bool {
        let hash = hash::bytes(piece);
        let mask = self.index.len() - 1;
        let mut slot = (hash >> 32) as usize & mask;
        loop {
            let found = self.index[slot];
            if found == 0 {
                return false;
            }
            if (found ^ hash) >> 32 == 0 && self.append_if(found as u32 as usize - 1, piece, out) {
                return true;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Appends the tokens of the entry at `pos` if it is that of `piece`.
    fn append_if(&self, pos: usize, piece: &[u8], out: &mut Vec<u32>) -> bool {
        let (n_bytes, n_ids) = (self.number(pos) as usize, self.number(pos + 4) as usize);
        let (found, rest) = self.bytes[pos + HEADER..].split_at(n_bytes);
        if found != piece {
            return false;
        }
        let (ids, _) = rest[..4 * n_ids].as_chunks::<4>();
        out.extend(ids.iter().map(|&id| u32::from_le_bytes(id)));
        true
    }

    fn number(&self, pos: usize) -> u32 {
        let (numbers, _) = self.bytes[pos..pos + 4].as_chunks::<4>();
        u32::from_le_bytes(numbers[0])
    }

    pub(super) fn put(&mut self, piece: &[u8], ids: &[u32]) {
        let len = HEADER + piece.len() + 4 * ids.len();
        if len > MAX_ENTRY {
            return;
        }
        let is_full = self.n_entries >= self.index.len() / 2;
        if is_full && self.index.len() < self.max_index {
            self.grow_index();
        } else if is_full || self.bytes.len() + len > self.max_bytes {
            *self = Self { max_bytes: self.max_bytes, max_index: self.max_index, ..Self::new(0) };
        }
        if self.bytes.len() + len > self.bytes.capacity() {
            // Vec's own doubling would pass the limit.
            let more = self.bytes.len().max(MAX_ENTRY).min(self.max_bytes - self.bytes.len());
            self.bytes.reserve_exact(more.max(len));
        }
        self.insert(hash::bytes(piece), self.bytes.len());
        for number in [piece.len(), ids.len()] {
            self.bytes.extend_from_slice(&(number as u32).to_le_bytes());
        }
        self.bytes.extend_from_slice(piece);
        for id in ids {
            self.bytes.extend_from_slice(&id.to_le_bytes());
        }
        self.n_entries += 1;
    }

    fn insert(&mut self, hash: u64, pos: usize) {
        self.place(hash & !0xffff_ffff | (pos as u64 + 1));
    }

    fn place(&mut self, entry: u64) {
        let mask = self.index.len() - 1;
        let mut slot = (entry >> 32) as usize & mask;
        while self.index[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.index[slot] = entry;
    }

    fn grow_index(&mut self) {
        let old = std::mem::take(&mut self.index);
        self.index = vec![0; old.len() * 2];
        for entry in old.into_iter().filter(|&entry| entry != 0) {
            self.place(entry);
        }
    }
}
