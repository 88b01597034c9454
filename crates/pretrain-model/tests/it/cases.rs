//! Finds the reference cases and reads their files.

use burn::backend::Autodiff;
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};
use pretrain_kernels::{CrossEntropyOptions, Flex};
use pretrain_model::{
    ModelConfig, ModelError, ModelInput, NamedTensor, ResolvedConfig, SourceRows, TokenRows,
    Transformer, from_hf_tensors, read_safetensors,
};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

pub(crate) type Training = Autodiff<Flex>;

/// The folder of reference models, or a line that says what is missing.
pub(crate) fn golden_models() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden");
    let root = std::env::var_os("PRETRAIN_GOLDEN").map_or_else(|| default.into(), PathBuf::from);
    let dir = root.join("model");
    if !dir.is_dir() {
        println!("skipped: {} is missing", dir.display());
        return None;
    }
    Some(dir)
}

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    pub(crate) config: ResolvedConfig,
    /// `config.json` as it is.
    pub(crate) json: Value,
}

impl Case {
    pub(crate) fn architecture(&self) -> &'static str {
        self.config.as_config().architecture.name()
    }

    /// The tensors of its file.
    pub(crate) fn file(&self) -> Vec<NamedTensor> {
        read_safetensors(&self.dir.join("model.safetensors")).unwrap()
    }

    pub(crate) fn model<B: Backend>(&self) -> Transformer<B> {
        let tensors = from_hf_tensors(&self.config, self.file()).unwrap();
        Transformer::from_tensors(&self.config, tensors, &Default::default()).unwrap()
    }

    pub(crate) fn expected(&self) -> Arrays {
        Arrays::read(&self.dir.join("expected.safetensors")).unwrap()
    }

    pub(crate) fn options(&self) -> CrossEntropyOptions {
        let label_smoothing = self.json["label_smoothing"].as_f64().unwrap_or(0.0);
        CrossEntropyOptions { label_smoothing, ..CrossEntropyOptions::default() }
    }
}

/// Every folder with a model and its weights, sorted; those of unknown families are printed.
pub(crate) fn cases() -> Vec<Case> {
    let Some(root) = golden_models() else { return Vec::new() };
    let mut cases = Vec::new();
    for dir in pretrain_store::list_dirs(&root).unwrap() {
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(dir.join("config.json")) else { continue };
        let json: Value = serde_json::from_str(&text).unwrap();
        if !dir.join("inputs.safetensors").is_file() {
            continue;
        }
        let mut config = match ModelConfig::from_hf_json(&text) {
            Err(error @ ModelError::Unsupported { .. }) => {
                println!("not covered: {name}: {error}");
                continue;
            }
            config => config.unwrap(),
        };
        let weights = Arrays::read(&dir.join("model.safetensors")).unwrap();
        // The reference adds a table to a family whose configuration has no word for it.
        if weights.get("block_pos").is_some() {
            config.options.block_positions = Some(weights.shape("block_pos")[0]);
        }
        cases.push(Case { name, dir, config: config.resolve().unwrap(), json });
    }
    assert!(!cases.is_empty(), "{} holds no model", root.display());
    cases
}

/// Checks every case, and only then fails, with the names of those that did.
pub(crate) fn each_case(check: impl Fn(&Case)) {
    let fails = |case: &Case| catch_unwind(AssertUnwindSafe(|| check(case))).is_err();
    let failed: Vec<String> = cases().into_iter().filter(fails).map(|case| case.name).collect();
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}

/// The arrays of a safetensors file, whatever their kind, as f64.
pub(crate) struct Arrays(BTreeMap<String, (Vec<usize>, Vec<f64>)>);

impl Arrays {
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let bytes = std::fs::read(path).ok()?;
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let convert = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
            let bytes = view.data();
            let values = match view.dtype() {
                Dtype::F32 => {
                    bytes.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect()
                }
                Dtype::I64 => {
                    bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect()
                }
                Dtype::U8 => bytes.iter().map(|b| f64::from(*b)).collect(),
                other => panic!("{name} is {other:?}"),
            };
            (name.to_owned(), (view.shape().to_vec(), values))
        };
        Some(Self(file.iter().map(convert).collect()))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&[f64]> {
        self.0.get(name).map(|(_, values)| values.as_slice())
    }

    pub(crate) fn values(&self, name: &str) -> &[f64] {
        self.get(name).unwrap_or_else(|| panic!("no array {name}"))
    }

    pub(crate) fn shape(&self, name: &str) -> &[usize] {
        &self.0[name].0
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn ids(&self, name: &str) -> Option<Vec<u32>> {
        self.get(name).map(|values| values.iter().map(|v| *v as u32).collect())
    }
}

/// Ids, masks and shifted targets of a case.
#[derive(Default)]
pub(crate) struct Inputs {
    pub(crate) batch: usize,
    pub(crate) seq: usize,
    pub(crate) ids: Vec<u32>,
    pub(crate) positions: Option<Vec<u32>>,
    pub(crate) segments: Option<Vec<u32>>,
    pub(crate) mask: Option<Vec<u32>>,
    pub(crate) types: Option<Vec<u32>>,
    pub(crate) prefix: Option<Vec<u32>>,
    pub(crate) blocks: Option<Vec<u32>>,
    pub(crate) source: Option<(usize, Vec<u32>, Option<Vec<u32>>)>,
    pub(crate) targets: Vec<i64>,
}

impl Inputs {
    pub(crate) fn of(case: &Case) -> Self {
        let arrays = Arrays::read(&case.dir.join("inputs.safetensors")).unwrap();
        let design = case.config.design();
        let named =
            |names: &[&'static str]| names.iter().copied().find(|n| arrays.get(n).is_some());
        let ids = named(&["decoder_input_ids", "tgt_in_ids", "input_ids"]).unwrap();
        let [batch, seq] = arrays.shape(ids).try_into().unwrap();
        let mask = arrays.ids("attention_mask");
        let mut inputs = Self {
            batch,
            seq,
            ids: arrays.ids(ids).unwrap(),
            positions: arrays.ids("position_ids"),
            segments: arrays.ids("segment_ids"),
            types: arrays.ids("token_type_ids"),
            prefix: arrays.ids("prefix_lengths"),
            blocks: arrays.ids("block_position_ids"),
            ..Self::default()
        };
        if design.encoder_layers.is_some() {
            let ids = named(&["src_ids", "input_ids"]).unwrap();
            let padding = arrays.ids("src_padding");
            let kept = padding.map(|padding| padding.iter().map(|p| 1 - p).collect()).or(mask);
            inputs.source = Some((arrays.shape(ids)[1], arrays.ids(ids).unwrap(), kept));
        } else {
            inputs.mask = mask;
        }
        if let Some(mask) = arrays.get("attention_mask_4d") {
            let sees = |b: usize, q: usize, k: usize| mask[(b * seq + q) * seq + k] == 0.0;
            // What the first token sees beyond itself is the prefix.
            let seen = |b: usize| (0..seq).filter(|k| sees(b, 0, *k)).count() as u32;
            if inputs.segments.is_none() && inputs.prefix.is_none() {
                inputs.prefix = Some((0..batch).map(seen).collect());
            }
            for (b, q, k) in (0..batch * seq * seq).map(|i| (i / seq / seq, i / seq % seq, i % seq))
            {
                let early = k <= q || inputs.prefix.as_ref().is_some_and(|p| k < p[b] as usize);
                let together =
                    inputs.segments.as_ref().is_none_or(|s| s[b * seq + q] == s[b * seq + k]);
                assert_eq!(early && together, sees(b, q, k), "{}: mask at {b} {q} {k}", case.name);
            }
        }
        let labels = arrays.get("targets").or(arrays.get("labels")).unwrap();
        let causal = !design.bidirectional && design.encoder_layers.is_none();
        let shifts = causal && arrays.get("targets").is_none();
        let target = |i: usize| match shifts {
            true if (i + 1).is_multiple_of(seq) => -100,
            true => labels[i + 1] as i64,
            // A discriminator has a label for padding, too.
            false if inputs.mask.as_ref().is_some_and(|mask| mask[i] == 0) => -100,
            false => labels[i] as i64,
        };
        inputs.targets = (0..batch * seq).map(target).collect();
        inputs
    }

    pub(crate) fn rows(&self) -> TokenRows<'_> {
        TokenRows {
            batch: self.batch,
            seq: self.seq,
            input_ids: &self.ids,
            position_ids: self.positions.as_deref(),
            segment_ids: self.segments.as_deref(),
            attention_mask: self.mask.as_deref(),
            prefix_lengths: self.prefix.as_deref(),
            token_type_ids: self.types.as_deref(),
            block_position_ids: self.blocks.as_deref(),
            source: self.source.as_ref().map(|(seq, ids, mask)| SourceRows {
                seq: *seq,
                input_ids: ids,
                attention_mask: mask.as_deref(),
            }),
        }
    }

    pub(crate) fn on_device<B: Backend>(&self, config: &ResolvedConfig) -> ModelInput<B> {
        ModelInput::new(&self.rows(), config, &B::Device::default()).unwrap()
    }

    pub(crate) fn targets<B: Backend>(&self) -> Tensor<B, 2, Int> {
        let data = TensorData::new(self.targets.clone(), [self.batch, self.seq]);
        Tensor::from_data(data, &B::Device::default())
    }

    pub(crate) fn n_targets(&self) -> usize {
        self.targets.iter().filter(|target| **target != -100).count()
    }
}

/// The tolerances of a case by name.
pub(crate) struct Tolerances(Value);

impl Tolerances {
    pub(crate) fn of(dir: &Path) -> Self {
        let meta = std::fs::read_to_string(dir.join("meta.json")).unwrap();
        let meta: Value = serde_json::from_str(&meta).unwrap();
        Self(meta["suggested_tolerance"].clone())
    }

    pub(crate) fn get(&self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap_or_else(|| panic!("no tolerance {name}"))
    }
}

pub(crate) fn to_vec<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().into_vec().unwrap()
}

/// Largest distance of two arrays of one length.
pub(crate) fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let distances = found.iter().zip(expected).map(|(f, e)| (f - e).abs());
    // A NaN has to lose, so it is not left to `f64::max`.
    distances.fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a })
}

pub(crate) fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    let distance = distance(found, expected);
    println!("{what}: {distance:.1e} (tolerance {tolerance:.0e})");
    assert!(distance <= tolerance, "{what}: off by {distance:e}, tolerance {tolerance:e}");
}
