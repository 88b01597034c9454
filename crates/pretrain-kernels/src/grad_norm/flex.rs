//! Sum of squares and scaling on `Flex` storage.

use burn_flex::{Flex, FlexTensor};
use rayon::prelude::*;

use super::{GradNormKernel, composed};
use crate::primitive::{float, into_float};
use crate::simd::{Kernel, LANES, dispatch, scale_in_place};
use crate::storage::{Floats, exclusive};

/// Elements of one partial sum, whatever the number of threads.
const BLOCK: usize = 1 << 14;

impl GradNormKernel for Flex {
    fn grad_sum_of_squares(grad: FlexTensor) -> f64 {
        match Floats::new(&grad) {
            Some(grad) => sum_of_squares(grad.as_slice()),
            None => composed::sum_of_squares::<Flex>(float(grad)),
        }
    }

    fn grad_scale(grad: FlexTensor, factor: f64) -> FlexTensor {
        if Floats::new(&grad).is_none() {
            return into_float(float::<Flex, 1>(grad) * factor);
        }
        scaled(grad, factor as f32)
    }
}

/// `tensor * factor`, in place where nobody else holds the buffer. The tensor is f32.
pub(crate) fn scaled(tensor: FlexTensor, factor: f32) -> FlexTensor {
    if factor == 1.0 {
        return tensor;
    }
    let mut tensor = exclusive(tensor);
    tensor.storage_mut::<f32>().par_chunks_mut(BLOCK).for_each(|x| dispatch(Scale { x, factor }));
    tensor
}

/// In f64, so that squares do not overflow; blocks are added in their order.
fn sum_of_squares(x: &[f32]) -> f64 {
    let partial: Vec<f64> = x.par_chunks(BLOCK).map(|x| dispatch(SumOfSquares { x })).collect();
    partial.into_iter().sum()
}

struct Scale<'a> {
    x: &'a mut [f32],
    factor: f32,
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        scale_in_place(self.x, self.factor);
    }
}

struct SumOfSquares<'a> {
    x: &'a [f32],
}

impl Kernel for SumOfSquares<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let mut lanes = [0.0f64; LANES];
        let (chunks, rest) = self.x.as_chunks::<LANES>();
        for chunk in chunks {
            for i in 0..LANES {
                let x = f64::from(chunk[i]);
                lanes[i] = x.mul_add(x, lanes[i]);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane = f64::from(x).mul_add(f64::from(x), *lane);
        }
        lanes.into_iter().sum()
    }
}
