//! The SwiGLU gate on `Flex` storage: one pass each way.

use burn_flex::{Flex, FlexTensor};
use rayon::prelude::*;

use super::{SwiGluKernel, composed};
use crate::buffer::Buffer;
use crate::primitive::{float, into_float};
use crate::simd::{Kernel, dispatch, exp};
use crate::storage::{floats, tensor};

/// Elements of one task.
const BLOCK: usize = 1 << 14;

impl SwiGluKernel for Flex {
    fn swiglu_forward(gate: FlexTensor, up: FlexTensor) -> FlexTensor {
        let Some([gate, up]) = floats([&gate, &up]) else {
            return into_float(composed::forward::<Flex>(float(gate), float(up)));
        };
        let mut y = Buffer::stale(gate.as_slice().len());
        y.par_chunks_mut(BLOCK)
            .zip(gate.as_slice().par_chunks(BLOCK))
            .zip(up.as_slice().par_chunks(BLOCK))
            .for_each(|((y, gate), up)| dispatch(Forward { gate, up, y }));
        tensor(y, gate.dims::<3>())
    }

    fn swiglu_backward(
        gate: FlexTensor,
        up: FlexTensor,
        grad: FlexTensor,
    ) -> (FlexTensor, FlexTensor) {
        let Some([gate, up, grad]) = floats([&gate, &up, &grad]) else {
            let (dgate, dup) = composed::backward::<Flex>(float(gate), float(up), float(grad));
            return (into_float(dgate), into_float(dup));
        };
        let n = gate.as_slice().len();
        let (mut dgate, mut dup) = (Buffer::stale(n), Buffer::stale(n));
        dgate
            .par_chunks_mut(BLOCK)
            .zip(dup.par_chunks_mut(BLOCK))
            .zip(gate.as_slice().par_chunks(BLOCK))
            .zip(up.as_slice().par_chunks(BLOCK))
            .zip(grad.as_slice().par_chunks(BLOCK))
            .for_each(|((((dgate, dup), gate), up), grad)| {
                dispatch(Backward { gate, up, grad, dgate, dup });
            });
        (tensor(dgate, gate.dims::<3>()), tensor(dup, gate.dims::<3>()))
    }
}

struct Forward<'a> {
    gate: &'a [f32],
    up: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((y, &gate), &up) in self.y.iter_mut().zip(self.gate).zip(self.up) {
            *y = gate / (1.0 + exp(-gate)) * up;
        }
    }
}

struct Backward<'a> {
    gate: &'a [f32],
    up: &'a [f32],
    grad: &'a [f32],
    dgate: &'a mut [f32],
    dup: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let inputs = self.gate.iter().zip(self.up).zip(self.grad);
        for (((&gate, &up), &grad), (dgate, dup)) in
            inputs.zip(self.dgate.iter_mut().zip(self.dup.iter_mut()))
        {
            let s = 1.0 / (1.0 + exp(-gate));
            *dup = grad * gate * s;
            *dgate = grad * up * s * (1.0 - s).mul_add(gate, 1.0);
        }
    }
}
