//! A model as a directory that Hugging Face's libraries open.

use crate::config::{ModelConfig, ResolvedConfig};
use crate::error::{ModelError, Result};
use crate::layout::parameter_shapes;
use crate::names::Names;
use crate::parameters::NamedTensor;
use crate::transformer::Transformer;
use crate::weights::{WEIGHTS_NAME, read_weights, write_safetensors};
use burn::tensor::backend::Backend;
use pretrain_store::{FileEntry, write_atomic};
use std::path::Path;

/// Name of the configuration in a model directory.
pub const CONFIG_NAME: &str = "config.json";
/// Name of the generation settings in a model directory.
pub const GENERATION_CONFIG_NAME: &str = "generation_config.json";

/// Tensors by our names (parameters, or gradients of them) as those of a file of the model's family,
/// sorted by name. A tensor of the file of which a part is not given is left out.
///
/// # Panics
/// A tensor has another shape than the parameter of its name.
pub fn to_hf_tensors(config: &ResolvedConfig, tensors: &[NamedTensor]) -> Vec<NamedTensor> {
    Names::new(config.as_config(), &parameter_shapes(config)).to_files(tensors)
}

/// The tensors of a file of the model's family as ours.
///
/// # Errors
/// [`ModelError::Weights`] lists all tensors that are missing, unexpected or misshapen, by their
/// names in the file; [`ModelError::DataLength`] when a tensor contradicts itself.
pub fn from_hf_tensors(
    config: &ResolvedConfig,
    mut tensors: Vec<NamedTensor>,
) -> Result<Vec<NamedTensor>> {
    let names = Names::new(config.as_config(), &parameter_shapes(config));
    tensors.retain(|tensor| !config.as_config().architecture.derives(&tensor.name));
    drop_copies(config, &names, &mut tensors);
    names.to_ours(tensors)
}

impl<B: Backend> Transformer<B> {
    /// Writes `model.safetensors`, `generation_config.json` and, last, `config.json`, and returns
    /// what was written in that order. The tokenizer is not this crate's.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn export_dir(&self, dir: &Path) -> Result<Vec<FileEntry>> {
        let tensors = to_hf_tensors(self.config(), &self.to_tensors());
        let weights = write_safetensors(&dir.join(WEIGHTS_NAME), &tensors)?;
        let generation = self.config().to_hf_generation_json();
        let generation = write_atomic(&dir.join(GENERATION_CONFIG_NAME), generation.as_bytes())?;
        let config = self.config().to_hf_json();
        let config = write_atomic(&dir.join(CONFIG_NAME), config.as_bytes())?;
        Ok(vec![weights, generation, config])
    }

    /// Reads `config.json` and the weights, one file or sharded.
    ///
    /// # Errors
    /// A file is missing or corrupt, the configuration is not supported, or the weights do not fit.
    pub fn import_dir(dir: &Path, device: &B::Device) -> Result<Self> {
        let path = dir.join(CONFIG_NAME);
        let text = pretrain_store::read_to_string(&path)?;
        let config = ModelConfig::from_hf_json(&text)
            .and_then(ModelConfig::resolve)
            .map_err(|error: ModelError| error.in_config_file(&path))?;
        let tensors = from_hf_tensors(&config, read_weights(dir)?)?;
        Self::from_tensors(&config, tensors, device)
    }
}

/// Some exports store a tied matrix again under another name; an exact copy says nothing new. Another
/// matrix under that name stays and is refused as unexpected.
fn drop_copies(config: &ResolvedConfig, names: &Names, tensors: &mut Vec<NamedTensor>) {
    for (copy, original) in config.as_config().architecture.family().copies() {
        let find = |name: &str| tensors.iter().position(|tensor| tensor.name == name);
        let (Some(copy), Some(original)) = (find(copy), find(original)) else { continue };
        let (copied, source) = (&tensors[copy], &tensors[original]);
        let same = copied.shape == source.shape && copied.data == source.data;
        if same && !names.has(&copied.name) {
            tensors.remove(copy);
        }
    }
}
