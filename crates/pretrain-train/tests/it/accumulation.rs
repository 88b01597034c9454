//! How a step is split into micro-batches does not matter but for rounding.

use crate::run::{Workshop, config, model};
use burn::tensor::{Int, Tensor};
use pretrain_kernels::Flex;
use pretrain_model::{ModelInput, TokenRows, Transformer, read_safetensors};
use pretrain_pack::Loader;

#[test]
fn accumulating_two_of_four_is_one_of_eight() {
    let workshop = Workshop::new();
    let run = |micro_batch, grad_accumulation| {
        let mut config = config(6);
        (config.micro_batch, config.grad_accumulation) = (micro_batch, grad_accumulation);
        config.validation.as_mut().unwrap().max_batches = None;
        let name = format!("{micro_batch}x{grad_accumulation}");
        workshop.run(&name, &config);
        let weights = workshop.path(&name).join("checkpoints/step-00000006/model.safetensors");
        (workshop.log(&name), read_safetensors(&weights).unwrap())
    };
    let (whole_log, whole) = run(8, 1);
    for (micro_batch, grad_accumulation) in [(4, 2), (2, 4), (1, 8)] {
        let (log, weights) = run(micro_batch, grad_accumulation);
        for (line, other) in log.iter().zip(&whole_log) {
            let close = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() < 1e-5;
            assert!(close(line.loss, other.loss), "{line:?} {other:?}");
            assert!(close(line.grad_norm, other.grad_norm), "{line:?} {other:?}");
            assert_eq!((line.targets, line.tokens), (other.targets, other.tokens));
            if line.validation_loss.is_some() {
                assert!(close(line.validation_loss, other.validation_loss), "{line:?} {other:?}");
            }
        }
        for (found, expected) in weights.iter().zip(&whole) {
            assert_eq!(found.name, expected.name);
            for (a, b) in found.data.iter().zip(&expected.data) {
                assert!((a - b).abs() < 1e-5, "{}: {a} {b}", found.name);
            }
        }
    }
}

#[test]
fn the_loss_of_a_step_is_the_mean_over_its_targets() {
    let workshop = Workshop::new();
    let config = config(1);
    workshop.run("run", &config);
    // The same step by the plain way: one sequence at a time, the loss of each token on its own.
    let dataset = workshop.dataset("train.tokens");
    let loader = Loader::new(dataset, config.seed, 4).unwrap().micro_batch_size(1).unwrap();
    let fresh = Transformer::<Flex>::init(&model(), config.seed, &Default::default());
    let (mut sum, mut targets) = (0.0, Vec::new());
    for micro in 0..4 {
        let batch = loader.batch(0, micro).unwrap();
        let rows = TokenRows {
            batch: 1,
            seq: batch.seq_len,
            input_ids: &batch.input_ids,
            position_ids: Some(&batch.position_ids),
            segment_ids: Some(&batch.segment_ids),
            ..TokenRows::default()
        };
        let input = ModelInput::new(&rows, &model(), &Default::default()).unwrap();
        let labels = Tensor::<Flex, 1, Int>::from_ints(&batch.labels[..], &Default::default());
        let losses = fresh.token_losses(input, labels.reshape([1, batch.seq_len]));
        sum += losses.into_data().iter::<f64>().sum::<f64>();
        targets.push(batch.n_targets());
    }
    assert!(targets.iter().any(|n| *n != targets[0]), "uneven, or a mean of means would do");
    let log = workshop.log("run");
    assert_eq!(log[0].targets, targets.iter().sum::<usize>() as u64);
    let expected = sum / log[0].targets as f64;
    assert!((log[0].loss.unwrap() - expected).abs() < 1e-5, "{:?} {expected}", log[0]);
}
