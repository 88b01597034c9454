//! RMSNorm in plain Burn operations: the reference of every fused version.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// `x / sqrt(mean(x^2) + eps) * weight`.
pub fn forward<B: Backend>(x: Tensor<B, 3>, weight: Tensor<B, 1>, eps: f64) -> Tensor<B, 3> {
    let scale = inverse_rms(x.clone(), eps);
    x * scale * weight.unsqueeze()
}

/// `(dx, dweight)` for an upstream gradient of the shape of `x`.
pub fn backward<B: Backend>(
    x: Tensor<B, 3>,
    weight: Tensor<B, 1>,
    grad: Tensor<B, 3>,
    eps: f64,
) -> (Tensor<B, 3>, Tensor<B, 1>) {
    let [_, _, d_model] = x.dims();
    let scale = inverse_rms(x.clone(), eps);
    let normed = x * scale.clone();
    let dw = (grad.clone() * normed.clone()).sum_dim(0).sum_dim(1).reshape([d_model]);
    let weighted = grad * weight.unsqueeze();
    let projection = (weighted.clone() * normed.clone()).mean_dim(2);
    let dx = (weighted - normed * projection) * scale;
    (dx, dw)
}

fn inverse_rms<B: Backend>(x: Tensor<B, 3>, eps: f64) -> Tensor<B, 3> {
    (x.clone() * x).mean_dim(2).add_scalar(eps).sqrt().recip()
}
