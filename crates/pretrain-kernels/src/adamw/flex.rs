//! AdamW on `Flex` storage: one parallel pass, in place.

use burn_flex::{Flex, FlexTensor};
use rayon::prelude::*;

use super::{AdamWCoefficients, AdamWKernel, composed};
use crate::primitive::{float, into_float};
use crate::simd::{Kernel, dispatch};
use crate::storage::{Floats, exclusive, floats};

/// Elements of one task.
const BLOCK: usize = 1 << 14;

impl AdamWKernel for Flex {
    fn adamw_update(
        param: FlexTensor,
        grad: FlexTensor,
        m: FlexTensor,
        v: FlexTensor,
        coefficients: AdamWCoefficients,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (Some(gradient), true) = (Floats::new(&grad), floats([&param, &m, &v]).is_some())
        else {
            let (param, m, v) = composed::step::<Flex, 1>(
                float(param),
                float(grad),
                float(m),
                float(v),
                &coefficients,
            );
            return (into_float(param), into_float(m), into_float(v));
        };
        let (mut param, mut m, mut v) = (exclusive(param), exclusive(m), exclusive(v));
        let c = Coefficients::new(&coefficients);
        param
            .storage_mut::<f32>()
            .par_chunks_mut(BLOCK)
            .zip(m.storage_mut::<f32>().par_chunks_mut(BLOCK))
            .zip(v.storage_mut::<f32>().par_chunks_mut(BLOCK))
            .zip(gradient.as_slice().par_chunks(BLOCK))
            .for_each(|(((param, m), v), grad)| dispatch(Update { param, grad, m, v, c }));
        (param, m, v)
    }
}

/// The coefficients as the loop uses them.
#[derive(Debug, Clone, Copy)]
struct Coefficients {
    beta1: f32,
    beta2: f32,
    /// `1 - beta1` and `1 - beta2`, rounded after the subtraction.
    rest1: f32,
    rest2: f32,
    grad_scale: f32,
    keep: f32,
    step_size: f32,
    root_correction: f32,
    eps: f32,
}

impl Coefficients {
    fn new(c: &AdamWCoefficients) -> Self {
        let (correction1, correction2) = c.bias_corrections();
        Self {
            beta1: c.beta1 as f32,
            beta2: c.beta2 as f32,
            rest1: (1.0 - c.beta1) as f32,
            rest2: (1.0 - c.beta2) as f32,
            grad_scale: c.grad_scale as f32,
            keep: (1.0 - c.lr * c.weight_decay) as f32,
            step_size: (c.lr / correction1) as f32,
            root_correction: correction2.sqrt().recip() as f32,
            eps: c.eps as f32,
        }
    }
}

struct Update<'a> {
    param: &'a mut [f32],
    grad: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
    c: Coefficients,
}

impl Kernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let c = self.c;
        let moments = self.m.iter_mut().zip(self.v.iter_mut());
        for ((param, grad), (m, v)) in self.param.iter_mut().zip(self.grad).zip(moments) {
            let g = grad * c.grad_scale;
            *m = m.mul_add(c.beta1, g * c.rest1);
            *v = v.mul_add(c.beta2, g * g * c.rest2);
            let denominator = v.sqrt().mul_add(c.root_correction, c.eps);
            *param = param.mul_add(c.keep, -(c.step_size * *m / denominator));
        }
    }
}
