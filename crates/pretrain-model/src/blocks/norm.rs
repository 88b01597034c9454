//! Normalisation of the residual stream.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use pretrain_kernels::{KernelBackend, rms_norm};

/// RMSNorm: `x / sqrt(mean(x^2) + eps) * weight`.
///
/// # Source
/// Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
#[derive(Module, Debug)]
pub struct Norm<B: Backend> {
    /// `[d]`.
    pub weight: Param<Tensor<B, 1>>,
    /// Added to the mean square.
    pub eps: f64,
}

impl<B: KernelBackend> Norm<B> {
    /// `[b, s, d]` to the same shape.
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        rms_norm(x, self.weight.val(), self.eps)
    }
}
