//! Vector code without `unsafe`: loops that the compiler vectorises, compiled once for each level
//! of the processor (AVX-512, AVX2 with FMA, baseline) and chosen at run time by `pulp`.
//!
//! Results do not depend on the level: every operation is an IEEE operation on one element
//! (`mul_add` is exact on all of them), and a sum always runs over [`LANES`] partial sums.

use pulp::{Arch, Simd, WithSimd};

/// Number of partial sums of a reduction, whatever the width of the vectors.
pub(crate) const LANES: usize = 16;

/// A loop nest to be compiled for each level. `run` has to be `#[inline(always)]`, and so does all
/// that it calls.
pub(crate) trait Kernel {
    type Output;
    fn run(self) -> Self::Output;
}

struct Dispatched<K>(K);

impl<K: Kernel> WithSimd for Dispatched<K> {
    type Output = K::Output;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> K::Output {
        self.0.run()
    }
}

/// Runs a kernel at the best level of this processor.
#[inline]
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    Arch::new().dispatch(Dispatched(kernel))
}

/// `e^x` within 2 units in the last place, 0 below -88, infinity above 88.4, NaN for NaN.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`; `e^r` is Cephes' polynomial of `expf`, `2^n` is made
/// from exponent bits.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -88.0 { -88.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let p = 1.987_569_1e-4_f32;
    let p = p.mul_add(r, 1.398_2e-3);
    let p = p.mul_add(r, 8.333_452e-3);
    let p = p.mul_add(r, 4.166_579_6e-2);
    let p = p.mul_add(r, 1.666_666_5e-1);
    let p = p.mul_add(r, 0.5);
    let p = p.mul_add(r * r, r) + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
    p * f32::from_bits(exponent << 23)
}

/// `e^x` as the weight of a softmax, where another weight is at least 1 or the sum of all is: 0 below
/// `e^-64`. Such a weight vanishes beside the others, but divided by their sum it would be a
/// subnormal number, and a matrix product over those runs twenty times slower.
#[inline(always)]
pub(crate) fn exp_weight(x: f32) -> f32 {
    if x < -64.0 { 0.0 } else { exp(x) }
}

/// Sum of [`LANES`] partial sums, as a balanced tree.
#[inline(always)]
pub(crate) fn reduce(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// `sum of f(x_i, y_i)` over two slices of one length.
#[inline(always)]
pub(crate) fn sum2(x: &[f32], y: &[f32], f: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let (y_chunks, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in x_chunks.iter().zip(y_chunks) {
        for i in 0..LANES {
            lanes[i] = f(lanes[i], x[i], y[i]);
        }
    }
    for (i, (x, y)) in x_rest.iter().zip(y_rest).enumerate() {
        lanes[i] = f(lanes[i], *x, *y);
    }
    reduce(lanes)
}

/// Dot product.
#[inline(always)]
pub(crate) fn dot(x: &[f32], y: &[f32]) -> f32 {
    sum2(x, y, |sum, x, y| x.mul_add(y, sum))
}

/// Largest element; minus infinity for none. NaN is not looked for.
#[inline(always)]
pub(crate) fn max(x: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = if chunk[i] > lanes[i] { chunk[i] } else { lanes[i] };
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = if x > *lane { x } else { *lane };
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a })
}

/// Replaces each `x` by `exp_weight(x - shift)` and returns the sum.
#[inline(always)]
pub(crate) fn exp_in_place(x: &mut [f32], shift: f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (chunks, rest) = x.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            chunk[i] = exp_weight(chunk[i] - shift);
            lanes[i] += chunk[i];
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *x = exp_weight(*x - shift);
        *lane += *x;
    }
    reduce(lanes)
}

/// Multiplies every element.
#[inline(always)]
pub(crate) fn scale_in_place(x: &mut [f32], factor: f32) {
    for x in x {
        *x *= factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct ExpSlice<'a>(&'a mut [f32]);
    impl Kernel for ExpSlice<'_> {
        type Output = f32;
        #[inline(always)]
        fn run(self) -> f32 {
            exp_in_place(self.0, 0.0)
        }
    }

    #[test]
    fn exp_is_close_everywhere() {
        let mut worst = 0.0f64;
        for i in -87_000..88_000 {
            let x = i as f32 / 1000.0;
            let (got, want) = (f64::from(exp(x)), f64::from(x).exp());
            worst = worst.max(((got - want) / want).abs());
        }
        assert!(worst < 2.5e-7, "relative error {worst}");
    }

    #[test]
    fn exp_of_extremes() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-1e4), 0.0);
        assert_eq!(exp(1e4), f32::INFINITY);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
        assert!(exp_weight(f32::NAN).is_nan());
        assert_eq!(exp_weight(-64.5), 0.0);
        assert_eq!(exp_weight(-63.5), exp(-63.5));
    }

    #[test]
    fn dispatched_code_has_the_bits_of_plain_code() {
        for len in [0, 1, 7, 15, 16, 17, 63, 64, 65, 129] {
            let source: Vec<f32> = (0..len).map(|i| (i as f32 * 0.37).sin() * 9.0).collect();
            let (mut plain, mut fast) = (source.clone(), source.clone());
            let (a, b) = (exp_in_place(&mut plain, 0.0), dispatch(ExpSlice(&mut fast)));
            assert_eq!(a.to_bits(), b.to_bits());
            assert_eq!(plain, fast);
        }
    }

    #[test]
    fn reductions_match_plain_sums() {
        for len in [0, 1, 7, 16, 33, 100] {
            let x: Vec<f32> = (0..len).map(|i| (i as f32 * 1.7).cos()).collect();
            let want: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            assert!((f64::from(dot(&x, &x)) - want).abs() < 1e-4);
            let want = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(max(&x), want);
        }
    }
}
