//! Stopping, taking up again, cutting down and building on.

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::super::*;
use crate::counts::{MemoryRuns, SpillingCounts};
use crate::pattern::Pattern;

const SAMPLE: &str = include_str!("../learn.rs");
const OTHER: &str = include_str!("../config.rs");

fn trainer(vocab_size: usize) -> Trainer {
    let mut config = TrainerConfig::new(vocab_size, Pattern::Gpt2);
    // One special token is lent to a learned one.
    config.special_tokens = vec!["<s>".into(), "pair".into(), "</s>".into()];
    Trainer::new(config).unwrap()
}

fn run_for(training: &mut Training<'_>, mut n_merges: usize) {
    let _ = training.run(&mut |_| {
        n_merges -= 1;
        if n_merges == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
}

fn to_the_end(training: &mut Training<'_>) {
    assert!(training.run(&mut |_| ControlFlow::Continue(())).is_continue());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 20, ..Default::default() })]

    #[test]
    fn a_resumed_run_is_the_same_run(stops in prop::collection::vec(1usize..60, 1..5)) {
        let whole = trainer(450);
        let counts = whole.count(SAMPLE.lines());
        let expected = whole.train(&counts, &mut |_| {}).unwrap();
        let mut training = whole.start(&counts).unwrap();
        for stop in stops {
            run_for(&mut training, stop);
            let json = serde_json::to_string(&training.checkpoint().unwrap()).unwrap();
            let checkpoint: Checkpoint = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(checkpoint.n_merges(), training.merges().len());
            let resumed = whole.resume(&counts, &checkpoint).unwrap();
            prop_assert_eq!(resumed.vocabulary(), training.vocabulary());
            training = resumed;
        }
        to_the_end(&mut training);
        let tokenizer = whole.tokenizer(&training).unwrap();
        prop_assert_eq!(tokenizer.fingerprint(), expected.fingerprint());
    }

    #[test]
    fn a_smaller_run_is_a_prefix(vocab_size in 0usize..460) {
        let whole = trainer(450);
        let counts = whole.count(SAMPLE.lines());
        let largest = whole.train(&counts, &mut |_| {}).unwrap();
        let smaller = trainer(vocab_size.min(450)).train(&counts, &mut |_| {}).unwrap();
        let truncated = largest.truncated(vocab_size).unwrap();
        prop_assert_eq!(truncated.fingerprint(), smaller.fingerprint());
    }

    /// Extending with the same counts is training on (but an extension lends no special token).
    #[test]
    fn extending_with_the_same_counts_is_training_on(n_first in 260usize..440) {
        let trainer = |size| Trainer::new(TrainerConfig::new(size, Pattern::Gpt2)).unwrap();
        let whole = trainer(450);
        let counts = whole.count(SAMPLE.lines());
        let expected = whole.train(&counts, &mut |_| {}).unwrap();
        let base = trainer(n_first).train(&counts, &mut |_| {}).unwrap();
        let mut training = whole.extend(&base, &counts).unwrap();
        to_the_end(&mut training);
        let extended = whole.extended(&base, &training).unwrap();
        prop_assert_eq!(extended.fingerprint(), expected.fingerprint());
    }
}

#[test]
fn a_larger_size_resumes_and_other_runs_are_refused() {
    let small = trainer(300);
    let counts = small.count(SAMPLE.lines());
    let mut training = small.start(&counts).unwrap();
    to_the_end(&mut training);
    let checkpoint = training.checkpoint().unwrap();
    let mut larger = trainer(350).resume(&counts, &checkpoint).unwrap();
    to_the_end(&mut larger);
    let expected = trainer(350).train(&counts, &mut |_| {}).unwrap();
    assert_eq!(trainer(350).tokenizer(&larger).unwrap().fingerprint(), expected.fingerprint());

    let refused = |result: Result<Training<'_>>, expected: &str| match result {
        Err(BpeError::CheckpointMismatch { part, .. }) => assert_eq!(part, expected),
        other => panic!("{expected}: {other:?}"),
    };
    let other_counts = small.count(OTHER.lines());
    refused(small.resume(&other_counts, &checkpoint), "counts");
    let mut config = small.config().clone();
    config.min_frequency = 7;
    refused(Trainer::new(config).unwrap().resume(&counts, &checkpoint), "configuration");
    let base = small.tokenizer(&training).unwrap();
    refused(small.resume_extension(&base, &counts, &checkpoint), "base tokenizer");
    let mut json = serde_json::to_value(&checkpoint).unwrap();
    json["merges"][3][0] = 70.into();
    let damaged: Checkpoint = serde_json::from_value(json.clone()).unwrap();
    refused(small.resume(&counts, &damaged), "content");
    json["version"] = 2.into();
    refused(small.resume(&counts, &serde_json::from_value(json).unwrap()), "version");
}

#[test]
fn a_domain_adds_tokens_and_changes_none() {
    let general = trainer(320);
    let base = general.train(&general.count(OTHER.lines()), &mut |_| {}).unwrap();
    let mut config = TrainerConfig::new(400, Pattern::Gpt2);
    config.special_tokens = vec!["<s>".into(), "<new>".into()];
    let adapter = Trainer::new(config).unwrap();
    let domain = adapter.count(SAMPLE.lines());
    let mut training = adapter.extend(&base, &domain).unwrap();
    run_for(&mut training, 20);
    let checkpoint = training.checkpoint().unwrap();
    to_the_end(&mut training);
    let extended = adapter.extended(&base, &training).unwrap();
    assert_eq!((base.vocab_size(), extended.vocab_size()), (320, 400));
    for id in (0..320).map(TokenId) {
        assert_eq!(extended.token_bytes(id), base.token_bytes(id));
    }
    assert_eq!(extended.special_id("</s>"), base.special_id("</s>"));
    assert_eq!(extended.special_id("<new>"), Some(TokenId(320)));
    assert!(extended.encode(SAMPLE).len() < base.encode(SAMPLE).len());
    assert_eq!(extended.decode(&extended.encode(SAMPLE)), SAMPLE.as_bytes());

    let mut resumed = adapter.resume_extension(&base, &domain, &checkpoint).unwrap();
    to_the_end(&mut resumed);
    let again = adapter.extended(&base, &resumed).unwrap();
    assert_eq!(again.fingerprint(), extended.fingerprint());
    let foreign = |result| matches!(result, Err(BpeError::ForeignTraining { .. }));
    assert!(foreign(adapter.tokenizer(&resumed)) && foreign(adapter.extended(&extended, &resumed)));
}

/// A rank file stays one, and its merges are those that training assumed.
#[test]
fn a_rank_file_is_extended() {
    let plain = Trainer::new(TrainerConfig::new(300, Pattern::Gpt2)).unwrap();
    let merged = plain.train(&plain.count(OTHER.lines()), &mut |_| {}).unwrap();
    let file = merged.to_tiktoken().unwrap();
    let special = ("<|endoftext|>", TokenId(310));
    let base = Tokenizer::from_tiktoken(&file, Pattern::Gpt2, [special]).unwrap();
    let adapter = Trainer::new(TrainerConfig::new(360, Pattern::Gpt2)).unwrap();
    let domain = adapter.count(SAMPLE.lines());
    let mut training = adapter.extend(&base, &domain).unwrap();
    let base_merges = base.merge_list();
    assert_eq!(training.merges().len(), base_merges.len());
    to_the_end(&mut training);
    let extended = adapter.extended(&base, &training).unwrap();
    assert_eq!(extended.special_id("<|endoftext|>"), Some(TokenId(310)));
    assert_eq!(extended.rule(), &MergeRule::Ranks);
    let merges = extended.merge_list();
    let pairs = merges.iter().map(|merge| (merge.left, merge.right));
    assert!(pairs.eq(training.merges().iter().copied()), "ranks give the merges learned");
}

#[test]
fn counts_on_disk_train_the_same() {
    let whole = trainer(400);
    let counts = whole.count(SAMPLE.lines());
    let mut spilling = SpillingCounts::new(whole.counts(), 30_000, MemoryRuns::default());
    SAMPLE.lines().for_each(|line| spilling.count(line).unwrap());
    let runs = spilling.finish().unwrap();
    assert!(runs.n_runs() > 1);
    let expected = whole.train(&counts, &mut |_| {}).unwrap();
    let trained = whole.train(&runs, &mut |_| {}).unwrap();
    assert_eq!(trained.fingerprint(), expected.fingerprint());
    let mut training = whole.start(&runs).unwrap();
    let checkpoint = training.checkpoint().unwrap();
    assert!(whole.resume(&counts, &checkpoint).is_ok(), "the same counts have the same hash");

    let mut config = whole.config().clone();
    config.min_count = 3;
    let frequent = Trainer::new(config).unwrap();
    let mut retained = counts.clone();
    retained.retain_frequent(3);
    let expected = whole.train(&retained, &mut |_| {}).unwrap();
    let trained = frequent.train(&runs, &mut |_| {}).unwrap();
    assert_eq!(trained.fingerprint(), expected.fingerprint());
}
