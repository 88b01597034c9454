//! The linear layer on `Flex` storage: three products on the slices as they lie.

use burn_flex::{Flex, FlexTensor};

use super::{LinearKernel, composed};
use crate::buffer::Buffer;
use crate::matmul::{Matrix, Old, par_matmul};
use crate::primitive::{float, into_float};
use crate::storage::{floats, tensor};

impl LinearKernel for Flex {
    fn linear_forward(x: FlexTensor, weight: FlexTensor) -> FlexTensor {
        let Some([x, weight]) = floats([&x, &weight]) else {
            return into_float(composed::forward::<Flex>(float(x), float(weight)));
        };
        let ([batch, seq, d_in], [d_out, _]) = (x.dims(), weight.dims());
        let rows = batch * seq;
        let mut y = Buffer::stale(rows * d_out);
        par_matmul(
            &mut y,
            Old::Overwrite,
            Matrix::new(x.as_slice(), rows, d_in),
            Matrix::new(weight.as_slice(), d_out, d_in).t(),
        );
        tensor(y, [batch, seq, d_out])
    }

    fn linear_backward_input(weight: FlexTensor, grad: FlexTensor) -> FlexTensor {
        let Some([weight, grad]) = floats([&weight, &grad]) else {
            return into_float(composed::backward_input::<Flex>(float(weight), float(grad)));
        };
        let ([batch, seq, d_out], [_, d_in]) = (grad.dims(), weight.dims());
        let rows = batch * seq;
        let mut dx = Buffer::stale(rows * d_in);
        par_matmul(
            &mut dx,
            Old::Overwrite,
            Matrix::new(grad.as_slice(), rows, d_out),
            Matrix::new(weight.as_slice(), d_out, d_in),
        );
        tensor(dx, [batch, seq, d_in])
    }

    fn linear_backward_weight(x: FlexTensor, grad: FlexTensor) -> FlexTensor {
        let Some([x, grad]) = floats([&x, &grad]) else {
            return into_float(composed::backward_weight::<Flex>(float(x), float(grad)));
        };
        let ([batch, seq, d_in], [_, _, d_out]) = (x.dims(), grad.dims::<3>());
        let rows = batch * seq;
        let mut dw = Buffer::stale(d_out * d_in);
        par_matmul(
            &mut dw,
            Old::Overwrite,
            Matrix::new(grad.as_slice(), rows, d_out).t(),
            Matrix::new(x.as_slice(), rows, d_in),
        );
        tensor(dw, [d_out, d_in])
    }
}
