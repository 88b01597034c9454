//! `grad_norm` against its composed twin and finite differences.

use pretrain_kernels::{composed, scale_gradient, sum_of_squares};

use crate::support::*;

#[test]
fn the_sum_is_that_of_f64() {
    let sizes = [1, 7, 63, 65, 129, 50_001];
    let grads: Vec<Vec<f32>> = sizes.iter().map(|&n| numbers(n, n as u64)).collect();
    let want: f64 = grads.iter().flatten().map(|&x| f64::from(x) * f64::from(x)).sum();
    let tensors: Vec<_> = grads.iter().map(|x| tensor(x, [x.len()])).collect();
    let got = sum_of_squares(&tensors);
    assert!((got - want).abs() < 1e-9 * want, "{got} and {want}");
    let twin: f64 = tensors.into_iter().map(composed::grad_norm::sum_of_squares).sum();
    assert!((twin - want).abs() < 1e-5 * want, "{twin} and {want}");
}

#[test]
fn squares_do_not_overflow_and_bad_values_show() {
    assert_eq!(sum_of_squares::<B>(&[]), 0.0);
    let big = sum_of_squares(&[tensor(&[1e30, 1e30], [2])]);
    assert!((big / 2e60 - 1.0).abs() < 1e-6);
    assert!(sum_of_squares(&[tensor(&[1.0, f32::NAN], [2])]).is_nan());
    assert_eq!(sum_of_squares(&[tensor(&[f32::INFINITY], [1])]), f64::INFINITY);
}

#[test]
fn scaling_leaves_other_holders_alone() {
    let x = tensor(&[1.0, -2.0, 3.0, 4.0], [2, 2]);
    assert_eq!(values(scale_gradient(x.clone(), 0.5)), [0.5, -1.0, 1.5, 2.0]);
    assert_eq!(values(scale_gradient(x.clone(), 1.0)), [1.0, -2.0, 3.0, 4.0]);
    assert_eq!(values(x), [1.0, -2.0, 3.0, 4.0]);
}
