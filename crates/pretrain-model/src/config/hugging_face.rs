//! Hugging Face `config.json` of `LlamaForCausalLM`, read and written.
//!
//! **Reading** takes both spellings: `rope_theta` + `rope_scaling` + `torch_dtype` (transformers 4)
//! and `rope_parameters` + `dtype` (transformers 5). Where both are present they have to agree. A
//! field that may be left out has the default of `LlamaConfig`. Whatever would change a result and
//! is not computed here is refused by name: other architectures, biases, other activations, other
//! rotary types, quantised weights, and every key that this module does not know unless its value
//! is `null` or `false`.
//!
//! **Writing** gives both spellings at once, since each version reads its own and they agree.

use super::{ModelConfig, ResolvedConfig, RopeConfig, RopeScaling, SpecialTokens};
use crate::error::{ModelError, Result};
use serde_json::{Map, Value, json};

const ARCHITECTURE: &str = "LlamaForCausalLM";
const MODEL_TYPE: &str = "llama";

/// Keys that say nothing about the function that the model computes.
const HARMLESS: &[&str] = &[
    "dtype",
    "id2label",
    "is_llama_config",
    "label2id",
    "max_length",
    "pretraining_tp",
    "torch_dtype",
    "unsloth_fixed",
    "unsloth_version",
    "use_cache",
];

/// Keys read below.
const READ: &[&str] = &[
    "architectures",
    "attention_bias",
    "attention_dropout",
    "bos_token_id",
    "eos_token_id",
    "head_dim",
    "hidden_act",
    "hidden_size",
    "initializer_range",
    "intermediate_size",
    "max_position_embeddings",
    "mlp_bias",
    "model_type",
    "num_attention_heads",
    "num_hidden_layers",
    "num_key_value_heads",
    "pad_token_id",
    "partial_rotary_factor",
    "rms_norm_eps",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "tie_word_embeddings",
    "vocab_size",
];

impl ModelConfig {
    /// Reads a Hugging Face `config.json`. Call [`resolve`](ModelConfig::resolve) on the result.
    ///
    /// # Errors
    /// Not JSON, a missing or wrong field, another architecture, or an option that would change
    /// results and is not supported; each error names the field.
    pub fn from_hf_json(text: &str) -> Result<Self> {
        let map: Map<String, Value> =
            serde_json::from_str(text).map_err(|source| ModelError::Json { source })?;
        let root = Fields { map: &map, parent: "" };
        check_architecture(&root)?;
        check_options(&root)?;
        let n_heads = root.required("num_attention_heads", Fields::size)?;
        Ok(Self {
            vocab_size: root.required("vocab_size", Fields::size)?,
            d_model: root.required("hidden_size", Fields::size)?,
            n_layers: root.required("num_hidden_layers", Fields::size)?,
            n_heads,
            n_kv_heads: root.size("num_key_value_heads")?.unwrap_or(n_heads),
            head_dim: root.size("head_dim")?,
            d_ff: root.required("intermediate_size", Fields::size)?,
            max_seq_len: root.size("max_position_embeddings")?.unwrap_or(2048),
            norm_eps: root.number("rms_norm_eps")?.unwrap_or(1e-6),
            tie_embeddings: root.flag("tie_word_embeddings")?.unwrap_or(false),
            init_std: root.number("initializer_range")?.unwrap_or(0.02),
            rope: read_rope(&root)?,
            special_tokens: read_special_tokens(&root)?,
        })
    }
}

impl ResolvedConfig {
    /// The Hugging Face `config.json` of this model with 32-bit weights: keys sorted, two spaces of
    /// indentation, a final newline; the same configuration gives the same bytes.
    pub fn to_hf_json(&self) -> String {
        let c = self.as_config();
        let mut rope_parameters = json!({ "rope_type": "default" });
        let mut rope_scaling = Value::Null;
        if let Some(RopeScaling::Llama3 {
            factor,
            low_freq_factor,
            high_freq_factor,
            original_max_position_embeddings,
        }) = c.rope.scaling
        {
            rope_parameters = json!({
                "rope_type": "llama3",
                "factor": factor,
                "low_freq_factor": low_freq_factor,
                "high_freq_factor": high_freq_factor,
                "original_max_position_embeddings": original_max_position_embeddings,
            });
            rope_scaling = rope_parameters.clone();
        }
        rope_parameters["rope_theta"] = c.rope.theta.into();
        let mut root = json!({
            "architectures": [ARCHITECTURE],
            "attention_bias": false,
            "attention_dropout": 0.0,
            "dtype": "float32",
            "head_dim": self.head_dim(),
            "hidden_act": "silu",
            "hidden_size": c.d_model,
            "initializer_range": c.init_std,
            "intermediate_size": c.d_ff,
            "max_position_embeddings": c.max_seq_len,
            "mlp_bias": false,
            "model_type": MODEL_TYPE,
            "num_attention_heads": c.n_heads,
            "num_hidden_layers": c.n_layers,
            "num_key_value_heads": c.n_kv_heads,
            "pretraining_tp": 1,
            "rms_norm_eps": c.norm_eps,
            "rope_parameters": rope_parameters,
            "rope_scaling": rope_scaling,
            "rope_theta": c.rope.theta,
            "tie_word_embeddings": c.tie_embeddings,
            "torch_dtype": "float32",
            "use_cache": true,
            "vocab_size": c.vocab_size,
        });
        write_special_tokens(&c.special_tokens, &mut root);
        pretty(root)
    }

    /// The `generation_config.json` that goes with it: the special tokens, nothing that samples.
    pub fn to_hf_generation_json(&self) -> String {
        let mut root = json!({ "_from_model_config": true });
        write_special_tokens(&self.as_config().special_tokens, &mut root);
        pretty(root)
    }
}

fn pretty(mut value: Value) -> String {
    // The order of keys is a build setting of serde_json; sorted, it is not.
    value.sort_all_objects();
    let text = serde_json::to_string_pretty(&value).expect("a JSON value has no failing parts");
    text + "\n"
}

fn write_special_tokens(tokens: &SpecialTokens, root: &mut Value) {
    if let Some(bos) = tokens.bos {
        root["bos_token_id"] = bos.into();
    }
    match tokens.eos.as_slice() {
        [] => {}
        [one] => root["eos_token_id"] = (*one).into(),
        several => root["eos_token_id"] = several.into(),
    }
    if let Some(pad) = tokens.pad {
        root["pad_token_id"] = pad.into();
    }
}

fn check_architecture(root: &Fields<'_>) -> Result<()> {
    let unsupported = |field: &str, found: &Value, supported| ModelError::Unsupported {
        field: field.to_owned(),
        found: found.to_string(),
        supported,
    };
    if let Some(found) = root.get("model_type").filter(|found| **found != MODEL_TYPE) {
        return Err(unsupported("model_type", found, MODEL_TYPE));
    }
    if let Some(found) = root.get("architectures")
        && *found != json!([ARCHITECTURE])
    {
        return Err(unsupported("architectures", found, ARCHITECTURE));
    }
    if root.get("model_type").is_none() && root.get("architectures").is_none() {
        return Err(ModelError::MissingField { field: "model_type".to_owned() });
    }
    Ok(())
}

/// Refuses what would change a result.
fn check_options(root: &Fields<'_>) -> Result<()> {
    root.only("attention_bias", json!(false), "false")?;
    root.only("mlp_bias", json!(false), "false")?;
    root.only("attention_dropout", json!(0.0), "0")?;
    root.only("hidden_act", json!("silu"), "silu")?;
    root.only("partial_rotary_factor", json!(1.0), "1")?;
    for (key, value) in root.map {
        let known = READ.contains(&key.as_str())
            || HARMLESS.contains(&key.as_str())
            || key.starts_with('_')
            || key.starts_with("transformers");
        if !known && !value.is_null() && *value != Value::Bool(false) {
            return Err(ModelError::Unsupported {
                field: key.clone(),
                found: value.to_string(),
                supported: "absent",
            });
        }
    }
    Ok(())
}

fn read_rope(root: &Fields<'_>) -> Result<RopeConfig> {
    // LlamaConfig's default base.
    const THETA: f64 = 10_000.0;
    let old_theta = root.number("rope_theta")?;
    let old_scaling = root.object("rope_scaling")?;
    let old = match &old_scaling {
        Some(fields) => read_scaling(fields)?,
        None => None,
    };
    let Some(new) = root.object("rope_parameters")? else {
        return Ok(RopeConfig { theta: old_theta.unwrap_or(THETA), scaling: old });
    };
    let rope = RopeConfig {
        theta: new.number("rope_theta")?.or(old_theta).unwrap_or(THETA),
        scaling: read_scaling(&new)?,
    };
    if old_theta.is_some_and(|theta| theta != rope.theta) {
        let (first, second) = ("rope_theta", "rope_parameters.rope_theta");
        return Err(ModelError::Contradiction { first, second });
    }
    if old_scaling.is_some() && old != rope.scaling {
        return Err(ModelError::Contradiction { first: "rope_scaling", second: "rope_parameters" });
    }
    Ok(rope)
}

fn read_scaling(fields: &Fields<'_>) -> Result<Option<RopeScaling>> {
    // `type` is the oldest spelling of `rope_type`.
    let key = if fields.get("rope_type").is_some() { "rope_type" } else { "type" };
    let known: &[&str] = match fields.get(key) {
        None => &["rope_theta"],
        Some(kind) if kind == "default" => &["rope_theta", "rope_type", "type"],
        Some(kind) if kind == "llama3" => &[
            "rope_theta",
            "rope_type",
            "type",
            "factor",
            "low_freq_factor",
            "high_freq_factor",
            "original_max_position_embeddings",
        ],
        Some(found) => {
            return Err(ModelError::Unsupported {
                field: fields.path(key),
                found: found.to_string(),
                supported: "default, llama3",
            });
        }
    };
    fields.only("partial_rotary_factor", json!(1.0), "1")?;
    for (name, value) in fields.map {
        if !known.contains(&name.as_str()) && name != "partial_rotary_factor" && !value.is_null() {
            return Err(ModelError::Unsupported {
                field: fields.path(name),
                found: value.to_string(),
                supported: "absent",
            });
        }
    }
    if !known.contains(&"factor") {
        return Ok(None);
    }
    Ok(Some(RopeScaling::Llama3 {
        factor: fields.required("factor", Fields::number)?,
        low_freq_factor: fields.required("low_freq_factor", Fields::number)?,
        high_freq_factor: fields.required("high_freq_factor", Fields::number)?,
        original_max_position_embeddings: fields
            .required("original_max_position_embeddings", Fields::size)?,
    }))
}

fn read_special_tokens(root: &Fields<'_>) -> Result<SpecialTokens> {
    // Older configurations write -1 for "none".
    let one = |field| match root.get(field) {
        Some(value) if value.as_i64() == Some(-1) => Ok(None),
        Some(value) => root.id(field, value).map(Some),
        None => Ok(None),
    };
    let eos = match root.get("eos_token_id") {
        Some(Value::Array(ids)) => {
            ids.iter().map(|id| root.id("eos_token_id", id)).collect::<Result<Vec<_>>>()?
        }
        _ => one("eos_token_id")?.into_iter().collect(),
    };
    Ok(SpecialTokens { bos: one("bos_token_id")?, eos, pad: one("pad_token_id")? })
}

/// A JSON object whose fields are read with their full name in every error.
struct Fields<'a> {
    map: &'a Map<String, Value>,
    parent: &'static str,
}

impl<'a> Fields<'a> {
    /// A field that is there and not `null`.
    fn get(&self, field: &str) -> Option<&'a Value> {
        self.map.get(field).filter(|value| !value.is_null())
    }

    fn path(&self, field: &str) -> String {
        if self.parent.is_empty() { field.to_owned() } else { format!("{}.{field}", self.parent) }
    }

    fn wrong(&self, field: &str, expected: &'static str, found: &Value) -> ModelError {
        ModelError::WrongField { field: self.path(field), expected, found: found.to_string() }
    }

    fn required<T>(
        &self,
        field: &str,
        read: impl FnOnce(&Self, &str) -> Result<Option<T>>,
    ) -> Result<T> {
        read(self, field)?.ok_or_else(|| ModelError::MissingField { field: self.path(field) })
    }

    fn size(&self, field: &str) -> Result<Option<usize>> {
        self.get(field)
            .map(|value| {
                let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
                size.ok_or_else(|| self.wrong(field, "a whole number", value))
            })
            .transpose()
    }

    fn number(&self, field: &str) -> Result<Option<f64>> {
        self.get(field)
            .map(|value| value.as_f64().ok_or_else(|| self.wrong(field, "a number", value)))
            .transpose()
    }

    fn flag(&self, field: &str) -> Result<Option<bool>> {
        self.get(field)
            .map(|value| value.as_bool().ok_or_else(|| self.wrong(field, "true or false", value)))
            .transpose()
    }

    fn object(&self, field: &'static str) -> Result<Option<Fields<'a>>> {
        self.get(field)
            .map(|value| {
                let map = value.as_object().ok_or_else(|| self.wrong(field, "an object", value))?;
                Ok(Fields { map, parent: field })
            })
            .transpose()
    }

    fn id(&self, field: &str, value: &Value) -> Result<u32> {
        let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
        id.ok_or_else(|| self.wrong(field, "a token id", value))
    }

    /// Refuses every value but one; numbers are compared as numbers.
    fn only(&self, field: &str, accepted: Value, supported: &'static str) -> Result<()> {
        match self.get(field) {
            Some(found) if *found != accepted && found.as_f64() != accepted.as_f64() => {}
            // Two values that are not numbers have equal (absent) numeric values.
            Some(found) if *found != accepted && found.as_f64().is_none() => {}
            _ => return Ok(()),
        }
        let found = self.get(field).expect("matched above").to_string();
        Err(ModelError::Unsupported { field: self.path(field), found, supported })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(config.rope, RopeConfig { theta: 10_000.0, scaling: None });
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
            ("attention_bias", json!(true)),
            ("mlp_bias", json!(true)),
            ("hidden_act", json!("gelu")),
            ("hidden_act", json!(0)),
            ("attention_dropout", json!(0.1)),
            ("partial_rotary_factor", json!(0.5)),
            ("model_type", json!("qwen3")),
            ("architectures", json!(["LlamaForSequenceClassification"])),
            ("quantization_config", json!({ "bits": 4 })),
            ("sliding_window", json!(4096)),
            ("final_logit_softcapping", json!(30.0)),
        ] {
            let error = with(key, value).unwrap_err();
            assert!(
                matches!(&error, ModelError::Unsupported { field, .. } if field == key),
                "{error}"
            );
        }
        let error = with("rope_scaling", json!({ "type": "yarn", "factor": 4.0 })).unwrap_err();
        assert!(error.to_string().contains("rope_scaling.type = \"yarn\""), "{error}");
        assert!(
            with("hidden_size", json!("wide")).unwrap_err().to_string().contains("hidden_size")
        );
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
            config.rope.scaling = scaled.then_some(RopeScaling::Llama3 {
                factor: 8.0,
                low_freq_factor: 1.0,
                high_freq_factor: 4.0,
                original_max_position_embeddings: 16,
            });
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
}
