//! The whole run: from raw text to a trained, evaluated and exported model.

mod page;
mod pipeline;

pub use pipeline::{Summary, run};

use crate::command::{Failure, OrUsage};
use crate::device::Device;
use crate::stages::clean::CleanConfig;
use crate::stages::dedup::{DedupConfig, Method};
use crate::stages::tokens::{END_OF_TEXT, Split};
use crate::stages::train::{ModelSettings, TrainingSettings};
use clap::Args;
use pretrain_bpe::{Trainer, TrainerConfig};
use pretrain_corpus::rust_sources::SampleConfig;
use pretrain_dedup::minhash::MinHashConfig;
use pretrain_filter::FilterConfig;
use pretrain_model::{ResolvedConfig, SpecialTokens};
use pretrain_train::ResolvedTrainConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a user may set; everything has a default.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Your own documents: JSONL (.gz, .zst), Parquet, text, WET; files or folders
    /// [default: the sources of this workspace's dependencies]
    #[arg(long, num_args = 1.., value_name = "PATH")]
    pub input: Vec<PathBuf>,
    /// Where everything goes [default: runs/default]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Of the sample, the split, the weights and the order of the data [default: 0]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Bytes of the built-in corpus to sample [default: 50000000]
    #[arg(long, value_name = "BYTES")]
    pub max_bytes: Option<u64>,
    /// Share of prose in it [default: 0.4]
    #[arg(long, value_name = "SHARE")]
    pub prose_fraction: Option<f64>,
    /// Quality filter for your own documents [default: gopher]
    #[arg(long)]
    pub preset: Option<String>,
    /// Tokens of the vocabulary [default: 4096]
    #[arg(long, value_name = "N")]
    pub vocab_size: Option<usize>,
    /// How text is cut into words before merging [default: llama3]
    #[arg(long, value_name = "NAME")]
    pub pattern: Option<String>,
    /// Share of documents that is held out [default: 0.01]
    #[arg(long, value_name = "SHARE")]
    pub validation_fraction: Option<f64>,
    /// Tokens per sequence [default: 256]
    #[arg(long, value_name = "N")]
    pub seq_len: Option<usize>,
    /// Training steps [default: 3000]
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Continuations to sample at the end [default: 3]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// cpu or cuda
    #[arg(long)]
    pub device: Option<Device>,
    /// Parameters of the near-duplicate search (configuration file only)
    #[arg(skip)]
    pub minhash: Option<MinHashConfig>,
    /// Shape of the model (configuration file only)
    #[arg(skip)]
    pub model: Option<ModelSettings>,
    /// How it is trained (configuration file only)
    #[arg(skip)]
    pub training: Option<TrainingSettings>,
}

/// What the settings turned out to mean. Everything was checked; nothing was read.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) out: PathBuf,
    pub(crate) input: Vec<PathBuf>,
    pub(crate) sample: SampleConfig,
    pub(crate) clean: CleanConfig,
    pub(crate) exact: DedupConfig,
    pub(crate) minhash: DedupConfig,
    pub(crate) tokenizer: TrainerConfig,
    pub(crate) split: Split,
    pub(crate) model: ResolvedConfig,
    pub(crate) train: ResolvedTrainConfig,
    pub(crate) samples: usize,
    pub(crate) device: Device,
}

impl Settings {
    /// Fills in the defaults.
    fn complete(self) -> Self {
        let Self { input, out, seed, max_bytes, prose_fraction, preset, .. } = self;
        Self {
            input,
            out: out.or_else(|| Some("runs/default".into())),
            seed: seed.or(Some(0)),
            max_bytes: max_bytes.or(Some(50_000_000)),
            prose_fraction: prose_fraction.or(Some(0.4)),
            preset: preset.or_else(|| Some("gopher".into())),
            vocab_size: self.vocab_size.or(Some(4096)),
            pattern: self.pattern.or_else(|| Some("llama3".into())),
            validation_fraction: self.validation_fraction.or(Some(0.01)),
            seq_len: self.seq_len.or(Some(256)),
            steps: self.steps.or(Some(3000)),
            samples: self.samples.or(Some(3)),
            device: self.device.or(Some(Device::Cpu)),
            minhash: self.minhash.or_else(|| Some(MinHashConfig::default())),
            model: self.model.or_else(|| Some(ModelSettings::default())),
            training: self.training.or_else(|| Some(TrainingSettings::default())),
        }
    }

    /// Checks everything that can be checked before any work; also gives back the completed settings,
    /// to be written beside the output.
    ///
    /// # Errors
    /// The first fault of each part, as a usage error.
    pub(crate) fn resolve(self) -> Result<(Plan, Self), Failure> {
        let all = self.complete();
        let plan = all.clone().into_plan().map_err(Failure::Usage)?;
        plan.device.check().or_usage()?;
        Ok((plan, all))
    }

    fn into_plan(self) -> anyhow::Result<Plan> {
        let seed = self.seed.unwrap_or_default();
        let (vocab_size, seq_len) =
            (self.vocab_size.unwrap_or_default(), self.seq_len.unwrap_or_default());
        let preset = |name: &str| FilterConfig::preset(name);
        let mut clean = CleanConfig {
            annotate: false,
            default: preset(&self.preset.unwrap_or_default())?,
            by_source: BTreeMap::new(),
        };
        if self.input.is_empty() {
            for source in ["code", "prose"] {
                clean.by_source.insert(source.to_owned(), preset(source)?);
            }
        }
        let sample = SampleConfig {
            seed,
            max_bytes: self.max_bytes.unwrap_or_default(),
            prose_fraction: self.prose_fraction.unwrap_or_default(),
        };
        sample.validate()?;
        let pattern = self.pattern.unwrap_or_default().parse()?;
        let mut tokenizer = TrainerConfig::new(vocab_size, pattern);
        tokenizer.special_tokens.push(END_OF_TEXT.to_owned());
        tokenizer.min_frequency = 2;
        anyhow::ensure!(
            vocab_size > 257,
            "`vocab-size` is {vocab_size}, it must be above 257: all bytes and {END_OF_TEXT} come first"
        );
        Trainer::new(tokenizer.clone())?;
        let minhash = DedupConfig::Minhash(self.minhash.unwrap_or_default());
        minhash.validate()?;
        let split =
            Split { seed, validation_fraction: self.validation_fraction.unwrap_or_default() };
        split.validate()?;
        // Special tokens take the first ids.
        let special = SpecialTokens { bos: Some(0), eos: vec![0], pad: None };
        let model = self.model.unwrap_or_default().resolve(vocab_size, seq_len, special)?;
        let steps = self.steps.unwrap_or_default();
        let train = self.training.unwrap_or_default().resolve(seed, steps, seq_len)?;
        Ok(Plan {
            out: self.out.unwrap_or_default(),
            input: self.input,
            sample,
            clean,
            exact: Method::Exact.config(),
            minhash,
            tokenizer,
            split,
            model,
            train,
            samples: self.samples.unwrap_or_default(),
            device: self.device.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(toml: &str) -> String {
        let settings: Settings = toml::from_str(toml).unwrap();
        format!("{:#}", settings.complete().into_plan().unwrap_err())
    }

    #[test]
    fn the_defaults_are_possible() {
        Settings::default().complete().into_plan().unwrap();
    }

    #[test]
    fn an_impossible_shape_is_named_before_any_work() {
        let message = fault("[model]\nd_model = 100\nn_heads = 3");
        assert!(message.contains("n_heads") && message.contains("100"), "{message}");
        assert!(fault("vocab-size = 100").contains("vocab-size"));
        assert!(fault("validation-fraction = 2.0").contains("validation-fraction"));
        assert!(fault("steps = 0").contains("steps"));
        assert!(fault("preset = 'none such'").contains("gopher"));
    }
}
