//! The family of permutations and the smallest value of each over many hashes.

use super::mersenne::MersenneTwister;
use pulp::{Arch, Simd, WithSimd};

/// 2^61 - 1.
pub(super) const PRIME: u64 = (1 << 61) - 1;

/// Permutations worked on together: their constants and minima stay in registers (one 512-bit or two
/// 256-bit vectors each) while a block of hashes streams by.
const LANES: usize = 8;

type Lanes = [u64; LANES];

/// `((h * a + b) mod 2^64) mod (2^61 - 1)` for every pair `(a, b)`.
#[derive(Debug, Clone)]
pub(super) struct Permutations {
    /// Padded with zeros to whole lanes.
    a: Vec<Lanes>,
    b: Vec<Lanes>,
    n: usize,
    /// Ones in the bits that a value keeps.
    mask: u64,
    arch: Arch,
}

impl Permutations {
    /// `n` permutations from `RandomState(seed)`: all `a` are drawn before all `b`.
    pub(super) fn new(n: usize, seed: u32, bits: u32) -> Self {
        let mut twister = MersenneTwister::new(seed);
        let mut draw = |low: u64| {
            let mut lanes = vec![[0; LANES]; n.div_ceil(LANES)];
            for value in lanes.as_flattened_mut().iter_mut().take(n) {
                *value = twister.below(low, PRIME);
            }
            lanes
        };
        let (a, b) = (draw(1), draw(0));
        let mask = if bits == 32 { u64::from(u32::MAX) } else { u64::MAX };
        Self { a, b, n, mask, arch: Arch::new() }
    }

    /// Minima over no hashes.
    pub(super) fn start(&self) -> Minima {
        Minima(vec![[NOTHING; LANES]; self.a.len()])
    }

    /// Lowers `minima` by every hash in `hashes`.
    pub(super) fn lower(&self, minima: &mut Minima, hashes: &[u64]) {
        let Self { a, b, arch, .. } = self;
        let minima = &mut minima.0;
        if self.mask == u64::MAX {
            arch.dispatch(Kernel::<{ u64::MAX }> { a, b, minima, hashes });
        } else {
            arch.dispatch(Kernel::<{ u32::MAX as u64 }> { a, b, minima, hashes });
        }
    }

    /// The minima of the real permutations, without the padding.
    pub(super) fn finish(&self, minima: Minima) -> Box<[u64]> {
        minima.0.as_flattened()[..self.n].iter().map(|&value| value as u64).collect()
    }

    /// Pairs `(a, b)` in order.
    #[cfg(test)]
    pub(super) fn constants(&self) -> Vec<(u64, u64)> {
        let (a, b) = (self.a.as_flattened(), self.b.as_flattened());
        a.iter().copied().zip(b.iter().copied()).take(self.n).collect()
    }
}

/// Larger than any value.
const NOTHING: i64 = i64::MAX;

/// The smallest value of each permutation so far. Values are below 2^61, so they are compared as
/// signed numbers: AVX2 has no unsigned comparison.
pub(super) struct Minima(Vec<[i64; LANES]>);

/// One block of hashes through all permutations; written so that the compiler vectorises the inner
/// loop for the instruction set that `pulp` found at run time. Integer arithmetic: every instruction set
/// gives the same values.
struct Kernel<'a, const MASK: u64> {
    a: &'a [Lanes],
    b: &'a [Lanes],
    minima: &'a mut [[i64; LANES]],
    hashes: &'a [u64],
}

impl<const MASK: u64> WithSimd for Kernel<'_, MASK> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for ((a, b), minima) in self.a.iter().zip(self.b).zip(self.minima) {
            let mut low = *minima;
            for &hash in self.hashes {
                for lane in 0..LANES {
                    let product = hash.wrapping_mul(a[lane]).wrapping_add(b[lane]);
                    // 2^61 = 1 (mod p): fold the top three bits; the sum is at most p + 7.
                    let folded = (product & PRIME) + (product >> 61);
                    let less = folded as i64 - PRIME as i64;
                    let value = if less < 0 { folded as i64 } else { less };
                    low[lane] = low[lane].min(value & MASK as i64);
                }
            }
            *minima = low;
        }
    }
}

/// What a student would write; the tests hold the kernel to it.
#[cfg(test)]
pub(super) fn permute(hash: u64, (a, b): (u64, u64), bits: u32) -> u64 {
    let value = hash.wrapping_mul(a).wrapping_add(b) % PRIME;
    if bits == 32 { value & u64::from(u32::MAX) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn constants_are_those_of_numpy() {
        // numpy.random.RandomState(1): 112 draws in [1, p), then 112 in [0, p).
        let constants = Permutations::new(112, 1, 64).constants();
        assert_eq!(constants[0], (775_169_054_918_279_404, 1_062_448_801_025_099_917));
        assert_eq!(constants[111], (223_865_076_026_037_746, 1_097_409_548_522_419_201));
    }

    /// Hashes for which a permutation lands on a multiple of p, where folding is easily wrong.
    #[test]
    fn multiples_of_the_prime_become_zero() {
        for multiple in 0..8u64 {
            let mut permutations = Permutations::new(1, 1, 64);
            permutations.a[0] = [1; LANES];
            permutations.b[0] = [0; LANES];
            for offset in [0, 1, 6] {
                let hash = multiple * PRIME + offset;
                let mut minima = permutations.start();
                permutations.lower(&mut minima, &[hash]);
                assert_eq!(*permutations.finish(minima), [hash % PRIME]);
            }
        }
    }

    proptest! {
        #[test]
        fn the_kernel_equals_the_formula(
            hashes in prop::collection::vec(any::<u64>(), 1..40),
            n in 1usize..30,
            seed in any::<u32>(),
            wide in any::<bool>(),
            cut in 0usize..40,
        ) {
            let bits = if wide { 64 } else { 32 };
            let permutations = Permutations::new(n, seed, bits);
            let mut minima = permutations.start();
            let (left, right) = hashes.split_at(cut % hashes.len());
            permutations.lower(&mut minima, left);
            permutations.lower(&mut minima, right);
            let expected: Vec<u64> = permutations
                .constants()
                .into_iter()
                .map(|pair| hashes.iter().map(|&hash| permute(hash, pair, bits)).min().unwrap())
                .collect();
            prop_assert_eq!(&*permutations.finish(minima), &expected[..]);

            let plain = Permutations { arch: Arch::Scalar, ..permutations };
            let mut minima = plain.start();
            plain.lower(&mut minima, &hashes);
            prop_assert_eq!(&*plain.finish(minima), &expected[..]);
        }
    }
}
