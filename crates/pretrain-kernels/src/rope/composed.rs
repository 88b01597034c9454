//! Rotary embedding in plain Burn operations: the reference of every fused version.

use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};

use super::Turn;

/// `[a * cos - b * sin, b * cos + a * sin]` for the halves `a`, `b` of the last dimension.
pub fn rotate<B: Backend>(
    x: Tensor<B, 4>,
    cos: Tensor<B, 2>,
    sin: Tensor<B, 2>,
    positions: Option<Tensor<B, 2, Int>>,
    turn: Turn,
) -> Tensor<B, 4> {
    let ([batch, seq, _, _], [_, half]) = (x.dims(), cos.dims());
    let pick = |table: Tensor<B, 2>| match &positions {
        Some(p) => table.select(0, p.clone().reshape([batch * seq])).reshape([batch, seq, 1, half]),
        None => table.slice([0..seq, 0..half]).reshape([1, seq, 1, half]),
    };
    let (cos, sin) = (pick(cos), pick(sin));
    let sin = if turn == Turn::Inverse { sin.neg() } else { sin };
    let a = x.clone().narrow(3, 0, half);
    let b = x.narrow(3, half, half);
    let first = a.clone() * cos.clone() - b.clone() * sin.clone();
    let second = b * cos + a * sin;
    Tensor::cat(vec![first, second], 3)
}
