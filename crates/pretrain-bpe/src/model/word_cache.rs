//! A bounded cache from short words to their tokens and spans, with exact keys.
//!
//! Direct-mapped: a new word takes the place of the one that was there. A key holds all bytes of a word
//! and their number, so a hit is never a guess.

use crate::hash;
use crate::model::span::Span;

const MAX_BYTES: usize = 15;
const MAX_TOKENS: usize = 4;
const LOG2_SLOTS: u32 = 14;

/// 48 bytes per slot, so 768 KiB per cache.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// The bytes in little endian, their number in the topmost byte; 0 = free, since a word has at least
    /// one byte.
    key: u128,
    ids: [u32; MAX_TOKENS],
    /// Where each token starts and ends in the word.
    spans: [(u8, u8); MAX_TOKENS],
    n_tokens: u8,
}

/// The bytes of a word and their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WordKey(u128);

impl WordKey {
    /// `None` when the word is too long or empty.
    #[inline(always)]
    pub(crate) fn new(word: &[u8]) -> Option<Self> {
        if word.is_empty() || word.len() > MAX_BYTES {
            return None;
        }
        let mut bytes = [0; 16];
        bytes[..word.len()].copy_from_slice(word);
        bytes[15] = word.len() as u8;
        Some(Self(u128::from_le_bytes(bytes)))
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

/// The words of one model: keys say nothing about the model.
pub(crate) struct WordCache {
    /// Empty until the first word comes.
    slots: Vec<Slot>,
}

impl WordCache {
    /// An empty cache; it takes its memory with the first word.
    pub(crate) fn new() -> Self {
        Self { slots: vec![] }
    }

    /// Appends the tokens of a word that begins at `start`, when it is there; else says `false`.
    #[inline(always)]
    pub(crate) fn get(&self, key: WordKey, start: u32, out: &mut Vec<Span>) -> bool {
        let Some(slot) = self.slots.get(key.slot()).filter(|slot| slot.key == key.0) else {
            return false;
        };
        let spans = slot.ids.iter().zip(slot.spans).take(slot.n_tokens as usize);
        out.extend(spans.map(|(&id, (from, to))| Span {
            id,
            start: start + u32::from(from),
            end: start + u32::from(to),
        }));
        true
    }

    /// Keeps the tokens of a word that begins at `start`, unless they are too many.
    pub(crate) fn put(&mut self, key: WordKey, start: u32, tokens: &[Span]) {
        if tokens.len() > MAX_TOKENS {
            return;
        }
        if self.slots.is_empty() {
            self.slots.resize(1 << LOG2_SLOTS, Slot::default());
        }
        let mut slot = Slot { key: key.0, n_tokens: tokens.len() as u8, ..Slot::default() };
        for (i, token) in tokens.iter().enumerate() {
            slot.ids[i] = token.id;
            slot.spans[i] = ((token.start - start) as u8, (token.end - start) as u8);
        }
        self.slots[key.slot()] = slot;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_put_comes_back_moved_to_its_place() {
        let mut cache = WordCache::new();
        let key = |word: &str| WordKey::new(word.as_bytes()).unwrap();
        let span = |id, start, end| Span { id, start, end };
        let mut out = vec![];
        assert!(!cache.get(key("ab"), 0, &mut out));
        cache.put(key("ab"), 100, &[span(7, 100, 101), span(8, 101, 102)]);
        cache.put(key("c"), 0, &[]);
        cache.put(key("d"), 0, &[span(1, 0, 1); 5]);
        assert!(cache.get(key("ab"), 1000, &mut out) && cache.get(key("c"), 0, &mut out));
        assert_eq!(out, [span(7, 1000, 1001), span(8, 1001, 1002)]);
        assert!(!cache.get(key("d"), 0, &mut out), "too many tokens for a slot");
        assert!(!cache.get(key("ab\0"), 0, &mut out), "NUL bytes count");
        assert_eq!((WordKey::new(b""), WordKey::new(&[b'a'; 16])), (None, None));
    }
}
