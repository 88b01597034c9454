//! RMSNorm on `Flex` storage: rows in blocks, `dweight` as a sum over blocks in their order.

use burn_flex::{Flex, FlexTensor};
use rayon::prelude::*;

use super::{RmsNormKernel, composed};
use crate::buffer::Buffer;
use crate::primitive::{float, into_float};
use crate::simd::{Kernel, dispatch, dot, sum2};
use crate::storage::{floats, tensor};

/// Rows of one task, whatever the number of threads: it fixes the order of the sums.
const BLOCK_ROWS: usize = 64;

impl RmsNormKernel for Flex {
    fn rms_norm_forward(x: FlexTensor, weight: FlexTensor, eps: f64) -> FlexTensor {
        let Some([x, weight]) = floats([&x, &weight]) else {
            return into_float(composed::forward::<Flex>(float(x), float(weight), eps));
        };
        let dims @ [_, _, d_model] = x.dims();
        let mut y = Buffer::stale(x.as_slice().len());
        let block = (BLOCK_ROWS * d_model).max(1);
        y.par_chunks_mut(block).zip(x.as_slice().par_chunks(block)).for_each(|(y, x)| {
            dispatch(Forward { x, weight: weight.as_slice(), eps: eps as f32, y });
        });
        tensor(y, dims)
    }

    fn rms_norm_backward(
        x: FlexTensor,
        weight: FlexTensor,
        grad: FlexTensor,
        eps: f64,
    ) -> (FlexTensor, FlexTensor) {
        let Some([x, weight, grad]) = floats([&x, &weight, &grad]) else {
            let (dx, dw) = composed::backward::<Flex>(float(x), float(weight), float(grad), eps);
            return (into_float(dx), into_float(dw));
        };
        let dims @ [_, _, d_model] = x.dims();
        let block = (BLOCK_ROWS * d_model).max(1);
        let blocks = x.as_slice().len().div_ceil(block);
        let mut dx = Buffer::stale(x.as_slice().len());
        let mut partial = Buffer::zeroed(blocks * d_model);
        dx.par_chunks_mut(block)
            .zip(partial.par_chunks_mut(d_model.max(1)))
            .zip(x.as_slice().par_chunks(block))
            .zip(grad.as_slice().par_chunks(block))
            .for_each(|(((dx, dw), x), grad)| {
                let weight = weight.as_slice();
                dispatch(Backward { x, weight, grad, eps: eps as f32, dx, dw });
            });
        let mut dw = Buffer::zeroed(d_model);
        for partial in partial.chunks_exact(d_model.max(1)) {
            for (sum, x) in dw.iter_mut().zip(partial) {
                *sum += x;
            }
        }
        (tensor(dx, dims), tensor(dw, [d_model]))
    }
}

#[inline(always)]
fn inverse_rms(x: &[f32], eps: f32) -> f32 {
    1.0 / (dot(x, x) / x.len() as f32 + eps).sqrt()
}

struct Forward<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    eps: f32,
    y: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let width = self.weight.len();
        for (y, x) in self.y.chunks_exact_mut(width).zip(self.x.chunks_exact(width)) {
            let r = inverse_rms(x, self.eps);
            for ((y, x), w) in y.iter_mut().zip(x).zip(self.weight) {
                *y = x * r * w;
            }
        }
    }
}

struct Backward<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    grad: &'a [f32],
    eps: f32,
    dx: &'a mut [f32],
    /// Sum over the rows of this block.
    dw: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let width = self.weight.len();
        let rows = self.x.chunks_exact(width).zip(self.grad.chunks_exact(width));
        for (dx, (x, grad)) in self.dx.chunks_exact_mut(width).zip(rows) {
            let r = inverse_rms(x, self.eps);
            for ((dx, w), g) in dx.iter_mut().zip(self.weight).zip(grad) {
                *dx = w * g;
            }
            let projection = sum2(dx, x, |sum, a, b| a.mul_add(b, sum));
            let slope = -projection * r * r / width as f32;
            for (dx, x) in dx.iter_mut().zip(x) {
                *dx = r * x.mul_add(slope, *dx);
            }
            for ((dw, x), g) in self.dw.iter_mut().zip(x).zip(grad) {
                *dw = (x * r).mul_add(*g, *dw);
            }
        }
    }
}
