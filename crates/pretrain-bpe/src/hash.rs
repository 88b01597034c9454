//! In-memory hashing of short byte strings and integers: folded multiplication. Never persisted, and
//! no output depends on it.

use std::hash::{BuildHasherDefault, Hasher};

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd1b5_4a32_d192_ed03;

/// Multiplies to 128 bits and folds the halves together.
#[inline]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Hashes a byte string.
#[inline]
pub(crate) fn bytes(bytes: &[u8]) -> u64 {
    let mut state = K0 ^ bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("chunks of 8 bytes"));
        state = fold(state ^ word, K1);
    }
    let mut rest = [0u8; 8];
    rest[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    fold(state ^ u64::from_le_bytes(rest), K0 | 1)
}

/// Hashes one integer.
#[inline]
pub(crate) fn word(word: u64) -> u64 {
    fold(word ^ K0, K1)
}

/// A hasher for maps with integer keys.
#[derive(Default)]
pub(crate) struct WordHasher(u64);

impl Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, input: &[u8]) {
        self.0 = fold(self.0 ^ bytes(input), K1);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = word(value ^ self.0);
    }
}

pub(crate) type WordMap<V> = std::collections::HashMap<u64, V, BuildHasherDefault<WordHasher>>;
