//! A bounded cache from short pre-tokens to their tokens, with exact keys.
//!
//! A direct-mapped table: a new pre-token takes the place of the one that was there. The key holds
//! all the bytes of the pre-token, so a hit is never a guess. 15 bytes hold 99.9 % of the pre-tokens of
//! English books under the GPT-2 pattern, 96 % of those of source code, 87 % of Chinese; longer ones
//! are merged each time.
//!
//! Measured on 50 MB of English books with an 8,192-token vocabulary, one core of a shared 2-core
//! machine, processor time: without cache 40 MB/s; with 2^13 slots 90, 2^14 115, 2^15 130, 2^16 140,
//! 2^17 136. 2^15 (1 MiB) stays inside a second-level cache.

use crate::hash;

/// The longest pre-token that has a place.
pub(crate) const MAX_BYTES: usize = 15;
const MAX_TOKENS: usize = 4;
const LOG2_SLOTS: u32 = 15;

/// 32 bytes per slot, so 1 MiB per cache.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// The bytes in little endian; in the topmost byte their number (low half) and that of the tokens.
    /// 0 = free, since a piece has at least one byte.
    key: u128,
    ids: [u32; MAX_TOKENS],
}

/// The bytes of a piece and their number.
#[derive(Clone, Copy)]
pub(crate) struct PieceKey(u128);

impl PieceKey {
    /// The key of `text[start..end]`; `None` when it is too long.
    #[inline(always)]
    pub(crate) fn new(text: &[u8], start: usize, end: usize) -> Option<Self> {
        let len = end - start;
        if len > MAX_BYTES {
            return None;
        }
        let bytes = match text.get(start..start + 16) {
            Some(chunk) => u128::from_le_bytes(chunk.try_into().expect("16 bytes")),
            None => {
                let mut chunk = [0; 16];
                chunk[..len].copy_from_slice(&text[start..end]);
                u128::from_le_bytes(chunk)
            }
        };
        let mask = u128::MAX >> (128 - 8 * len);
        Some(Self(bytes & mask | (len as u128) << 120))
    }

    #[inline(always)]
    fn slot(self) -> usize {
        let mixed = hash::fold(
            self.0 as u64 ^ 0x9e37_79b9_7f4a_7c15,
            (self.0 >> 64) as u64 ^ 0xd1b5_4a32_d192_ed03,
        );
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - LOG2_SLOTS)) as usize
    }
}

const N_TOKENS_SHIFT: u32 = 124;
const WITHOUT_N_TOKENS: u128 = u128::MAX >> 4;

pub(crate) struct PieceCache {
    slots: Box<[Slot]>,
}

impl PieceCache {
    pub(crate) fn new() -> Self {
        Self { slots: vec![Slot::default(); 1 << LOG2_SLOTS].into_boxed_slice() }
    }

    /// Appends the tokens of the piece when it is there; else says `false`.
    #[inline(always)]
    pub(crate) fn get(&self, key: PieceKey, out: &mut Vec<u32>) -> bool {
        let slot = &self.slots[key.slot()];
        if slot.key & WITHOUT_N_TOKENS != key.0 {
            return false;
        }
        match (slot.key >> N_TOKENS_SHIFT) as usize {
            1 => out.push(slot.ids[0]),
            n => out.extend_from_slice(&slot.ids[..n]),
        }
        true
    }

    pub(crate) fn put(&mut self, key: PieceKey, tokens: &[u32]) {
        if tokens.len() <= MAX_TOKENS {
            let slot = &mut self.slots[key.slot()];
            slot.key = key.0 | (tokens.len() as u128) << N_TOKENS_SHIFT;
            slot.ids[..tokens.len()].copy_from_slice(tokens);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hold_the_bytes_and_their_number() {
        let text = b"ab\0\0abcdefghijklmnopqrstuvwxyz";
        let key = |start, end| PieceKey::new(text, start, end).map(|key| key.0);
        assert_eq!(key(0, 16), None);
        assert_ne!(key(0, 2), key(0, 3), "NUL bytes count");
        assert_eq!(key(0, 2), key(4, 6));
        assert_eq!(PieceKey::new(b"ab", 0, 2).map(|key| key.0), key(0, 2), "at the end of a text");
        assert_eq!(key(4, 19).map(|key| key >> 120), Some(15));
    }

    #[test]
    fn only_what_was_put_comes_back() {
        let mut cache = PieceCache::new();
        let key = |bytes: &[u8]| PieceKey::new(bytes, 0, bytes.len()).unwrap();
        let mut out = vec![];
        assert!(!cache.get(key(b"a"), &mut out));
        cache.put(key(b"a"), &[7]);
        cache.put(key(b"bc"), &[1, 2, 3, 4]);
        cache.put(key(b"d"), &[]);
        cache.put(key(b"e"), &[1; 5]);
        assert!(cache.get(key(b"a"), &mut out) && cache.get(key(b"bc"), &mut out));
        assert!(cache.get(key(b"d"), &mut out));
        assert!(!cache.get(key(b"e"), &mut out), "too many tokens for a slot");
        assert_eq!(out, [7, 1, 2, 3, 4]);
    }
}
