//! Every Llama-like checkpoint among the golden models has the parameters that are computed.

use pretrain_plan::{ModelShape, Parameters};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn cases() -> Vec<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    let folder = std::env::var_os("PRETRAIN_GOLDEN").map_or(default, PathBuf::from).join("model");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is missing", folder.display());
        return Vec::new();
    };
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.retain(|case| case.join("config.json").is_file());
    cases.retain(|case| case.join("model.safetensors").is_file());
    cases.sort();
    cases
}

/// The sizes of all tensors by name: a safetensors file begins with the length of its JSON header.
fn tensor_sizes(path: &Path) -> Vec<(String, u64)> {
    let bytes = std::fs::read(path).unwrap();
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + len]).unwrap();
    let size = |tensor: &Value| -> u64 {
        tensor["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).product()
    };
    let tensors = header.as_object().unwrap().iter().filter(|(name, _)| *name != "__metadata__");
    tensors.map(|(name, tensor)| (name.clone(), size(tensor))).collect()
}

/// The shape in a Hugging Face configuration of a model without biases, or `None` for other kinds.
fn shape(config: &Value) -> Option<ModelShape> {
    let kind = config["model_type"].as_str()?;
    let number = |key: &str| config[key].as_u64();
    if !["llama", "mistral"].contains(&kind) || config["attention_bias"] == true {
        return None;
    }
    let (d_model, n_heads) = (number("hidden_size")?, number("num_attention_heads")?);
    Some(ModelShape {
        vocab_size: number("vocab_size")?,
        d_model,
        n_layers: number("num_hidden_layers")?,
        n_heads,
        n_kv_heads: number("num_key_value_heads").unwrap_or(n_heads),
        head_dim: number("head_dim").unwrap_or(d_model / n_heads),
        d_ff: number("intermediate_size")?,
        tie_embeddings: config["tie_word_embeddings"] == true,
        seq_len: number("max_position_embeddings")?,
        gated_mlp: true,
    })
}

#[test]
fn golden_parameters_by_part() {
    let mut checked = 0;
    for case in cases() {
        let config = std::fs::read(case.join("config.json")).unwrap();
        let Some(shape) = shape(&serde_json::from_slice(&config).unwrap()) else { continue };
        let tensors = tensor_sizes(&case.join("model.safetensors"));
        let sum = |part: &str| -> u64 {
            tensors.iter().filter(|(name, _)| name.contains(part)).map(|(_, size)| size).sum()
        };
        let expected = Parameters {
            embedding: sum("embed_tokens"),
            attention: sum("self_attn"),
            mlp: sum(".mlp."),
            norms: sum("norm"),
            head: sum("lm_head"),
        };
        let found = shape.resolve().unwrap().parameters();
        assert_eq!(found, expected, "{}", case.display());
        let total: u64 = tensors.iter().map(|(_, size)| size).sum();
        assert_eq!(found.total(), total, "{}", case.display());
        checked += 1;
    }
    println!("{checked} checkpoints checked");
}
