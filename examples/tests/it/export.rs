//! What is exported is what `transformers` expects: held against its own files.

use crate::crash::TINY;
use crate::program::{json, write_corpus};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

type Shapes = BTreeMap<String, Vec<usize>>;

fn shapes(file: &Path) -> Shapes {
    let bytes = pretrain_store::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let shape =
        |(name, view): (String, safetensors::tensor::TensorView<'_>)| (name, view.shape().to_vec());
    tensors.tensors().into_iter().map(shape).collect()
}

fn config(file: &Path) -> serde_json::Value {
    serde_json::from_slice(&pretrain_store::read(file).unwrap()).unwrap()
}

/// A run whose model has the shape of the reference, so that names and shapes can be equal.
#[test]
fn golden_an_exported_run_has_the_names_and_shapes_of_the_reference() {
    let folder = std::env::var_os("PRETRAIN_GOLDEN")
        .map_or_else(|| crate::architecture::root().join("../shared/golden"), PathBuf::from);
    let models = folder.join("model");
    if !pretrain_store::is_dir(&models) {
        println!("skipped: {} is missing", models.display());
        return;
    }
    let is_llama = |dir: &PathBuf| {
        let file = dir.join("config.json");
        pretrain_store::exists(&file)
            && config(&file)["model_type"] == "llama"
            && config(&file)["head_dim"].as_u64().is_none_or(|d| {
                d * config(&file)["num_attention_heads"].as_u64().unwrap_or(0)
                    == config(&file)["hidden_size"].as_u64().unwrap_or(0)
            })
            && pretrain_store::exists(&dir.join("model.safetensors"))
    };
    let cases = pretrain_store::list_dirs(&models).unwrap().into_iter().filter(is_llama);
    let mut n = 0;
    for case in cases {
        n += 1;
        let reference = config(&case.join("config.json"));
        let field = |name: &str| reference[name].as_u64().unwrap();
        let tmp = tempfile::tempdir().unwrap();
        let path = |name: &str| tmp.path().join(name).to_str().unwrap().to_owned();
        write_corpus(Path::new(&path("c.jsonl")), 400);
        let (head, _) = TINY.split_once("[model]").unwrap();
        let head = head.replace("steps = 30", "steps = 2");
        let settings = format!(
            "{head}\n[model]\nd_model = {}\nn_layers = {}\nn_heads = {}\nn_kv_heads = {}\nd_ff = {}\ntie_embeddings = {}\n",
            field("hidden_size"),
            field("num_hidden_layers"),
            field("num_attention_heads"),
            field("num_key_value_heads"),
            field("intermediate_size"),
            reference["tie_word_embeddings"],
        );
        pretrain_store::write_atomic(Path::new(&path("run.toml")), settings.as_bytes()).unwrap();
        let (config_path, input, out) = (path("run.toml"), path("c.jsonl"), path("out"));
        json("pretrain", &["--config", &config_path, "--input", &input, "--out", &out, "--json"]);
        let export = Path::new(&out).join("export");
        let mut expected = shapes(&case.join("model.safetensors"));
        for (name, shape) in &mut expected {
            // The reference's vocabulary is not ours.
            if name.contains("embed_tokens") || name.contains("lm_head") {
                shape[0] = 512;
            }
        }
        assert_eq!(shapes(&export.join("model.safetensors")), expected, "{}", case.display());
        let exported = config(&export.join("config.json"));
        assert_eq!(exported["architectures"], serde_json::json!(["LlamaForCausalLM"]));
        for key in ["hidden_size", "num_hidden_layers", "intermediate_size", "num_key_value_heads"]
        {
            assert_eq!(exported[key], reference[key], "{key}");
        }
        assert!(pretrain_store::exists(&export.join("tokenizer.json")));
    }
    println!("{n} cases");
}
