//! One optimizer step on one device: gradients of several micro-batches, their norm, the update.

use crate::config::ResolvedTrainConfig;
use crate::data;
use crate::error::Result;
use burn::backend::Autodiff;
use burn::module::AutodiffModule;
use burn::tensor::{ElementConversion, Tensor};
use pretrain_kernels::{CrossEntropyOptions, KernelBackend};
use pretrain_model::Transformer;
use pretrain_optim::{AdamW, OptimError, clip_factor, global_norm};
use pretrain_pack::{Batch, PackedDataset};
use std::collections::BTreeMap;

/// A model that records what it computes.
pub(crate) type Learner<B> = Transformer<Autodiff<B>>;

/// The summed loss of a step's micro-batches and its gradients.
pub(crate) struct Gradients<B: KernelBackend> {
    /// By parameter; sorted, so that the norm adds up in one order.
    by_name: BTreeMap<String, Tensor<B, 1>>,
    /// One number per micro-batch, still on the device.
    losses: Vec<Tensor<B, 1>>,
    /// Targets of all micro-batches.
    pub(crate) targets: u64,
    /// Positions with a token.
    pub(crate) tokens: u64,
}

impl<B: KernelBackend> Gradients<B> {
    pub(crate) fn new() -> Self {
        Self { by_name: BTreeMap::new(), losses: Vec::new(), targets: 0, tokens: 0 }
    }

    /// Adds the gradients of a micro-batch. Nothing is averaged here: dividing once, by the targets
    /// of the whole step, makes accumulation exact whatever the padding.
    pub(crate) fn add(
        &mut self,
        model: &Learner<B>,
        batch: &Batch,
        config: &ResolvedTrainConfig,
    ) -> Result<()> {
        let mask = config.as_config().document_mask;
        let (input, targets) =
            data::to_device::<Autodiff<B>>(batch, mask, model.config(), &model.device())?;
        let loss = model.objective_sum(input, targets, &CrossEntropyOptions::default());
        self.losses.push(loss.clone().inner());
        let mut gradients = loss.backward();
        for found in model.take_gradients(&mut gradients) {
            let sum = match self.by_name.remove(&found.name) {
                Some(sum) => sum + found.gradient,
                None => found.gradient,
            };
            self.by_name.insert(found.name, sum);
        }
        self.targets += batch.n_targets() as u64;
        self.tokens += data::n_tokens(batch);
        Ok(())
    }

    /// Mean loss per target in nats; NaN without a target. Waits for the device.
    pub(crate) fn loss(&self) -> f64 {
        let sum: f64 = self.losses.iter().map(|loss| number(loss.clone())).sum();
        sum / self.targets as f64
    }

    /// Norm of the gradients of the mean loss; NaN without a target. Waits for the device.
    pub(crate) fn norm(&self) -> f64 {
        let gradients: Vec<Tensor<B, 1>> = self.by_name.values().cloned().collect();
        global_norm(&gradients) / self.targets as f64
    }
}

/// The model after an update by the gradients of the mean loss, whose norm is `norm`.
pub(crate) fn update<B: KernelBackend>(
    model: Learner<B>,
    optimizer: &mut AdamW<B>,
    gradients: Gradients<B>,
    lr: f64,
    norm: f64,
    max_norm: Option<f64>,
) -> Result<Learner<B>> {
    let Gradients { mut by_name, targets, .. } = gradients;
    let clip = max_norm.map_or(1.0, |max_norm| clip_factor(norm, max_norm));
    let mut step = optimizer.begin_step(lr, clip / targets as f64);
    let mut failure: Option<OptimError> = None;
    let model = model.update_parameters(|name, parameter| {
        let Some(gradient) = by_name.remove(name) else { return parameter };
        let (shape, device) = (parameter.shape(), parameter.device());
        step.update(name, parameter, gradient).unwrap_or_else(|error| {
            // The model is dropped below, so any numbers of this shape do.
            failure = Some(error);
            Tensor::zeros(shape, &device)
        })
    });
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(model),
    }
}

/// Mean loss per target over the first `max_batches` micro-batches of a dataset, in its order.
pub(crate) fn validate<B: KernelBackend>(
    model: &Learner<B>,
    dataset: &PackedDataset,
    max_batches: Option<u64>,
    config: &ResolvedTrainConfig,
) -> Result<f64> {
    let (mask, rows) = (config.as_config().document_mask, config.as_config().micro_batch as u64);
    let model = model.valid();
    let all = dataset.n_samples();
    let end = max_batches.map_or(all, |batches| all.min(batches.saturating_mul(rows)));
    let (mut sum, mut targets) = (0.0, 0);
    let mut first = 0;
    while first < end {
        let last = end.min(first + rows);
        let samples =
            (first..last).map(|index| dataset.sample(index)).collect::<Result<Vec<_>, _>>()?;
        let batch = Batch::from_samples(&samples)?;
        let (input, labels) = data::to_device::<B>(&batch, mask, model.config(), &model.device())?;
        sum += number(model.loss_sum(input, labels));
        targets += batch.n_targets();
        first = last;
    }
    Ok(sum / targets as f64)
}

fn number<B: KernelBackend>(scalar: Tensor<B, 1>) -> f64 {
    scalar.into_scalar().elem()
}
