//! The laws and cases of `hugging_face`.

use super::*;
use crate::config::{RopeConfig, RopeScaling};

fn base() -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 32,
        "intermediate_size": 56, "num_hidden_layers": 2, "num_attention_heads": 4,
        "vocab_size": 113, "eos_token_id": [2, 3], "pad_token_id": -1, "torch_dtype": "bfloat16",
    })
}

fn with(key: &str, value: Value) -> Result<ModelConfig> {
    let mut root = base();
    root[key] = value;
    ModelConfig::from_hf_json(&root.to_string())
}

#[test]
fn absent_fields_have_the_defaults_of_llama_config() {
    let config = ModelConfig::from_hf_json(&base().to_string()).unwrap();
    assert_eq!((config.n_kv_heads, config.max_seq_len, config.norm_eps), (4, 2048, 1e-6));
    assert_eq!(config.rope, Some(RopeConfig::new(10_000.0)));
    assert_eq!(config.special_tokens, SpecialTokens { bos: None, eos: vec![2, 3], pad: None });
    assert!(!config.tie_embeddings);
}

#[test]
fn both_spellings_mean_the_same_and_may_not_disagree() {
    let llama3 = json!({
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16,
    });
    let mut new = llama3.clone();
    new["rope_theta"] = json!(5e5);
    let new = with("rope_parameters", new).unwrap();
    let mut old = base();
    old["rope_theta"] = json!(500_000);
    old["rope_scaling"] = llama3.clone();
    assert_eq!(ModelConfig::from_hf_json(&old.to_string()).unwrap(), new);
    old["rope_parameters"] = json!({ "rope_type": "default", "rope_theta": 5e5 });
    let error = ModelConfig::from_hf_json(&old.to_string()).unwrap_err();
    assert!(matches!(error, ModelError::Contradiction { first: "rope_scaling", .. }));
    let mut missing = llama3;
    missing.as_object_mut().unwrap().remove("factor");
    let error = with("rope_scaling", missing).unwrap_err().to_string();
    assert_eq!(error, "config.json lacks the field rope_scaling.factor");
}

#[test]
fn what_would_change_a_result_is_refused_by_name() {
    for (key, value) in [
        ("hidden_act", json!("mish")),
        ("hidden_act", json!(0)),
        ("attention_dropout", json!(0.1)),
        ("model_type", json!("mamba")),
        ("architectures", json!(["LlamaForSequenceClassification"])),
        ("quantization_config", json!({ "bits": 4 })),
        ("sliding_window", json!(4096)),
        ("final_logit_softcapping", json!(30.0)),
    ] {
        let error = with(key, value).unwrap_err();
        assert!(matches!(&error, ModelError::Unsupported { field, .. } if field == key), "{error}");
    }
    let error = with("rope_scaling", json!({ "type": "longrope", "factor": 4.0 })).unwrap_err();
    assert!(error.to_string().contains("rope_scaling.type = \"longrope\""), "{error}");
    assert!(with("hidden_size", json!("wide")).unwrap_err().to_string().contains("hidden_size"));
}

#[test]
fn harmless_keys_pass() {
    for (key, value) in [
        ("_name_or_path", json!("x")),
        ("transformers_version", json!("4.40.0")),
        ("sliding_window", json!(null)),
        ("rope_interleaved", json!(false)),
        ("attention_dropout", json!(0)),
    ] {
        with(key, value).unwrap();
    }
}

#[test]
fn written_files_read_back() {
    let mut config = ModelConfig::tiny(50);
    config.special_tokens = SpecialTokens { bos: Some(1), eos: vec![2], pad: Some(0) };
    for scaled in [false, true] {
        let scaling = scaled.then_some(RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 16,
        });
        config.rope = Some(RopeConfig { scaling, ..RopeConfig::default() });
        let resolved = config.clone().resolve().unwrap();
        let text = resolved.to_hf_json();
        assert_eq!(ModelConfig::from_hf_json(&text).unwrap().resolve().unwrap(), resolved);
        // A reader of either spelling finds what it looks for.
        for old in [true, false] {
            let mut half: Value = serde_json::from_str(&text).unwrap();
            let half_map = half.as_object_mut().unwrap();
            let removed: &[&str] =
                if old { &["rope_parameters"] } else { &["rope_theta", "rope_scaling"] };
            removed.iter().for_each(|key| drop(half_map.remove(*key)));
            let read = ModelConfig::from_hf_json(&half.to_string()).unwrap();
            assert_eq!(read.resolve().unwrap(), resolved);
        }
    }
}
