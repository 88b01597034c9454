//! Other streams of data: mixtures, and steps without anything to learn.

use crate::run::{SEQ_LEN, VOCAB, Workshop, config, model, result};
use pretrain_kernels::Flex;
use pretrain_pack::{
    MixtureConfig, PackConfig, PackError, PackedDataset, Packing, ShardHeader, SourceConfig,
    TokenDataset, TokenShardWriter,
};
use pretrain_train::{
    Outcome, SkipReason, Snapshot, StepMetrics, TrainConfig, TrainError, Trainer, TrainingData,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs `config` on `data` until step `at`.
fn run_until(
    workshop: &Workshop,
    run: &str,
    config: &TrainConfig,
    data: TrainingData,
    at: u64,
) -> Result<Outcome, TrainError> {
    let stop = AtomicBool::new(false);
    let mut observer = |snapshot: &Snapshot| {
        stop.store(snapshot.metrics.step >= at, Ordering::Relaxed);
    };
    let config = config.clone().resolve()?;
    Trainer::<Flex>::open(&workshop.path(run), config, &model(), data, &Default::default())?
        .run(&mut observer, &stop)
}

#[test]
fn a_mixture_is_resumed_as_one_dataset_is() {
    let workshop = Workshop::new();
    let mut config = config(7);
    config.validation = None;
    let with_limit = |first: f64, max_epochs: Option<f64>| {
        let source = |name: &str, weight| SourceConfig { name: name.into(), weight, max_epochs };
        let mixture = MixtureConfig { sources: vec![source("a", first), source("b", 1.0)] };
        let names = ["train.tokens", "valid.tokens"];
        let sources = names.map(|name| Arc::new(workshop.dataset(name))).to_vec();
        TrainingData::mixture(sources, mixture)
    };
    let data = |first: f64| with_limit(first, None);
    let error = run_until(&workshop, "limited", &config, with_limit(1.0, Some(1.0)), u64::MAX);
    assert!(matches!(error, Err(TrainError::Data(PackError::TooManyEpochs { .. }))), "{error:?}");
    assert!(!workshop.path("limited").exists());
    let straight = run_until(&workshop, "straight", &config, data(3.0), u64::MAX).unwrap();
    run_until(&workshop, "stopped", &config, data(3.0), 3).unwrap();
    let other = run_until(&workshop, "stopped", &config, data(2.0), u64::MAX).unwrap_err();
    assert!(other.to_string().contains("data.mixture.sources"), "{other}");
    let resumed = run_until(&workshop, "stopped", &config, data(3.0), u64::MAX).unwrap();
    assert_eq!(result(&resumed), result(&straight));
    assert_eq!(workshop.log("stopped"), workshop.log("straight"));
}

/// Documents of one token have no targets; the sequences of the others have.
fn sparse(workshop: &Workshop, name: &str, long: usize) -> PackedDataset {
    let header = ShardHeader { vocab_size: VOCAB, tokenizer: "test".into() };
    let path = workshop.path(name);
    let mut shard = TokenShardWriter::create(&path, &header).unwrap();
    for id in 0..long as u32 {
        let ids: Vec<u32> = (0..SEQ_LEN as u32).map(|i| (i + id) % VOCAB as u32).collect();
        shard.push_document(&ids, 1).unwrap();
    }
    for _ in 0..8 * SEQ_LEN {
        shard.push_document(&[7], 1).unwrap();
    }
    shard.finish().unwrap();
    let tokens = TokenDataset::open(&[path]).unwrap();
    PackedDataset::new(tokens, PackConfig::new(SEQ_LEN, Packing::BestFit)).unwrap()
}

#[test]
fn a_step_without_targets_changes_nothing_and_the_next_goes_on() {
    let workshop = Workshop::new();
    let mut config = config(16);
    (config.micro_batch, config.grad_accumulation) = (1, 1);
    config.validation = None;
    config.skip_limit = 16;
    let data = || TrainingData::new(sparse(&workshop, "sparse.tokens", 8));
    let straight = run_until(&workshop, "straight", &config, data(), u64::MAX).unwrap();
    let log: Vec<StepMetrics> = workshop.log("straight");
    let skipped: Vec<u64> =
        log.iter().filter(|line| line.skipped.is_some()).map(|line| line.step).collect();
    // One pass over sixteen sequences, of which eight have no targets.
    assert_eq!(skipped.len(), 8, "{skipped:?}");
    for line in &log {
        let is_skipped = skipped.contains(&line.step);
        assert_eq!(line.skipped, is_skipped.then_some(SkipReason::NoTargets));
        assert_eq!((line.loss.is_none(), line.targets == 0), (is_skipped, is_skipped));
        assert_eq!(line.tokens, line.step * SEQ_LEN as u64);
    }
    let Outcome::Finished { skipped_steps, loss, .. } = &straight else { panic!() };
    let last = log.iter().rev().find_map(|line| line.loss);
    assert_eq!((*skipped_steps, *loss), (8, last));
    let path = workshop.path("straight/checkpoints/step-00000016/state.json");
    let state: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!((&state["step"], &state["optimizer_steps"]), (&16.into(), &8.into()));

    let at = skipped[3];
    run_until(&workshop, "stopped", &config, data(), at).unwrap();
    let resumed = run_until(&workshop, "stopped", &config, data(), u64::MAX).unwrap();
    assert_eq!(result(&resumed), result(&straight));
}

#[test]
fn data_without_any_target_ends_the_run() {
    let workshop = Workshop::new();
    let mut config = config(9);
    config.validation = None;
    let data = TrainingData::new(sparse(&workshop, "empty.tokens", 0));
    let error = run_until(&workshop, "run", &config, data, u64::MAX).unwrap_err();
    let TrainError::Diverged { step, skipped, .. } = error else { panic!("{error}") };
    assert_eq!((step, skipped), (config.skip_limit, config.skip_limit));
}
