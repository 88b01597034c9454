//! Burn's recomputing strategy mixes with the kernels: its own cheap operations are computed again
//! around them.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::strategy::{
    BalancedCheckpointing, CheckpointStrategy, NoCheckpointing,
};
use burn::tensor::{Tensor, TensorData};
use pretrain_kernels::{AttentionMask, Flex, attention, linear, rms_norm, swiglu};

use crate::support::{DEVICE, numbers, values};

fn step<C: CheckpointStrategy>() -> Vec<Vec<f32>> {
    let leaf = |seed, rows: usize| {
        let data = TensorData::new(numbers(rows * 8, seed), [rows, 8]);
        Tensor::<Autodiff<Flex, C>, 2>::from_data(data, &DEVICE).require_grad()
    };
    let (x, w, norm) = (leaf(1, 6), leaf(2, 8), leaf(3, 1));
    let y = x.clone().reshape([2, 3, 8]) * 2.0;
    let y = y.clone() + rms_norm(y.exp(), norm.clone().reshape([8]), 1e-5);
    let q = linear(y.clone() + 1.0, w.clone()).reshape([2, 3, 2, 4]);
    let a = attention(q.clone().sin(), q.clone(), q, &AttentionMask::causal());
    let y = y + swiglu(a.clone().reshape([2, 3, 8]) * 0.5, a.reshape([2, 3, 8]));
    let grads = (y.clone() * y).sum().backward();
    [x, w, norm].iter().map(|t| values(t.grad(&grads).expect("used"))).collect()
}

#[test]
fn recomputing_gives_the_same_gradients() {
    assert_eq!(step::<NoCheckpointing>(), step::<BalancedCheckpointing>());
}
