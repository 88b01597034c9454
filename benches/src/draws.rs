//! Random numbers that depend on a purpose and an index, and on nothing else.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// A stream of numbers.
#[derive(Debug, Clone)]
pub struct Draws(ChaCha8Rng);

impl Draws {
    /// The stream of one purpose (its first 24 bytes count) and one item.
    pub fn new(purpose: &str, index: u64) -> Self {
        let mut key = [0; 32];
        let n = purpose.len().min(24);
        key[..n].copy_from_slice(&purpose.as_bytes()[..n]);
        key[24..].copy_from_slice(&index.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number in `0..n`. Its bias, less than `n / 2^64`, does not matter here.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// A number in `range`.
    pub fn within(&mut self, range: std::ops::RangeInclusive<u64>) -> u64 {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    /// A number in `0..1`.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * 0.5_f64.powi(53)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of `items`, which are not empty.
    pub fn one_of<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize].clone()
    }

    /// A size that is as often between 2^k and 2^(k+1) for each `k` of `powers`.
    pub fn size(&mut self, powers: std::ops::Range<u32>) -> u64 {
        let power = powers.start + self.below(u64::from(powers.end - powers.start)) as u32;
        (1 << power) + self.below(1 << power)
    }
}
