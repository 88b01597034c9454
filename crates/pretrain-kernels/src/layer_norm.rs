//! LayerNorm: `y = (x - mean(x)) / sqrt(var(x) + eps) * w + b` over the last dimension (Ba et al.
//! 2016, arXiv:1607.06450), with the variance divided by the number of features.
//!
//! A composition of Burn's operations, which differentiate it.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Normalises each row of `x [batch, seq, d_model]`, scales it by `weight` and shifts it by `bias`,
/// each `[d_model]` and left out where absent.
///
/// # Panics
///
/// When `weight` or `bias` has another length than the last dimension of `x`.
pub fn layer_norm<B: Backend>(
    x: Tensor<B, 3>,
    weight: Option<Tensor<B, 1>>,
    bias: Option<Tensor<B, 1>>,
    eps: f64,
) -> Tensor<B, 3> {
    let [_, _, d_model] = x.dims();
    for vector in [&weight, &bias].into_iter().flatten() {
        let [found] = vector.dims();
        assert_eq!(d_model, found, "layer_norm: x has {d_model} features, weight or bias {found}");
    }
    let centred = x.clone() - x.mean_dim(2);
    let variance = (centred.clone() * centred.clone()).mean_dim(2);
    let y = centred / variance.add_scalar(eps).sqrt();
    let y = match weight {
        Some(weight) => y * weight.unsqueeze(),
        None => y,
    };
    match bias {
        Some(bias) => y + bias.unsqueeze(),
        None => y,
    }
}
