//! The position-wise network.

use super::Linear;
use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use pretrain_kernels::{KernelBackend, swiglu};

/// SwiGLU: `down(silu(gate(x)) * up(x))`.
///
/// # Source
/// Shazeer, "GLU Variants Improve Transformer", 2020.
#[derive(Module, Debug)]
pub struct Mlp<B: Backend> {
    /// `[f, d]`, the half that is squashed.
    pub gate: Linear<B>,
    /// `[f, d]`, the half that is scaled.
    pub up: Linear<B>,
    /// `[d, f]`.
    pub down: Linear<B>,
}

impl<B: KernelBackend> Mlp<B> {
    /// `[b, s, d]` to the same shape.
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        self.down.forward(swiglu(self.gate.forward(x.clone()), self.up.forward(x)))
    }
}
