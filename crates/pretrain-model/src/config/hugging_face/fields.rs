//! A JSON object whose fields are read with their full name in every error, and which knows at the
//! end what nobody asked for.

use crate::config::{Activation, SpecialTokens};
use crate::error::{ModelError, Result};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Keys that say nothing about the function that a model computes.
const HARMLESS: &[&str] = &[
    "classifier_dropout",
    "dtype",
    "gradient_checkpointing",
    "id2label",
    "is_llama_config",
    "label2id",
    "max_length",
    "output_past",
    "pretraining_tp",
    "summary_activation",
    "summary_first_dropout",
    "summary_last_dropout",
    "summary_proj_to_labels",
    "summary_type",
    "summary_use_proj",
    "task_specific_params",
    "torch_dtype",
    "unsloth_fixed",
    "unsloth_version",
    "use_cache",
];

/// A JSON object in a `config.json`.
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    parent: String,
    read: RefCell<BTreeSet<String>>,
}

impl<'a> Fields<'a> {
    /// The outermost object.
    pub(crate) fn new(map: &'a Map<String, Value>) -> Self {
        Self { map, parent: String::new(), read: RefCell::default() }
    }

    /// A field that is there and not `null`.
    pub(crate) fn get(&self, field: &str) -> Option<&'a Value> {
        self.read.borrow_mut().insert(field.to_owned());
        self.map.get(field).filter(|value| !value.is_null())
    }

    /// Whether a field is there, be it `null`.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.map.contains_key(field)
    }

    /// The name of a field with its parents.
    pub(crate) fn path(&self, field: &str) -> String {
        if self.parent.is_empty() { field.to_owned() } else { format!("{}.{field}", self.parent) }
    }

    fn wrong(&self, field: &str, expected: &'static str, found: &Value) -> ModelError {
        ModelError::WrongField { field: self.path(field), expected, found: found.to_string() }
    }

    /// An error for a value that this crate does not compute.
    pub(crate) fn unsupported(&self, field: &str, supported: &'static str) -> ModelError {
        let found = self.map.get(field).unwrap_or(&Value::Null).to_string();
        ModelError::Unsupported { field: self.path(field), found, supported }
    }

    /// A field without which there is no model.
    pub(crate) fn required<T>(
        &self,
        field: &str,
        read: impl FnOnce(&Self, &str) -> Result<Option<T>>,
    ) -> Result<T> {
        read(self, field)?.ok_or_else(|| ModelError::MissingField { field: self.path(field) })
    }

    /// A whole number.
    pub(crate) fn size(&self, field: &str) -> Result<Option<usize>> {
        self.get(field)
            .map(|value| {
                let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
                size.ok_or_else(|| self.wrong(field, "a whole number", value))
            })
            .transpose()
    }

    /// A number.
    pub(crate) fn number(&self, field: &str) -> Result<Option<f64>> {
        self.get(field)
            .map(|value| value.as_f64().ok_or_else(|| self.wrong(field, "a number", value)))
            .transpose()
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, field: &str) -> Result<Option<bool>> {
        self.get(field)
            .map(|value| value.as_bool().ok_or_else(|| self.wrong(field, "true or false", value)))
            .transpose()
    }

    /// A list.
    pub(crate) fn list(&self, field: &str) -> Result<Option<&'a Vec<Value>>> {
        self.get(field)
            .map(|value| value.as_array().ok_or_else(|| self.wrong(field, "a list", value)))
            .transpose()
    }

    /// An object.
    pub(crate) fn object(&self, field: &str) -> Result<Option<Fields<'a>>> {
        self.get(field)
            .map(|value| {
                let map = value.as_object().ok_or_else(|| self.wrong(field, "an object", value))?;
                Ok(Fields { map, parent: self.path(field), read: RefCell::default() })
            })
            .transpose()
    }

    /// The name of a function.
    pub(crate) fn activation(&self, field: &str) -> Result<Option<Activation>> {
        self.get(field)
            .map(|value| match value.as_str() {
                Some("silu" | "swish") => Ok(Activation::Silu),
                Some("gelu") => Ok(Activation::Gelu),
                Some("gelu_new" | "gelu_pytorch_tanh" | "gelu_fast") => Ok(Activation::GeluTanh),
                Some("relu") => Ok(Activation::Relu),
                Some("relu2") => Ok(Activation::ReluSquared),
                _ => Err(self.unsupported(field, "silu, gelu, gelu_new, relu, relu2")),
            })
            .transpose()
    }

    /// Which blocks have a window, by `layer_types`.
    pub(crate) fn layer_types(&self) -> Result<Option<Vec<bool>>> {
        let Some(types) = self.list("layer_types")? else { return Ok(None) };
        let windowed = |kind: &Value| match kind.as_str() {
            Some("sliding_attention") => Ok(true),
            Some("full_attention") => Ok(false),
            _ => Err(self.unsupported("layer_types", "sliding_attention, full_attention")),
        };
        types.iter().map(windowed).collect::<Result<_>>().map(Some)
    }

    /// As [`layer_types`](Self::layer_types) reads them.
    pub(crate) fn spell_layer_types(windowed: &[bool]) -> Value {
        let spell =
            |windowed: &bool| if *windowed { "sliding_attention" } else { "full_attention" };
        windowed.iter().map(spell).collect()
    }

    fn id(&self, field: &str, value: &Value) -> Result<u32> {
        let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
        id.ok_or_else(|| self.wrong(field, "a token id", value))
    }

    /// `bos_token_id`, `eos_token_id`, `pad_token_id`.
    pub(crate) fn special_tokens(&self) -> Result<SpecialTokens> {
        // Older configurations write -1 for "none".
        let one = |field| match self.get(field) {
            Some(value) if value.as_i64() == Some(-1) => Ok(None),
            Some(value) => self.id(field, value).map(Some),
            None => Ok(None),
        };
        let eos = match self.get("eos_token_id") {
            Some(Value::Array(ids)) => {
                ids.iter().map(|id| self.id("eos_token_id", id)).collect::<Result<Vec<_>>>()?
            }
            _ => one("eos_token_id")?.into_iter().collect(),
        };
        Ok(SpecialTokens { bos: one("bos_token_id")?, eos, pad: one("pad_token_id")? })
    }

    /// Refuses every value of a field but one; absent passes. Numbers are compared as numbers.
    pub(crate) fn only(
        &self,
        field: &str,
        accepted: impl Into<Value>,
        supported: &'static str,
    ) -> Result<()> {
        let accepted = accepted.into();
        let Some(found) = self.get(field) else { return Ok(()) };
        let equal_numbers = found.is_number() && found.as_f64() == accepted.as_f64();
        if *found == accepted || equal_numbers {
            return Ok(());
        }
        Err(self.unsupported(field, supported))
    }

    /// Refuses `null` where it means something else than an absent key does.
    pub(crate) fn not_null(&self, fields: &[&str]) -> Result<()> {
        let null = |field: &&&str| self.map.get(**field).is_some_and(Value::is_null);
        match fields.iter().find(null) {
            Some(field) => Err(self.unsupported(field, "a value, or absent")),
            None => Ok(()),
        }
    }

    /// Refuses rates other than 0: dropout is not computed.
    pub(crate) fn no_dropout(&self, fields: &[&str]) -> Result<()> {
        fields.iter().try_for_each(|field| self.only(field, 0.0, "0"))
    }

    /// Refuses whatever nobody read, unless it says nothing: `null`, `false`, or known to be harmless.
    pub(crate) fn refuse_the_rest(&self) -> Result<()> {
        let read = self.read.borrow();
        let rest = self.map.iter().find(|(key, value)| {
            let harmless = HARMLESS.contains(&key.as_str())
                || key.starts_with('_')
                || key.starts_with("transformers");
            let silent = value.is_null() || **value == Value::Bool(false);
            !read.contains(*key) && !harmless && !silent
        });
        rest.map_or(Ok(()), |(key, _)| Err(self.unsupported(key, "absent")))
    }
}
