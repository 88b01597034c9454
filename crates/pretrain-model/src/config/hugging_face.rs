//! Hugging Face's `config.json`, read and written for every family.
//!
//! **Reading** takes both spellings: `rope_theta` + `rope_scaling` + `torch_dtype` (transformers 4)
//! and `rope_parameters` + `dtype` (transformers 5). Where both are present they have to agree. A
//! field that may be left out has the default of the family's configuration class. Whatever would
//! change a result and is not computed here is refused by name: unknown families, dropout,
//! quantised weights, and every key that nobody read unless its value is `null` or `false`.
//!
//! **Writing** gives both spellings at once, since each version reads its own and they agree.

mod fields;
mod keys;
mod rope_section;

pub(crate) use fields::Fields;
pub(crate) use keys::{Defaults, Keys};

use super::{ModelConfig, ResolvedConfig, SpecialTokens};
use crate::architectures::Architecture;
use crate::error::{ModelError, Result};
use serde_json::{Map, Value, json};

impl ModelConfig {
    /// Reads a Hugging Face `config.json`. Call [`resolve`](ModelConfig::resolve) on the result.
    ///
    /// # Errors
    /// Not JSON, a missing or wrong field, an unknown family, or an option that would change results
    /// and is not supported; each error names the field.
    pub fn from_hf_json(text: &str) -> Result<Self> {
        let map: Map<String, Value> =
            serde_json::from_str(text).map_err(|source| ModelError::Json { source })?;
        let fields = Fields::new(&map);
        let architecture = architecture(&fields)?;
        let mut config = architecture.family().read(&fields)?;
        fields.refuse_the_rest()?;
        // Classes have defaults for vocabularies of their own; beyond this one they name no token.
        let exists = |id: &u32| (*id as usize) < config.vocab_size;
        let tokens = &mut config.special_tokens;
        tokens.bos = tokens.bos.filter(exists);
        tokens.pad = tokens.pad.filter(exists);
        tokens.eos.retain(exists);
        Ok(config)
    }
}

/// The family that `model_type` or `architectures` name; they may not disagree.
fn architecture(fields: &Fields<'_>) -> Result<Architecture> {
    let unsupported = |field: &str, found: &Value| ModelError::Unsupported {
        field: field.to_owned(),
        found: found.to_string(),
        supported: "the families of this crate",
    };
    let kind = fields.get("model_type");
    let class = fields.get("architectures");
    let by_kind = |kind: &Value| Architecture::all().find(|a| kind == a.family().model_type());
    let by_class =
        |class: &Value| Architecture::all().find(|a| *class == json!([a.family().class()]));
    match (kind, class) {
        (None, None) => Err(ModelError::MissingField { field: "model_type".to_owned() }),
        (Some(kind), class) => {
            let found = by_kind(kind).ok_or_else(|| unsupported("model_type", kind))?;
            match class {
                Some(class) if by_class(class) != Some(found) => {
                    Err(unsupported("architectures", class))
                }
                _ => Ok(found),
            }
        }
        (None, Some(class)) => by_class(class).ok_or_else(|| unsupported("architectures", class)),
    }
}

impl ResolvedConfig {
    /// The Hugging Face `config.json` of this model with 32-bit weights: keys sorted, two spaces of
    /// indentation, a final newline; the same configuration gives the same bytes.
    pub fn to_hf_json(&self) -> String {
        let c = self.as_config();
        let family = c.architecture.family();
        let mut root = Value::Object(family.write(c));
        root["architectures"] = json!([family.class()]);
        root["model_type"] = family.model_type().into();
        for key in ["dtype", "torch_dtype"] {
            root[key] = "float32".into();
        }
        root["use_cache"] = true.into();
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

#[cfg(test)]
mod tests;
