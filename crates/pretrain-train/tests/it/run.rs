//! A tiny run: its data, its settings, and what it left behind.

use pretrain_kernels::Flex;
use pretrain_model::{ModelConfig, ResolvedConfig};
use pretrain_optim::{AdamWConfig, Schedule};
use pretrain_pack::{
    PackConfig, PackedDataset, Packing, ShardHeader, TokenDataset, TokenShardWriter,
};
use pretrain_train::{
    CheckpointConfig, DocumentMask, LogConfig, Outcome, Result, Snapshot, StepMetrics, TrainConfig,
    Trainer, TrainingData, ValidationConfig,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

pub(crate) const VOCAB: usize = 32;
pub(crate) const SEQ_LEN: usize = 16;

/// A directory that has the data in it and the runs beside.
pub(crate) struct Workshop {
    dir: PathBuf,
    /// Removes the directory at the end.
    _tmp: Option<TempDir>,
}

impl Workshop {
    /// Documents of varied length, so that sequences have several segments and uneven targets.
    pub(crate) fn new() -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let workshop = Self { dir: tmp.path().to_path_buf(), _tmp: Some(tmp) };
        workshop.write("train.tokens", 60, 7);
        workshop.write("valid.tokens", 20, 3);
        workshop
    }

    /// The workshop of another process.
    pub(crate) fn at(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf(), _tmp: None }
    }

    fn write(&self, name: &str, documents: u32, salt: u32) {
        let header = ShardHeader { vocab_size: VOCAB, tokenizer: "test".into() };
        let mut shard = TokenShardWriter::create(&self.path(name), &header).unwrap();
        for document in 0..documents {
            let len = if document % 7 == 0 { 20 + document } else { 1 + document * salt % 11 };
            let ids: Vec<u32> =
                (0..len).map(|i| (i * (1 + document % 3) + salt) % 31 + 1).collect();
            shard.push_document(&ids, u64::from(len)).unwrap();
        }
        shard.finish().unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The dataset of a shard; best-fit packing, so that there is padding.
    pub(crate) fn dataset(&self, name: &str) -> PackedDataset {
        let tokens = TokenDataset::open(&[self.path(name)]).unwrap();
        PackedDataset::new(tokens, PackConfig::new(SEQ_LEN, Packing::BestFit)).unwrap()
    }

    pub(crate) fn data(&self) -> TrainingData {
        TrainingData::new(self.dataset("train.tokens")).validation(self.dataset("valid.tokens"))
    }

    pub(crate) fn open(&self, run: &str, config: &TrainConfig) -> Result<Trainer<Flex>> {
        let config = config.clone().resolve()?;
        Trainer::open(&self.path(run), config, &model(), self.data(), &Default::default())
    }

    /// Runs to the end.
    pub(crate) fn run(&self, run: &str, config: &TrainConfig) -> Outcome {
        let trainer = self.open(run, config).unwrap();
        trainer.run(&mut |_: &Snapshot| {}, &AtomicBool::new(false)).unwrap()
    }

    /// Runs, and asks it to stop after step `at`.
    pub(crate) fn run_until(&self, run: &str, config: &TrainConfig, at: u64) -> Outcome {
        let stop = AtomicBool::new(false);
        let mut observer = |snapshot: &Snapshot| {
            stop.store(snapshot.metrics.step >= at, Ordering::Relaxed);
        };
        self.open(run, config).unwrap().run(&mut observer, &stop).unwrap()
    }

    /// The log without durations.
    pub(crate) fn log(&self, run: &str) -> Vec<StepMetrics> {
        read_log(&self.path(run))
    }
}

pub(crate) fn read_log(run: &Path) -> Vec<StepMetrics> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let timeless = |line: &str| {
        let mut metrics: StepMetrics = serde_json::from_str(line).unwrap();
        (metrics.seconds, metrics.tokens_per_second) = (0.0, 0.0);
        metrics
    };
    text.lines().map(timeless).collect()
}

pub(crate) fn model() -> ResolvedConfig {
    let mut model = ModelConfig::tiny(VOCAB);
    model.d_model = 16;
    model.d_ff = 32;
    model.resolve().unwrap()
}

pub(crate) fn config(steps: u64) -> TrainConfig {
    TrainConfig {
        seed: 3,
        steps,
        seq_len: SEQ_LEN,
        micro_batch: 2,
        grad_accumulation: 2,
        schedule: Schedule::Cosine {
            peak_lr: 1e-2,
            warmup_steps: 2,
            total_steps: 20,
            min_ratio: 0.1,
        },
        adamw: AdamWConfig::new(0.1),
        clip: Some(1.0),
        document_mask: DocumentMask::Separate,
        skip_limit: 3,
        validation: Some(ValidationConfig { every_steps: 3, max_batches: Some(2) }),
        checkpoint: CheckpointConfig { every_steps: Some(2), keep_last: 2 },
        log: LogConfig::default(),
    }
}

/// The parts of a finished outcome that do not depend on the clock or the place.
pub(crate) fn result(outcome: &Outcome) -> (u64, Option<f64>, Option<f64>, String) {
    match outcome {
        Outcome::Finished { step, loss, validation_loss, weights_sha256, .. } => {
            (*step, *loss, *validation_loss, weights_sha256.clone())
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn interrupted_at(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Interrupted { step, .. } => *step,
        other => panic!("{other:?}"),
    }
}

/// Names of the checkpoints that have a manifest.
pub(crate) fn checkpoints(run: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(run.join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|dir| dir.join("manifest.json").exists())
        .map(|dir| dir.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}
