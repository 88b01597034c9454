//! AdamW in plain Burn operations: the reference of every fused version.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

use super::AdamWCoefficients;

/// `(param, m, v)` after one step.
pub fn step<B: Backend, const D: usize>(
    param: Tensor<B, D>,
    grad: Tensor<B, D>,
    m: Tensor<B, D>,
    v: Tensor<B, D>,
    c: &AdamWCoefficients,
) -> (Tensor<B, D>, Tensor<B, D>, Tensor<B, D>) {
    let (correction1, correction2) = c.bias_corrections();
    let grad = grad * c.grad_scale;
    let m = m * c.beta1 + grad.clone() * (1.0 - c.beta1);
    let v = v * c.beta2 + grad.clone() * grad * (1.0 - c.beta2);
    let denominator = v.clone().sqrt() / correction2.sqrt() + c.eps;
    let update = m.clone() / denominator * (c.lr / correction1);
    let param = param * (1.0 - c.lr * c.weight_decay) - update;
    (param, m, v)
}
