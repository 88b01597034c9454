//! Checkpoints: a directory per saved step, believed only if its manifest is there and true.
//!
//! `checkpoints/step-00000100/` holds a Hugging Face model directory (`model.safetensors`,
//! `generation_config.json`, `config.json`), the moments (`optimizer.safetensors`: `m.NAME` and
//! `v.NAME` for each parameter), `state.json`, and last of all `manifest.json` with the length and
//! checksum of each. A crash at any moment leaves either a directory without a manifest, which is
//! ignored, or a whole one. Deleting goes the other way: the manifest first.

use crate::error::{RejectedCheckpoint, Result, TrainError};
use crate::learner::Learner;
use crate::state::{self, RunState, STATE_NAME};
use pretrain_kernels::KernelBackend;
use pretrain_model::{NamedTensor, read_safetensors, write_safetensors};
use pretrain_optim::{AdamW, AdamWState, Moments};
use pretrain_store::{Digest, InputRef, MANIFEST_NAME, Manifest, StageSpec, StoreError};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

const CHECKPOINTS_DIR: &str = "checkpoints";
const OPTIMIZER_NAME: &str = "optimizer.safetensors";
const STAGE: &str = "checkpoint";
const PREFIX: &str = "step-";

/// A checkpoint that is whole: its manifest is there and every file has the length and checksum
/// that it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    dir: PathBuf,
    state: RunState,
    manifest: Manifest,
}

impl Checkpoint {
    /// The newest whole checkpoint of a run's directory, if there is one; damaged ones are passed
    /// over. Reads every byte of those it looks at.
    ///
    /// # Errors
    /// There are checkpoints but none is whole, or a directory cannot be listed.
    pub fn newest(run_dir: &Path) -> Result<Option<Self>> {
        Ok(newest(run_dir)?.0)
    }

    /// Its directory, which also is a model directory that `pretrain-model` and Hugging Face read.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Steps taken when it was written.
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Reads and checks the checkpoint in `dir`.
    ///
    /// # Errors
    /// The manifest is missing or malformed, a file is not what it says, or it is not what the state
    /// says: a manifest has no checksum of its own.
    pub fn open(dir: &Path) -> Result<Self> {
        let manifest = Manifest::load(dir)?;
        manifest.verify(dir)?;
        let state = RunState::load(dir)?;
        let of_manifest = settings_digest(&manifest.config, &manifest.inputs);
        if (&manifest.counts, of_manifest) != (&counts(&state), state.config_digest) {
            let reason = format!("it contradicts {STATE_NAME}");
            let (path, kind) = (dir.join(MANIFEST_NAME), "checkpoint manifest");
            return Err(StoreError::Malformed { path, kind, reason }.into());
        }
        Ok(Self { dir: dir.to_path_buf(), state, manifest })
    }

    /// Where the run stood, if it is the one whose fresh state is given.
    pub(crate) fn state_of(&self, fresh: &RunState) -> Result<RunState> {
        let (expected, found) = (fresh.config_digest, self.state.config_digest);
        if found == expected {
            return Ok(self.state.clone());
        }
        Err(TrainError::ForeignCheckpoint { dir: self.dir.clone(), expected, found })
    }

    /// The weights.
    pub(crate) fn weights(&self) -> Result<Vec<NamedTensor>> {
        Ok(pretrain_model::read_weights(&self.dir)?)
    }

    /// The moments.
    pub(crate) fn moments(&self) -> Result<AdamWState> {
        let path = self.dir.join(OPTIMIZER_NAME);
        let mut halves = BTreeMap::new();
        let mut moments = Vec::new();
        for tensor in read_safetensors(&path)? {
            match tensor.name.split_once('.') {
                // Sorted by name, so every first moment comes before every second.
                Some(("m", name)) => {
                    halves.insert(name.to_owned(), tensor);
                }
                Some(("v", name)) if halves.contains_key(name) => {
                    let first = halves.remove(name).expect("just found");
                    let (name, shape) = (name.to_owned(), first.shape);
                    moments.push(Moments { name, shape, m: first.data, v: tensor.data });
                }
                _ => return Err(TrainError::OptimizerFile { path, name: tensor.name }),
            }
        }
        if let Some((_, first)) = halves.pop_first() {
            return Err(TrainError::OptimizerFile { path, name: first.name });
        }
        Ok(AdamWState { step: self.state.optimizer_steps, moments })
    }
}

/// Writes the checkpoint of a step. The state's hash of the weights is filled in here.
pub(crate) fn save<B: KernelBackend>(
    run_dir: &Path,
    spec: &StageSpec,
    state: &mut RunState,
    model: &Learner<B>,
    optimizer: &AdamW<B>,
) -> Result<Checkpoint> {
    let dir = dir_of(run_dir, state.step);
    // What is there is half-written, damaged, or of an abandoned future.
    remove(&dir)?;
    state.weights_sha256 = model.weights_sha256();
    let mut manifest = Manifest::new(STAGE, spec.config.clone(), spec.inputs.clone());
    manifest.files = model.export_dir(&dir)?;
    manifest.files.push(save_moments(&dir, optimizer)?);
    manifest.files.push(pretrain_store::write_atomic(&dir.join(STATE_NAME), &state.to_json())?);
    manifest.files.sort_by(|a, b| a.name.cmp(&b.name));
    manifest.counts = counts(state);
    manifest.save(&dir)?;
    Ok(Checkpoint { dir, state: state.clone(), manifest })
}

fn counts(state: &RunState) -> BTreeMap<String, u64> {
    [("step".to_owned(), state.step), ("tokens".to_owned(), state.tokens)].into()
}

/// Names everything that the result of a run depends on: settings, model, data.
pub(crate) fn settings_digest(config: &serde_json::Value, inputs: &[InputRef]) -> Digest {
    let inputs: Vec<(&str, String)> =
        inputs.iter().map(|input| (input.name.as_str(), input.digest.to_string())).collect();
    state::digest(&serde_json::json!({ "config": config, "inputs": inputs }))
}

fn save_moments<B: KernelBackend>(
    dir: &Path,
    optimizer: &AdamW<B>,
) -> Result<pretrain_store::FileEntry> {
    let tensors: Vec<NamedTensor> = optimizer
        .state()
        .moments
        .into_iter()
        .flat_map(|Moments { name, shape, m, v }| {
            [("m", m), ("v", v)].map(|(moment, data)| NamedTensor {
                name: format!("{moment}.{name}"),
                shape: shape.clone(),
                data,
            })
        })
        .collect();
    Ok(write_safetensors(&dir.join(OPTIMIZER_NAME), &tensors)?)
}

/// The newest whole checkpoint and the damaged ones that are newer.
pub(crate) fn newest(run_dir: &Path) -> Result<(Option<Checkpoint>, Vec<RejectedCheckpoint>)> {
    let mut rejected = Vec::new();
    for (_, dir) in complete(run_dir)?.into_iter().rev() {
        match Checkpoint::open(&dir) {
            Ok(checkpoint) => return Ok((Some(checkpoint), rejected)),
            // Not damage: a newer build wrote it, and going back would overwrite its work.
            Err(
                error
                @ (TrainError::Version { .. } | TrainError::Store(StoreError::Version { .. })),
            ) => return Err(error),
            Err(error) => {
                let reason = with_sources(&error);
                tracing::warn!(checkpoint = %dir.display(), reason, "damaged checkpoint passed over");
                rejected.push(RejectedCheckpoint { dir, reason });
            }
        }
    }
    // To begin again would silently throw the work away.
    if rejected.is_empty() {
        Ok((None, rejected))
    } else {
        Err(TrainError::NoIntactCheckpoint { rejected })
    }
}

/// Removes what is older than the `keep_last` newest checkpoints up to `newest`, which is read back
/// first: the last good one is never removed for one that did not reach the disk.
pub(crate) fn retain(run_dir: &Path, newest: &Checkpoint, keep_last: usize) -> Result<()> {
    let older = all(run_dir)?.into_iter().filter(|(step, _)| *step < newest.step());
    let (complete, unfinished): (Vec<_>, Vec<_>) = older.partition(|(_, dir)| is_complete(dir));
    let surplus = (complete.len() + 1).saturating_sub(keep_last);
    if surplus == 0 && unfinished.is_empty() {
        return Ok(());
    }
    newest.manifest.verify(&newest.dir)?;
    let doomed = complete.iter().take(surplus).chain(&unfinished);
    doomed.map(|(_, dir)| dir).try_for_each(|dir| remove(dir))
}

/// Where the checkpoint of a step is.
pub(crate) fn dir_of(run_dir: &Path, step: u64) -> PathBuf {
    run_dir.join(CHECKPOINTS_DIR).join(name_of(step))
}

/// The same relative to the run's directory, with forward slashes.
pub(crate) fn relative_dir(step: u64) -> String {
    format!("{CHECKPOINTS_DIR}/{}", name_of(step))
}

fn name_of(step: u64) -> String {
    format!("{PREFIX}{step:08}")
}

/// Directories named as checkpoints, by step.
fn all(run_dir: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let parent = run_dir.join(CHECKPOINTS_DIR);
    if !pretrain_store::is_dir(&parent) {
        return Ok(Vec::new());
    }
    let mut found: Vec<(u64, PathBuf)> = pretrain_store::list_dirs(&parent)?
        .into_iter()
        .filter_map(|dir| {
            let name = dir.file_name()?.to_str()?;
            let step = name.strip_prefix(PREFIX)?.parse().ok()?;
            (name == name_of(step)).then_some((step, dir))
        })
        .collect();
    found.sort();
    Ok(found)
}

fn complete(run_dir: &Path) -> Result<Vec<(u64, PathBuf)>> {
    Ok(all(run_dir)?.into_iter().filter(|(_, dir)| is_complete(dir)).collect())
}

fn is_complete(dir: &Path) -> bool {
    pretrain_store::exists(&dir.join(MANIFEST_NAME))
}

/// Manifest first, so that a crash in between leaves something that is ignored.
fn remove(dir: &Path) -> Result<()> {
    if pretrain_store::is_dir(dir) {
        pretrain_store::remove_file(&dir.join(MANIFEST_NAME))?;
        pretrain_store::sync_dir(dir)?;
        pretrain_store::remove_dir_all(dir)?;
    }
    Ok(())
}

fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}
