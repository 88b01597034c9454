//! Element types without fused kernels take the composed twins and give the same numbers.

use burn::tensor::{DType, Tensor};
use pretrain_kernels::{
    AdamWCoefficients, AttentionMask, CrossEntropyOptions, RopeTable, adamw_step, attention,
    embedding, linear, linear_cross_entropy, rms_norm, rope, scale_gradient, sum_of_squares,
    swiglu, token_losses,
};

use crate::support::*;

fn all(dtype: DType) -> Vec<Vec<f32>> {
    let (batch, seq, d, vocab) = (2, 5, 8, 11);
    let ids: Vec<i64> = (0..10).map(|i| i * 7 % 11).collect();
    let targets: Vec<i64> = ids.iter().map(|&i| if i == 3 { -100 } else { i }).collect();
    let leaf =
        |seed, rows| Tensor::require_grad(tensor(&numbers(rows * d, seed), [rows, d]).cast(dtype));
    let (table, weight, norm) = (leaf(1, vocab), leaf(2, d), leaf(3, 1));
    let mut rotation = RopeTable::<B>::new(d / 2, seq, 10_000.0, &DEVICE);
    rotation.cos = rotation.cos.cast(dtype);
    rotation.sin = rotation.sin.cast(dtype);
    let x = embedding(table.clone(), ints(&ids, [batch, seq]));
    let x = rms_norm(x, norm.clone().reshape([d]), 1e-5);
    let q = rope(linear(x, weight.clone()).reshape([batch, seq, 2, d / 2]), &rotation, None);
    let y = attention(q.clone(), q.clone(), q, &AttentionMask::causal()).reshape([batch, seq, d]);
    let hidden = swiglu(y.clone(), y).reshape([batch * seq, d]);
    let options = CrossEntropyOptions { chunk: 4, ..CrossEntropyOptions::default() };
    let targets = || ints(&targets, [batch * seq]);
    let each = token_losses(hidden.clone(), table.clone(), targets(), &options);
    let loss = linear_cross_entropy(hidden, table.clone(), targets(), &options);
    assert_eq!(loss.dtype(), dtype);
    let grads = loss.clone().backward();
    let grad = table.grad(&grads).expect("used").reshape([vocab * d]);
    let squares = sum_of_squares(std::slice::from_ref(&grad));
    let zero = grad.zeros_like();
    let c = AdamWCoefficients { lr: 0.01, ..AdamWCoefficients::default() };
    let param = table.clone().inner().reshape([vocab * d]);
    let (p, m, v) = adamw_step(param, scale_gradient(grad, 0.5), zero.clone(), zero, &c);
    let mut out = vec![values(loss), values(each), vec![squares as f32]];
    out.extend([gradient(&table, &grads), gradient(&weight, &grads), gradient(&norm, &grads)]);
    out.extend([values(p), values(m), values(v)]);
    out
}

#[test]
fn other_types_agree_with_f32() {
    let want = all(DType::F32);
    for (dtype, tolerance) in [(DType::F64, 1e-4), (DType::BF16, 0.15)] {
        for (i, (got, want)) in all(dtype).iter().zip(&want).enumerate() {
            // The parameter moves by the sign of its gradient in the first step.
            if dtype == DType::F64 || i < 6 {
                assert_close(&format!("{dtype:?} {i}"), got, want, tolerance);
            }
        }
    }
}
