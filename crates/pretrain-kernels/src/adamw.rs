//! One AdamW update (Loshchilov and Hutter 2019, arXiv:1711.05101) as one pass over a parameter.
//!
//! With the gradient `g` (already multiplied by `grad_scale`), step `t` counted from 1:
//! `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`, then
//! `p = p - lr wd p - lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)`, as PyTorch has it.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::tensor::Tensor;
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::ops::FloatTensor;

use crate::KernelBackend;
use crate::primitive::{float, into_float};

pub mod composed;
mod flex;

/// Numbers of one AdamW step. `Default` has no learning rate: `lr` is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWCoefficients {
    /// Learning rate of this step.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the corrected second moment.
    pub eps: f64,
    /// Decoupled weight decay; 0 for parameters that are not decayed.
    pub weight_decay: f64,
    /// This step, counted from 1: the exponent of the bias corrections.
    pub step: u64,
    /// Factor of the gradient, for clipping and loss averaging; 1 for none.
    pub grad_scale: f64,
}

impl Default for AdamWCoefficients {
    fn default() -> Self {
        Self {
            lr: 0.0,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.0,
            step: 1,
            grad_scale: 1.0,
        }
    }
}

impl AdamWCoefficients {
    /// `(1 - beta1^step, 1 - beta2^step)`.
    pub fn bias_corrections(&self) -> (f64, f64) {
        let exponent = self.step as f64;
        (1.0 - self.beta1.powf(exponent), 1.0 - self.beta2.powf(exponent))
    }
}

/// Updates one parameter and its moments: `(param, m, v)`. All four have one shape.
///
/// On `Flex` the update happens in the buffers of `param`, `m` and `v` where the caller holds the
/// only reference to them. Records nothing for differentiation.
///
/// # Panics
///
/// When the shapes differ.
pub fn adamw_step<B: KernelBackend, const D: usize>(
    param: Tensor<B, D>,
    grad: Tensor<B, D>,
    m: Tensor<B, D>,
    v: Tensor<B, D>,
    coefficients: &AdamWCoefficients,
) -> (Tensor<B, D>, Tensor<B, D>, Tensor<B, D>) {
    let shape = param.dims();
    for (name, dims) in [("grad", grad.dims()), ("m", m.dims()), ("v", v.dims())] {
        assert_eq!(shape, dims, "adamw_step: {name} differs from the parameter in shape");
    }
    let n = param.shape().num_elements();
    let flat = |x: Tensor<B, D>| into_float(x.reshape([n]));
    let (param, m, v) = B::adamw_update(flat(param), flat(grad), flat(m), flat(v), *coefficients);
    let shaped = |x| float::<B, 1>(x).reshape(shape);
    (shaped(param), shaped(m), shaped(v))
}

/// The fused update of a flattened parameter. The default is the composed twin.
pub trait AdamWKernel: Backend {
    /// `(param, m, v)`, each `[n]`.
    fn adamw_update(
        param: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        coefficients: AdamWCoefficients,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (param, m, v) =
            composed::step::<Self, 1>(float(param), float(grad), float(m), float(v), &coefficients);
        (into_float(param), into_float(m), into_float(v))
    }
}

impl<B: KernelBackend, C: CheckpointStrategy> AdamWKernel for Autodiff<B, C> {
    fn adamw_update(
        param: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        coefficients: AdamWCoefficients,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (param, m, v) = B::adamw_update(
            param.primitive,
            grad.primitive,
            m.primitive,
            v.primitive,
            coefficients,
        );
        (Self::from_inner(param), Self::from_inner(m), Self::from_inner(v))
    }
}
