//! Where in a run each sample comes: a keyed permutation per epoch.

mod permutation;

pub use permutation::Permutation;

use crate::{PackError, Result};

/// The endless order of `n` samples: epoch after epoch, each in its own order.
///
/// A pure function of (seed, stream, n): nothing is drawn in sequence and nothing is stored, so any
/// position is reached in O(1) and a run is resumed from a counter alone. `stream` keeps the orders
/// of several datasets of one run apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataOrder {
    seed: u64,
    stream: u64,
    n: u64,
}

impl DataOrder {
    /// The order of `n` samples.
    ///
    /// # Errors
    /// `n` is 0.
    pub fn new(seed: u64, stream: u64, n: u64) -> Result<Self> {
        if n == 0 {
            return Err(PackError::TooFewTokens { available: 0, needed: 1 });
        }
        Ok(Self { seed, stream, n })
    }

    /// Samples per epoch.
    pub fn n_samples(&self) -> u64 {
        self.n
    }

    /// The order inside one epoch.
    pub fn epoch(&self, epoch: u64) -> Permutation {
        Permutation::new(self.n, self.seed, self.stream, epoch)
    }

    /// Epoch and sample at position `counter` of the endless order.
    pub fn index(&self, counter: u64) -> (u64, u64) {
        let (epoch, place) = (counter / self.n, counter % self.n);
        let sample = self.epoch(epoch).index(place).expect("a remainder is below its divisor");
        (epoch, sample)
    }

    /// The position at which `sample` comes in `epoch`: the inverse of [`index`](Self::index).
    /// `None` where there is no such sample, or the position is past `u64`.
    pub fn position(&self, epoch: u64, sample: u64) -> Option<u64> {
        let place = self.epoch(epoch).position(sample)?;
        epoch.checked_mul(self.n)?.checked_add(place)
    }
}

#[cfg(test)]
mod tests;
