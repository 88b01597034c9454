//! Normalisation of the residual stream.

use crate::design::{NormDesign, NormKind, NormWeight};
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use pretrain_kernels::{KernelBackend, layer_norm, rms_norm};

/// RMSNorm or LayerNorm over the last dimension, scaled and shifted as the design says.
#[derive(Module, Debug)]
pub struct Norm<B: Backend> {
    /// `[d]`.
    pub weight: Option<Param<Tensor<B, 1>>>,
    /// `[d]`.
    pub bias: Option<Param<Tensor<B, 1>>>,
    /// By what, and what is done with the weight.
    #[module(skip)]
    pub design: NormDesign,
}

impl<B: KernelBackend> Norm<B> {
    /// `[b, s, d]` to the same shape.
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let weight = self.weight.as_ref().map(|weight| match self.design.weight {
            NormWeight::OnePlus => weight.val() + 1.0,
            NormWeight::Plain | NormWeight::Absent => weight.val(),
        });
        let bias = self.bias.as_ref().map(Param::val);
        match self.design.kind {
            NormKind::Layer => layer_norm(x, weight, bias, self.design.eps),
            NormKind::Rms => {
                let width = x.dims()[2];
                let ones = || Tensor::ones([width], &x.device());
                let weight = weight.unwrap_or_else(ones);
                let y = rms_norm(x, weight, self.design.eps);
                match bias {
                    Some(bias) => y + bias.unsqueeze(),
                    None => y,
                }
            }
        }
    }

    /// Each head by itself, `[b, s, h, e]` to the same shape.
    pub fn forward_heads(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let [b, s, h, e] = x.dims();
        self.forward(x.reshape([b, s * h, e])).reshape([b, s, h, e])
    }
}
