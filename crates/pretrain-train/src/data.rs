//! What a run learns from, and how a batch becomes tensors.

use crate::config::{DocumentMask, ResolvedTrainConfig};
use crate::error::{Fault, Result, TrainError};
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};
use pretrain_model::{ModelInput, ResolvedConfig, TokenRows};
use pretrain_pack::{Batch, Loader, MixtureConfig, PackedDataset};
use pretrain_store::InputRef;
use std::sync::Arc;

/// What a run learns from and what it is measured on.
#[derive(Debug, Clone)]
pub struct TrainingData {
    sources: Vec<Arc<PackedDataset>>,
    mixture: Option<MixtureConfig>,
    validation: Option<Arc<PackedDataset>>,
    inputs: Vec<InputRef>,
}

impl TrainingData {
    /// One dataset to learn from.
    pub fn new(train: impl Into<Arc<PackedDataset>>) -> Self {
        Self { sources: vec![train.into()], mixture: None, validation: None, inputs: Vec::new() }
    }

    /// Several datasets to learn from, in the order of the mixture's sources.
    pub fn mixture(sources: Vec<Arc<PackedDataset>>, mixture: MixtureConfig) -> Self {
        Self { sources, mixture: Some(mixture), validation: None, inputs: Vec::new() }
    }

    /// The same with a dataset to measure the validation loss on.
    #[must_use]
    pub fn validation(mut self, dataset: impl Into<Arc<PackedDataset>>) -> Self {
        self.validation = Some(dataset.into());
        self
    }

    /// The same, made from a finished directory: `manifest.as_input("tokens")`. It is named in the
    /// run's manifest; content is compared in any case.
    #[must_use]
    pub fn input(mut self, input: InputRef) -> Self {
        self.inputs.push(input);
        self
    }

    pub(crate) fn inputs(&self) -> &[InputRef] {
        &self.inputs
    }

    pub(crate) fn validation_set(&self) -> Option<&Arc<PackedDataset>> {
        self.validation.as_ref()
    }

    /// Everything that data, settings and model have to agree on.
    pub(crate) fn faults(
        &self,
        config: &ResolvedTrainConfig,
        model: &ResolvedConfig,
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        let train = config.as_config();
        if train.seq_len > model.max_seq_len() {
            let most = format!("at most the model's {}", model.max_seq_len());
            faults.push(Fault::new("seq_len", train.seq_len, most));
        }
        if !model.is_causal() {
            let (found, expected) = (model.as_config().architecture, "a causal decoder");
            faults.push(Fault::new("model.architecture", found, expected));
        }
        if self.sources.is_empty() {
            faults.push(no_data());
        }
        match (&train.validation, &self.validation) {
            (Some(_), None) => {
                let expected = "one, because validation is set";
                faults.push(Fault::new("the validation dataset", "absent", expected));
            }
            (None, Some(_)) => {
                let expected = "settings, because there is a validation dataset";
                faults.push(Fault::new("validation", "absent", expected));
            }
            _ => {}
        }
        let mut tokenizers = Vec::new();
        for dataset in self.sources.iter().chain(&self.validation) {
            let header = dataset.tokens().header();
            if dataset.seq_len() != train.seq_len {
                let expected = format!("the dataset's {}", dataset.seq_len());
                faults.push(Fault::new("seq_len", train.seq_len, expected));
            }
            if header.vocab_size > model.vocab_size() {
                let expected = format!("at least the dataset's {}", header.vocab_size);
                faults.push(Fault::new("model.vocab_size", model.vocab_size(), expected));
            }
            if !tokenizers.contains(&&header.tokenizer) {
                tokenizers.push(&header.tokenizer);
            }
        }
        if let [first, .., last] = tokenizers[..] {
            let expected = format!("that of the others, {first}");
            faults.push(Fault::new("the tokenizer of a dataset", last, expected));
        }
        faults
    }

    /// The stream of training batches.
    pub(crate) fn loader(&self, config: &ResolvedTrainConfig) -> Result<Loader> {
        let (seed, batch_size) = (config.as_config().seed, config.batch_size());
        let loader = match (&self.mixture, &self.sources[..]) {
            (Some(mixture), sources) => {
                Loader::with_mixture(sources.to_vec(), mixture.clone(), seed, batch_size)?
            }
            (None, [dataset, ..]) => Loader::new(Arc::clone(dataset), seed, batch_size)?,
            (None, []) => return Err(TrainError::Config { faults: vec![no_data()] }),
        };
        Ok(loader.micro_batch_size(config.as_config().micro_batch)?)
    }

    /// What the run learns from and is measured on, wherever the files lie, for the run's record.
    pub(crate) fn identity(&self) -> serde_json::Value {
        let hex = |dataset: &Arc<PackedDataset>| format!("{:016x}", dataset.content());
        serde_json::json!({
            "train": self.sources.iter().map(hex).collect::<Vec<_>>(),
            "mixture": self.mixture,
            "validation": self.validation.as_ref().map(hex),
        })
    }
}

fn no_data() -> Fault {
    Fault::new("data", "empty", "at least one dataset")
}

/// A batch on a device: what the model reads, and the targets, `[batch, seq]`, -100 where there is none.
pub(crate) fn to_device<B: Backend>(
    batch: &Batch,
    mask: DocumentMask,
    model: &ResolvedConfig,
    device: &B::Device,
) -> Result<(ModelInput<B>, Tensor<B, 2, Int>)> {
    let separate = mask == DocumentMask::Separate;
    let rows = TokenRows {
        batch: batch.batch,
        seq: batch.seq_len,
        input_ids: &batch.input_ids,
        position_ids: separate.then_some(&batch.position_ids[..]),
        segment_ids: separate.then_some(&batch.segment_ids[..]),
        ..TokenRows::default()
    };
    let input = ModelInput::new(&rows, model, device)?;
    let labels: Vec<i64> = batch.labels.iter().map(|label| i64::from(*label)).collect();
    let labels = TensorData::new(labels, [batch.batch, batch.seq_len]).convert::<B::IntElem>();
    Ok((input, Tensor::from_data(labels, device)))
}

/// Positions of a batch that hold a token.
pub(crate) fn n_tokens(batch: &Batch) -> u64 {
    batch.segment_ids.iter().filter(|segment| **segment != 0).count() as u64
}
