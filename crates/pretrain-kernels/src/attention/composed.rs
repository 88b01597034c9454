//! Attention in plain Burn operations, whole score matrix at once: the reference of every fused
//! version.

use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Bool, Int, Tensor};

use super::{AttentionForward, AttentionGradients, AttentionSight, AttentionSpec};
use crate::primitive::{float, int, into_float};

/// `(output [batch, q_len, heads, head_dim], log-sum-exp [batch, heads, q_len])`.
pub fn forward<B: Backend>(
    q: Tensor<B, 4>,
    k: Tensor<B, 4>,
    v: Tensor<B, 4>,
    bias: Option<Tensor<B, 4>>,
    sight: AttentionSight<B>,
    spec: AttentionSpec,
) -> (Tensor<B, 4>, Tensor<B, 3>) {
    let ([batch, q_len, heads, _], [_, kv_len, ..]) = (q.dims(), k.dims());
    let hidden = hidden(sight, spec, [batch, heads, q_len, kv_len], &q.device());
    let scores = masked(capped(q, k, spec), bias, &hidden);
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

/// Gradients of `q`, `k`, `v` and of the bias.
pub fn backward<B: Backend>(
    q: Tensor<B, 4>,
    k: Tensor<B, 4>,
    v: Tensor<B, 4>,
    bias: Option<Tensor<B, 4>>,
    sight: AttentionSight<B>,
    (output, log_sum_exp): (Tensor<B, 4>, Tensor<B, 3>),
    grad: Tensor<B, 4>,
    spec: AttentionSpec,
) -> ([Tensor<B, 4>; 3], Option<Tensor<B, 4>>) {
    let ([batch, q_len, heads, _], [_, kv_len, kv_heads, _]) = (q.dims(), k.dims());
    let hidden = hidden(sight, spec, [batch, heads, q_len, kv_len], &q.device());
    let log_sum_exp = log_sum_exp.reshape([batch, heads, q_len, 1]);
    let capped = capped(q.clone(), k.clone(), spec);
    let p = (masked(capped.clone(), bias.clone(), &hidden) - log_sum_exp).exp();
    let p = match hidden {
        Some(hidden) => p.mask_fill(hidden, 0.0),
        None => p,
    };
    let row = (grad.clone() * output).sum_dim(3).swap_dims(1, 2);
    let grad = head_major(grad);
    let dv = p.clone().swap_dims(2, 3).matmul(grad.clone());
    let dp = grad.matmul(head_major(spread(v, heads)).swap_dims(2, 3));
    let ds = p * (dp - row);
    let dbias = bias.map(|bias| {
        let dims = bias.dims();
        (0..3).filter(|i| dims[*i] == 1).fold(ds.clone(), |sum, i| sum.sum_dim(i))
    });
    let ds = match spec.softcap {
        Some(cap) => ds * ((capped / cap).powi_scalar(2).neg() + 1.0),
        None => ds,
    };
    let ds = ds * spec.scale;
    let dq = ds.clone().matmul(head_major(spread(k, heads))).swap_dims(1, 2);
    let dk = ds.swap_dims(2, 3).matmul(head_major(q));
    ([dq, gather(dk.swap_dims(1, 2), kv_heads), gather(dv.swap_dims(1, 2), kv_heads)], dbias)
}

pub(super) fn forward_primitive<B: Backend>(
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
    sight: AttentionSight<B>,
    spec: AttentionSpec,
) -> AttentionForward<B> {
    let (output, log_sum_exp) =
        forward::<B>(float(q), float(k), float(v), bias.map(float), sight, spec);
    AttentionForward { output: into_float(output), log_sum_exp: into_float(log_sum_exp) }
}

pub(super) fn backward_primitive<B: Backend>(
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
    sight: AttentionSight<B>,
    forward: AttentionForward<B>,
    grad: FloatTensor<B>,
    spec: AttentionSpec,
) -> AttentionGradients<B> {
    let saved = (float(forward.output), float(forward.log_sum_exp));
    let (q, k, v, bias) = (float(q), float(k), float(v), bias.map(float));
    let ([dq, dk, dv], dbias) = backward::<B>(q, k, v, bias, sight, saved, float(grad), spec);
    let bias = dbias.map(into_float);
    AttentionGradients { q: into_float(dq), k: into_float(dk), v: into_float(dv), bias }
}

/// Scaled and capped scores `[batch, heads, q_len, kv_len]`.
fn capped<B: Backend>(q: Tensor<B, 4>, k: Tensor<B, 4>, spec: AttentionSpec) -> Tensor<B, 4> {
    let heads = q.dims()[2];
    let keys = head_major(spread(k, heads)).swap_dims(2, 3);
    let scores = head_major(q).matmul(keys) * spec.scale;
    match spec.softcap {
        Some(cap) => (scores / cap).tanh() * cap,
        None => scores,
    }
}

/// Scores with their bias, minus infinity where hidden.
fn masked<B: Backend>(
    scores: Tensor<B, 4>,
    bias: Option<Tensor<B, 4>>,
    hidden: &Option<Tensor<B, 4, Bool>>,
) -> Tensor<B, 4> {
    let scores = match bias {
        Some(bias) => scores + bias,
        None => scores,
    };
    match hidden {
        Some(hidden) => scores.mask_fill(hidden.clone(), f32::NEG_INFINITY),
        None => scores,
    }
}

/// Where a query must not look, `[batch, heads, q_len, kv_len]`.
fn hidden<B: Backend>(
    sight: AttentionSight<B>,
    spec: AttentionSpec,
    shape: [usize; 4],
    device: &B::Device,
) -> Option<Tensor<B, 4, Bool>> {
    let [batch, _, q_len, kv_len] = shape;
    let shift = kv_len as i64 - q_len as i64;
    let query = || {
        Tensor::<B, 1, Int>::arange(shift..q_len as i64 + shift, device)
            .reshape([1, 1, q_len, 1])
            .expand(shape)
    };
    let key = || {
        Tensor::<B, 1, Int>::arange(0..kv_len as i64, device)
            .reshape([1, 1, 1, kv_len])
            .expand(shape)
    };
    let causal = spec.causal.then(|| {
        let later = key().greater(query());
        match sight.prefix {
            Some(prefix) => {
                let prefix = int::<B, 1>(prefix).reshape([batch, 1, 1, 1]).expand(shape);
                later.bool_and(key().greater_equal(prefix))
            }
            None => later,
        }
    });
    let far = spec.window.map(|window| (query() - key()).abs().greater_equal_elem(window as i64));
    let other = sight.segments.map(|segments| {
        let keys = int::<B, 2>(segments);
        let queries = keys.clone().narrow(1, kv_len - q_len, q_len);
        let queries = queries.reshape([batch, 1, q_len, 1]).expand(shape);
        keys.reshape([batch, 1, 1, kv_len]).expand(shape).not_equal(queries)
    });
    let absent = sight
        .keys
        .map(|keys| int::<B, 2>(keys).reshape([batch, 1, 1, kv_len]).expand(shape).equal_elem(0));
    [causal, far, other, absent].into_iter().flatten().reduce(Tensor::bool_or)
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
