//! Random numbers that depend on a key and nothing else.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What random numbers are drawn for. The numbers are part of every run's identity: variants may be
/// added, never renumbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    Order = 1,
    MaskedLanguageModel = 2,
    SpanCorruption = 3,
    FillInTheMiddle = 4,
}

/// A generator for one purpose and one item: ChaCha8 (zero nonce) under the 32-byte key
/// `seed | purpose | stream | index`, four little-endian `u64`.
pub(crate) fn keyed(seed: u64, purpose: Purpose, stream: u64, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (part, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, stream, index]) {
        part.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// A uniform number in `0..n`, without bias (Lemire 2019, arXiv 1805.10941). `n` is not 0.
pub(crate) fn below(rng: &mut impl Rng, n: u64) -> u64 {
    let reject_below = n.wrapping_neg() % n;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(n);
        if product as u64 >= reject_below {
            return (product >> 64) as u64;
        }
    }
}

/// Whether an event of probability `p` happens under the uniform draw `u`.
pub(crate) fn happens(u: u32, p: f64) -> bool {
    f64::from(u) < p * 2_f64.powi(32)
}
