//! Scaled dot-product attention with grouped key/value heads; causal, window, prefix, document and
//! padding masks; soft-capped and biased scores.
//!
//! Forward: `S = scale * Q K^T`, hidden entries removed, `P = softmax(S)`, `O = P V`; the row-wise
//! log-sum-exp `L` of `S` is kept, `P` is not. Backward (Dao et al. 2022, arXiv:2205.14135) builds
//! each tile of `P = exp(S - L)` again: `dV = P^T dO`, `dP = dO V^T`, `D = rowsum(dO * O)`,
//! `dS = P * (dP - D)`, `dQ = scale * dS K`, `dK = scale * dS^T Q`.
//!
//! A soft-cap `c` (Gemma 2) replaces `S` by `C = c tanh(S / c)`, whose derivative is
//! `1 - (C / c)^2`. A bias `B` (relative positions, ALiBi) is added after it; `dB` is `dS`, summed
//! over the dimensions that were repeated.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::Backend;
use burn::tensor::ops::{FloatTensor, IntTensor};
use burn::tensor::{Int, Tensor};

use crate::KernelBackend;
use crate::primitive::{float, into_float};

pub mod composed;
mod flex;

/// Which keys a query sees, and how its scores are made.
#[derive(Debug, Clone, Default)]
pub struct AttentionMask<B: Backend> {
    /// A query sees no later position. With fewer queries than keys the queries are the last
    /// positions of the keys (a key/value cache).
    pub causal: bool,
    /// A query sees only keys less than this many positions away, itself included.
    pub window: Option<usize>,
    /// Segment of each key, `[batch, kv_len]`: a query sees only keys of its own segment. Queries
    /// have the segments of the last `q_len` keys.
    pub segments: Option<Tensor<B, 2, Int>>,
    /// Number of leading keys that every query sees even where it is causal, `[batch]`.
    pub prefix: Option<Tensor<B, 1, Int>>,
    /// Which keys there are, `[batch, kv_len]`: no query sees a key whose number is 0.
    pub keys: Option<Tensor<B, 2, Int>>,
    /// Factor of the scores; `1 / sqrt(head_dim)` when `None`.
    pub scale: Option<f64>,
    /// Bound that scores approach: `c tanh(score / c)`.
    pub softcap: Option<f64>,
    /// Added to the scores, `[batch, heads, q_len, kv_len]`, each of the first three sizes possibly
    /// 1. It gets its gradient.
    pub bias: Option<Tensor<B, 4>>,
}

impl<B: Backend> AttentionMask<B> {
    /// Every query sees the keys up to its own position.
    pub fn causal() -> Self {
        Self { causal: true, ..Self::bidirectional() }
    }

    /// Every query sees every key.
    pub fn bidirectional() -> Self {
        Self {
            causal: false,
            window: None,
            segments: None,
            prefix: None,
            keys: None,
            scale: None,
            softcap: None,
            bias: None,
        }
    }

    /// The same mask, restricted to keys of the query's own segment, `[batch, kv_len]`.
    pub fn with_segments(self, segments: Tensor<B, 2, Int>) -> Self {
        Self { segments: Some(segments), ..self }
    }

    fn check(&self, [batch, q_len, heads, _]: [usize; 4], kv_len: usize) {
        if let Some(segments) = &self.segments {
            let dims = segments.dims();
            assert_eq!(dims, [batch, kv_len], "attention: segments are not [batch, kv_len]");
            assert!(q_len <= kv_len, "attention: segments, {q_len} queries and only {kv_len} keys");
        }
        if let Some(prefix) = &self.prefix {
            assert_eq!(prefix.dims(), [batch], "attention: prefix is not [batch]");
        }
        if let Some(keys) = &self.keys {
            assert_eq!(keys.dims(), [batch, kv_len], "attention: keys are not [batch, kv_len]");
        }
        if let Some(bias) = &self.bias {
            let (dims, full) = (bias.dims(), [batch, heads, q_len, kv_len]);
            let fits = dims[3] == kv_len && (0..3).all(|i| dims[i] == full[i] || dims[i] == 1);
            assert!(fits, "attention: a bias of {dims:?} for scores of {full:?}");
        }
    }
}

/// The tensors of an [`AttentionMask`] that hide keys.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttentionSight<B: Backend> {
    /// See [`AttentionMask::segments`].
    pub segments: Option<IntTensor<B>>,
    /// See [`AttentionMask::prefix`].
    pub prefix: Option<IntTensor<B>>,
    /// See [`AttentionMask::keys`].
    pub keys: Option<IntTensor<B>>,
}

impl<B: Backend> AttentionSight<B> {
    /// The tensors of a mask.
    pub fn of(mask: &AttentionMask<B>) -> Self {
        Self {
            segments: mask.segments.clone().map(Tensor::into_primitive),
            prefix: mask.prefix.clone().map(Tensor::into_primitive),
            keys: mask.keys.clone().map(Tensor::into_primitive),
        }
    }
}

/// [`AttentionMask`] without its tensors, resolved for given heads.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AttentionSpec {
    /// See [`AttentionMask::causal`].
    pub causal: bool,
    /// See [`AttentionMask::window`].
    pub window: Option<usize>,
    /// Factor of the scores.
    pub scale: f64,
    /// See [`AttentionMask::softcap`].
    pub softcap: Option<f64>,
}

impl AttentionSpec {
    /// A causal or bidirectional mask with the given factor of the scores.
    pub fn new(causal: bool, scale: f64) -> Self {
        Self { causal, window: None, scale, softcap: None }
    }

    /// The numbers of a mask for heads of `head_dim` features.
    pub fn of<B: Backend>(mask: &AttentionMask<B>, head_dim: usize) -> Self {
        Self {
            causal: mask.causal,
            window: mask.window,
            scale: mask.scale.unwrap_or_else(|| (head_dim as f64).sqrt().recip()),
            softcap: mask.softcap,
        }
    }
}

/// Attention of `q [batch, q_len, heads, head_dim]` over `k` and `v [batch, kv_len, kv_heads,
/// head_dim]`, result in the shape of `q`. Query head `h` reads key/value head
/// `h / (heads / kv_heads)`. A query that sees no key gives zeros and passes no gradient on.
///
/// # Panics
///
/// When the shapes do not fit together: batch or `head_dim` differ, `heads` is not a multiple of
/// `kv_heads`, a tensor of the mask has not the shape that is documented there, or there are
/// segments and more queries than keys.
pub fn attention<B: KernelBackend>(
    q: Tensor<B, 4>,
    k: Tensor<B, 4>,
    v: Tensor<B, 4>,
    mask: &AttentionMask<B>,
) -> Tensor<B, 4> {
    let [batch, _, heads, head_dim] = q.dims();
    let [_, kv_len, kv_heads, _] = k.dims();
    assert_eq!(k.dims(), [batch, kv_len, kv_heads, head_dim], "attention: k does not fit q");
    assert_eq!(v.dims(), k.dims(), "attention: v and k differ in shape");
    assert!(
        kv_heads > 0 && heads % kv_heads == 0,
        "attention: {heads} query heads over {kv_heads} key/value heads"
    );
    mask.check(q.dims(), kv_len);
    let spec = AttentionSpec::of(mask, head_dim);
    let bias = mask.bias.clone().map(into_float);
    let (q, k, v) = (into_float(q), into_float(k), into_float(v));
    float(B::attention_output(q, k, v, bias, AttentionSight::of(mask), spec))
}

/// What the forward pass leaves for the backward pass.
#[derive(Debug, Clone)]
pub struct AttentionForward<B: Backend> {
    /// `[batch, q_len, heads, head_dim]`.
    pub output: FloatTensor<B>,
    /// Log-sum-exp of each row of scaled scores, `[batch, heads, q_len]`; minus infinity for a
    /// query that sees no key.
    pub log_sum_exp: FloatTensor<B>,
}

/// Gradients of the operands, each in the shape of its operand.
#[derive(Debug, Clone)]
pub struct AttentionGradients<B: Backend> {
    /// Of the queries.
    pub q: FloatTensor<B>,
    /// Of the keys.
    pub k: FloatTensor<B>,
    /// Of the values.
    pub v: FloatTensor<B>,
    /// Of the bias, where there is one.
    pub bias: Option<FloatTensor<B>>,
}

/// Forward and backward of attention. Defaults are the composed twin, which materialises
/// `[batch, heads, q_len, kv_len]`.
pub trait AttentionKernel: Backend {
    /// The differentiable entry: output only.
    fn attention_output(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        sight: AttentionSight<Self>,
        spec: AttentionSpec,
    ) -> FloatTensor<Self> {
        Self::attention_forward(q, k, v, bias, sight, spec).output
    }

    /// Output and log-sum-exp.
    fn attention_forward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        sight: AttentionSight<Self>,
        spec: AttentionSpec,
    ) -> AttentionForward<Self> {
        composed::forward_primitive(q, k, v, bias, sight, spec)
    }

    /// The gradients for an upstream gradient in the shape of the output.
    fn attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        sight: AttentionSight<Self>,
        forward: AttentionForward<Self>,
        grad: FloatTensor<Self>,
        spec: AttentionSpec,
    ) -> AttentionGradients<Self> {
        composed::backward_primitive(q, k, v, bias, sight, forward, grad, spec)
    }
}

/// Tensors that the backward pass of attention reads.
#[derive(Debug, Clone)]
struct AttentionState<B: Backend> {
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
    sight: AttentionSight<B>,
    forward: AttentionForward<B>,
    spec: AttentionSpec,
}

/// With three operands, or with a bias as the fourth.
#[derive(Debug)]
struct AttentionBackward;

impl<B: KernelBackend, const N: usize> Backward<B, N> for AttentionBackward {
    type State = AttentionState<B>;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let AttentionState { q, k, v, bias, sight, forward, spec } = ops.state;
        let found = B::attention_backward(q, k, v, bias, sight, forward, grad, spec);
        let gradients = [found.q, found.k, found.v].into_iter().chain(found.bias);
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: KernelBackend, C: CheckpointStrategy> AttentionKernel for Autodiff<B, C> {
    fn attention_output(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        sight: AttentionSight<Self>,
        spec: AttentionSpec,
    ) -> FloatTensor<Self> {
        let AttentionSight { segments, prefix, keys } = sight;
        let sight = AttentionSight { segments, prefix, keys };
        match bias {
            None => record::<B, C, 3>([q, k, v], sight, spec),
            Some(bias) => record::<B, C, 4>([q, k, v, bias], sight, spec),
        }
    }
}

/// Attention over `[q, k, v]` or `[q, k, v, bias]`.
fn record<B: KernelBackend, C: CheckpointStrategy, const N: usize>(
    operands: [FloatTensor<Autodiff<B, C>>; N],
    sight: AttentionSight<B>,
    spec: AttentionSpec,
) -> FloatTensor<Autodiff<B, C>> {
    let nodes = operands.each_ref().map(|operand| operand.node.clone());
    let mut operands = operands.into_iter().map(|operand| operand.primitive);
    let mut next = || operands.next().expect("queries, keys and values");
    let (q, k, v) = (next(), next(), next());
    let bias = operands.next();
    let prep = Backward::<B, N>::prepare::<C>(AttentionBackward, nodes);
    match prep.compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let state = (q.clone(), k.clone(), v.clone(), bias.clone(), sight.clone());
            let forward = B::attention_forward(q, k, v, bias, sight, spec);
            let (q, k, v, bias, sight) = state;
            let output = forward.output.clone();
            prep.finish(AttentionState { q, k, v, bias, sight, forward, spec }, output)
        }
        OpsKind::UnTracked(prep) => prep.finish(B::attention_output(q, k, v, bias, sight, spec)),
    }
}
