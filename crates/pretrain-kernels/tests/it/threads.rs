//! The bits of a training step do not depend on the number of threads.

use pretrain_kernels::{
    AttentionMask, CrossEntropyOptions, RopeTable, attention, embedding, linear,
    linear_cross_entropy, rms_norm, rope, sum_of_squares, swiglu,
};

use crate::support::*;

fn step() -> Vec<Vec<f32>> {
    let (batch, seq, d, heads, vocab) = (3, 130, 64, 2, 300);
    let ids: Vec<i64> = (0..batch * seq).map(|i| (i * 7919 % vocab) as i64).collect();
    let targets: Vec<i64> = ids.iter().map(|i| if i % 11 == 0 { -100 } else { *i }).collect();
    let table = leaf(&numbers(vocab * d, 1), [vocab, d]);
    let norm = leaf(&numbers(d, 2), [d]);
    let weight = leaf(&numbers(d * d, 3), [d, d]);
    let rotation = RopeTable::<B>::new(d / heads, seq, 10_000.0, &DEVICE);
    let x = embedding(table.clone(), ints(&ids, [batch, seq]));
    let y = rms_norm(x.clone(), norm.clone(), 1e-5);
    let q = linear(y.clone(), weight.clone()).reshape([batch, seq, heads, d / heads]);
    let q = rope(q, &rotation, None);
    let y = attention(q.clone(), q.clone(), q, &AttentionMask::causal());
    let x = x + swiglu(y.clone().reshape([batch, seq, d]), y.reshape([batch, seq, d]));
    let options = CrossEntropyOptions { chunk: 200, ..CrossEntropyOptions::default() };
    let loss = linear_cross_entropy(
        x.reshape([batch * seq, d]),
        table.clone(),
        ints(&targets, [batch * seq]),
        &options,
    );
    let grads = loss.clone().backward();
    let mut all = vec![values(loss), gradient(&table, &grads), gradient(&norm, &grads)];
    all.push(gradient(&weight, &grads));
    let norm = sum_of_squares(&[tensor(&all[1], [all[1].len()])]);
    all.push(vec![norm as f32]);
    all
}

#[test]
fn one_thread_and_many_agree_bit_for_bit() {
    let run = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(step)
    };
    let one = run(1);
    assert!(one.iter().flatten().all(|x| x.is_finite()));
    for threads in [2, 3, 7] {
        assert!(one == run(threads), "{threads} threads");
    }
}

/// Narrow products, which the matrix library treats differently.
#[test]
fn the_loss_of_a_narrow_model_agrees_bit_for_bit() {
    for (tokens, d, vocab) in [(129, 64, 1500), (321, 33, 1300), (513, 1, 70), (300, 2, 33)] {
        let (hs, ws) = (numbers(tokens * d, 1), numbers(vocab * d, 2));
        let targets: Vec<i64> = (0..tokens).map(|t| (t * 31 % vocab) as i64).collect();
        let step = || {
            let (h, w) = (leaf(&hs, [tokens, d]), leaf(&ws, [vocab, d]));
            let options = CrossEntropyOptions::default();
            let targets = ints(&targets, [tokens]);
            let loss = linear_cross_entropy(h.clone(), w.clone(), targets, &options);
            let grads = loss.clone().backward();
            [values(loss), gradient(&h, &grads), gradient(&w, &grads)]
        };
        let run = |threads: usize| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(step)
        };
        let one = run(1);
        for threads in [2, 3, 7] {
            assert!(one == run(threads), "{tokens} tokens, {d} wide, {threads} threads");
        }
    }
}
