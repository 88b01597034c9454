//! Sum of squares of many gradients, for the global norm, and scaling.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::tensor::Tensor;
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::ops::FloatTensor;

use crate::KernelBackend;
use crate::primitive::{float, into_float};

pub mod composed;
mod flex;

pub(crate) use flex::scaled;

/// Sum of the squares of every element of every gradient; its root is the global norm.
///
/// The order of summation is fixed by the order and the lengths of the gradients, not by the
/// number of threads. NaN and infinity carry over. Waits for the device.
pub fn sum_of_squares<B: KernelBackend>(grads: &[Tensor<B, 1>]) -> f64 {
    grads.iter().map(|grad| B::grad_sum_of_squares(into_float(grad.clone()))).sum()
}

/// `grad * factor`; in place on `Flex` where the caller holds the only reference.
pub fn scale_gradient<B: KernelBackend, const D: usize>(
    grad: Tensor<B, D>,
    factor: f64,
) -> Tensor<B, D> {
    let shape = grad.dims();
    let n = grad.shape().num_elements();
    float::<B, 1>(B::grad_scale(into_float(grad.reshape([n])), factor)).reshape(shape)
}

/// Reduction and scaling of one flattened gradient. Defaults are the composed twin.
pub trait GradNormKernel: Backend {
    /// Sum of squares of `grad [n]`.
    fn grad_sum_of_squares(grad: FloatTensor<Self>) -> f64 {
        composed::sum_of_squares::<Self>(float(grad))
    }

    /// `grad [n]` times `factor`.
    fn grad_scale(grad: FloatTensor<Self>, factor: f64) -> FloatTensor<Self> {
        into_float(float::<Self, 1>(grad) * factor)
    }
}

impl<B: KernelBackend, C: CheckpointStrategy> GradNormKernel for Autodiff<B, C> {
    fn grad_sum_of_squares(grad: FloatTensor<Self>) -> f64 {
        B::grad_sum_of_squares(grad.primitive)
    }

    fn grad_scale(grad: FloatTensor<Self>, factor: f64) -> FloatTensor<Self> {
        Self::from_inner(B::grad_scale(grad.primitive, factor))
    }
}
