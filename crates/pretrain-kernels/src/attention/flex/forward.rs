//! The forward pass: one task per block of queries, online softmax over blocks of keys.

use std::ops::Range;

use burn_flex::Flex;
use rayon::prelude::*;

use super::tile::Mask;
use super::{KV_BLOCK, Problem, Q_BLOCK};
use crate::attention::AttentionForward;
use crate::buffer::Buffer;
use crate::matmul::{Matrix, MatrixMut, Old, matmul};
use crate::simd::{Kernel, dispatch, exp, exp_in_place, max, scale_in_place};
use crate::storage::tensor;

pub(super) fn forward(p: &Problem) -> AttentionForward<Flex> {
    let mut output = Buffer::stale(p.batch * p.q_size());
    // Query-major while the tasks write it, so that a task owns one range.
    let mut rows = Buffer::stale(p.batch * p.q_len * p.heads);
    let width = p.heads * p.head_dim;
    let tasks: Vec<_> = split(&mut output, p.batch, p.q_len, width)
        .into_iter()
        .zip(split(&mut rows, p.batch, p.q_len, p.heads))
        .collect();
    tasks.into_par_iter().for_each(|(output, rows)| {
        block(p, output.batch, output.rows, output.values, rows.values);
    });
    let mut log_sum_exp = Buffer::stale(rows.len());
    let (q_len, heads) = (p.q_len, p.heads);
    for (i, x) in log_sum_exp.iter_mut().enumerate() {
        let (batch, head, query) = (i / (heads * q_len), i / q_len % heads, i % q_len);
        *x = rows[(batch * q_len + query) * heads + head];
    }
    AttentionForward {
        output: tensor(output, [p.batch, p.q_len, p.heads, p.head_dim]),
        log_sum_exp: tensor(log_sum_exp, [p.batch, p.heads, p.q_len]),
    }
}

/// The rows of one block of queries of one sequence.
struct Part<'a> {
    batch: usize,
    rows: Range<usize>,
    values: &'a mut [f32],
}

fn split(mut values: &mut [f32], batch: usize, q_len: usize, width: usize) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for batch in 0..batch {
        for start in (0..q_len).step_by(Q_BLOCK) {
            let rows = start..(start + Q_BLOCK).min(q_len);
            let (part, rest) = values.split_at_mut(rows.len() * width);
            parts.push(Part { batch, rows, values: part });
            values = rest;
        }
    }
    parts
}

/// All heads of one block of queries. `output [rows, heads, head_dim]`, `rows [rows, heads]`.
fn block(p: &Problem, batch: usize, queries: Range<usize>, output: &mut [f32], lse: &mut [f32]) {
    let (heads, dim, n) = (p.heads, p.head_dim, queries.len());
    let mask = Mask::new(p, batch);
    let mut tile = Buffer::stale(n * KV_BLOCK.min(p.kv_len));
    let mut sums = Buffer::stale(n * dim);
    for head in 0..heads {
        let kv_head = head / p.group();
        let start = batch * p.q_size() + (queries.start * heads + head) * dim;
        let q = Matrix::strided(&p.q.as_slice()[start..], n, dim, heads * dim);
        let mut state = vec![Softmax::EMPTY; n];
        let mut first = true;
        for keys in mask.key_blocks(queries.clone(), KV_BLOCK) {
            let start = batch * p.kv_size() + (keys.start * p.kv_heads + kv_head) * dim;
            let stride = p.kv_heads * dim;
            let k = Matrix::strided(&p.k.as_slice()[start..], keys.len(), dim, stride);
            let v = Matrix::strided(&p.v.as_slice()[start..], keys.len(), dim, stride);
            let tile = &mut tile[..n * keys.len()];
            let scores = MatrixMut::new(tile, n, keys.len());
            matmul(scores, Old::Overwrite, p.spec.scale as f32, q, k.t());
            let query = queries.start;
            let (state, sums) = (&mut state, &mut sums);
            dispatch(Weights { tile, keys: keys.clone(), query, mask, state, sums, dim });
            let old = if first { Old::Overwrite } else { Old::AddTo };
            let weights = Matrix::new(tile, n, keys.len());
            matmul(MatrixMut::new(sums, n, dim), old, 1.0, weights, v);
            first = false;
        }
        for (i, softmax) in state.iter().enumerate() {
            let slot = i * heads + head;
            lse[slot] = softmax.log_sum_exp();
            let output = &mut output[slot * dim..(slot + 1) * dim];
            if softmax.sum == 0.0 || first {
                output.fill(0.0);
                continue;
            }
            for (output, sum) in output.iter_mut().zip(&sums[i * dim..]) {
                *output = sum / softmax.sum;
            }
        }
    }
}

/// The running maximum and sum of one row.
#[derive(Clone, Copy)]
struct Softmax {
    max: f32,
    sum: f32,
}

impl Softmax {
    const EMPTY: Self = Self { max: f32::NEG_INFINITY, sum: 0.0 };

    fn log_sum_exp(&self) -> f32 {
        (f64::from(self.max) + f64::from(self.sum).ln()) as f32
    }
}

/// Turns a tile of scores into weights relative to the running maximum, and scales what was summed
/// before to it.
struct Weights<'a> {
    tile: &'a mut [f32],
    keys: Range<usize>,
    /// The first query of the tile.
    query: usize,
    mask: Mask<'a>,
    state: &'a mut [Softmax],
    sums: &'a mut [f32],
    dim: usize,
}

impl Kernel for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let rows = self.tile.chunks_exact_mut(self.keys.len()).zip(self.state.iter_mut());
        for (i, (scores, softmax)) in rows.enumerate() {
            self.mask.hide(scores, self.query + i, self.keys.clone());
            let highest = max(scores);
            let highest = if highest > softmax.max { highest } else { softmax.max };
            if highest == f32::NEG_INFINITY {
                // Nothing seen so far. A NaN among the scores stays one, also in the sum.
                for x in scores {
                    *x = if x.is_nan() { f32::NAN } else { 0.0 };
                    softmax.sum += *x;
                }
                continue;
            }
            let correction = exp(softmax.max - highest);
            if correction != 1.0 {
                scale_in_place(&mut self.sums[i * self.dim..(i + 1) * self.dim], correction);
            }
            let sum = exp_in_place(scores, highest);
            *softmax = Softmax { max: highest, sum: softmax.sum.mul_add(correction, sum) };
        }
    }
}
