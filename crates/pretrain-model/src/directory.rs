//! A model as a directory that Hugging Face's libraries open.

use crate::config::{ModelConfig, ResolvedConfig};
use crate::decoder::Decoder;
use crate::error::{ModelError, Result};
use crate::parameters::NamedTensor;
use crate::weights::{WEIGHTS_NAME, read_weights};
use burn::tensor::backend::Backend;
use pretrain_store::{FileEntry, write_atomic};
use std::path::Path;

/// Name of the configuration in a model directory.
pub const CONFIG_NAME: &str = "config.json";
/// Name of the generation settings in a model directory.
pub const GENERATION_CONFIG_NAME: &str = "generation_config.json";

impl<B: Backend> Decoder<B> {
    /// Writes `model.safetensors`, `generation_config.json` and, last, `config.json`, and returns
    /// what was written in that order. The tokenizer is not this crate's.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn export_dir(&self, dir: &Path) -> Result<Vec<FileEntry>> {
        let weights = self.save_safetensors(&dir.join(WEIGHTS_NAME))?;
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
        let mut tensors = read_weights(dir)?;
        drop_tied_head(&config, &mut tensors);
        Self::from_tensors(&config, tensors, device)
    }
}

/// Some exports store a tied head a second time; an exact copy says nothing new. Another matrix
/// under that name stays and is refused as unexpected.
fn drop_tied_head(config: &ResolvedConfig, tensors: &mut Vec<NamedTensor>) {
    if !config.as_config().tie_embeddings {
        return;
    }
    let find = |name| tensors.iter().position(|tensor| tensor.name == name);
    let (Some(head), Some(embedding)) = (find("lm_head.weight"), find("model.embed_tokens.weight"))
    else {
        return;
    };
    if tensors[head].shape == tensors[embedding].shape
        && tensors[head].data == tensors[embedding].data
    {
        tensors.remove(head);
    }
}
