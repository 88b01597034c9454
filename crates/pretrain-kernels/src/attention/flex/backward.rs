//! The backward pass: one task per sequence and key/value head, which owns the gradients of that
//! head and of the query heads that read it. Tiles of weights are computed again from the
//! log-sum-exp.

use std::ops::Range;

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::tile::Mask;
use super::{KV_BLOCK, Problem, Q_BLOCK};
use crate::buffer::Buffer;
use crate::matmul::{Matrix, MatrixMut, Old, matmul};
use crate::simd::{Kernel, dispatch, dot, exp_weight};
use crate::storage::{Floats, tensor};

/// `(dq, dk, dv)`; `saved` is the output, its log-sum-exp and the upstream gradient.
pub(super) fn backward(p: &Problem, saved: &[Floats; 3]) -> (FlexTensor, FlexTensor, FlexTensor) {
    let (q_size, kv_size) = (p.group() * p.q_len * p.head_dim, p.kv_len * p.head_dim);
    let tasks = p.batch * p.kv_heads;
    // Head-major while the tasks write them, so that a task owns one range of each.
    let mut dq = Buffer::stale(tasks * q_size);
    let (mut dk, mut dv) = (Buffer::stale(tasks * kv_size), Buffer::stale(tasks * kv_size));
    if dq.is_empty() {
        // No queries: no task would clear these.
        dk.fill(0.0);
        dv.fill(0.0);
    }
    dq.par_chunks_mut(q_size.max(1))
        .zip(dk.par_chunks_mut(kv_size.max(1)))
        .zip(dv.par_chunks_mut(kv_size.max(1)))
        .enumerate()
        .for_each(|(task, ((dq, dk), dv))| {
            let (batch, kv_head) = (task / p.kv_heads, task % p.kv_heads);
            let mut scratch = Scratch::new(p);
            for sum in [&mut *dq, dk, dv] {
                sum.fill(0.0);
            }
            for (i, dq) in dq.chunks_exact_mut(p.q_len * p.head_dim).enumerate() {
                let heads = (kv_head * p.group() + i, kv_head);
                head(p, saved, batch, heads, [dq, dk, dv], &mut scratch);
            }
        });
    (
        interleave(&dq, [p.batch, p.heads, p.q_len, p.head_dim]),
        interleave(&dk, [p.batch, p.kv_heads, p.kv_len, p.head_dim]),
        interleave(&dv, [p.batch, p.kv_heads, p.kv_len, p.head_dim]),
    )
}

/// Two tiles and the row sums `D`.
struct Scratch {
    weights: Buffer,
    slopes: Buffer,
    projections: Buffer,
}

impl Scratch {
    fn new(p: &Problem) -> Self {
        let tile = Q_BLOCK.min(p.q_len) * KV_BLOCK.min(p.kv_len);
        Self {
            weights: Buffer::stale(tile),
            slopes: Buffer::stale(tile),
            projections: Buffer::stale(Q_BLOCK.min(p.q_len)),
        }
    }
}

/// Adds the gradients of one query head. The gradients are `[len, head_dim]` of one head each.
fn head(
    p: &Problem,
    [output, lse, grad]: &[Floats; 3],
    batch: usize,
    (head, kv_head): (usize, usize),
    [dq, dk, dv]: [&mut [f32]; 3],
    scratch: &mut Scratch,
) {
    let (dim, scale) = (p.head_dim, p.spec.scale as f32);
    let (q_stride, kv_stride) = (p.heads * dim, p.kv_heads * dim);
    let mask = Mask::new(p, batch);
    for start in (0..p.q_len).step_by(Q_BLOCK) {
        let queries = start..(start + Q_BLOCK).min(p.q_len);
        let n = queries.len();
        let at = batch * p.q_size() + queries.start * q_stride + head * dim;
        let q = Matrix::strided(&p.q.as_slice()[at..], n, dim, q_stride);
        let (grad_rows, output_rows) = (&grad.as_slice()[at..], &output.as_slice()[at..]);
        let grad = Matrix::strided(grad_rows, n, dim, q_stride);
        let projections = &mut scratch.projections[..n];
        dispatch(Project { grad: grad_rows, output: output_rows, dim, q_stride, projections });
        let lse_start = (batch * p.heads + head) * p.q_len + queries.start;
        let lse = &lse.as_slice()[lse_start..lse_start + n];
        for keys in mask.key_blocks(queries.clone(), KV_BLOCK) {
            let m = keys.len();
            let at = batch * p.kv_size() + keys.start * kv_stride + kv_head * dim;
            let k = Matrix::strided(&p.k.as_slice()[at..], m, dim, kv_stride);
            let v = Matrix::strided(&p.v.as_slice()[at..], m, dim, kv_stride);
            let rows = keys.start * dim..keys.end * dim;
            let (weights, slopes) = (&mut scratch.weights[..n * m], &mut scratch.slopes[..n * m]);
            matmul(MatrixMut::new(weights, n, m), Old::Overwrite, scale, q, k.t());
            matmul(MatrixMut::new(slopes, n, m), Old::Overwrite, 1.0, grad, v.t());
            let query = queries.start;
            let projections = &scratch.projections[..n];
            dispatch(Slopes { weights, slopes, keys, query, mask, lse, projections, scale });
            let weights = Matrix::new(weights, n, m);
            let slopes = Matrix::new(slopes, n, m);
            let dv = MatrixMut::new(&mut dv[rows.clone()], m, dim);
            matmul(dv, Old::AddTo, 1.0, weights.t(), grad);
            let dk = MatrixMut::new(&mut dk[rows], m, dim);
            matmul(dk, Old::AddTo, 1.0, slopes.t(), q);
            let dq = &mut dq[queries.start * dim..queries.end * dim];
            matmul(MatrixMut::new(dq, n, dim), Old::AddTo, 1.0, slopes, k);
        }
    }
}

/// `D = rowsum(dO * O)`.
struct Project<'a> {
    grad: &'a [f32],
    output: &'a [f32],
    dim: usize,
    q_stride: usize,
    projections: &'a mut [f32],
}

impl Kernel for Project<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (i, projection) in self.projections.iter_mut().enumerate() {
            let row = i * self.q_stride..i * self.q_stride + self.dim;
            *projection = dot(&self.grad[row.clone()], &self.output[row]);
        }
    }
}

/// Scores to weights `P = exp(S - L)`, and `dP` to `dS = scale * P * (dP - D)`.
struct Slopes<'a> {
    weights: &'a mut [f32],
    slopes: &'a mut [f32],
    keys: Range<usize>,
    query: usize,
    mask: Mask<'a>,
    lse: &'a [f32],
    projections: &'a [f32],
    scale: f32,
}

impl Kernel for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let width = self.keys.len();
        let rows = self.weights.chunks_exact_mut(width).zip(self.slopes.chunks_exact_mut(width));
        let saved = self.lse.iter().zip(self.projections);
        for (i, ((weights, slopes), (&lse, &projection))) in rows.zip(saved).enumerate() {
            if lse == f32::NEG_INFINITY {
                weights.fill(0.0);
                slopes.fill(0.0);
                continue;
            }
            self.mask.hide(weights, self.query + i, self.keys.clone());
            for (weight, slope) in weights.iter_mut().zip(slopes) {
                *weight = exp_weight(*weight - lse);
                *slope = self.scale * *weight * (*slope - projection);
            }
        }
    }
}

/// `[batch, heads, len, dim]` to a tensor `[batch, len, heads, dim]`.
fn interleave(x: &[f32], [batch, heads, len, dim]: [usize; 4]) -> FlexTensor {
    let mut y = Buffer::stale(x.len());
    let width = heads * dim;
    let block = 64;
    y.par_chunks_mut((block * width).max(1)).enumerate().for_each(|(i, y)| {
        for (row, y) in (i * block..).zip(y.chunks_exact_mut(width)) {
            let (batch, t) = (row / len, row % len);
            for (head, y) in y.chunks_exact_mut(dim).enumerate() {
                let start = ((batch * heads + head) * len + t) * dim;
                y.copy_from_slice(&x[start..start + dim]);
            }
        }
    });
    tensor(y, [batch, len, heads, dim])
}
