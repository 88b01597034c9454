//! The network of each position.

use super::Linear;
use crate::design::MlpDesign;
use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use pretrain_kernels::{Activation, KernelBackend, gated};

/// `down(a(gate(x)) * up(x))`, or `down(a(up(x)))` without a gate.
///
/// # Source
/// Shazeer, "GLU Variants Improve Transformer", 2020.
#[derive(Module, Debug)]
pub struct Mlp<B: Backend> {
    /// `[f, d]`, the half that is bent.
    pub gate: Option<Linear<B>>,
    /// `[f, d]`, the half that is scaled, or all there is.
    pub up: Linear<B>,
    /// `[d, f]`.
    pub down: Linear<B>,
    /// What bends.
    #[module(skip)]
    pub design: MlpDesign,
}

impl<B: KernelBackend> Mlp<B> {
    /// `[b, s, d]` to the same shape.
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let activation = Activation::from(self.design.activation);
        let inner = match &self.gate {
            Some(gate) => gated(activation, gate.forward(x.clone()), self.up.forward(x)),
            None => activation.apply(self.up.forward(x)),
        };
        self.down.forward(inner)
    }
}
