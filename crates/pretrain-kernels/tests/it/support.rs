//! Numbers, tensors, comparison, finite differences.

use burn::backend::Autodiff;
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::{Int, Tensor, TensorData};
use pretrain_kernels::{Flex, FlexDevice};

/// The backend under test.
pub(crate) type B = Autodiff<Flex>;

pub(crate) const DEVICE: FlexDevice = FlexDevice;

/// Reproducible numbers in `-1..1`.
pub(crate) fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 40) as f64 / (1u64 << 23) as f64 - 1.0) as f32
        })
        .collect()
}

pub(crate) fn tensor<const D: usize>(values: &[f32], dims: [usize; D]) -> Tensor<B, D> {
    Tensor::from_data(TensorData::new(values.to_vec(), dims), &DEVICE)
}

pub(crate) fn leaf<const D: usize>(values: &[f32], dims: [usize; D]) -> Tensor<B, D> {
    tensor(values, dims).require_grad()
}

pub(crate) fn ints<const D: usize>(values: &[i64], dims: [usize; D]) -> Tensor<B, D, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), dims), &DEVICE)
}

pub(crate) fn values<Back: burn::tensor::backend::Backend, const D: usize>(
    tensor: Tensor<Back, D>,
) -> Vec<f32> {
    tensor.into_data().convert::<f32>().to_vec().expect("floats")
}

/// Gradient of a leaf.
pub(crate) fn gradient<const D: usize>(
    leaf: &Tensor<B, D>,
    grads: &<B as AutodiffBackend>::Gradients,
) -> Vec<f32> {
    values(leaf.grad(grads).expect("the leaf was used"))
}

/// `|a - b| <= tolerance * (1 + |b|)` for each pair; NaN only beside NaN.
pub(crate) fn assert_close(what: &str, a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len(), "{what}: lengths");
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let equal = a == b || (a.is_nan() && b.is_nan());
        let close = (a - b).abs() <= tolerance * (1.0 + b.abs());
        assert!(equal || close, "{what}[{i}]: {a} and {b}");
    }
}

/// Central differences of `f` in about 60 spread elements of input `which`, against `gradient`.
pub(crate) fn check_differences(
    what: &str,
    f: impl Fn(&[Vec<f64>]) -> f64,
    inputs: &[&[f32]],
    which: usize,
    gradient: &[f32],
) {
    let inputs: Vec<Vec<f64>> =
        inputs.iter().map(|x| x.iter().map(|&x| f64::from(x)).collect()).collect();
    let len = inputs[which].len();
    assert_eq!(len, gradient.len(), "{what}: lengths");
    for i in (0..len).step_by((len / 60).max(1)) {
        let at = |step: f64| {
            let mut inputs = inputs.clone();
            inputs[which][i] += step;
            f(&inputs)
        };
        let step = 1e-4;
        let want = (at(step) - at(-step)) / (2.0 * step);
        let got = f64::from(gradient[i]);
        assert!((got - want).abs() <= 2e-4 * (1.0 + want.abs()), "{what}[{i}]: {got}, {want}");
    }
}

/// `sum of x * c`, the scalar whose gradient is checked.
pub(crate) fn weighted(x: &[f64], c: &[f32]) -> f64 {
    x.iter().zip(c).map(|(x, &c)| x * f64::from(c)).sum()
}
