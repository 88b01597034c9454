//! A model directory: what is written, and what is refused when read.

use pretrain_kernels::Flex;
use pretrain_model::{
    ModelConfig, ModelError, NamedTensor, SpecialTokens, Transformer, read_safetensors,
    write_safetensors,
};
use serde_json::{Value, json};
use std::path::Path;

fn model(tied: bool) -> Transformer<Flex> {
    let mut config = ModelConfig::tiny(50);
    config.tie_embeddings = tied;
    config.special_tokens = SpecialTokens { bos: Some(1), eos: vec![2, 3], pad: None };
    Transformer::init(&config.resolve().unwrap(), 5, &Default::default())
}

fn import(dir: &Path) -> Result<Transformer<Flex>, ModelError> {
    Transformer::import_dir(dir, &Default::default())
}

#[test]
fn an_export_reads_back_and_has_the_same_bytes_each_time() {
    for tied in [true, false] {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let written = model(tied).export_dir(a.path()).unwrap();
        assert_eq!(model(tied).export_dir(b.path()).unwrap(), written);
        let names: Vec<&str> = written.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["model.safetensors", "generation_config.json", "config.json"]);
        let back = import(a.path()).unwrap();
        assert_eq!(back.to_tensors(), model(tied).to_tensors());
        assert_eq!(back.config(), model(tied).config());
        assert_eq!(back.to_tensors().iter().any(|t| t.name == "head.weight"), !tied);
        let bytes = std::fs::read(a.path().join("model.safetensors")).unwrap();
        let generation = std::fs::read_to_string(a.path().join("generation_config.json")).unwrap();
        let generation: Value = serde_json::from_str(&generation).unwrap();
        let expected =
            json!({ "_from_model_config": true, "bos_token_id": 1, "eos_token_id": [2, 3] });
        assert_eq!(generation, expected);
        use sha2::Digest;
        let hash: String =
            sha2::Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(back.weights_sha256(), hash);
    }
}

#[test]
fn tensors_that_do_not_fit_are_all_named() {
    let tmp = tempfile::tempdir().unwrap();
    model(true).export_dir(tmp.path()).unwrap();
    let path = tmp.path().join("model.safetensors");
    let mut tensors = read_safetensors(&path).unwrap();
    let norm = tensors.iter_mut().find(|t| t.name == "model.norm.weight").unwrap();
    (norm.shape, norm.data) = (vec![1, 32], vec![1.0; 32]);
    let up = tensors.iter_mut().find(|t| t.name == "model.layers.1.mlp.up_proj.weight").unwrap();
    up.name = "model.layers.2.mlp.up_proj.weight".to_owned();
    write_safetensors(&path, &tensors).unwrap();
    let error = import(tmp.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the weights do not fit the configuration: missing [model.layers.1.mlp.up_proj.weight]; \
         unexpected [model.layers.2.mlp.up_proj.weight]; \
         misshapen [model.norm.weight (expected [32], found [1, 32])]"
    );
}

#[test]
fn a_tied_head_may_be_stored_twice_but_not_differently() {
    let tmp = tempfile::tempdir().unwrap();
    model(true).export_dir(tmp.path()).unwrap();
    let path = tmp.path().join("model.safetensors");
    let mut tensors = read_safetensors(&path).unwrap();
    let embedding = tensors.iter().find(|t| t.name == "model.embed_tokens.weight").unwrap();
    let mut head = NamedTensor { name: "lm_head.weight".to_owned(), ..embedding.clone() };
    let frequencies = "model.layers.0.self_attn.rotary_emb.inv_freq".to_owned();
    tensors.push(NamedTensor { name: frequencies, shape: vec![1], data: vec![1.0] });
    tensors.push(head.clone());
    write_safetensors(&path, &tensors).unwrap();
    assert_eq!(import(tmp.path()).unwrap().to_tensors(), model(true).to_tensors());
    head.data[7] += 1.0;
    *tensors.last_mut().unwrap() = head;
    write_safetensors(&path, &tensors).unwrap();
    let error = import(tmp.path()).unwrap_err();
    assert!(
        matches!(error, ModelError::Weights { unexpected, .. } if unexpected == ["lm_head.weight"])
    );
}

#[test]
fn a_directory_without_its_files_or_with_a_bad_configuration_says_which() {
    let tmp = tempfile::tempdir().unwrap();
    assert!(import(tmp.path()).unwrap_err().to_string().contains("config.json"));
    let config = tmp.path().join("config.json");
    std::fs::write(&config, "{").unwrap();
    assert!(
        matches!(import(tmp.path()), Err(ModelError::ConfigFile { path, .. }) if path == config)
    );
    std::fs::write(&config, model(true).config().to_hf_json()).unwrap();
    assert!(matches!(import(tmp.path()), Err(ModelError::NoWeights { dir }) if dir == tmp.path()));
}
