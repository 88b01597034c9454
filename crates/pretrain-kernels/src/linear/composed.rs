//! The linear layer in plain Burn operations: the reference of every fused version.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// `x [batch, seq, in]` times `weight^T`, `weight [out, in]`.
pub fn forward<B: Backend>(x: Tensor<B, 3>, weight: Tensor<B, 2>) -> Tensor<B, 3> {
    let ([batch, seq, d_in], [d_out, _]) = (x.dims(), weight.dims());
    x.reshape([batch * seq, d_in]).matmul(weight.transpose()).reshape([batch, seq, d_out])
}

/// `grad [batch, seq, out]` times `weight [out, in]`.
pub fn backward_input<B: Backend>(weight: Tensor<B, 2>, grad: Tensor<B, 3>) -> Tensor<B, 3> {
    let ([batch, seq, d_out], [_, d_in]) = (grad.dims(), weight.dims());
    grad.reshape([batch * seq, d_out]).matmul(weight).reshape([batch, seq, d_in])
}

/// `grad^T [out, rows]` times `x [rows, in]`.
pub fn backward_weight<B: Backend>(x: Tensor<B, 3>, grad: Tensor<B, 3>) -> Tensor<B, 2> {
    let ([batch, seq, d_in], [_, _, d_out]) = (x.dims(), grad.dims());
    grad.reshape([batch * seq, d_out]).transpose().matmul(x.reshape([batch * seq, d_in]))
}
