//! Attention in plain Burn operations, whole score matrix at once: the reference of every fused
//! version.

use burn::tensor::backend::Backend;
use burn::tensor::ops::{FloatTensor, IntTensor};
use burn::tensor::{Bool, Int, Tensor};

use super::{AttentionForward, AttentionSpec};
use crate::primitive::{float, int, into_float};

/// `(output [batch, q_len, heads, head_dim], log-sum-exp [batch, heads, q_len])`.
pub fn forward<B: Backend>(
    q: Tensor<B, 4>,
    k: Tensor<B, 4>,
    v: Tensor<B, 4>,
    segments: Option<Tensor<B, 2, Int>>,
    spec: AttentionSpec,
) -> (Tensor<B, 4>, Tensor<B, 3>) {
    let ([batch, q_len, heads, _], [_, kv_len, ..]) = (q.dims(), k.dims());
    let hidden = hidden(segments, spec, [batch, heads, q_len, kv_len], &q.device());
    let scores = scores(q, k, &hidden, spec);
    // A row that sees nothing has a maximum of minus infinity; zero keeps it free of NaN.
    let max = scores.clone().max_dim(3);
    let max = max.clone().mask_fill(max.is_inf(), 0.0);
    let weights = (scores - max.clone()).exp();
    let sum = weights.clone().sum_dim(3);
    let log_sum_exp = (sum.clone().log() + max).reshape([batch, heads, q_len]);
    let probabilities = weights / sum.clone().mask_fill(sum.equal_elem(0.0), 1.0);
    let output = probabilities.matmul(head_major(spread(v, heads))).swap_dims(1, 2);
    (output, log_sum_exp)
}

/// `(dq, dk, dv)`.
pub fn backward<B: Backend>(
    q: Tensor<B, 4>,
    k: Tensor<B, 4>,
    v: Tensor<B, 4>,
    segments: Option<Tensor<B, 2, Int>>,
    (output, log_sum_exp): (Tensor<B, 4>, Tensor<B, 3>),
    grad: Tensor<B, 4>,
    spec: AttentionSpec,
) -> (Tensor<B, 4>, Tensor<B, 4>, Tensor<B, 4>) {
    let ([batch, q_len, heads, _], [_, kv_len, kv_heads, _]) = (q.dims(), k.dims());
    let hidden = hidden(segments, spec, [batch, heads, q_len, kv_len], &q.device());
    let log_sum_exp = log_sum_exp.reshape([batch, heads, q_len, 1]);
    let p = (scores(q.clone(), k.clone(), &hidden, spec) - log_sum_exp).exp();
    let p = match hidden {
        Some(hidden) => p.mask_fill(hidden, 0.0),
        None => p,
    };
    let row = (grad.clone() * output).sum_dim(3).swap_dims(1, 2);
    let grad = head_major(grad);
    let dv = p.clone().swap_dims(2, 3).matmul(grad.clone());
    let dp = grad.matmul(head_major(spread(v, heads)).swap_dims(2, 3));
    let ds = p * (dp - row) * spec.scale;
    let dq = ds.clone().matmul(head_major(spread(k, heads))).swap_dims(1, 2);
    let dk = ds.swap_dims(2, 3).matmul(head_major(q));
    (dq, gather(dk.swap_dims(1, 2), kv_heads), gather(dv.swap_dims(1, 2), kv_heads))
}

pub(super) fn forward_primitive<B: Backend>(
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    segments: Option<IntTensor<B>>,
    spec: AttentionSpec,
) -> AttentionForward<B> {
    let (output, log_sum_exp) = forward::<B>(float(q), float(k), float(v), segments.map(int), spec);
    AttentionForward { output: into_float(output), log_sum_exp: into_float(log_sum_exp) }
}

pub(super) fn backward_primitive<B: Backend>(
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    segments: Option<IntTensor<B>>,
    forward: AttentionForward<B>,
    grad: FloatTensor<B>,
    spec: AttentionSpec,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let saved = (float(forward.output), float(forward.log_sum_exp));
    let (dq, dk, dv) =
        backward::<B>(float(q), float(k), float(v), segments.map(int), saved, float(grad), spec);
    (into_float(dq), into_float(dk), into_float(dv))
}

/// Scaled scores `[batch, heads, q_len, kv_len]`, minus infinity where hidden.
fn scores<B: Backend>(
    q: Tensor<B, 4>,
    k: Tensor<B, 4>,
    hidden: &Option<Tensor<B, 4, Bool>>,
    spec: AttentionSpec,
) -> Tensor<B, 4> {
    let heads = q.dims()[2];
    let keys = head_major(spread(k, heads)).swap_dims(2, 3);
    let scores = head_major(q).matmul(keys) * spec.scale;
    match hidden {
        Some(hidden) => scores.mask_fill(hidden.clone(), f32::NEG_INFINITY),
        None => scores,
    }
}

/// Where a query must not look, `[batch, heads, q_len, kv_len]`.
fn hidden<B: Backend>(
    segments: Option<Tensor<B, 2, Int>>,
    spec: AttentionSpec,
    shape: [usize; 4],
    device: &B::Device,
) -> Option<Tensor<B, 4, Bool>> {
    let [batch, _, q_len, kv_len] = shape;
    let shift = kv_len as i64 - q_len as i64;
    let causal = spec.causal.then(|| {
        let query = Tensor::<B, 1, Int>::arange(shift..q_len as i64 + shift, device)
            .reshape([1, 1, q_len, 1])
            .expand(shape);
        let key = Tensor::<B, 1, Int>::arange(0..kv_len as i64, device)
            .reshape([1, 1, 1, kv_len])
            .expand(shape);
        key.greater(query)
    });
    let other = segments.map(|keys| {
        let queries = keys.clone().narrow(1, kv_len - q_len, q_len);
        let queries = queries.reshape([batch, 1, q_len, 1]).expand(shape);
        keys.reshape([batch, 1, 1, kv_len]).expand(shape).not_equal(queries)
    });
    match (causal, other) {
        (Some(causal), Some(other)) => Some(causal.bool_or(other)),
        (causal, other) => causal.or(other),
    }
}

/// `[batch, seq, heads, dim]` to `[batch, heads, seq, dim]`.
fn head_major<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    x.swap_dims(1, 2)
}

/// Each key/value head repeated for its group of query heads.
fn spread<B: Backend>(x: Tensor<B, 4>, heads: usize) -> Tensor<B, 4> {
    let [batch, seq, kv_heads, dim] = x.dims();
    x.reshape([batch, seq, kv_heads, 1, dim])
        .expand([batch, seq, kv_heads, heads / kv_heads, dim])
        .reshape([batch, seq, heads, dim])
}

/// The transpose of [`spread`]: the sum over each group.
fn gather<B: Backend>(x: Tensor<B, 4>, kv_heads: usize) -> Tensor<B, 4> {
    let [batch, seq, heads, dim] = x.dims();
    x.reshape([batch, seq, kv_heads, heads / kv_heads, dim])
        .sum_dim(3)
        .reshape([batch, seq, kv_heads, dim])
}
