//! Scaled dot-product attention with grouped key/value heads, causal and document masks.
//!
//! Forward: `S = scale * Q K^T`, hidden entries removed, `P = softmax(S)`, `O = P V`; the row-wise
//! log-sum-exp `L` of `S` is kept, `P` is not. Backward (Dao et al. 2022, arXiv:2205.14135) builds
//! each tile of `P = exp(S - L)` again: `dV = P^T dO`, `dP = dO V^T`, `D = rowsum(dO * O)`,
//! `dS = P * (dP - D)`, `dQ = scale * dS K`, `dK = scale * dS^T Q`.

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

/// Which keys a query sees, and the scale of the scores.
#[derive(Debug, Clone, Default)]
pub struct AttentionMask<B: Backend> {
    /// A query sees no later position. With fewer queries than keys the queries are the last
    /// positions of the keys (a key/value cache).
    pub causal: bool,
    /// Segment of each key, `[batch, kv_len]`: a query sees only keys of its own segment. Queries
    /// have the segments of the last `q_len` keys.
    pub segments: Option<Tensor<B, 2, Int>>,
    /// Factor of the scores; `1 / sqrt(head_dim)` when `None`.
    pub scale: Option<f64>,
}

impl<B: Backend> AttentionMask<B> {
    /// Every query sees the keys up to its own position.
    pub fn causal() -> Self {
        Self { causal: true, segments: None, scale: None }
    }

    /// Every query sees every key.
    pub fn bidirectional() -> Self {
        Self { causal: false, segments: None, scale: None }
    }

    /// The same mask, restricted to keys of the query's own segment, `[batch, kv_len]`.
    pub fn with_segments(self, segments: Tensor<B, 2, Int>) -> Self {
        Self { segments: Some(segments), ..self }
    }
}

/// [`AttentionMask`] without its tensor, resolved for given heads.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AttentionSpec {
    /// See [`AttentionMask::causal`].
    pub causal: bool,
    /// Factor of the scores.
    pub scale: f64,
}

impl AttentionSpec {
    /// A causal or bidirectional mask with the given factor of the scores.
    pub fn new(causal: bool, scale: f64) -> Self {
        Self { causal, scale }
    }
}

/// Attention of `q [batch, q_len, heads, head_dim]` over `k` and `v [batch, kv_len, kv_heads,
/// head_dim]`, result in the shape of `q`. Query head `h` reads key/value head
/// `h / (heads / kv_heads)`. A query that sees no key gives zeros and passes no gradient on.
///
/// # Panics
///
/// When the shapes do not fit together: batch or `head_dim` differ, `heads` is not a multiple of
/// `kv_heads`, segments are not `[batch, kv_len]`, or there are segments and more queries than keys.
pub fn attention<B: KernelBackend>(
    q: Tensor<B, 4>,
    k: Tensor<B, 4>,
    v: Tensor<B, 4>,
    mask: &AttentionMask<B>,
) -> Tensor<B, 4> {
    let [batch, q_len, heads, head_dim] = q.dims();
    let [_, kv_len, kv_heads, _] = k.dims();
    assert_eq!(k.dims(), [batch, kv_len, kv_heads, head_dim], "attention: k does not fit q");
    assert_eq!(v.dims(), k.dims(), "attention: v and k differ in shape");
    assert!(
        kv_heads > 0 && heads % kv_heads == 0,
        "attention: {heads} query heads over {kv_heads} key/value heads"
    );
    if let Some(segments) = &mask.segments {
        assert_eq!(segments.dims(), [batch, kv_len], "attention: segments are not [batch, kv_len]");
        assert!(q_len <= kv_len, "attention: segments, {q_len} queries and only {kv_len} keys");
    }
    let scale = mask.scale.unwrap_or_else(|| (head_dim as f64).sqrt().recip());
    let spec = AttentionSpec::new(mask.causal, scale);
    let segments = mask.segments.clone().map(Tensor::into_primitive);
    float(B::attention_output(into_float(q), into_float(k), into_float(v), segments, spec))
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

/// Forward and backward of attention. Defaults are the composed twin, which materialises
/// `[batch, heads, q_len, kv_len]`.
pub trait AttentionKernel: Backend {
    /// The differentiable entry: output only. `segments [batch, kv_len]`.
    fn attention_output(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        segments: Option<IntTensor<Self>>,
        spec: AttentionSpec,
    ) -> FloatTensor<Self> {
        Self::attention_forward(q, k, v, segments, spec).output
    }

    /// Output and log-sum-exp.
    fn attention_forward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        segments: Option<IntTensor<Self>>,
        spec: AttentionSpec,
    ) -> AttentionForward<Self> {
        composed::forward_primitive(q, k, v, segments, spec)
    }

    /// `(dq, dk, dv)` in the shapes of `q`, `k`, `v`.
    fn attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        segments: Option<IntTensor<Self>>,
        forward: AttentionForward<Self>,
        grad: FloatTensor<Self>,
        spec: AttentionSpec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::backward_primitive(q, k, v, segments, forward, grad, spec)
    }
}

/// Tensors that the backward pass of attention reads.
#[derive(Debug, Clone)]
struct AttentionState<B: Backend> {
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    segments: Option<IntTensor<B>>,
    forward: AttentionForward<B>,
    spec: AttentionSpec,
}

#[derive(Debug)]
struct AttentionBackward;

impl<B: KernelBackend> Backward<B, 3> for AttentionBackward {
    type State = AttentionState<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let AttentionState { q, k, v, segments, forward, spec } = ops.state;
        let (dq, dk, dv) = B::attention_backward(q, k, v, segments, forward, grad, spec);
        for (node, gradient) in ops.parents.into_iter().zip([dq, dk, dv]) {
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
        segments: Option<IntTensor<Self>>,
        spec: AttentionSpec,
    ) -> FloatTensor<Self> {
        let nodes = [q.node.clone(), k.node.clone(), v.node.clone()];
        let (q, k, v) = (q.primitive, k.primitive, v.primitive);
        match AttentionBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let forward =
                    B::attention_forward(q.clone(), k.clone(), v.clone(), segments.clone(), spec);
                let output = forward.output.clone();
                prep.finish(AttentionState { q, k, v, segments, forward, spec }, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::attention_output(q, k, v, segments, spec)),
        }
    }
}
