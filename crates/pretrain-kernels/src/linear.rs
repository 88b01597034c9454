//! `y = x W^T` with weights stored `[out, in]`, the layout of Hugging Face and PyTorch files.
//!
//! With `x [rows, in]`, `W [out, in]`, `y [rows, out]` and an upstream gradient `g = dL/dy`:
//! `dL/dx = g W` and `dL/dW = g^T x`. None of the three products copies a transposed operand.

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

/// Multiplies `x [batch, seq, in]` by the transpose of `weight [out, in]`: `[batch, seq, out]`.
///
/// Cost: `2 * batch * seq * in * out` FLOP forward, twice that backward.
///
/// # Panics
///
/// When the last dimension of `x` is not that of `weight`.
pub fn linear<B: KernelBackend>(x: Tensor<B, 3>, weight: Tensor<B, 2>) -> Tensor<B, 3> {
    let ([_, _, d_in], [_, d_in_weight]) = (x.dims(), weight.dims());
    assert_eq!(d_in, d_in_weight, "linear: x has {d_in} features, weight takes {d_in_weight}");
    float(B::linear_forward(into_float(x), into_float(weight)))
}

/// The three products of a linear layer. Defaults are the composed twin.
pub trait LinearKernel: Backend {
    /// `x [batch, seq, in]`, `weight [out, in]` to `[batch, seq, out]`.
    fn linear_forward(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        into_float(composed::forward::<Self>(float(x), float(weight)))
    }

    /// `weight [out, in]`, `grad [batch, seq, out]` to `dx [batch, seq, in]`.
    fn linear_backward_input(
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        into_float(composed::backward_input::<Self>(float(weight), float(grad)))
    }

    /// `x [batch, seq, in]`, `grad [batch, seq, out]` to `dweight [out, in]`.
    fn linear_backward_weight(x: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        into_float(composed::backward_weight::<Self>(float(x), float(grad)))
    }
}

#[derive(Debug)]
struct LinearBackward;

impl<B: KernelBackend> Backward<B, 2> for LinearBackward {
    /// `x` where the weight needs a gradient, `weight` where `x` needs one.
    type State = (Option<FloatTensor<B>>, Option<FloatTensor<B>>);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [node_x, node_weight] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (x, weight) = ops.state;
        if let (Some(node), Some(x)) = (node_weight, x) {
            grads.register::<B>(node.id, B::linear_backward_weight(x, grad.clone()));
        }
        if let (Some(node), Some(weight)) = (node_x, weight) {
            grads.register::<B>(node.id, B::linear_backward_input(weight, grad));
        }
    }
}

impl<B: KernelBackend, C: CheckpointStrategy> LinearKernel for Autodiff<B, C> {
    fn linear_forward(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let prep = LinearBackward.prepare::<C>([x.node.clone(), weight.node.clone()]);
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = (
                    weight.is_tracked().then(|| x.primitive.clone()),
                    x.is_tracked().then(|| weight.primitive.clone()),
                );
                prep.finish(state, B::linear_forward(x.primitive, weight.primitive))
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::linear_forward(x.primitive, weight.primitive))
            }
        }
    }
}
