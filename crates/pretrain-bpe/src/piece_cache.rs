//! A bounded cache from pre-tokens to their tokens, with exact keys.
//!
//! Two tables. A pre-token of up to 15 bytes that becomes up to 4 tokens has a slot of 32 bytes: the key
//! holds all of its bytes, so a hit is never a guess and takes one cache line. The others, of which a mixed
//! corpus has 3 in 100, live in an [arena](Arena).
//!
//! Counted on 50 MB of books, code, documents and Chinese (cl100k): 10.1 million pre-tokens, 521,000
//! distinct, of which 346,000 have slots and 175,000 places in the arena; on English books 124,000
//! distinct, 123,000 of them in slots. The table doubles as it fills: what is in use lies close together,
//! and a tokenizer of short texts holds little.

use crate::hash;
use crate::prefetch;
use crate::pretokenize::MAX_BATCH;

use arena::Arena;

mod arena;

/// The longest pre-token that has a slot.
const MAX_BYTES: usize = 15;
/// The most tokens that have a slot.
pub(crate) const MAX_IDS: usize = 4;
const MIN_SLOTS: usize = 1 << 10;

/// One pre-token and its tokens: half a cache line.
#[derive(Clone, Copy, Default)]
#[repr(align(32))]
pub(crate) struct Slot {
    low: u64,
    /// As in the key, with the number of tokens in the topmost four bits.
    high: u64,
    pub(crate) ids: [u32; MAX_IDS],
}

const _: () = assert!(size_of::<Slot>() == 32);

impl Slot {
    /// The slot of a piece that is short enough and has few enough tokens.
    fn new(key: PieceKey, ids: &[u32]) -> Option<Self> {
        if !key.has_slot() || !matches!(ids.len(), 1..=MAX_IDS) {
            return None;
        }
        let high = key.high | (ids.len() as u64) << 60;
        let mut slot = Self { low: key.low, high, ids: [0; MAX_IDS] };
        slot.ids[..ids.len()].copy_from_slice(ids);
        Some(slot)
    }

    /// Whether it is the slot of `key`. A free slot is that of no key.
    #[inline(always)]
    fn holds(&self, key: PieceKey) -> bool {
        self.low ^ key.low | (self.high ^ key.high) << 4 == 0
    }

    /// The number of tokens, 1 to [`MAX_IDS`].
    #[inline(always)]
    pub(crate) fn n_ids(&self) -> usize {
        (self.high >> 60) as usize
    }

    fn is_free(&self) -> bool {
        self.high == 0
    }

    fn hash(&self) -> u64 {
        PieceKey { low: self.low, high: self.high << 4 >> 4 }.hash()
    }
}

/// The bytes of a piece in little endian, and their number in the topmost byte; for a piece that is too
/// long a key that no slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PieceKey {
    low: u64,
    high: u64,
}

/// The bytes to keep of a piece of each length, in the two halves of its key.
static KEEP: [[u64; 2]; 17] = keep();

const fn keep() -> [[u64; 2]; 17] {
    let mut keep = [[0; 2]; 17];
    let mut len = 1;
    while len <= MAX_BYTES {
        let bytes = u128::MAX >> (128 - 8 * len);
        keep[len] = [bytes as u64, (bytes >> 64) as u64];
        len += 1;
    }
    keep
}

impl PieceKey {
    /// The key of `text[start..end]`.
    #[inline(always)]
    fn new(text: &[u8], start: usize, end: usize) -> Self {
        let len = (end - start).min(MAX_BYTES + 1);
        let chunk = match text[start..].first_chunk::<16>() {
            Some(chunk) => *chunk,
            None => {
                let mut chunk = [0; 16];
                chunk[..text.len() - start].copy_from_slice(&text[start..]);
                chunk
            }
        };
        let bytes = u128::from_le_bytes(chunk);
        let [low, high] = KEEP[len];
        Self {
            // No slot has the number 0 beside a byte.
            low: bytes as u64 & low | len as u64 >> 4,
            high: (bytes >> 64) as u64 & high | (len as u64 & 15) << 56,
        }
    }

    #[inline(always)]
    fn hash(self) -> u64 {
        hash::fold(self.low ^ 0x9e37_79b9_7f4a_7c15, self.high ^ 0xd1b5_4a32_d192_ed03)
    }

    #[inline(always)]
    fn has_slot(self) -> bool {
        self.high >> 56 != 0
    }
}

/// A key and a hash of all bytes of the piece.
#[derive(Clone, Copy)]
pub(crate) struct HashedKey {
    key: PieceKey,
    hash: u64,
}

impl HashedKey {
    /// The key of `text[start..end]`; when that is too long for a slot, not its hash.
    #[inline(always)]
    fn new(text: &[u8], start: usize, end: usize) -> Self {
        let key = PieceKey::new(text, start, end);
        Self { key, hash: key.hash() }
    }

    /// The same of a piece that may be long.
    #[inline]
    fn of(piece: &[u8]) -> Self {
        let short = Self::new(piece, 0, piece.len());
        if short.key.has_slot() { short } else { Self { hash: hash::bytes(piece), ..short } }
    }
}

/// The keys of a batch of pieces. They are all made before the first is looked up: while one is being
/// made, what was asked for those before it comes from memory (cl100k, warm, English 431 to 555 MB/s, mixed
/// 224 to 285, before long pieces had a part in it; x86-64 server, second-level cache of 2 MiB). To ask
/// for the entries of long pieces too costs English 5 % and gives mixed text 5 %, which needs it more.
pub(crate) struct KeyBatch {
    keys: [HashedKey; MAX_BATCH],
    /// Which of them have no slot.
    long: [usize; MAX_BATCH],
}

impl KeyBatch {
    pub(crate) fn new() -> Box<Self> {
        let none = HashedKey { key: PieceKey { low: 0, high: 0 }, hash: 0 };
        Box::new(Self { keys: [none; MAX_BATCH], long: [0; MAX_BATCH] })
    }

    /// The keys of consecutive pieces: the first from `start` to the first of `ends`, and so on.
    #[inline(always)]
    pub(crate) fn fill(
        &mut self,
        cache: &PieceCache,
        text: &[u8],
        mut start: usize,
        ends: &[usize],
    ) -> &[HashedKey] {
        let slots = cache.first_slots();
        let (first, mut n_long) = (start, 0);
        for (i, (to, &end)) in self.keys.iter_mut().zip(ends).enumerate() {
            *to = HashedKey::new(text, start, end);
            prefetch::fetch(slots.at(to.hash));
            // Without a branch that 3 pieces in 100 take.
            self.long[n_long % MAX_BATCH] = i;
            n_long += usize::from(!to.key.has_slot());
            start = end;
        }
        for &i in &self.long[..n_long] {
            let start = if i == 0 { first } else { ends[i - 1] };
            self.keys[i] = HashedKey::of(&text[start..ends[i]]);
            cache.arena.fetch_index(self.keys[i].hash);
        }
        for &i in &self.long[..n_long] {
            cache.arena.fetch_entry(self.keys[i].hash);
        }
        &self.keys[..ends.len()]
    }
}

pub(crate) struct PieceCache {
    /// A power of two of slots. The first place of a key is its home; next come the other three of its
    /// group of four.
    slots: Vec<Slot>,
    shift: u32,
    n_used: usize,
    max_slots: usize,
    arena: Arena,
    n_resets: usize,
}

impl PieceCache {
    /// A cache that will not hold more than `max_bytes`, or 64 KiB if that is more: half of it for
    /// slots.
    pub(crate) fn new(max_bytes: usize) -> Self {
        let max_bytes = max_bytes.max(1 << 16);
        let max_slots = 1 << (max_bytes / 2 / size_of::<Slot>()).ilog2();
        let mut this = Self {
            slots: Vec::new(),
            shift: 0,
            n_used: 0,
            max_slots,
            arena: Arena::new(max_bytes / 2),
            n_resets: 0,
        };
        this.resize(MIN_SLOTS);
        this
    }

    /// What it holds now.
    #[cfg(test)]
    fn n_bytes(&self) -> usize {
        self.slots.len() * size_of::<Slot>() + self.arena.n_bytes()
    }

    fn resize(&mut self, n_slots: usize) {
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); n_slots]);
        self.shift = 64 - n_slots.ilog2();
        self.n_used = 0;
        for slot in old.iter().filter(|slot| !slot.is_free()) {
            // Each half of a group goes to a group of its own: there is room.
            self.put_slot(*slot);
        }
    }

    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize & (self.slots.len() - 1)
    }

    /// The slots alone.
    #[inline(always)]
    pub(crate) fn first_slots(&self) -> FirstSlots<'_> {
        FirstSlots { slots: &self.slots, shift: self.shift }
    }

    /// The slot of `key` when it is not the first. It becomes the first.
    pub(crate) fn other_slot(&mut self, key: &HashedKey) -> Option<Slot> {
        let home = self.home(key.hash);
        let place = (1..4).map(|i| home ^ i).find(|&place| self.slots[place].holds(key.key))?;
        self.slots.swap(home, place);
        Some(self.slots[home])
    }

    /// Puts the tokens of a piece that has no slot into the empty `ids`, or says that it is not there.
    pub(crate) fn get_long(&mut self, key: &HashedKey, piece: &[u8], ids: &mut Vec<u32>) -> bool {
        let is_found = self.arena.get(key.hash, piece, ids);
        // It found no place among the slots when it came. They have grown since: without another try,
        // frequent pieces, which come early, would stay in the arena (English: 300 for 500 MB/s).
        if is_found && let Some(slot) = Slot::new(key.key, ids) {
            self.put_slot(slot);
        }
        is_found
    }

    /// Takes a piece that is not there. When the arena is full it starts anew, empty, and a quarter of
    /// the slots becomes free, each time another: what is in use is soon back.
    pub(crate) fn put(&mut self, key: &HashedKey, piece: &[u8], ids: &[u32]) {
        if !self.try_put(key, piece, ids) {
            let quarter = self.slots.len() / 4;
            let first = quarter * (self.n_resets % 4);
            for slot in &mut self.slots[first..first + quarter] {
                self.n_used -= usize::from(!slot.is_free());
                *slot = Slot::default();
            }
            self.n_resets += 1;
            self.arena.clear();
            self.try_put(key, piece, ids);
        }
    }

    fn try_put(&mut self, key: &HashedKey, piece: &[u8], ids: &[u32]) -> bool {
        if let Some(slot) = Slot::new(key.key, ids) {
            if self.n_used >= self.slots.len() / 2 && self.slots.len() < self.max_slots {
                self.resize(self.slots.len() * 2);
            }
            if self.put_slot(slot) {
                return true;
            }
        }
        self.arena.put(key.hash, piece, ids)
    }

    /// `false` when the four places are taken.
    fn put_slot(&mut self, slot: Slot) -> bool {
        let home = self.home(slot.hash());
        let free = (0..4).map(|i| home ^ i).find(|&place| self.slots[place].is_free());
        if let Some(place) = free {
            self.slots[place] = slot;
            self.n_used += 1;
        }
        free.is_some()
    }
}

/// Looks pieces up where they are most likely found.
#[derive(Clone, Copy)]
pub(crate) struct FirstSlots<'c> {
    slots: &'c [Slot],
    shift: u32,
}

impl<'c> FirstSlots<'c> {
    #[inline(always)]
    pub(crate) fn get(self, key: &HashedKey) -> Option<&'c Slot> {
        Some(self.at(key.hash)).filter(|slot| slot.holds(key.key))
    }

    #[inline(always)]
    fn at(self, hash: u64) -> &'c Slot {
        &self.slots[(hash >> self.shift) as usize & (self.slots.len() - 1)]
    }
}

#[cfg(test)]
mod tests;
