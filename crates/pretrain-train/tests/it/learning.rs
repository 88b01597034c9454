//! Runs that learn, that do not, and that diverge.

use crate::run::{SEQ_LEN, VOCAB, Workshop, config, model};
use pretrain_kernels::Flex;
use pretrain_model::Transformer;
use pretrain_optim::Schedule;
use pretrain_pack::{
    PackConfig, PackedDataset, Packing, ShardHeader, TokenDataset, TokenShardWriter,
};
use pretrain_train::{
    Checkpoint, DocumentMask, Outcome, SkipReason, Snapshot, TrainError, Trainer, TrainingData,
};
use std::sync::atomic::AtomicBool;

#[test]
fn a_repeated_pattern_is_learnt() {
    let workshop = Workshop::new();
    let header = ShardHeader { vocab_size: VOCAB, tokenizer: "test".into() };
    let path = workshop.path("pattern.tokens");
    let mut shard = TokenShardWriter::create(&path, &header).unwrap();
    let ids: Vec<u32> = (0..2000).map(|i| [5, 9, 2, 14, 7][i % 5]).collect();
    shard.push_document(&ids, 2000).unwrap();
    shard.finish().unwrap();
    let tokens = TokenDataset::open(&[path]).unwrap();
    let dataset = PackedDataset::new(tokens, PackConfig::new(SEQ_LEN, Packing::Concat)).unwrap();
    let mut config = config(60);
    config.validation = None;
    config.schedule = Schedule::Constant { peak_lr: 1e-2, warmup_steps: 5 };
    let trainer = Trainer::<Flex>::open(
        &workshop.path("run"),
        config.resolve().unwrap(),
        &model(),
        TrainingData::new(dataset),
        &Default::default(),
    )
    .unwrap();
    let mut losses = Vec::new();
    let mut observer = |snapshot: &Snapshot| losses.push(snapshot.metrics.loss.unwrap());
    trainer.run(&mut observer, &AtomicBool::new(false)).unwrap();
    // A fresh model knows nothing: the entropy of 32 equal choices.
    assert!((losses[0] - (VOCAB as f64).ln()).abs() < 0.2, "{}", losses[0]);
    assert!(losses[59] < 0.2, "{}", losses[59]);
}

#[test]
fn a_rate_of_zero_leaves_the_weights_as_they_were() {
    let workshop = Workshop::new();
    let mut config = config(3);
    config.schedule = Schedule::Constant { peak_lr: 0.0, warmup_steps: 0 };
    let Outcome::Finished { weights_sha256, .. } = workshop.run("run", &config) else { panic!() };
    let fresh = Transformer::<Flex>::init(&model(), config.seed, &Default::default());
    assert_eq!(weights_sha256, fresh.weights_sha256());
    let losses: Vec<f64> = workshop.log("run").iter().map(|line| line.loss.unwrap()).collect();
    assert!(losses.iter().all(|loss| loss.is_finite()));
}

#[test]
fn the_log_has_the_rates_of_the_schedule_and_the_norm_before_clipping() {
    let workshop = Workshop::new();
    let mut config = config(5);
    config.clip = Some(1e-3);
    workshop.run("run", &config);
    for line in workshop.log("run") {
        assert_eq!(line.lr, config.schedule.lr(line.step - 1));
        assert!(line.grad_norm.unwrap() > 1e-2, "{line:?}");
        assert!(line.tokens > 0 && line.targets > 0 && line.skipped.is_none());
    }
}

#[test]
fn a_diverged_run_ends_and_leaves_its_last_good_checkpoint() {
    let workshop = Workshop::new();
    let mut config = config(20);
    config.checkpoint.every_steps = Some(1);
    config.clip = None;
    // Two sane steps, then a rate that throws every weight beyond the range of a float.
    config.schedule = Schedule::Linear {
        peak_lr: 1e37,
        warmup_steps: u64::MAX / 2,
        total_steps: u64::MAX,
        min_ratio: 0.0,
    };
    workshop.run_until("sane", &config, 2);
    config.schedule = Schedule::Constant { peak_lr: 1e30, warmup_steps: 0 };
    let trainer = workshop.open("run", &config).unwrap();
    let mut seen = Vec::new();
    let mut observer = |snapshot: &Snapshot| {
        seen.push((snapshot.metrics.skipped.is_some(), snapshot.skipped_steps));
    };
    let error = trainer.run(&mut observer, &AtomicBool::new(false)).unwrap_err();
    let TrainError::Diverged { step, skipped, loss, grad_norm } = error else { panic!("{error}") };
    assert_eq!(skipped, config.skip_limit);
    assert!(!(loss.is_finite() && grad_norm.is_finite()));
    // The error comes instead of the last snapshot; its line is in the log.
    assert_eq!(seen.len() as u64, step - 1);
    assert_eq!(seen.last().unwrap(), &(true, config.skip_limit - 1));
    let log = workshop.log("run");
    assert_eq!(log.len() as u64, step);
    let last = log.last().unwrap();
    assert!(matches!(last.skipped, Some(SkipReason::Loss | SkipReason::Gradient)));
    // Skipped steps leave the weights: the checkpoints after the first good step are all of one mind.
    let newest = Checkpoint::newest(&workshop.path("run")).unwrap().unwrap();
    assert_eq!(newest.step(), step - 1);
    // The failure is the same after a resume: the count of skips is part of the checkpoint.
    let again = workshop.open("run", &config).unwrap();
    assert_eq!(again.step(), step - 1);
    let error = again.run(&mut |_: &Snapshot| {}, &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { step: again, .. } if again == step));
}

#[test]
fn joined_documents_are_another_run() {
    let workshop = Workshop::new();
    let mut config = config(2);
    workshop.run("separate", &config);
    config.document_mask = DocumentMask::Joined;
    workshop.run("joined", &config);
    let loss = |run| workshop.log(run)[0].loss.unwrap();
    assert_ne!(loss("separate"), loss("joined"));
    assert!((loss("separate") - loss("joined")).abs() < 0.5);
}
