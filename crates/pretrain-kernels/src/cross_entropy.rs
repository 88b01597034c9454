//! The last linear layer and its cross-entropy as one operation, over chunks of tokens.
//!
//! For one token with hidden state `h`, logits `x = W h`, log-sum-exp `L`, target `t`, smoothing
//! `e` and vocabulary size `V`:
//! `loss = L - (1 - e) x_t - e / V * sum(x) + z L^2`, and
//! `dloss/dx_j = softmax(x)_j * (1 + 2 z L) - (1 - e) [j = t] - e / V`.
//! The gradients of `h` and `W` are products with that row, so a chunk's logits become its
//! gradient in place and are dropped: `[tokens, vocab]` never exists beyond a chunk. Where a
//! gradient is needed it is computed in the forward pass, for a unit upstream gradient; the
//! backward pass multiplies by the upstream scalar.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::ops::{FloatTensor, IntTensor};
use burn::tensor::{Int, Tensor};

use crate::KernelBackend;
use crate::primitive::{float, int, into_float};

pub mod composed;
mod flex;

/// Options of [`linear_cross_entropy`] and [`token_losses`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CrossEntropyOptions {
    /// Target of tokens that have no loss; `-100` by convention.
    pub ignore_index: i64,
    /// Part of the target probability spread over the whole vocabulary; 0 for none.
    pub label_smoothing: f64,
    /// Weight of the squared log-sum-exp (PaLM's z-loss, arXiv:2204.02311); 0 for none.
    pub z_loss: f64,
    /// Tokens whose logits exist at the same time; at least 1. Memory is
    /// `chunk * vocab` floats.
    pub chunk: usize,
}

impl Default for CrossEntropyOptions {
    fn default() -> Self {
        Self { ignore_index: -100, label_smoothing: 0.0, z_loss: 0.0, chunk: 512 }
    }
}

/// Sum of the token losses, in nats, over targets that are not ignored; shape `[1]`.
///
/// `hidden [tokens, d_model]`, `weight [vocab, d_model]`, `targets [tokens]`. A kept target outside
/// the vocabulary makes the loss and its gradients NaN. With every target ignored the loss and
/// the gradients are zero.
///
/// Cost: `6 * tokens * vocab * d_model` FLOP where a gradient is needed, all of it in the forward
/// pass.
///
/// # Panics
///
/// When the shapes do not fit together.
pub fn linear_cross_entropy<B: KernelBackend>(
    hidden: Tensor<B, 2>,
    weight: Tensor<B, 2>,
    targets: Tensor<B, 1, Int>,
    options: &CrossEntropyOptions,
) -> Tensor<B, 1> {
    check(&hidden, &weight, &targets);
    let (hidden, weight) = (into_float(hidden), into_float(weight));
    float(B::cross_entropy_sum(hidden, weight, targets.into_primitive(), *options))
}

/// Loss of each token, in nats, `[tokens]`; zero where ignored. Passes no gradient on.
///
/// Arguments and panics as in [`linear_cross_entropy`].
pub fn token_losses<B: KernelBackend>(
    hidden: Tensor<B, 2>,
    weight: Tensor<B, 2>,
    targets: Tensor<B, 1, Int>,
    options: &CrossEntropyOptions,
) -> Tensor<B, 1> {
    check(&hidden, &weight, &targets);
    let (hidden, weight) = (into_float(hidden), into_float(weight));
    float(B::cross_entropy_losses(hidden, weight, targets.into_primitive(), *options))
}

/// Loss of each token, in nats, `[tokens]`, from logits `[tokens, vocab]` that were changed on their
/// way (a bias, a soft-cap); zero where ignored. A composition of Burn's operations, which
/// differentiate it; it holds the logits several times, whatever the options' `chunk`.
///
/// # Panics
///
/// When there are not as many targets as rows of logits.
pub fn cross_entropy<B: Backend>(
    logits: Tensor<B, 2>,
    targets: Tensor<B, 1, Int>,
    options: &CrossEntropyOptions,
) -> Tensor<B, 1> {
    let ([tokens, _], [n_targets]) = (logits.dims(), targets.dims());
    assert_eq!(tokens, n_targets, "cross-entropy: {tokens} tokens, {n_targets} targets");
    composed::losses_of_logits(logits, targets, options)
}

fn check<B: Backend>(hidden: &Tensor<B, 2>, weight: &Tensor<B, 2>, targets: &Tensor<B, 1, Int>) {
    let ([tokens, d_model], [_, d_weight], [n_targets]) =
        (hidden.dims(), weight.dims(), targets.dims());
    assert_eq!(d_model, d_weight, "cross-entropy: hidden of {d_model}, weight of {d_weight}");
    assert_eq!(tokens, n_targets, "cross-entropy: {tokens} tokens, {n_targets} targets");
}

/// Which gradients a forward pass has to leave behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrossEntropyNeeds {
    /// The gradient of the hidden states.
    pub hidden: bool,
    /// The gradient of the weight.
    pub weight: bool,
}

/// Loss and the gradients asked for.
#[derive(Debug, Clone)]
pub struct CrossEntropyForward<B: Backend> {
    /// Sum of the losses, `[1]`.
    pub loss: FloatTensor<B>,
    /// `[tokens, d_model]`, of the summed loss.
    pub d_hidden: Option<FloatTensor<B>>,
    /// `[vocab, d_model]`, of the summed loss.
    pub d_weight: Option<FloatTensor<B>>,
}

/// Fused linear and cross-entropy. Defaults are the composed twin, chunked as well.
pub trait CrossEntropyKernel: Backend {
    /// The differentiable entry: the summed loss, `[1]`.
    fn cross_entropy_sum(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
    ) -> FloatTensor<Self> {
        let needs = CrossEntropyNeeds { hidden: false, weight: false };
        Self::cross_entropy_forward(hidden, weight, targets, options, needs).loss
    }

    /// The loss of each token, `[tokens]`.
    fn cross_entropy_losses(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
    ) -> FloatTensor<Self> {
        into_float(composed::losses::<Self>(float(hidden), float(weight), int(targets), &options))
    }

    /// The summed loss and the gradients that `needs` names.
    fn cross_entropy_forward(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
        needs: CrossEntropyNeeds,
    ) -> CrossEntropyForward<Self> {
        composed::forward(float(hidden), float(weight), int(targets), &options, needs)
    }

    /// `gradient` (any matrix) times the upstream scalar, `[1]`.
    fn cross_entropy_backward(
        gradient: FloatTensor<Self>,
        upstream: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let scalar = float::<Self, 1>(upstream).reshape([1, 1]);
        into_float(float::<Self, 2>(gradient) * scalar)
    }
}

#[derive(Debug)]
struct CrossEntropyBackward;

impl<B: KernelBackend> Backward<B, 2> for CrossEntropyBackward {
    /// Gradients of `hidden` and `weight` for a unit upstream gradient.
    type State = (Option<FloatTensor<B>>, Option<FloatTensor<B>>);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let upstream = grads.consume::<B>(&ops.node);
        let (d_hidden, d_weight) = ops.state;
        for (node, gradient) in ops.parents.into_iter().zip([d_hidden, d_weight]) {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                let gradient = B::cross_entropy_backward(gradient, upstream.clone());
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: KernelBackend, C: CheckpointStrategy> CrossEntropyKernel for Autodiff<B, C> {
    fn cross_entropy_sum(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
    ) -> FloatTensor<Self> {
        let needs = CrossEntropyNeeds { hidden: hidden.is_tracked(), weight: weight.is_tracked() };
        let prep = CrossEntropyBackward.prepare::<C>([hidden.node.clone(), weight.node.clone()]);
        let forward =
            B::cross_entropy_forward(hidden.primitive, weight.primitive, targets, options, needs);
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                prep.finish((forward.d_hidden, forward.d_weight), forward.loss)
            }
            OpsKind::UnTracked(prep) => prep.finish(forward.loss),
        }
    }

    fn cross_entropy_losses(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropyOptions,
    ) -> FloatTensor<Self> {
        let (hidden, weight) = (hidden.primitive, weight.primitive);
        Self::from_inner(B::cross_entropy_losses(hidden, weight, targets, options))
    }
}
