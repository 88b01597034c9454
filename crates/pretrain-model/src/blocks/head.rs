//! Vectors to scores.

use super::{Linear, Norm};
use crate::design::HeadDesign;
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use pretrain_kernels::{Activation, KernelBackend, linear};

/// What turns the last hidden states into scores. Its matrix is the embedding's where it has none.
#[derive(Module, Debug)]
pub struct Head<B: Backend> {
    /// `[d, d]`, before everything else.
    pub transform: Option<Linear<B>>,
    /// After that and its activation.
    pub norm: Option<Norm<B>>,
    /// `[vocab_size, d]`, or `[1, d]` of a discriminator; absent = tied.
    pub weight: Option<Param<Tensor<B, 2>>>,
    /// `[vocab_size]` or `[1]`.
    pub bias: Option<Param<Tensor<B, 1>>>,
    /// What is done on the way.
    #[module(skip)]
    pub design: HeadDesign,
}

impl<B: KernelBackend> Head<B> {
    /// What the matrix reads, `[b, s, d]` to the same shape.
    pub(crate) fn prepare(&self, hidden: Tensor<B, 3>) -> Tensor<B, 3> {
        let hidden = match (&self.transform, self.design.transform) {
            (Some(transform), Some(activation)) => {
                Activation::from(activation).apply(transform.forward(hidden))
            }
            _ => hidden,
        };
        let hidden = match &self.norm {
            Some(norm) => norm.forward(hidden),
            None => hidden,
        };
        match self.design.scale {
            Some(scale) => hidden * scale,
            None => hidden,
        }
    }

    /// Whether scores are the plain product, so that product and loss are one operation.
    pub(crate) fn is_plain(&self) -> bool {
        self.bias.is_none() && self.design.softcap.is_none() && !self.design.discriminator
    }

    /// `[b, s, d]`, prepared, to `[b, s, rows of weight]`.
    pub(crate) fn scores(&self, prepared: Tensor<B, 3>, weight: Tensor<B, 2>) -> Tensor<B, 3> {
        let scores = linear(prepared, weight);
        let scores = match &self.bias {
            Some(bias) => scores + bias.val().unsqueeze(),
            None => scores,
        };
        match self.design.softcap {
            Some(cap) => (scores / cap).tanh() * cap,
            None => scores,
        }
    }
}
