//! Finds the reference cases and reads their files.

use burn::backend::Autodiff;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use pretrain_kernels::Flex;
use pretrain_model::{DecoderInput, ModelConfig, ModelError, ResolvedConfig, TokenRows};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::collections::BTreeMap;
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
}

/// Every folder with a Llama and its weights, sorted; the other models are printed.
pub(crate) fn llama_cases() -> Vec<Case> {
    let Some(root) = golden_models() else { return Vec::new() };
    let mut cases = Vec::new();
    for dir in pretrain_store::list_dirs(&root).unwrap() {
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(dir.join("config.json")) else { continue };
        let kind = serde_json::from_str::<Value>(&text).unwrap()["model_type"].clone();
        if kind != "llama" || !dir.join("model.safetensors").is_file() {
            println!("not covered: {name} is a {kind}");
            continue;
        }
        let config = match ModelConfig::from_hf_json(&text) {
            Err(error @ ModelError::Unsupported { .. }) => {
                println!("not covered: {name}: {error}");
                continue;
            }
            config => config.unwrap().resolve().unwrap(),
        };
        cases.push(Case { name, dir, config });
    }
    assert!(!cases.is_empty(), "{} holds no Llama", root.display());
    cases
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

/// Ids, shifted targets and documents of a case.
pub(crate) struct Inputs {
    pub(crate) batch: usize,
    pub(crate) seq: usize,
    pub(crate) ids: Vec<u32>,
    pub(crate) positions: Option<Vec<u32>>,
    pub(crate) segments: Option<Vec<u32>>,
    pub(crate) targets: Vec<i64>,
}

impl Inputs {
    /// The inputs of a case; `None`, with a line that says why, where they ask for a mask that the
    /// decoder does not have.
    pub(crate) fn of(case: &Case) -> Option<Self> {
        let arrays = Arrays::read(&case.dir.join("inputs.safetensors")).unwrap();
        let [batch, seq] = arrays.shape("input_ids").try_into().unwrap();
        // A padding mask keeps padding and text apart, as two documents.
        let segments = arrays.ids("segment_ids").or_else(|| arrays.ids("attention_mask"));
        if let Some(mask) = arrays.get("attention_mask_4d") {
            let sees = |b: usize, q: usize, k: usize| {
                let same = segments.as_ref().is_none_or(|s| s[b * seq + q] == s[b * seq + k]);
                k <= q && same
            };
            let cells = (0..batch * seq * seq).map(|i| (i / seq / seq, i / seq % seq, i % seq));
            let equal = cells.zip(mask).all(|((b, q, k), m)| sees(b, q, k) == (*m == 0.0));
            if !equal {
                println!(
                    "not covered: {} has a mask that is not causal within documents",
                    case.name
                );
                return None;
            }
        }
        let labels = arrays.values("labels");
        let shift =
            |i: usize| if (i + 1).is_multiple_of(seq) { -100 } else { labels[i + 1] as i64 };
        Some(Self {
            batch,
            seq,
            ids: arrays.ids("input_ids").unwrap(),
            positions: arrays.ids("position_ids"),
            segments,
            targets: (0..batch * seq).map(shift).collect(),
        })
    }

    pub(crate) fn rows(&self) -> TokenRows<'_> {
        TokenRows {
            batch: self.batch,
            seq: self.seq,
            input_ids: &self.ids,
            position_ids: self.positions.as_deref(),
            segment_ids: self.segments.as_deref(),
        }
    }

    pub(crate) fn on_device<B: Backend>(&self, config: &ResolvedConfig) -> DecoderInput<B> {
        DecoderInput::new(&self.rows(), config, &B::Device::default()).unwrap()
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
