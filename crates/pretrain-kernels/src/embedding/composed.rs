//! Token embedding in plain Burn operations: the reference of every fused version.

use burn::tensor::backend::Backend;
use burn::tensor::{IndexingUpdateOp, Int, Tensor};

/// Rows `ids` of `weight`.
pub fn forward<B: Backend>(weight: Tensor<B, 2>, ids: Tensor<B, 2, Int>) -> Tensor<B, 3> {
    let ([batch, seq], [_, d_model]) = (ids.dims(), weight.dims());
    weight.select(0, ids.reshape([batch * seq])).reshape([batch, seq, d_model])
}

/// Sum of the rows of `grad` by id.
pub fn backward<B: Backend>(
    grad: Tensor<B, 3>,
    ids: Tensor<B, 2, Int>,
    vocab: usize,
) -> Tensor<B, 2> {
    let [batch, seq, d_model] = grad.dims();
    Tensor::zeros([vocab, d_model], (&grad.device(), grad.dtype())).select_assign(
        0,
        ids.reshape([batch * seq]),
        grad.reshape([batch * seq, d_model]),
        IndexingUpdateOp::Add,
    )
}
