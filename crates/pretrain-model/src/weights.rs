//! Weights as files: the safetensors format, one file or several shards.
//!
//! **Writing** is deterministic: 32-bit floats, sorted by name, the metadata `{"format": "pt"}` that
//! Hugging Face's loaders ask for, the header padded to eight bytes; the same weights give the same
//! bytes. The file is written through `pretrain-store`, so it is complete or absent.
//!
//! **Reading** takes `F32`, `BF16` and `F16` (both become 32-bit floats exactly) and a
//! `model.safetensors.index.json` with its shards. A reader holds one file's bytes and the converted
//! numbers at the same time.

use crate::directory::to_hf_tensors;
use crate::error::{ModelError, Result};
use crate::parameters::NamedTensor;
use crate::transformer::Transformer;
use burn::tensor::backend::Backend;
use half::{bf16, f16};
use pretrain_store::{AtomicFile, FileEntry, StoreError};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

/// Name of a single file of weights.
pub const WEIGHTS_NAME: &str = "model.safetensors";
/// Name of the index of sharded weights.
pub const INDEX_NAME: &str = "model.safetensors.index.json";

/// Writes tensors in any order to a safetensors file; the bytes are sorted by name.
///
/// # Errors
/// A tensor that contradicts itself, a name given twice, or the disk refuses.
pub fn write_safetensors(path: &Path, tensors: &[NamedTensor]) -> Result<FileEntry> {
    let sorted = sort(tensors)?;
    let mut file = AtomicFile::create(path)?;
    encode(&sorted, &mut file).map_err(|source| StoreError::io("write", path, source))?;
    Ok(file.commit()?)
}

/// Reads every tensor of a safetensors file, sorted by name.
///
/// # Errors
/// The file is missing or corrupt, or a tensor is neither `F32`, `BF16` nor `F16`.
pub fn read_safetensors(path: &Path) -> Result<Vec<NamedTensor>> {
    let bytes = pretrain_store::read(path)?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|source| ModelError::Safetensors { path: path.to_path_buf(), source })?;
    let mut tensors =
        file.iter().map(|(name, view)| decode(path, name, &view)).collect::<Result<Vec<_>>>()?;
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tensors)
}

/// Reads the weights of a model directory: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` names.
///
/// # Errors
/// As [`read_safetensors`]; neither file is there; or index and shards disagree.
pub fn read_weights(dir: &Path) -> Result<Vec<NamedTensor>> {
    let single = dir.join(WEIGHTS_NAME);
    let index = dir.join(INDEX_NAME);
    if pretrain_store::exists(&single) {
        read_safetensors(&single)
    } else if pretrain_store::exists(&index) {
        read_shards(dir, &index)
    } else {
        Err(ModelError::NoWeights { dir: dir.to_path_buf() })
    }
}

fn read_shards(dir: &Path, index: &Path) -> Result<Vec<NamedTensor>> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let text = pretrain_store::read_to_string(index)?;
    let Index { weight_map } = serde_json::from_str(&text)
        .map_err(|source| ModelError::JsonFile { path: index.to_path_buf(), source })?;
    let fault = |reason| ModelError::ShardIndex { path: index.to_path_buf(), reason };
    let mut promised: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, file) in &weight_map {
        // An index comes from strangers: it may only name files beside itself.
        if file.contains(['/', '\\']) || file == ".." {
            return Err(fault(format!("shard {file:?} is not a file name")));
        }
        promised.entry(file).or_default().insert(name);
    }
    let mut tensors = Vec::new();
    for (file, names) in promised {
        let shard = read_safetensors(&dir.join(file))?;
        let found: BTreeSet<&str> = shard.iter().map(|tensor| tensor.name.as_str()).collect();
        if let Some(name) = names.difference(&found).next() {
            return Err(fault(format!("tensor {name} is not in {file}")));
        }
        if let Some(name) = found.difference(&names).next() {
            return Err(fault(format!("tensor {name} of {file} is not in the index")));
        }
        tensors.extend(shard);
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tensors)
}

impl<B: Backend> Transformer<B> {
    /// SHA-256, in lower-case hexadecimal, of the bytes that [`export_dir`](Self::export_dir) would
    /// write as `model.safetensors`: two runs gave the same model if and only if these agree.
    pub fn weights_sha256(&self) -> String {
        let tensors = to_hf_tensors(self.config(), &self.to_tensors());
        let sorted: Vec<&NamedTensor> = tensors.iter().collect();
        let mut sink = Hasher(Sha256::new());
        encode(&sorted, &mut sink).expect("hashing does not fail");
        sink.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

struct Hasher(Sha256);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn sort(tensors: &[NamedTensor]) -> Result<Vec<&NamedTensor>> {
    tensors.iter().try_for_each(NamedTensor::check)?;
    let mut sorted: Vec<&NamedTensor> = tensors.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let twice = sorted.windows(2).filter(|pair| pair[0].name == pair[1].name);
    let unexpected: Vec<String> = twice.map(|pair| pair[0].name.clone()).collect();
    if unexpected.is_empty() {
        return Ok(sorted);
    }
    Err(ModelError::Weights { missing: Vec::new(), unexpected, misshapen: Vec::new() })
}

/// The safetensors format: length of the header (u64, little-endian), header (JSON, padded with
/// spaces), numbers (little-endian, without gaps).
fn encode(sorted: &[&NamedTensor], sink: &mut impl Write) -> io::Result<()> {
    // Spelled out, because the order of keys inside a JSON library's map is a build setting.
    let mut header = String::from(r#"{"__metadata__":{"format":"pt"}"#);
    let mut end = 0;
    for tensor in sorted {
        let start = end;
        end += 4 * tensor.data.len();
        let name = json_string(&tensor.name);
        let shape: Vec<String> = tensor.shape.iter().map(ToString::to_string).collect();
        let shape = shape.join(",");
        header += &format!(
            r#",{name}:{{"dtype":"F32","shape":[{shape}],"data_offsets":[{start},{end}]}}"#
        );
    }
    header.push('}');
    let mut header = header.into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    sink.write_all(&(header.len() as u64).to_le_bytes())?;
    sink.write_all(&header)?;
    let mut buffer = Vec::with_capacity(1 << 16);
    for numbers in sorted.iter().flat_map(|tensor| tensor.data.chunks(1 << 14)) {
        buffer.clear();
        buffer.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        sink.write_all(&buffer)?;
    }
    Ok(())
}

fn json_string(text: &str) -> String {
    serde_json::to_string(text).expect("a string is always JSON")
}

fn decode(path: &Path, name: &str, view: &TensorView<'_>) -> Result<NamedTensor> {
    let bytes = view.data();
    let halves = || bytes.as_chunks::<2>().0.iter().copied();
    let data = match view.dtype() {
        Dtype::F32 => bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect(),
        Dtype::BF16 => halves().map(|b| bf16::from_le_bytes(b).to_f32()).collect(),
        Dtype::F16 => halves().map(|b| f16::from_le_bytes(b).to_f32()).collect(),
        other => {
            return Err(ModelError::Dtype {
                path: path.to_path_buf(),
                name: name.to_owned(),
                found: format!("{other:?}"),
            });
        }
    };
    Ok(NamedTensor { name: name.to_owned(), shape: view.shape().to_vec(), data })
}

#[cfg(test)]
mod tests;
