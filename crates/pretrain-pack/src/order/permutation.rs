//! A permutation of `0..n` that is computed, not stored.

use crate::rng::{Purpose, below, keyed};
use rand_core::Rng;

/// Up to here the permutation is a shuffled table: a Feistel network over very few bits is not
/// random enough, and a table is small.
const TABLE_LIMIT: u64 = 256;
/// Twice the three or four rounds of the theory (Luby and Rackoff 1988), because the halves are
/// short.
const ROUNDS: usize = 8;

/// A keyed permutation of `0..n`, with its inverse, both O(1).
///
/// Up to 256 elements: a Fisher-Yates shuffle. Above: a balanced Feistel network of eight rounds on
/// the smallest even number of bits that holds `n - 1`, walked until the value is below `n` (Black
/// and Rogaway 2002); at most four applications on average. The round function is the high bits of
/// a 64-bit xor-shift-multiply mixer over the half and a 64-bit round key; an affine one would leave
/// the low bit of the output a linear function of the input.
///
/// Key: ChaCha8 under `seed | 1 | stream | epoch` (four little-endian `u64`). The network takes the
/// first eight `u64` of it as round keys. Test vectors for other implementations are in the crate's
/// `testdata/permutation.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permutation {
    n: u64,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Table { forward: Vec<u8>, backward: Vec<u8> },
    Feistel { half_bits: u32, keys: [u64; ROUNDS] },
}

impl Permutation {
    /// The permutation of `0..n` for a key.
    pub fn new(n: u64, seed: u64, stream: u64, epoch: u64) -> Self {
        let mut rng = keyed(seed, Purpose::Order, stream, epoch);
        let kind = if n <= TABLE_LIMIT {
            let mut forward: Vec<u8> = (0..n).map(|i| i as u8).collect();
            for i in (1..forward.len()).rev() {
                forward.swap(i, below(&mut rng, i as u64 + 1) as usize);
            }
            let mut backward = vec![0; forward.len()];
            for (i, &image) in forward.iter().enumerate() {
                backward[usize::from(image)] = i as u8;
            }
            Kind::Table { forward, backward }
        } else {
            // Bits of n - 1, not of n: the largest value that must be expressed.
            let bits = u64::BITS - (n - 1).leading_zeros();
            let keys = std::array::from_fn(|_| rng.next_u64());
            Kind::Feistel { half_bits: bits.div_ceil(2), keys }
        };
        Self { n, kind }
    }

    /// Elements.
    pub fn len(&self) -> u64 {
        self.n
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The element at place `index`, or `None` past the end.
    pub fn index(&self, index: u64) -> Option<u64> {
        if index >= self.n {
            return None;
        }
        Some(match &self.kind {
            Kind::Table { forward, .. } => u64::from(forward[index as usize]),
            Kind::Feistel { half_bits, keys } => self.walk(index, |x| encrypt(x, *half_bits, keys)),
        })
    }

    /// The place of `element`, or `None` where there is no such element: the inverse of
    /// [`index`](Self::index).
    pub fn position(&self, element: u64) -> Option<u64> {
        if element >= self.n {
            return None;
        }
        Some(match &self.kind {
            Kind::Table { backward, .. } => u64::from(backward[element as usize]),
            Kind::Feistel { half_bits, keys } => {
                self.walk(element, |x| decrypt(x, *half_bits, keys))
            }
        })
    }

    /// Follows the cycle of a permutation of a larger domain until it is back below `n`. It ends:
    /// the cycle contains the start.
    fn walk(&self, start: u64, step: impl Fn(u64) -> u64) -> u64 {
        let mut at = step(start);
        while at >= self.n {
            at = step(at);
        }
        at
    }
}

fn encrypt(x: u64, half_bits: u32, keys: &[u64; ROUNDS]) -> u64 {
    let mask = (1 << half_bits) - 1;
    let (mut left, mut right) = (x >> half_bits, x & mask);
    for &key in keys {
        (left, right) = (right, left ^ round(right, key, half_bits));
    }
    left << half_bits | right
}

fn decrypt(x: u64, half_bits: u32, keys: &[u64; ROUNDS]) -> u64 {
    let mask = (1 << half_bits) - 1;
    let (mut left, mut right) = (x >> half_bits, x & mask);
    for &key in keys.iter().rev() {
        (left, right) = (right ^ round(left, key, half_bits), left);
    }
    left << half_bits | right
}

/// The high `half_bits` bits of the finaliser of SplitMix64 (Steele, Lea and Flood 2014; constants
/// of Stafford's variant 13) applied to half and key.
fn round(half: u64, key: u64, half_bits: u32) -> u64 {
    // Adding the key to a spread half keeps equal differences of halves from staying equal.
    let mut z = half.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(key);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) >> (u64::BITS - half_bits)
}
