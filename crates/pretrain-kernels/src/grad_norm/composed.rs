//! Sum of squares in plain Burn operations: the reference of every fused version.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Sum of the squares of `grad`, in the precision of its elements.
pub fn sum_of_squares<B: Backend>(grad: Tensor<B, 1>) -> f64 {
    (grad.clone() * grad).sum().into_data().iter::<f64>().sum()
}
