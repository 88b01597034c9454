//! `embedding` against its composed twin and finite differences.

use pretrain_kernels::{composed, embedding};

use crate::support::*;

#[test]
fn matches_its_twin() {
    for [batch, seq, vocab, d] in [[1, 1, 1, 1], [2, 7, 5, 63], [3, 65, 129, 8], [1, 129, 300, 65]]
    {
        let (ws, cs) = (numbers(vocab * d, 1), numbers(batch * seq * d, 2));
        let ids: Vec<i64> = (0..batch * seq).map(|t| (t * t * 7 % vocab) as i64).collect();
        let run = |fused: bool| {
            let (w, ids) = (leaf(&ws, [vocab, d]), ints(&ids, [batch, seq]));
            let y = if fused {
                embedding(w.clone(), ids)
            } else {
                composed::embedding::forward(w.clone(), ids)
            };
            let grads = (y.clone() * tensor(&cs, [batch, seq, d])).sum().backward();
            (values(y), gradient(&w, &grads))
        };
        let ((y, dw), (y2, dw2)) = (run(true), run(false));
        assert_eq!(y, y2);
        assert_close("dweight", &dw, &dw2, 1e-5);
        let mut want = vec![0.0f64; vocab * d];
        for (t, &id) in ids.iter().enumerate() {
            for i in 0..d {
                want[id as usize * d + i] += f64::from(cs[t * d + i]);
            }
        }
        let want: Vec<f32> = want.iter().map(|&x| x as f32).collect();
        assert_close("dweight", &dw, &want, 1e-5);
        let by_hand = composed::embedding::backward(
            tensor(&cs, [batch, seq, d]),
            ints(&ids, [batch, seq]),
            vocab,
        );
        assert_close("by hand", &values(by_hand), &want, 1e-5);
    }
}

#[test]
#[should_panic(expected = "id 3 in a table of 3 rows")]
fn an_id_outside_the_table_is_refused() {
    embedding(tensor(&[0.0; 6], [3, 2]), ints(&[3], [1, 1]));
}
