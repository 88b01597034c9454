//! `rope` against its composed twin and finite differences.

use pretrain_kernels::{RopeTable, Turn, composed, rope};

use crate::support::*;

fn plain(x: &[f64], [seq, heads, dim]: [usize; 3], position: &dyn Fn(usize) -> usize) -> Vec<f64> {
    let half = dim / 2;
    let mut y = x.to_vec();
    for (row, y) in y.chunks_mut(dim).enumerate() {
        let token = row / heads;
        let p = position(token) as f64;
        let _ = seq;
        for i in 0..half {
            let (sin, cos) = (p * 10_000f64.powf(-((2 * i) as f64) / dim as f64)).sin_cos();
            let (a, b) = (y[i], y[i + half]);
            y[i] = a * cos - b * sin;
            y[i + half] = b * cos + a * sin;
        }
    }
    y
}

#[test]
fn matches_its_twin_and_finite_differences() {
    for dims @ [batch, seq, heads, dim] in
        [[1, 1, 1, 2], [2, 7, 3, 6], [1, 65, 2, 64], [3, 129, 1, 10]]
    {
        let n = batch * seq * heads * dim;
        let (xs, cs) = (numbers(n, 1), numbers(n, 2));
        let table = RopeTable::<B>::new(dim, seq + 5, 10_000.0, &DEVICE);
        let ids: Vec<i64> = (0..batch * seq).map(|t| ((t * 5 + 3) % (seq + 5)) as i64).collect();
        for explicit in [false, true] {
            let positions = explicit.then(|| ints(&ids, [batch, seq]));
            let run = |fused: bool| {
                let x = leaf(&xs, dims);
                let y = if fused {
                    rope(x.clone(), &table, positions.clone())
                } else {
                    let (cos, sin) = (table.cos.clone(), table.sin.clone());
                    composed::rope::rotate(x.clone(), cos, sin, positions.clone(), Turn::Forward)
                };
                let grads = (y.clone() * tensor(&cs, dims)).sum().backward();
                (values(y), gradient(&x, &grads))
            };
            let ((y, dx), (y2, dx2)) = (run(true), run(false));
            assert_close("y", &y, &y2, 1e-6);
            assert_close("dx", &dx, &dx2, 1e-6);
            let position = |t: usize| if explicit { ids[t] as usize } else { t % seq };
            let exact = |v: &[Vec<f64>]| plain(&v[0], [seq, heads, dim], &position);
            let want: Vec<f32> = exact(&[xs.iter().map(|&x| f64::from(x)).collect()])
                .iter()
                .map(|&x| x as f32)
                .collect();
            assert_close("y", &y, &want, 1e-5);
            check_differences("dx", |v| weighted(&exact(v), &cs), &[&xs], 0, &dx);
        }
    }
}

#[test]
#[should_panic(expected = "position outside the table of 4")]
fn a_position_outside_the_table_is_refused() {
    let table = RopeTable::<B>::new(2, 4, 10_000.0, &DEVICE);
    rope(tensor(&[1.0, 2.0], [1, 1, 1, 2]), &table, Some(ints(&[4], [1, 1])));
}

#[test]
fn scaled_tables_carry_their_magnitude() {
    let table = RopeTable::<B>::from_inverse_frequencies(&[0.5], 3, 2.0, &DEVICE);
    assert_eq!(table.max_seq(), 3);
    let want = [2.0, 2.0 * 0.5f32.cos(), 2.0 * 1f32.cos()];
    assert_close("cos", &values(table.cos.clone()), &want, 1e-6);
}
