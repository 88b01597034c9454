//! Export: a checkpoint to a directory that Hugging Face's `transformers` loads.

use crate::stages::tokenizer::TOKENIZER_NAME;
use crate::stages::tokens::END_OF_TEXT;
use pretrain_bpe::Tokenizer;
use pretrain_kernels::Cpu;
use pretrain_model::Transformer;
use pretrain_store::{Manifest, write_atomic};
use serde_json::json;
use std::path::Path;

/// Writes `config.json`, `generation_config.json`, `model.safetensors`, `tokenizer.json`,
/// `tokenizer_config.json`, and a manifest last.
///
/// # Errors
/// The checkpoint does not load, its vocabulary is not the tokenizer's, or the disk refuses.
pub fn export(
    checkpoint: &Path,
    tokenizer: Option<&Tokenizer>,
    out: &Path,
) -> anyhow::Result<Manifest> {
    let model = Transformer::<Cpu>::import_dir(checkpoint, &Default::default())?;
    let config = model.config();
    let mut manifest = Manifest::new("export", serde_json::to_value(config.as_config())?, vec![]);
    manifest.files = model.export_dir(out)?;
    if let Some(tokenizer) = tokenizer {
        let (found, expected) = (tokenizer.vocab_size(), config.vocab_size());
        anyhow::ensure!(
            found == expected,
            "the tokenizer has {found} tokens, the model's vocabulary has {expected}"
        );
        let settings = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": config.max_seq_len(),
            "eos_token": END_OF_TEXT,
            "bos_token": END_OF_TEXT,
            "clean_up_tokenization_spaces": false,
        });
        let settings = serde_json::to_vec_pretty(&settings)?;
        manifest.files.push(write_atomic(&out.join(TOKENIZER_NAME), &tokenizer.to_json())?);
        manifest.files.push(write_atomic(&out.join("tokenizer_config.json"), &settings)?);
    }
    manifest.files.sort_by(|a, b| a.name.cmp(&b.name));
    manifest.save(out)?;
    Ok(manifest)
}
