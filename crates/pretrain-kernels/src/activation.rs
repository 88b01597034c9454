//! What bends the stream inside a feed-forward network, alone or as a gate.

use burn::tensor::Tensor;
use burn::tensor::activation::{gelu, relu, silu};
use burn::tensor::backend::Backend;
use std::f64::consts::PI;

use crate::KernelBackend;
use crate::swiglu;

/// A function of each number by itself. All but SiLU's gate are compositions of Burn's operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// `x sigmoid(x)`.
    Silu,
    /// `x Phi(x)` with the distribution function of the normal distribution (Hendrycks and Gimpel
    /// 2016, arXiv:1606.08415).
    Gelu,
    /// The same by `0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// `max(x, 0)^2` (So et al. 2021, arXiv:2109.08668).
    ReluSquared,
}

impl Activation {
    /// Element by element.
    pub fn apply<B: Backend, const D: usize>(self, x: Tensor<B, D>) -> Tensor<B, D> {
        match self {
            Self::Silu => silu(x),
            Self::Gelu => gelu(x),
            Self::GeluTanh => {
                let cube = x.clone() * x.clone() * x.clone();
                let inner = (x.clone() + cube * 0.044_715) * (2.0 / PI).sqrt();
                x * (inner.tanh() + 1.0) * 0.5
            }
            Self::Relu => relu(x),
            Self::ReluSquared => {
                let x = relu(x);
                x.clone() * x
            }
        }
    }
}

/// `activation(gate) * up`, both `[batch, seq, d_ff]` (Shazeer 2020, arXiv:2002.05202); with SiLU it
/// is [`swiglu()`](crate::swiglu()), one operation.
///
/// # Panics
///
/// When the shapes differ.
pub fn gated<B: KernelBackend>(
    activation: Activation,
    gate: Tensor<B, 3>,
    up: Tensor<B, 3>,
) -> Tensor<B, 3> {
    if activation == Activation::Silu {
        return swiglu(gate, up);
    }
    let (gate_dims, up_dims) = (gate.dims(), up.dims());
    assert_eq!(gate_dims, up_dims, "gated: gate {gate_dims:?} and up {up_dims:?} differ in shape");
    activation.apply(gate) * up
}
