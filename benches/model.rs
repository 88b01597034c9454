//! `pretrain-model` on the kernels of `pretrain-kernels`: a training pass and generation on the CPU, in
//! tokens per second.
//!
//! The model has 4 layers of width 256 and a tied vocabulary of 8,192: 5 million parameters. All
//! threads of rayon's pool work (`RAYON_NUM_THREADS`). Not here: the optimizer's step and the loop.

use anyhow::{Result, ensure};
use benches::Draws;
use burn::backend::Autodiff;
use burn::tensor::{Int, Tensor, TensorData};
use criterion::{BenchmarkId, Criterion, Throughput};
use pretrain_kernels::Cpu;
use pretrain_model::{
    GenerationConfig, KernelBackend, ModelConfig, ModelInput, Session, TokenRows, Transformer,
    generate, most_likely,
};

const VOCAB_SIZE: usize = 8192;

fn main() -> Result<()> {
    let config = ModelConfig {
        vocab_size: VOCAB_SIZE,
        d_model: 256,
        n_layers: 4,
        n_heads: 8,
        n_kv_heads: 4,
        head_dim: None,
        d_ff: 704,
        max_seq_len: 1024,
        norm_eps: 1e-5,
        tie_embeddings: true,
        init_std: 0.02,
        ..ModelConfig::tiny(VOCAB_SIZE)
    }
    .resolve()?;
    let criterion = &mut benches::criterion();
    let model = Transformer::<Autodiff<Cpu>>::init(&config, 1, &Default::default());
    train(criterion, &model)?;
    let model = Transformer::<Cpu>::init(&config, 1, &Default::default());
    evaluate(criterion, &model)?;
    continue_text(criterion, &model)?;
    criterion.final_summary();
    Ok(())
}

/// Ids of `batch` rows of `seq` tokens.
fn ids(batch: usize, seq: usize) -> Vec<u32> {
    let mut draws = Draws::new("model", seq as u64);
    (0..batch * seq).map(|_| draws.below(VOCAB_SIZE as u64) as u32).collect()
}

/// Inputs and the tokens that follow them, four documents to a row: none sees another.
fn rows<B: KernelBackend>(
    model: &Transformer<B>,
    [batch, seq]: [usize; 2],
) -> Result<(ModelInput<B>, Tensor<B, 2, Int>)> {
    let ids = ids(batch, seq);
    let places = (0..batch * seq).map(|i| (i % seq) as u32);
    let document = seq as u32 / 4;
    let (positions, segments): (Vec<u32>, Vec<u32>) =
        places.map(|place| (place % document, place / document + 1)).unzip();
    let rows = TokenRows {
        batch,
        seq,
        input_ids: &ids,
        position_ids: Some(&positions),
        segment_ids: Some(&segments),
        ..TokenRows::default()
    };
    let input = ModelInput::new(&rows, model.config(), &model.device())?;
    let targets = (0..ids.len()).map(|i| i64::from(ids[(i + 1) % ids.len()])).collect();
    let targets = TensorData::new::<i64, _>(targets, [batch, seq]);
    Ok((input, Tensor::from_data(targets, &model.device())))
}

/// Forward, backward, and the gradient of every parameter.
fn train(criterion: &mut Criterion, model: &Transformer<Autodiff<Cpu>>) -> Result<()> {
    let mut group = criterion.benchmark_group("model/forward-backward");
    for [batch, seq] in [[8, 128], [1, 1024]] {
        let (input, targets) = rows(model, [batch, seq])?;
        let pass = || {
            let loss = model.loss_sum(input.clone(), targets.clone());
            let mut gradients = loss.backward();
            (loss.into_scalar(), model.take_gradients(&mut gradients))
        };
        let (loss, gradients) = pass();
        near_chance(loss, batch * seq)?;
        let n_numbers: usize =
            gradients.iter().map(|gradient| gradient.shape.iter().product::<usize>()).sum();
        ensure!(n_numbers == model.config().n_parameters(), "{n_numbers} numbers have gradients");
        for gradient in gradients {
            let sum = gradient.gradient.abs().sum().into_scalar();
            ensure!(sum.is_finite() && sum > 0.0, "{} has a gradient of {sum}", gradient.name);
        }
        group.throughput(Throughput::Elements((batch * seq) as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{batch}x{seq}")), |bencher| {
            bencher.iter(pass);
        });
    }
    group.finish();
    Ok(())
}

/// The loss alone, as in validation.
fn evaluate(criterion: &mut Criterion, model: &Transformer<Cpu>) -> Result<()> {
    let mut group = criterion.benchmark_group("model/loss");
    let [batch, seq] = [8, 128];
    let (input, targets) = rows(model, [batch, seq])?;
    let pass = || model.loss_sum(input.clone(), targets.clone()).into_scalar();
    near_chance(pass(), batch * seq)?;
    group.throughput(Throughput::Elements((batch * seq) as u64));
    group.bench_function(BenchmarkId::from_parameter(format!("{batch}x{seq}")), |bencher| {
        bencher.iter(pass);
    });
    group.finish();
    Ok(())
}

/// Reading a prompt, and new tokens one after another behind one.
fn continue_text(criterion: &mut Criterion, model: &Transformer<Cpu>) -> Result<()> {
    const N_NEW: usize = 64;
    let prompt = ids(1, 512);
    // Without kept keys and values the same tokens follow.
    let short = &prompt[..32];
    let mut text = short.to_vec();
    for token in generate(model, short, &GenerationConfig::greedy(4))? {
        let expected = most_likely(&Session::new(model)?.feed(&text)?)?;
        ensure!(expected == token, "{token} follows, not {expected}");
        text.push(token);
    }

    let mut group = criterion.benchmark_group("model/generation");
    group.throughput(Throughput::Elements(prompt.len() as u64));
    group.bench_function("prompt-512", |bencher| {
        bencher.iter(|| {
            Session::new(model).and_then(|mut s| s.feed(&prompt)).expect("the prompt fits")
        });
    });
    group.throughput(Throughput::Elements(N_NEW as u64));
    group.bench_function("tokens-64", |bencher| {
        bencher.iter(|| {
            generate(model, short, &GenerationConfig::greedy(N_NEW)).expect("the text fits")
        });
    });
    group.finish();
    Ok(())
}

/// A fresh model knows nothing: its loss is near that of a guess among all tokens.
fn near_chance(loss: f32, n_tokens: usize) -> Result<()> {
    let (found, chance) = (f64::from(loss) / n_tokens as f64, (VOCAB_SIZE as f64).ln());
    ensure!((found - chance).abs() < 0.1 * chance, "the loss is {found}, not about {chance}");
    Ok(())
}
