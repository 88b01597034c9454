//! `linear` against its composed twin and finite differences.

use pretrain_kernels::{composed, linear};

use crate::support::*;

fn plain(x: &[f64], w: &[f64], d_in: usize) -> Vec<f64> {
    x.chunks(d_in)
        .flat_map(|x| w.chunks(d_in).map(|w| x.iter().zip(w).map(|(a, b)| a * b).sum::<f64>()))
        .collect()
}

#[test]
fn matches_its_twin_and_finite_differences() {
    for [batch, seq, d_in, d_out] in
        [[1, 1, 1, 1], [1, 1, 7, 65], [2, 63, 65, 7], [3, 129, 64, 63], [2, 257, 96, 130]]
    {
        let (xs, ws) = (numbers(batch * seq * d_in, 1), numbers(d_out * d_in, 2));
        let cs = numbers(batch * seq * d_out, 3);
        let run = |fused: bool| {
            let (x, w) = (leaf(&xs, [batch, seq, d_in]), leaf(&ws, [d_out, d_in]));
            let y = if fused {
                linear(x.clone(), w.clone())
            } else {
                composed::linear::forward(x.clone(), w.clone())
            };
            let grads = (y.clone() * tensor(&cs, [batch, seq, d_out])).sum().backward();
            (values(y), gradient(&x, &grads), gradient(&w, &grads))
        };
        let ((y, dx, dw), (y2, dx2, dw2)) = (run(true), run(false));
        assert_close("y", &y, &y2, 1e-5);
        assert_close("dx", &dx, &dx2, 1e-5);
        assert_close("dw", &dw, &dw2, 3e-5);
        let f = |v: &[Vec<f64>]| weighted(&plain(&v[0], &v[1], d_in), &cs);
        if batch * seq < 200 {
            check_differences("dx", f, &[&xs, &ws], 0, &dx);
            check_differences("dw", f, &[&xs, &ws], 1, &dw);
        }
    }
}

#[test]
fn a_view_is_read_through_its_strides() {
    let (xs, ws) = (numbers(2 * 5 * 6, 1), numbers(4 * 6, 2));
    let x = tensor(&xs, [2, 6, 5]).swap_dims(1, 2);
    let w = tensor(&ws, [6, 4]).transpose();
    let want = composed::linear::forward(x.clone(), w.clone());
    assert_close("y", &values(linear(x, w)), &values(want), 1e-6);
}

#[test]
fn only_the_gradients_asked_for_are_computed() {
    let (xs, ws) = (numbers(6, 1), numbers(6, 2));
    let (x, w) = (tensor(&xs, [1, 2, 3]), leaf(&ws, [2, 3]));
    let grads = linear(x.clone(), w.clone()).sum().backward();
    assert!(x.grad(&grads).is_none());
    assert_eq!(gradient(&w, &grads).len(), 6);
}

#[test]
#[should_panic(expected = "x has 3 features, weight takes 2")]
fn a_misshapen_weight_is_refused() {
    linear(tensor(&[0.0; 3], [1, 1, 3]), tensor(&[0.0; 4], [2, 2]));
}
