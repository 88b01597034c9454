//! The families of models, each a file of this folder: how its `config.json` is read and written,
//! what it computes, and what its tensors are called.
//!
//! Adding a family takes its file and its two lines here, the module and the entry in [`FAMILIES`].

mod bert;
mod bloom;
mod deepseek_v3;
mod electra;
mod gemma2;
mod gemma3;
mod glm;
mod gpt2;
mod gpt_neox;
mod llama;
mod mistral;
mod mixtral;
mod nanochat;
mod olmo2;
mod opt;
mod qwen2;
mod qwen3;
mod qwen3_moe;
mod roberta;
mod t5;
mod transformer;

use crate::config::ModelConfig;
use crate::config::hugging_face::Fields;
use crate::design::Design;
use crate::error::{ConfigFault, Result};
use crate::names::Row;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;

/// Every family, in the order of the documentation.
static FAMILIES: &[&dyn Family] = &[
    &llama::Llama,
    &mistral::Mistral,
    &qwen2::Qwen2,
    &qwen3::Qwen3,
    &gemma2::Gemma2,
    &gemma3::Gemma3,
    &olmo2::Olmo2,
    &glm::Glm,
    &nanochat::Nanochat,
    &gpt2::Gpt2,
    &gpt_neox::GptNeox,
    &opt::Opt,
    &bloom::Bloom,
    &mixtral::Mixtral,
    &qwen3_moe::Qwen3Moe,
    &deepseek_v3::DeepseekV3,
    &bert::Bert,
    &roberta::Roberta,
    &electra::Electra,
    &t5::T5,
    &transformer::Transformer,
];

/// What a family knows.
pub(crate) trait Family: Sync {
    /// Our name.
    fn name(&self) -> &'static str;

    /// `model_type` in its `config.json`.
    fn model_type(&self) -> &'static str {
        self.name()
    }

    /// The only entry of `architectures` in its `config.json`.
    fn class(&self) -> &'static str;

    /// Fields of the configuration that the family has a place for and others may not: those of
    /// [`ModelOptions`](crate::ModelOptions), `rope`, `n_kv_heads` (other than `n_heads`) and
    /// `head_dim` (other than `d_model / n_heads`).
    fn options(&self) -> &'static [&'static str];

    /// Fills options that were left out with what the family does, so that two spellings of one
    /// model are one configuration.
    fn complete(&self, _config: &mut ModelConfig) {}

    /// What the family cannot be, beyond options that it has no place for.
    fn faults(&self, _config: &ModelConfig) -> Vec<ConfigFault> {
        Vec::new()
    }

    /// What a model of the family computes.
    fn design(&self, config: &ModelConfig) -> Design;

    /// The tensors of its files.
    fn names(&self, config: &ModelConfig) -> Vec<Row>;

    /// Ends of the names of tensors that files may have and that the model has no use for: those that
    /// follow from the configuration, and heads of other tasks.
    fn derived(&self) -> &'static [&'static str] {
        &[]
    }

    /// Names under which files may repeat a tensor (first the copy, then what it repeats): tied heads.
    fn copies(&self) -> &'static [(&'static str, &'static str)] {
        &[("lm_head.weight", "model.embed_tokens.weight")]
    }

    /// Reads a `config.json`; what is left unread is refused.
    fn read(&self, fields: &Fields<'_>) -> Result<ModelConfig>;

    /// Writes one that [`read`](Self::read) understands.
    fn write(&self, config: &ModelConfig) -> Map<String, Value>;
}

/// A family of models, by its name: `llama`, `gpt2`, ...
#[derive(Clone, Copy)]
pub struct Architecture(&'static dyn Family);

impl Architecture {
    /// The family of this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|architecture| architecture.name() == name)
    }

    /// Every family.
    pub fn all() -> impl Iterator<Item = Self> {
        FAMILIES.iter().map(|family| Self(*family))
    }

    /// Its name, as in a configuration.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    pub(crate) fn family(self) -> &'static dyn Family {
        self.0
    }

    /// Whether a tensor of a file is one that the model has no use for.
    pub(crate) fn derives(self, tensor: &str) -> bool {
        self.0.derived().iter().any(|end| tensor.ends_with(end))
    }
}

impl Default for Architecture {
    /// Llama.
    fn default() -> Self {
        Self(&llama::Llama)
    }
}

impl PartialEq for Architecture {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Architecture {}

impl fmt::Debug for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Architecture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Architecture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| {
            let known: Vec<&str> = Self::all().map(Self::name).collect();
            D::Error::custom(format!("unknown architecture {name}, expected {}", known.join(", ")))
        })
    }
}
