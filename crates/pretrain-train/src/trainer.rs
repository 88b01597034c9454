//! A run in its directory: found, resumed or begun; then stepped to its end or to a stop.

use crate::checkpoint::{self, Checkpoint};
use crate::config::ResolvedTrainConfig;
use crate::data::TrainingData;
use crate::error::{RejectedCheckpoint, Result, TrainError};
use crate::learner::{self, Gradients, Learner};
use crate::metrics::{MetricsLog, SkipReason, StepMetrics};
use crate::observer::{Observer, Snapshot};
use crate::outcome::Outcome;
use crate::state::RunState;
use pretrain_kernels::KernelBackend;
use pretrain_model::{ResolvedConfig, Transformer, from_hf_tensors};
use pretrain_optim::AdamW;
use pretrain_pack::{Loader, PackedDataset};
use pretrain_store::{
    Digest, FileEntry, MANIFEST_NAME, Manifest, OpenStage, Stage, StageSpec, Unit,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

const STAGE: &str = "train";

/// A training run that owns a directory.
///
/// Memory on the device: weights, their gradients and two moments (16 bytes per parameter in 32-bit
/// floats), and the activations of one micro-batch. A checkpoint copies weights and moments to the
/// host while it is written.
#[derive(Debug)]
pub struct Trainer<B: KernelBackend>(Phase<B>);

#[derive(Debug)]
enum Phase<B: KernelBackend> {
    Finished(Outcome),
    Unfinished(Box<Run<B>>),
}

impl<B: KernelBackend> Trainer<B> {
    /// Finds, resumes or begins the run in `dir`.
    ///
    /// Resuming takes the newest checkpoint that is whole; the log is cut back to its step. A
    /// directory that is locked by another process, or that belongs to other settings, another
    /// model or other data, is refused, and the settings that differ are named. Only the
    /// [`checkpoint`](crate::TrainConfig::checkpoint) and [`log`](crate::TrainConfig::log) settings
    /// may change.
    ///
    /// # Errors
    /// Settings, model and data that do not fit together, all faults at once; a source that the run
    /// would repeat more often than its limit; a directory of another run; checkpoints of which none
    /// is whole; files that cannot be read or written.
    pub fn open(
        dir: &Path,
        config: ResolvedTrainConfig,
        model: &ResolvedConfig,
        data: TrainingData,
        device: &B::Device,
    ) -> Result<Self> {
        let faults = data.faults(&config, model);
        if !faults.is_empty() {
            return Err(TrainError::Config { faults });
        }
        let loader = data.loader(&config)?;
        // Fits in 64 bits: resolve refused more tokens than that.
        loader.epochs(config.as_config().steps * config.batch_size() as u64)?;
        let identity = serde_json::json!({
            "train": config.identity(),
            "model": model.as_config(),
            "data": data.identity(),
        });
        let spec =
            StageSpec { stage: STAGE.to_owned(), config: identity, inputs: data.inputs().to_vec() };
        match Stage::open(dir, &spec)? {
            Stage::Finished(manifest) => finished(dir, &manifest).map(|o| Self(Phase::Finished(o))),
            Stage::Unfinished(stage) => {
                let validation = data.validation_set().cloned();
                let run = Run::open(stage, spec, config, model, loader, validation, device)?;
                Ok(Self(Phase::Unfinished(Box::new(run))))
            }
        }
    }

    /// Steps taken so far, by this and earlier processes.
    pub fn step(&self) -> u64 {
        match &self.0 {
            Phase::Finished(Outcome::Finished { step, .. } | Outcome::Interrupted { step, .. }) => {
                *step
            }
            Phase::Unfinished(run) => run.state.step,
        }
    }

    /// Damaged checkpoints that were passed over, newest first.
    pub fn rejected(&self) -> &[RejectedCheckpoint] {
        match &self.0 {
            Phase::Finished(
                Outcome::Finished { rejected, .. } | Outcome::Interrupted { rejected, .. },
            ) => rejected,
            Phase::Unfinished(run) => &run.rejected,
        }
    }

    /// Takes the remaining steps.
    ///
    /// `stop` is looked at before each step: once it is true, a checkpoint is written and the run
    /// returns. A finished run returns at once.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] after too many steps in a row that were skipped (the last of them is in
    /// the log but is not observed); data that cannot be read; a disk that refuses. The newest
    /// checkpoint stays in each case.
    pub fn run(self, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Outcome> {
        match self.0 {
            Phase::Finished(outcome) => Ok(outcome),
            Phase::Unfinished(run) => run.run(observer, stop),
        }
    }
}

/// The outcome of a run that an earlier process finished.
fn finished(dir: &Path, manifest: &Manifest) -> Result<Outcome> {
    manifest.verify(dir)?;
    let step = manifest.counts.get("steps").copied().unwrap_or_default();
    let checkpoint = checkpoint::dir_of(dir, step);
    let state = RunState::load(&checkpoint)?;
    Ok(Outcome::Finished {
        step,
        loss: state.loss,
        validation_loss: state.validation_loss,
        tokens_per_second: MetricsLog::throughput_of(dir),
        weights_sha256: state.weights_sha256,
        checkpoint,
        skipped_steps: state.skipped_steps,
        rejected: Vec::new(),
    })
}

/// A run with steps left to take.
#[derive(Debug)]
struct Run<B: KernelBackend> {
    stage: OpenStage,
    spec: StageSpec,
    config: ResolvedTrainConfig,
    loader: Loader,
    validation: Option<Arc<PackedDataset>>,
    model: Learner<B>,
    optimizer: AdamW<B>,
    state: RunState,
    log: MetricsLog,
    /// The checkpoint on the disk that the run stands at or behind.
    saved: Option<Checkpoint>,
    rejected: Vec<RejectedCheckpoint>,
}

impl<B: KernelBackend> Run<B> {
    fn open(
        stage: OpenStage,
        spec: StageSpec,
        config: ResolvedTrainConfig,
        model_config: &ResolvedConfig,
        loader: Loader,
        validation: Option<Arc<PackedDataset>>,
        device: &B::Device,
    ) -> Result<Self> {
        let settings = config.as_config();
        let fresh = RunState::new(checkpoint::settings_digest(&spec.config, &spec.inputs));
        let (saved, rejected) = checkpoint::newest(stage.dir())?;
        let (state, model) = match &saved {
            None => (fresh, Transformer::init(model_config, settings.seed, device)),
            Some(found) => {
                let state = found.state_of(&fresh)?;
                let weights = from_hf_tensors(model_config, found.weights()?)?;
                let model = Transformer::from_tensors(model_config, weights, device)?;
                tracing::info!(step = state.step, "resumed from a checkpoint");
                (state, model)
            }
        };
        let (adamw, shapes) = (settings.adamw.clone(), model.parameter_shapes());
        let optimizer = match &saved {
            None => AdamW::new(adamw, &shapes, device)?,
            Some(found) => AdamW::restore(adamw, &shapes, found.moments()?, device)?,
        };
        let log = MetricsLog::open(stage.dir(), state.step, settings.log.flush_secs)?;
        Ok(Self {
            stage,
            spec,
            config,
            loader,
            validation,
            model,
            optimizer,
            state,
            log,
            saved,
            rejected,
        })
    }

    fn run(mut self, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Outcome> {
        let steps = self.config.as_config().steps;
        while self.state.step < steps {
            if stop.load(Ordering::Relaxed) {
                return self.interrupt();
            }
            let (next, metrics) = self.step()?;
            self = next;
            let checkpoint = match self.config.as_config().checkpoint.every_steps {
                Some(every) if self.state.step.is_multiple_of(every) => Some(self.save()?),
                _ if self.state.step == steps => Some(self.save()?),
                _ => None,
            };
            let skipped_steps = self.state.skipped_steps;
            observer.observe(&Snapshot { steps, metrics, skipped_steps, checkpoint });
        }
        self.finish()
    }

    /// Takes one step: weights, state and log move on together.
    fn step(mut self) -> Result<(Self, StepMetrics)> {
        let start = Instant::now();
        let config = self.config.as_config();
        let lr = config.schedule.lr(self.state.step);
        let batch_size = self.config.batch_size();
        let mut gradients = Gradients::new();
        for micro in 0..self.loader.n_micro_batches() {
            let batch = self.loader.batch_at(self.state.samples, batch_size, micro)?;
            gradients.add(&self.model, &batch, &self.config)?;
        }
        let (loss, grad_norm) = (gradients.loss(), gradients.norm());
        let (targets, tokens) = (gradients.targets, gradients.tokens);
        let skipped = match (targets, loss.is_finite(), grad_norm.is_finite()) {
            (0, ..) => Some(SkipReason::NoTargets),
            (_, false, _) => Some(SkipReason::Loss),
            (_, true, false) => Some(SkipReason::Gradient),
            (_, true, true) => None,
        };
        if skipped.is_none() {
            let (model, optimizer) = (self.model, &mut self.optimizer);
            self.model = learner::update(model, optimizer, gradients, lr, grad_norm, config.clip)?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let finite = |number: f64| number.is_finite().then_some(number);
        self.state.advance(batch_size as u64, tokens, finite(loss), skipped.is_some());
        let validation_loss = self.validation_loss()?;
        let metrics = StepMetrics {
            step: self.state.step,
            loss: finite(loss),
            lr,
            grad_norm: finite(grad_norm),
            tokens: self.state.tokens,
            targets,
            tokens_per_second: tokens as f64 / seconds.max(1e-9),
            seconds,
            skipped,
            validation_loss,
        };
        self.log.push(&metrics)?;
        if skipped.is_some() {
            let (step, in_a_row) = (self.state.step, self.state.consecutive_skips);
            tracing::warn!(step, in_a_row, loss, grad_norm, "step skipped");
            if in_a_row >= self.config.as_config().skip_limit {
                self.log.flush()?;
                return Err(TrainError::Diverged { step, skipped: in_a_row, loss, grad_norm });
            }
        }
        Ok((self, metrics))
    }

    /// Measures the validation loss if the step that was just taken asks for it.
    fn validation_loss(&mut self) -> Result<Option<f64>> {
        let config = self.config.as_config();
        let (Some(settings), Some(dataset)) = (&config.validation, &self.validation) else {
            return Ok(None);
        };
        let step = self.state.step;
        if !step.is_multiple_of(settings.every_steps) && step != config.steps {
            return Ok(None);
        }
        let loss = learner::validate(&self.model, dataset, settings.max_batches, &self.config)?;
        let loss = Some(loss).filter(|loss| loss.is_finite());
        self.state.validation_loss = loss;
        Ok(loss)
    }

    /// Writes a checkpoint of this moment, unless there is one, and lets old ones go.
    fn save(&mut self) -> Result<PathBuf> {
        // The log first: a checkpoint promises that the lines up to its step are there.
        self.log.flush()?;
        let here = self.saved.take().filter(|saved| saved.step() == self.state.step);
        let saved = match here {
            Some(saved) => saved,
            None => {
                let Self { stage, spec, state, model, optimizer, .. } = self;
                checkpoint::save(stage.dir(), spec, state, model, optimizer)?
            }
        };
        let keep_last = self.config.as_config().checkpoint.keep_last;
        checkpoint::retain(self.stage.dir(), &saved, keep_last)?;
        let dir = saved.dir().to_path_buf();
        self.saved = Some(saved);
        Ok(dir)
    }

    fn interrupt(mut self) -> Result<Outcome> {
        let checkpoint = self.save()?;
        Ok(Outcome::Interrupted { step: self.state.step, checkpoint, rejected: self.rejected })
    }

    /// Writes the manifest of the run: its output is the last checkpoint. The log and older
    /// checkpoints are its history; they hold clocks or depend on when it was stopped.
    fn finish(mut self) -> Result<Outcome> {
        let dir = self.save()?;
        let saved = self.saved.expect("saved above");
        let folder = checkpoint::relative_dir(saved.step());
        let bytes = pretrain_store::read(&dir.join(MANIFEST_NAME))?;
        let manifest = FileEntry {
            name: MANIFEST_NAME.to_owned(),
            bytes: bytes.len() as u64,
            xxh3: Digest::of(&bytes),
        };
        let files = saved.manifest().files.iter().cloned().chain([manifest]);
        let unit = files.fold(Unit::new(STAGE), |unit, file| unit.file(file.under(&folder)));
        self.stage.commit_unit(unit)?;
        let RunState { step, tokens, optimizer_steps, skipped_steps, .. } = self.state;
        self.stage.finish([
            ("steps", step),
            ("tokens", tokens),
            ("optimizer_steps", optimizer_steps),
            ("skipped_steps", skipped_steps),
            ("parameters", self.model.config().n_parameters() as u64),
        ])?;
        Ok(Outcome::Finished {
            step,
            loss: self.state.loss,
            validation_loss: self.state.validation_loss,
            tokens_per_second: self.log.tokens_per_second(),
            weights_sha256: self.state.weights_sha256,
            checkpoint: dir,
            skipped_steps,
            rejected: self.rejected,
        })
    }
}
