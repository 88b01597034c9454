//! What is refused before any work is done, and that the reason is named.

use crate::run::{SEQ_LEN, VOCAB, Workshop, config, model};
use pretrain_kernels::Flex;
use pretrain_model::ModelConfig;
use pretrain_pack::{
    MixtureConfig, PackConfig, PackedDataset, Packing, ShardHeader, TokenDataset, TokenShardWriter,
};
use pretrain_store::{Digest, InputRef, StoreError};
use pretrain_train::{TrainError, Trainer, TrainingData};

fn fields(error: TrainError) -> Vec<String> {
    match error {
        TrainError::Config { faults } => faults.into_iter().map(|fault| fault.field).collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn settings_model_and_data_have_to_fit_together() {
    let workshop = Workshop::new();
    let mut small = ModelConfig::tiny(8);
    small.max_seq_len = 4;
    let mut config = config(3);
    config.seq_len = 8;
    config.validation = None;
    let error = Trainer::<Flex>::open(
        &workshop.path("run"),
        config.resolve().unwrap(),
        &small.resolve().unwrap(),
        workshop.data(),
        &Default::default(),
    );
    let fields = fields(error.map(|trainer| trainer.step()).unwrap_err());
    let expected =
        ["seq_len", "validation", "seq_len", "model.vocab_size", "seq_len", "model.vocab_size"];
    assert_eq!(fields, expected);
    assert!(!workshop.path("run").exists(), "nothing is written before the checks");
}

#[test]
fn other_settings_are_refused_by_name() {
    let workshop = Workshop::new();
    let config = config(9);
    let differences = |change: &dyn Fn(&mut pretrain_train::TrainConfig)| {
        let mut other = config.clone();
        change(&mut other);
        match workshop.open("run", &other).map(|trainer| trainer.step()) {
            Err(TrainError::Store(StoreError::Differs { differences, .. })) => differences,
            other => panic!("{other:?}"),
        }
    };
    for finished in [false, true] {
        if finished {
            workshop.run("run", &config);
        } else {
            workshop.run_until("run", &config, 2);
        }
        let found = differences(&|other| {
            other.seed = 4;
            other.adamw.beta2 = 0.99;
        });
        assert_eq!(found, ["train.adamw.beta2: 0.95 -> 0.99", "train.seed: 3 -> 4"]);
        let found = differences(&|other| other.steps = 10);
        assert_eq!(found, ["train.steps: 9 -> 10"]);
    }
}

#[test]
fn another_model_or_other_data_is_refused_by_name() {
    let workshop = Workshop::new();
    let config = config(9);
    workshop.run_until("run", &config, 2);
    let open = |model: &pretrain_model::ResolvedConfig, data: TrainingData| {
        let config = config.clone().resolve().unwrap();
        match Trainer::<Flex>::open(&workshop.path("run"), config, model, data, &Default::default())
        {
            Err(TrainError::Store(StoreError::Differs { differences, .. })) => differences,
            other => panic!("{:?}", other.map(|trainer| trainer.step())),
        }
    };
    let mut deeper = model().as_config().clone();
    deeper.n_layers = 3;
    let found = open(&deeper.resolve().unwrap(), workshop.data());
    assert_eq!(found, ["model.n_layers: 2 -> 3"]);

    let swapped = TrainingData::new(workshop.dataset("valid.tokens"))
        .validation(workshop.dataset("train.tokens"));
    let found = open(&model(), swapped);
    assert_eq!(found.len(), 2);
    assert!(found[0].starts_with("data.train: ") && found[1].starts_with("data.validation: "));

    let input = InputRef { name: "tokens".into(), digest: Digest::of(b"tokens") };
    let found = open(&model(), workshop.data().input(input));
    assert!(found[0].starts_with("inputs: "), "{found:?}");
}

#[test]
fn a_run_needs_data_of_one_tokenizer() {
    let workshop = Workshop::new();
    let open = |data: TrainingData, config: pretrain_train::TrainConfig| {
        let config = config.resolve().unwrap();
        Trainer::<Flex>::open(&workshop.path("run"), config, &model(), data, &Default::default())
            .map(|trainer| trainer.step())
    };
    let mixture = MixtureConfig { sources: Vec::new() };
    let error = open(TrainingData::mixture(Vec::new(), mixture), config(3)).unwrap_err();
    assert_eq!(fields(error), ["data", "the validation dataset"]);

    let header = ShardHeader { vocab_size: VOCAB, tokenizer: "another".into() };
    let path = workshop.path("other.tokens");
    let mut shard = TokenShardWriter::create(&path, &header).unwrap();
    shard.push_document(&[1; 40], 40).unwrap();
    shard.finish().unwrap();
    let tokens = TokenDataset::open(&[path]).unwrap();
    let other = PackedDataset::new(tokens, PackConfig::new(SEQ_LEN, Packing::Concat)).unwrap();
    let data = TrainingData::new(workshop.dataset("train.tokens")).validation(other);
    let error = open(data, config(3)).unwrap_err();
    let text = "the tokenizer of a dataset is another, expected that of the others, test";
    assert!(error.to_string().contains(text), "{error}");
}
