//! A matrix product.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use pretrain_kernels::{KernelBackend, linear};

/// `y = x W^T + b`.
#[derive(Module, Debug)]
pub struct Linear<B: Backend> {
    /// `[out, in]`.
    pub weight: Param<Tensor<B, 2>>,
    /// `[out]`; absent = nothing is added.
    pub bias: Option<Param<Tensor<B, 1>>>,
}

impl<B: KernelBackend> Linear<B> {
    /// `[b, s, in]` to `[b, s, out]`.
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let y = linear(x, self.weight.val());
        match &self.bias {
            Some(bias) => y + bias.val().unsqueeze(),
            None => y,
        }
    }
}
