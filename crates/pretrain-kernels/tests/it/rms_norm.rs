//! `rms_norm` against its composed twin and finite differences.

use pretrain_kernels::{composed, rms_norm};

use crate::support::*;

const EPS: f64 = 1e-5;

fn plain(x: &[f64], w: &[f64]) -> Vec<f64> {
    x.chunks(w.len())
        .flat_map(|x| {
            let rms = (x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64 + EPS).sqrt();
            x.iter().zip(w).map(move |(x, w)| x / rms * w)
        })
        .collect()
}

#[test]
fn matches_its_twin_and_finite_differences() {
    for dims @ [batch, seq, d] in [[1, 1, 1], [1, 1, 7], [2, 7, 63], [1, 65, 64], [3, 65, 129]] {
        let (xs, ws) = (numbers(batch * seq * d, 1), numbers(d, 2));
        let cs = numbers(batch * seq * d, 3);
        let run = |fused: bool| {
            let (x, w) = (leaf(&xs, dims), leaf(&ws, [d]));
            let y = if fused {
                rms_norm(x.clone(), w.clone(), EPS)
            } else {
                composed::rms_norm::forward(x.clone(), w.clone(), EPS)
            };
            let grads = (y.clone() * tensor(&cs, dims)).sum().backward();
            (values(y), gradient(&x, &grads), gradient(&w, &grads))
        };
        let ((y, dx, dw), (y2, dx2, dw2)) = (run(true), run(false));
        assert_close("y", &y, &y2, 1e-5);
        assert_close("dw", &dw, &dw2, 1e-5);
        let by_hand = composed::rms_norm::backward(
            tensor(&xs, dims),
            tensor(&ws, [d]),
            tensor(&cs, dims),
            EPS,
        );
        assert_close("dx by hand", &values(by_hand.0), &dx2, 1e-3);
        assert_close("dw by hand", &values(by_hand.1), &dw2, 1e-5);
        assert_close("dx", &dx, &dx2, 1e-3);
        let f = |v: &[Vec<f64>]| weighted(&plain(&v[0], &v[1]), &cs);
        if d > 1 {
            check_differences("dx", f, &[&xs, &ws], 0, &dx);
        }
        check_differences("dw", f, &[&xs, &ws], 1, &dw);
    }
}

#[test]
fn zero_rows_and_large_rows_stay_finite() {
    let mut xs = vec![0.0; 64];
    xs.extend([1e4f32; 64]);
    xs.extend(numbers(64, 1).iter().map(|x| x * 1e-20));
    let (x, w) = (leaf(&xs, [1, 3, 64]), leaf(&[1.0; 64], [64]));
    let y = rms_norm(x.clone(), w.clone(), EPS);
    let grads = y.clone().sum().backward();
    let y = values(y);
    assert!(y[..64].iter().all(|&y| y == 0.0));
    assert!(y[64..128].iter().all(|&y| (y - 1.0).abs() < 1e-6));
    assert!(gradient(&x, &grads).iter().chain(&gradient(&w, &grads)).all(|x| x.is_finite()));
}
