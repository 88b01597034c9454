//! `adamw` against its composed twin and finite differences.

use burn::tensor::{Tensor, TensorData};
use pretrain_kernels::{AdamWCoefficients, Flex, adamw_step, composed};

use crate::support::*;

fn flat(x: &[f32]) -> Tensor<Flex, 1> {
    Tensor::from_data(TensorData::new(x.to_vec(), [x.len()]), &DEVICE)
}

#[test]
fn several_steps_match_the_twin_and_f64() {
    for n in [1, 7, 63, 65, 129, 20_000] {
        let start = numbers(n, 1);
        let mut fused = (flat(&start), flat(&vec![0.0; n]), flat(&vec![0.0; n]));
        let mut twin = fused.clone();
        let mut exact: Vec<[f64; 3]> = start.iter().map(|&p| [f64::from(p), 0.0, 0.0]).collect();
        for step in 1..=5 {
            let grads = numbers(n, 10 + step);
            let c = AdamWCoefficients {
                lr: 3e-2,
                weight_decay: 0.1,
                step,
                grad_scale: 0.5,
                ..AdamWCoefficients::default()
            };
            let (p, m, v) = fused;
            fused = adamw_step(p, flat(&grads), m, v, &c);
            let (p, m, v) = twin;
            twin = composed::adamw::step(p, flat(&grads), m, v, &c);
            let (c1, c2) = (1.0 - 0.9f64.powi(step as i32), 1.0 - 0.95f64.powi(step as i32));
            for ([p, m, v], &g) in exact.iter_mut().zip(&grads) {
                let g = f64::from(g) * 0.5;
                *m = 0.9 * *m + 0.1 * g;
                *v = 0.95 * *v + 0.05 * g * g;
                *p -= 3e-2 * 0.1 * *p + 3e-2 * (*m / c1) / ((*v / c2).sqrt() + 1e-8);
            }
        }
        let column = |i: usize| exact.iter().map(|x| x[i] as f32).collect::<Vec<_>>();
        for (i, (x, y)) in
            [(fused.0, twin.0), (fused.1, twin.1), (fused.2, twin.2)].into_iter().enumerate()
        {
            let x = values(x);
            assert_close("twin", &x, &values(y), 1e-5);
            assert_close("f64", &x, &column(i), 1e-5);
        }
    }
}

#[test]
fn a_shared_parameter_keeps_its_old_values() {
    let param = flat(&[1.0, 2.0]);
    let c = AdamWCoefficients { lr: 0.1, ..AdamWCoefficients::default() };
    let zero = flat(&[0.0, 0.0]);
    let (new, m, v) = adamw_step(param.clone(), flat(&[1.0, -1.0]), zero.clone(), zero.clone(), &c);
    assert_eq!(values(param), [1.0, 2.0]);
    assert_eq!(values(zero), [0.0, 0.0]);
    assert_close("param", &values(new), &[0.9, 2.1], 1e-6);
    assert_close("m", &values(m), &[0.1, -0.1], 1e-6);
    assert_close("v", &values(v), &[0.05, 0.05], 1e-6);
}

#[test]
fn a_matrix_keeps_its_shape() {
    let square = |x: f32| flat(&[x; 6]).reshape([2, 3]);
    let c = AdamWCoefficients { lr: 0.1, ..AdamWCoefficients::default() };
    let (p, ..) = adamw_step(square(1.0), square(1.0), square(0.0), square(0.0), &c);
    assert_eq!(p.dims(), [2, 3]);
}
