//! Token embedding: row `ids[t]` of a `[vocab, d_model]` table, and the gradient of the table.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::Backend;
use burn::tensor::ops::{FloatTensor, IntTensor};
use burn::tensor::{Int, Tensor};

use crate::KernelBackend;
use crate::primitive::{float, int, into_float};

pub mod composed;
mod flex;

/// Looks `ids [batch, seq]` up in `weight [vocab, d_model]`: `[batch, seq, d_model]`.
///
/// The gradient of the table is the sum of the gradients of the rows that used it, added in the
/// order of the tokens.
///
/// # Panics
///
/// On the CPU, when an id is not a row of the table; on a device such an id is undefined.
pub fn embedding<B: KernelBackend>(weight: Tensor<B, 2>, ids: Tensor<B, 2, Int>) -> Tensor<B, 3> {
    float(B::embedding_lookup(into_float(weight), ids.into_primitive()))
}

/// Lookup and the gradient of the table. Defaults are the composed twin.
pub trait EmbeddingKernel: Backend {
    /// `weight [vocab, d_model]`, `ids [batch, seq]` to `[batch, seq, d_model]`.
    fn embedding_lookup(weight: FloatTensor<Self>, ids: IntTensor<Self>) -> FloatTensor<Self> {
        into_float(composed::forward::<Self>(float(weight), int(ids)))
    }

    /// `grad [batch, seq, d_model]`, `ids [batch, seq]` to `dweight [vocab, d_model]`.
    fn embedding_gradient(
        grad: FloatTensor<Self>,
        ids: IntTensor<Self>,
        vocab: usize,
    ) -> FloatTensor<Self> {
        into_float(composed::backward::<Self>(float(grad), int(ids), vocab))
    }
}

#[derive(Debug)]
struct EmbeddingBackward;

impl<B: KernelBackend> Backward<B, 1> for EmbeddingBackward {
    /// ids, vocabulary size.
    type State = (IntTensor<B>, usize);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [node] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (ids, vocab) = ops.state;
        if let Some(node) = node {
            grads.register::<B>(node.id, B::embedding_gradient(grad, ids, vocab));
        }
    }
}

impl<B: KernelBackend, C: CheckpointStrategy> EmbeddingKernel for Autodiff<B, C> {
    fn embedding_lookup(weight: FloatTensor<Self>, ids: IntTensor<Self>) -> FloatTensor<Self> {
        use burn::tensor::TensorMetadata;
        let vocab = weight.shape()[0];
        match EmbeddingBackward.prepare::<C>([weight.node.clone()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                prep.finish((ids.clone(), vocab), B::embedding_lookup(weight.primitive, ids))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::embedding_lookup(weight.primitive, ids)),
        }
    }
}
