//! `cross_entropy` against its composed twin and finite differences.

use pretrain_kernels::{CrossEntropyOptions, composed, linear_cross_entropy, token_losses};

use crate::support::*;

fn plain(h: &[f64], w: &[f64], d: usize, targets: &[i64], o: &CrossEntropyOptions) -> f64 {
    let mut total = 0.0;
    for (h, &t) in h.chunks(d).zip(targets) {
        if t == o.ignore_index {
            continue;
        }
        let x: Vec<f64> = w.chunks(d).map(|w| h.iter().zip(w).map(|(a, b)| a * b).sum()).collect();
        let max = x.iter().copied().fold(f64::MIN, f64::max);
        let lse = max + x.iter().map(|x| (x - max).exp()).sum::<f64>().ln();
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let e = o.label_smoothing;
        total += lse - (1.0 - e) * x[t as usize] - e * mean + o.z_loss * lse * lse;
    }
    total
}

fn options(chunk: usize, label_smoothing: f64, z_loss: f64) -> CrossEntropyOptions {
    CrossEntropyOptions { chunk, label_smoothing, z_loss, ..CrossEntropyOptions::default() }
}

#[test]
fn matches_its_twin_and_finite_differences() {
    for (tokens, d, vocab, options) in [
        (1, 1, 1, options(1, 0.0, 0.0)),
        (1, 7, 65, options(4, 0.0, 0.0)),
        (7, 63, 129, options(3, 0.1, 0.0)),
        (65, 9, 63, options(64, 0.0, 1e-2)),
        (130, 8, 65, options(1000, 0.2, 1e-3)),
        (300, 16, 40, options(128, 0.0, 0.0)),
    ] {
        let hs: Vec<f32> = numbers(tokens * d, 1).iter().map(|x| x * 2.0).collect();
        let ws: Vec<f32> = numbers(vocab * d, 2).iter().map(|x| x * 2.0).collect();
        let targets: Vec<i64> =
            (0..tokens).map(|t| if t % 5 == 3 { -100 } else { (t * 31 % vocab) as i64 }).collect();
        let run = |fused: bool| {
            let (h, w) = (leaf(&hs, [tokens, d]), leaf(&ws, [vocab, d]));
            let targets = ints(&targets, [tokens]);
            let loss = if fused {
                linear_cross_entropy(h.clone(), w.clone(), targets, &options)
            } else {
                composed::cross_entropy::losses(h.clone(), w.clone(), targets, &options).sum()
            };
            // An upstream factor, as the mean over targets is.
            let grads = (loss.clone() * 0.25).backward();
            (values(loss), gradient(&h, &grads), gradient(&w, &grads))
        };
        let ((loss, dh, dw), (loss2, dh2, dw2)) = (run(true), run(false));
        assert_close("loss", &loss, &loss2, 1e-5);
        assert_close("dhidden", &dh, &dh2, 1e-4);
        assert_close("dweight", &dw, &dw2, 1e-4);
        let f = |v: &[Vec<f64>]| plain(&v[0], &v[1], d, &targets, &options) * 0.25;
        check_differences("dhidden", f, &[&hs, &ws], 0, &dh);
        check_differences("dweight", f, &[&hs, &ws], 1, &dw);
        let each = token_losses(
            tensor(&hs, [tokens, d]),
            tensor(&ws, [vocab, d]),
            ints(&targets, [tokens]),
            &options,
        );
        let twin = composed::cross_entropy::losses(
            tensor(&hs, [tokens, d]),
            tensor(&ws, [vocab, d]),
            ints(&targets, [tokens]),
            &options,
        );
        let each = values(each);
        assert_close("each", &each, &values(twin), 1e-5);
        assert_close("sum", &[each.iter().sum()], &loss, 1e-5);
    }
}

/// The default path of a backend without kernels, which computes gradients in the forward pass.
#[test]
fn the_hand_derived_twin_matches_burn() {
    use pretrain_kernels::{CrossEntropyKernel, CrossEntropyNeeds};
    let (tokens, d, vocab) = (7, 5, 9);
    let (hs, ws) = (numbers(tokens * d, 1), numbers(vocab * d, 2));
    let targets = [0, 8, -100, 3, 3, -100, 1];
    let options = options(3, 0.1, 1e-2);
    let (h, w) = (leaf(&hs, [tokens, d]), leaf(&ws, [vocab, d]));
    let grads =
        composed::cross_entropy::losses(h.clone(), w.clone(), ints(&targets, [tokens]), &options)
            .sum()
            .backward();
    // `Autodiff` has no implementation of its own for this method: it runs the default.
    let forward = <B as CrossEntropyKernel>::cross_entropy_forward(
        tensor(&hs, [tokens, d]).into_primitive().tensor(),
        tensor(&ws, [vocab, d]).into_primitive().tensor(),
        ints(&targets, [tokens]).into_primitive(),
        options,
        CrossEntropyNeeds { hidden: true, weight: true },
    );
    let float = |x| burn::tensor::TensorPrimitive::Float(x);
    let dh = burn::tensor::Tensor::<B, 2>::from_primitive(float(forward.d_hidden.unwrap()));
    let dw = burn::tensor::Tensor::<B, 2>::from_primitive(float(forward.d_weight.unwrap()));
    assert_close("dhidden", &values(dh), &gradient(&h, &grads), 1e-5);
    assert_close("dweight", &values(dw), &gradient(&w, &grads), 1e-5);
}

#[test]
fn nothing_but_ignored_tokens_is_zero_everywhere() {
    let (h, w) = (leaf(&numbers(12, 1), [4, 3]), leaf(&numbers(15, 2), [5, 3]));
    let targets = ints(&[-100; 4], [4]);
    let loss = linear_cross_entropy(h.clone(), w.clone(), targets, &options(2, 0.1, 0.1));
    let grads = loss.clone().backward();
    assert_eq!(values(loss), [0.0]);
    assert_eq!(gradient(&h, &grads), [0.0; 12]);
    assert_eq!(gradient(&w, &grads), [0.0; 15]);
}

#[test]
fn extreme_logits_stay_finite() {
    // Logits of +-1e4.
    let (h, w) = (leaf(&[100.0, -100.0], [2, 1]), leaf(&[100.0, -100.0, 0.0], [3, 1]));
    let loss =
        linear_cross_entropy(h.clone(), w.clone(), ints(&[0, 0], [2]), &options(2, 0.0, 0.0));
    let grads = loss.clone().backward();
    assert_close("loss", &values(loss), &[20_000.0], 1e-6);
    assert_close("dhidden", &gradient(&h, &grads), &[0.0, -200.0], 1e-6);
    assert_close("dweight", &gradient(&w, &grads), &[100.0, -100.0, 0.0], 1e-6);
}

#[test]
fn a_target_outside_the_vocabulary_shows_as_nan() {
    for target in [5, -1, i64::from(i32::MAX)] {
        let (h, w) = (leaf(&numbers(6, 1), [2, 3]), leaf(&numbers(15, 2), [5, 3]));
        let targets = || ints(&[1, target], [2]);
        let each = token_losses(h.clone(), w.clone(), targets(), &options(2, 0.0, 0.0));
        let twin =
            composed::cross_entropy::losses(h.clone(), w.clone(), targets(), &options(2, 0.0, 0.0));
        let each = values(each);
        assert!(each[0].is_finite() && each[1].is_nan());
        assert_close("twin", &each, &values(twin), 1e-6);
        let loss = linear_cross_entropy(h.clone(), w.clone(), targets(), &options(2, 0.0, 0.0));
        let grads = loss.clone().backward();
        assert!(values(loss)[0].is_nan());
        let dh = gradient(&h, &grads);
        assert!(dh[0].is_finite() && dh[3].is_nan());
    }
}

#[test]
fn a_frozen_head_or_a_frozen_body_gets_no_gradient() {
    let (hs, ws, targets) = (numbers(12, 1), numbers(15, 2), [1, -100, 4, 0]);
    let both = || {
        let (h, w) = (leaf(&hs, [4, 3]), leaf(&ws, [5, 3]));
        let loss =
            linear_cross_entropy(h.clone(), w.clone(), ints(&targets, [4]), &options(3, 0.0, 0.0));
        let grads = loss.backward();
        (gradient(&h, &grads), gradient(&w, &grads))
    };
    let (h, w) = (leaf(&hs, [4, 3]), tensor(&ws, [5, 3]));
    let loss =
        linear_cross_entropy(h.clone(), w.clone(), ints(&targets, [4]), &options(3, 0.0, 0.0));
    let grads = loss.backward();
    assert_eq!(gradient(&h, &grads), both().0);
    assert!(w.grad(&grads).is_none());
    let (h, w) = (tensor(&hs, [4, 3]), leaf(&ws, [5, 3]));
    let loss =
        linear_cross_entropy(h.clone(), w.clone(), ints(&targets, [4]), &options(3, 0.0, 0.0));
    let grads = loss.backward();
    assert_eq!(gradient(&w, &grads), both().1);
    assert!(h.grad(&grads).is_none());
}
