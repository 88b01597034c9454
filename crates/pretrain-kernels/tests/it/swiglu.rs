//! `swiglu` against its composed twin and finite differences.

use pretrain_kernels::{composed, swiglu};

use crate::support::*;

#[test]
fn matches_its_twin_and_finite_differences() {
    for dims @ [batch, seq, d] in [[1, 1, 1], [1, 1, 7], [2, 7, 63], [1, 65, 129], [3, 129, 65]] {
        let n = batch * seq * d;
        let gs: Vec<f32> = numbers(n, 1).iter().map(|x| x * 8.0).collect();
        let (us, cs) = (numbers(n, 2), numbers(n, 3));
        let run = |fused: bool| {
            let (g, u) = (leaf(&gs, dims), leaf(&us, dims));
            let y = if fused {
                swiglu(g.clone(), u.clone())
            } else {
                composed::swiglu::forward(g.clone(), u.clone())
            };
            let grads = (y.clone() * tensor(&cs, dims)).sum().backward();
            (values(y), gradient(&g, &grads), gradient(&u, &grads))
        };
        let ((y, dg, du), (y2, dg2, du2)) = (run(true), run(false));
        assert_close("y", &y, &y2, 1e-5);
        assert_close("dgate", &dg, &dg2, 1e-5);
        assert_close("dup", &du, &du2, 1e-5);
        let by_hand =
            composed::swiglu::backward(tensor(&gs, dims), tensor(&us, dims), tensor(&cs, dims));
        assert_close("dgate by hand", &values(by_hand.0), &dg2, 1e-5);
        assert_close("dup by hand", &values(by_hand.1), &du2, 1e-5);
        let f = |v: &[Vec<f64>]| {
            let y: Vec<f64> =
                v[0].iter().zip(&v[1]).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
            weighted(&y, &cs)
        };
        check_differences("dgate", f, &[&gs, &us], 0, &dg);
        check_differences("dup", f, &[&gs, &us], 1, &du);
    }
}

#[test]
fn extreme_gates_saturate() {
    let gs = [-1e4, -100.0, -88.5, 0.0, 88.5, 100.0, 1e4, f32::NAN];
    let (g, u) = (leaf(&gs, [1, 1, 8]), leaf(&[2.0; 8], [1, 1, 8]));
    let y = swiglu(g.clone(), u.clone());
    let grads = y.clone().sum().backward();
    assert_close("y", &values(y), &[0.0, 0.0, 0.0, 0.0, 177.0, 200.0, 2e4, f32::NAN], 1e-6);
    let dg = gradient(&g, &grads);
    assert_close("dgate", &dg, &[0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 2.0, f32::NAN], 1e-6);
}
