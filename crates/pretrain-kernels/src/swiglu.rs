//! SwiGLU's gate: `y = silu(gate) * up` with `silu(z) = z * sigmoid(z)` (Shazeer 2020,
//! arXiv:2002.05202).
//!
//! With `s = sigmoid(gate)` and an upstream gradient `g`:
//! `dup = g * gate * s` and `dgate = g * up * s * (1 + gate * (1 - s))`.

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

/// `silu(gate) * up`, element by element, both `[batch, seq, d_ff]`.
///
/// # Panics
///
/// When the shapes differ.
pub fn swiglu<B: KernelBackend>(gate: Tensor<B, 3>, up: Tensor<B, 3>) -> Tensor<B, 3> {
    let (gate_dims, up_dims) = (gate.dims(), up.dims());
    assert_eq!(gate_dims, up_dims, "swiglu: gate {gate_dims:?} and up {up_dims:?} differ in shape");
    float(B::swiglu_forward(into_float(gate), into_float(up)))
}

/// Forward and backward of the SwiGLU gate. Defaults are the composed twin.
pub trait SwiGluKernel: Backend {
    /// Both `[batch, seq, d_ff]`.
    fn swiglu_forward(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        into_float(composed::forward::<Self>(float(gate), float(up)))
    }

    /// `(dgate, dup)`, each `[batch, seq, d_ff]`.
    fn swiglu_backward(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (dgate, dup) = composed::backward::<Self>(float(gate), float(up), float(grad));
        (into_float(dgate), into_float(dup))
    }
}

#[derive(Debug)]
struct SwiGluBackward;

impl<B: KernelBackend> Backward<B, 2> for SwiGluBackward {
    /// `gate`, `up`.
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [node_gate, node_up] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (gate, up) = ops.state;
        let (dgate, dup) = B::swiglu_backward(gate, up, grad);
        if let Some(node) = node_gate {
            grads.register::<B>(node.id, dgate);
        }
        if let Some(node) = node_up {
            grads.register::<B>(node.id, dup);
        }
    }
}

impl<B: KernelBackend, C: CheckpointStrategy> SwiGluKernel for Autodiff<B, C> {
    fn swiglu_forward(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        let prep = SwiGluBackward.prepare::<C>([gate.node.clone(), up.node.clone()]);
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = (gate.primitive.clone(), up.primitive.clone());
                prep.finish(state, B::swiglu_forward(gate.primitive, up.primitive))
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::swiglu_forward(gate.primitive, up.primitive))
            }
        }
    }
}
