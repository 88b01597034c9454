//! The SwiGLU gate in plain Burn operations: the reference of every fused version.

use burn::tensor::Tensor;
use burn::tensor::activation::{sigmoid, silu};
use burn::tensor::backend::Backend;

/// `silu(gate) * up`.
pub fn forward<B: Backend>(gate: Tensor<B, 3>, up: Tensor<B, 3>) -> Tensor<B, 3> {
    silu(gate) * up
}

/// `(dgate, dup)` for an upstream gradient of the same shape.
pub fn backward<B: Backend>(
    gate: Tensor<B, 3>,
    up: Tensor<B, 3>,
    grad: Tensor<B, 3>,
) -> (Tensor<B, 3>, Tensor<B, 3>) {
    let s = sigmoid(gate.clone());
    let dup = grad.clone() * gate.clone() * s.clone();
    let slope = s.clone() * (gate * (s.neg() + 1.0) + 1.0);
    (grad * up * slope, dup)
}
