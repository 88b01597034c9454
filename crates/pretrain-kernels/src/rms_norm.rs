//! RMSNorm: `y = x / rms(x) * w` with `rms(x) = sqrt(mean(x^2) + eps)` over the last dimension
//! (Zhang and Sennrich 2019, arXiv:1910.07467).
//!
//! With `r = 1 / rms(x)`, `n` features and an upstream gradient `g`:
//! `dw = sum over rows of g * x * r` and `dx = r * (g * w - x * r^2 / n * sum(g * w * x))`.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;

use crate::KernelBackend;
use crate::primitive::{float, into_float};

pub mod composed;
mod flex;

/// Normalises each row of `x [batch, seq, d_model]` by its root mean square and scales it by
/// `weight [d_model]`. `eps` is added to the mean square, as Llama does.
///
/// # Panics
///
/// When `weight` has another length than the last dimension of `x`.
pub fn rms_norm<B: KernelBackend>(x: Tensor<B, 3>, weight: Tensor<B, 1>, eps: f64) -> Tensor<B, 3> {
    let ([_, _, d_model], [d_weight]) = (x.dims(), weight.dims());
    assert_eq!(d_model, d_weight, "rms_norm: x has {d_model} features, weight {d_weight}");
    float(B::rms_norm_forward(into_float(x), into_float(weight), eps))
}

/// Forward and backward of RMSNorm. Defaults are the composed twin.
pub trait RmsNormKernel: Backend {
    /// `x [batch, seq, d_model]`, `weight [d_model]` to `[batch, seq, d_model]`.
    fn rms_norm_forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        into_float(composed::forward::<Self>(float(x), float(weight), eps))
    }

    /// `(dx [batch, seq, d_model], dweight [d_model])`.
    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (dx, dw) = composed::backward::<Self>(float(x), float(weight), float(grad), eps);
        (into_float(dx), into_float(dw))
    }
}

#[derive(Debug)]
struct RmsNormBackward;

impl<B: KernelBackend> Backward<B, 2> for RmsNormBackward {
    /// `x`, `weight`, `eps`.
    type State = (FloatTensor<B>, FloatTensor<B>, f64);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [node_x, node_weight] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (x, weight, eps) = ops.state;
        let (dx, dw) = B::rms_norm_backward(x, weight, grad, eps);
        if let Some(node) = node_x {
            grads.register::<B>(node.id, dx);
        }
        if let Some(node) = node_weight {
            grads.register::<B>(node.id, dw);
        }
    }
}

impl<B: KernelBackend, C: CheckpointStrategy> RmsNormKernel for Autodiff<B, C> {
    fn rms_norm_forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        eps: f64,
    ) -> FloatTensor<Self> {
        let prep = RmsNormBackward.prepare::<C>([x.node.clone(), weight.node.clone()]);
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = (x.primitive.clone(), weight.primitive.clone(), eps);
                prep.finish(state, B::rms_norm_forward(x.primitive, weight.primitive, eps))
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::rms_norm_forward(x.primitive, weight.primitive, eps))
            }
        }
    }
}
