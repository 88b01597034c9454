//! `attention` against its composed twin and finite differences.

use burn::tensor::Tensor;
use pretrain_kernels::{AttentionMask, AttentionSight, AttentionSpec, attention, composed};

use crate::support::*;

#[derive(Debug, Clone)]
struct Case {
    batch: usize,
    q_len: usize,
    kv_len: usize,
    heads: usize,
    kv_heads: usize,
    dim: usize,
    causal: bool,
    window: Option<usize>,
    segments: Option<Vec<i64>>,
    prefix: Option<Vec<i64>>,
    keys: Option<Vec<i64>>,
    scale: Option<f64>,
    softcap: Option<f64>,
    /// Its first three sizes.
    bias: Option<[usize; 3]>,
}

impl Case {
    fn new([batch, q_len, kv_len, heads, kv_heads, dim]: [usize; 6], causal: bool) -> Self {
        Self {
            batch,
            q_len,
            kv_len,
            heads,
            kv_heads,
            dim,
            causal,
            window: None,
            segments: None,
            prefix: None,
            keys: None,
            scale: None,
            softcap: None,
            bias: None,
        }
    }

    fn q_dims(&self) -> [usize; 4] {
        [self.batch, self.q_len, self.heads, self.dim]
    }

    fn kv_dims(&self) -> [usize; 4] {
        [self.batch, self.kv_len, self.kv_heads, self.dim]
    }

    fn mask(&self) -> AttentionMask<B> {
        let per_key =
            |of: &Option<Vec<i64>>| of.as_ref().map(|s| ints(s, [self.batch, self.kv_len]));
        AttentionMask {
            causal: self.causal,
            window: self.window,
            segments: per_key(&self.segments),
            prefix: self.prefix.as_ref().map(|p| ints(p, [self.batch])),
            keys: per_key(&self.keys),
            scale: self.scale,
            softcap: self.softcap,
            bias: None,
        }
    }

    fn bias_values(&self) -> Option<(Vec<f32>, [usize; 4])> {
        let [b, h, q] = self.bias?;
        Some((numbers(b * h * q * self.kv_len, 5), [b, h, q, self.kv_len]))
    }

    fn bias_at(&self, bias: &[f64], at: [usize; 4]) -> f64 {
        let Some([b, h, q]) = self.bias else { return 0.0 };
        let [i, j, k] = [at[0] % b, at[1] % h, at[2] % q];
        bias[((i * h + j) * q + k) * self.kv_len + at[3]]
    }

    fn scale(&self) -> f64 {
        self.scale.unwrap_or_else(|| (self.dim as f64).sqrt().recip())
    }

    fn sees(&self, batch: usize, query: usize, key: usize) -> bool {
        let position = query as i64 + self.kv_len as i64 - self.q_len as i64;
        let in_prefix = self.prefix.as_ref().is_some_and(|p| (key as i64) < p[batch]);
        let past = !self.causal || key as i64 <= position || in_prefix;
        let near = self.window.is_none_or(|w| (key as i64 - position).abs() < w as i64);
        let there = self.keys.as_ref().is_none_or(|k| k[batch * self.kv_len + key] != 0);
        past && near
            && there
            && self.segments.as_ref().is_none_or(|s| {
                let s = &s[batch * self.kv_len..];
                s[key] == s[position as usize]
            })
    }

    fn plain(&self, q: &[f64], k: &[f64], v: &[f64], bias: &[f64]) -> Vec<f64> {
        let mut output = vec![0.0; q.len()];
        let group = self.heads / self.kv_heads;
        for b in 0..self.batch {
            for i in 0..self.q_len {
                for h in 0..self.heads {
                    let at = ((b * self.q_len + i) * self.heads + h) * self.dim;
                    let row =
                        |j: usize| ((b * self.kv_len + j) * self.kv_heads + h / group) * self.dim;
                    let keys: Vec<usize> =
                        (0..self.kv_len).filter(|&j| self.sees(b, i, j)).collect();
                    let scores: Vec<f64> = keys
                        .iter()
                        .map(|&j| {
                            let dot: f64 = (0..self.dim).map(|d| q[at + d] * k[row(j) + d]).sum();
                            let score = dot * self.scale();
                            let score = self.softcap.map_or(score, |c| c * (score / c).tanh());
                            score + self.bias_at(bias, [b, h, i, j])
                        })
                        .collect();
                    let max = scores.iter().copied().fold(f64::MIN, f64::max);
                    let sum: f64 = scores.iter().map(|s| (s - max).exp()).sum();
                    for (&j, s) in keys.iter().zip(&scores) {
                        let p = (s - max).exp() / sum;
                        for d in 0..self.dim {
                            output[at + d] += p * v[row(j) + d];
                        }
                    }
                }
            }
        }
        output
    }

    fn check(&self, magnitude: f32) {
        let scaled =
            |len, seed| numbers(len, seed).iter().map(|x| x * magnitude).collect::<Vec<_>>();
        let (q_len, kv_len) = (self.q_dims().iter().product(), self.kv_dims().iter().product());
        let (qs, ks) = (scaled(q_len, 1), scaled(kv_len, 2));
        let (vs, cs) = (numbers(kv_len, 3), numbers(q_len, 4));
        let q_dims = self.q_dims();
        let biases = self.bias_values();
        let run = |fused: bool| {
            let (q, k, v) =
                (leaf(&qs, q_dims), leaf(&ks, self.kv_dims()), leaf(&vs, self.kv_dims()));
            let bias = biases.as_ref().map(|(values, dims)| leaf(values, *dims));
            let y = if fused {
                let mask = AttentionMask { bias: bias.clone(), ..self.mask() };
                attention(q.clone(), k.clone(), v.clone(), &mask)
            } else {
                self.twin(&q, &k, &v, bias.clone()).0
            };
            let grads = (y.clone() * tensor(&cs, q_dims)).sum().backward();
            let leaves = [q, k, v].into_iter().chain(bias);
            let gradients: Vec<_> = leaves.map(|leaf| gradient(&leaf, &grads)).collect();
            (values(y), gradients)
        };
        let (y, fused) = run(true);
        let twin = self.by_hand(&qs, &ks, &vs, &cs);
        assert_close("y", &y, &twin.0, 2e-5);
        for (name, (a, b)) in ["dq", "dk", "dv", "dbias"].iter().zip(fused.iter().zip(&twin.1)) {
            assert_close(&format!("{name} {self:?}"), a, b, 1e-4);
        }
        let seen = (0..self.batch)
            .all(|b| (0..self.q_len).all(|i| (0..self.kv_len).any(|j| self.sees(b, i, j))));
        if seen {
            // Burn's own rules divide by the sum of a row, which is zero where nothing is seen.
            let (y2, burn) = run(false);
            assert_close("y burn", &y, &y2, 2e-5);
            for (name, (a, b)) in ["dq", "dk", "dv", "dbias"].iter().zip(fused.iter().zip(&burn)) {
                assert_close(&format!("{name} burn {self:?}"), a, b, 1e-4);
            }
        }
        let bs = biases.map_or_else(Vec::new, |(values, _)| values);
        let f64s = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let want: Vec<f32> = self
            .plain(&f64s(&qs), &f64s(&ks), &f64s(&vs), &f64s(&bs))
            .iter()
            .map(|&x| x as f32)
            .collect();
        assert_close("y f64", &y, &want, 2e-5);
        if q_len * self.kv_len < 100_000 && magnitude < 10.0 {
            let f = |v: &[Vec<f64>]| weighted(&self.plain(&v[0], &v[1], &v[2], &v[3]), &cs);
            for (which, gradient) in fused.iter().enumerate() {
                let name = format!("input {which} {self:?}");
                check_differences(&name, f, &[&qs, &ks, &vs, &bs], which, gradient);
            }
        }
    }

    fn spec(&self) -> AttentionSpec {
        AttentionSpec::of(&self.mask(), self.dim)
    }

    fn twin(
        &self,
        q: &Tensor<B, 4>,
        k: &Tensor<B, 4>,
        v: &Tensor<B, 4>,
        bias: Option<Tensor<B, 4>>,
    ) -> (Tensor<B, 4>, Tensor<B, 3>) {
        let (q, k, v, sight) = (q.clone(), k.clone(), v.clone(), AttentionSight::of(&self.mask()));
        composed::attention::forward(q, k, v, bias, sight, self.spec())
    }

    fn by_hand(&self, qs: &[f32], ks: &[f32], vs: &[f32], cs: &[f32]) -> (Vec<f32>, Vec<Vec<f32>>) {
        let (q, k, v) =
            (tensor(qs, self.q_dims()), tensor(ks, self.kv_dims()), tensor(vs, self.kv_dims()));
        let bias = self.bias_values().map(|(values, dims)| tensor(&values, dims));
        let saved = self.twin(&q, &k, &v, bias.clone());
        let y = values(saved.0.clone());
        let (sight, grad) = (AttentionSight::of(&self.mask()), tensor(cs, self.q_dims()));
        let (gradients, dbias) =
            composed::attention::backward(q, k, v, bias, sight, saved, grad, self.spec());
        (y, gradients.into_iter().chain(dbias).map(values).collect())
    }
}

#[test]
fn windows_prefixes_and_absent_keys() {
    let new = |causal| Case::new([2, 9, 9, 4, 2, 6], causal);
    for causal in [true, false] {
        for window in [1, 3, 20] {
            Case { window: Some(window), ..new(causal) }.check(1.0);
        }
        Case { window: Some(4), ..Case::new([1, 3, 12, 2, 1, 4], causal) }.check(1.0);
        let keys = (0..18).map(|i| i64::from(i % 5 != 2)).collect();
        Case { keys: Some(keys), ..new(causal) }.check(1.0);
    }
    Case { prefix: Some(vec![4, 0]), ..new(true) }.check(1.0);
    let keys = Some([1, 1, 1, 0, 0].repeat(2));
    Case { keys, ..Case::new([2, 8, 5, 2, 2, 4], false) }.check(1.0);
    let segments = Some([[1; 4], [2; 4]].concat().repeat(2));
    let both = Case::new([2, 8, 8, 2, 2, 4], true);
    Case { segments, window: Some(3), prefix: Some(vec![2, 3]), ..both }.check(1.0);
}

#[test]
fn soft_caps_and_biases() {
    for causal in [true, false] {
        let new = || Case::new([2, 7, 7, 4, 2, 6], causal);
        Case { softcap: Some(0.5), ..new() }.check(3.0);
        for bias in [[1, 4, 7], [2, 4, 1], [1, 1, 7], [2, 4, 7], [1, 4, 1]] {
            Case { bias: Some(bias), ..new() }.check(1.0);
        }
        Case {
            bias: Some([1, 4, 7]),
            softcap: Some(1.5),
            window: Some(3),
            scale: Some(1.0),
            ..new()
        }
        .check(1.0);
    }
}

#[test]
fn causal_and_bidirectional_of_odd_shapes() {
    for causal in [true, false] {
        for shape in [
            [1, 1, 1, 1, 1, 1],
            [1, 7, 7, 1, 1, 3],
            [2, 63, 63, 2, 2, 8],
            [1, 65, 65, 3, 1, 7],
            [2, 129, 129, 4, 2, 16],
            [1, 300, 300, 2, 1, 64],
        ] {
            Case::new(shape, causal).check(1.0);
        }
    }
}

#[test]
fn fewer_queries_than_keys() {
    for causal in [true, false] {
        for shape in
            [[1, 1, 7, 2, 1, 4], [2, 1, 300, 4, 2, 8], [1, 65, 129, 2, 2, 5], [1, 3, 257, 1, 1, 4]]
        {
            Case::new(shape, causal).check(1.0);
        }
    }
}

#[test]
fn more_queries_than_keys_leave_the_first_ones_blind() {
    Case::new([1, 70, 65, 2, 1, 4], true).check(1.0);
    Case::new([1, 130, 2, 2, 2, 4], true).check(1.0);
    Case::new([1, 70, 65, 2, 1, 4], false).check(1.0);
}

#[test]
fn segments() {
    let packed = |batch: usize, len: usize, lengths: &[usize]| -> Vec<i64> {
        (0..batch)
            .flat_map(|b| {
                let mut row: Vec<i64> = lengths
                    .iter()
                    .enumerate()
                    .flat_map(|(i, &n)| vec![i as i64 + 1 + b as i64; n])
                    .collect();
                row.resize(len, 0);
                row
            })
            .collect()
    };
    for causal in [true, false] {
        for (shape, lengths) in [
            ([2, 7, 7, 2, 1, 4], vec![3, 1, 2]),
            ([1, 129, 129, 2, 2, 8], vec![1, 63, 64]),
            ([1, 600, 600, 1, 1, 4], vec![290, 10, 200]),
            ([1, 5, 129, 2, 1, 4], vec![100, 26]),
            ([2, 65, 65, 1, 1, 4], vec![]),
        ] {
            let mut case = Case::new(shape, causal);
            case.segments = Some(packed(shape[0], shape[2], &lengths));
            case.check(1.0);
        }
    }
    // Numbers that come back, so that whole blocks cannot be skipped.
    let mut case = Case::new([1, 300, 300, 1, 1, 4], true);
    case.segments = Some((0..300).map(|i| i / 3 % 2).collect());
    case.check(1.0);
}

#[test]
fn extreme_scores() {
    // Scores of about +-1e4.
    let mut case = Case::new([1, 65, 65, 1, 1, 4], true);
    case.check(100.0);
    case.scale = Some(0.01);
    case.check(10.0);
    case.scale = Some(-0.5);
    case.check(1.0);
}

#[test]
fn a_step_with_a_cache_equals_the_whole_sequence() {
    let (seq, heads, kv_heads, dim) = (67, 4, 2, 8);
    let q = tensor(&numbers(seq * heads * dim, 1), [1, seq, heads, dim]);
    let k = tensor(&numbers(seq * kv_heads * dim, 2), [1, seq, kv_heads, dim]);
    let v = tensor(&numbers(seq * kv_heads * dim, 3), [1, seq, kv_heads, dim]);
    let mask = AttentionMask::causal();
    let whole = values(attention(q.clone(), k.clone(), v.clone(), &mask));
    for t in [0, 1, 40, 66] {
        let step = attention(
            q.clone().narrow(1, t, 1),
            k.clone().narrow(1, 0, t + 1),
            v.clone().narrow(1, 0, t + 1),
            &mask,
        );
        let width = heads * dim;
        assert_close("step", &values(step), &whole[t * width..(t + 1) * width], 1e-5);
    }
}

#[test]
fn a_nan_is_not_hidden() {
    let mut qs = numbers(8, 1);
    qs[4] = f32::NAN;
    let q = tensor(&qs, [1, 2, 1, 4]);
    let k = tensor(&numbers(8, 2), [1, 2, 1, 4]);
    let y = values(attention(q, k.clone(), k, &AttentionMask::causal()));
    assert!(y[..4].iter().all(|y| y.is_finite()));
    assert!(y[4..].iter().all(|y| y.is_nan()));
}

#[test]
#[should_panic(expected = "3 query heads over 2 key/value heads")]
fn heads_that_do_not_divide_are_refused() {
    let q = tensor(&[0.0; 3], [1, 1, 3, 1]);
    let k = tensor(&[0.0; 2], [1, 1, 2, 1]);
    attention(q, k.clone(), k, &AttentionMask::causal());
}
