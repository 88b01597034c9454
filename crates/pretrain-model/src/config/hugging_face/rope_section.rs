//! Rotary positions in a `config.json`: `rope_parameters` of transformers 5; `rope_theta`,
//! `rope_scaling`, `partial_rotary_factor` and `rope_local_base_freq` of transformers 4.

use super::Fields;
use crate::config::{ModelConfig, RopeConfig, RopeScaling};
use crate::error::{ModelError, Result};
use serde_json::{Map, Value, json};

impl Fields<'_> {
    /// The rotary positions, with the family's base and turning share where they are left out.
    pub(crate) fn rope(&self, theta: f64, partial: Option<f64>) -> Result<RopeConfig> {
        let old_theta = self.number("rope_theta")?;
        let old_partial = self.number("partial_rotary_factor")?;
        let old_local = self.number("rope_local_base_freq")?;
        let section = self.object("rope_scaling")?;
        let old_scaling = section.as_ref().map_or(Ok(None), |fields| self.scaling(fields))?;
        let Some(new) = self.object("rope_parameters")? else {
            return Ok(RopeConfig {
                theta: old_theta.unwrap_or(theta),
                scaling: old_scaling,
                partial: whole(old_partial.or(partial)),
                local_theta: old_local,
            });
        };
        let (new, local) = match (new.object("full_attention")?, new.object("sliding_attention")?) {
            (None, None) => (new, None),
            (global, local) => {
                new.refuse_the_rest()?;
                let global = global.ok_or_else(|| ModelError::MissingField {
                    field: "rope_parameters.full_attention".to_owned(),
                })?;
                (global, local)
            }
        };
        let local_theta = match local {
            None => old_local,
            Some(local) => {
                let found = local.number("rope_theta")?.or(old_local);
                local.only("rope_type", "default", "default")?;
                local.refuse_the_rest()?;
                found
            }
        };
        let rope = RopeConfig {
            theta: new.number("rope_theta")?.or(old_theta).unwrap_or(theta),
            partial: whole(new.number("partial_rotary_factor")?.or(old_partial).or(partial)),
            scaling: self.scaling(&new)?,
            local_theta,
        };
        let differ = |old: Option<f64>, new: Option<f64>| old.is_some() && old != new;
        let contradiction = |first, second| Err(ModelError::Contradiction { first, second });
        if differ(old_theta, Some(rope.theta)) {
            return contradiction("rope_theta", "rope_parameters.rope_theta");
        }
        if differ(old_partial, Some(rope.partial.unwrap_or(1.0))) {
            return contradiction("partial_rotary_factor", "rope_parameters.partial_rotary_factor");
        }
        if differ(old_local, rope.local_theta) {
            return contradiction("rope_local_base_freq", "rope_parameters.sliding_attention");
        }
        if section.is_some() && old_scaling != rope.scaling {
            return contradiction("rope_scaling", "rope_parameters");
        }
        Ok(rope)
    }

    /// The rule in `section`, which is inside of this object.
    fn scaling(&self, section: &Fields<'_>) -> Result<Option<RopeScaling>> {
        // `type` is the oldest spelling of `rope_type`.
        let key = if section.has("rope_type") { "rope_type" } else { "type" };
        section.get("rope_type");
        let number = |field| section.required(field, Fields::number);
        // Where the original length is left out it is the model's.
        let original = || match section.size("original_max_position_embeddings")? {
            Some(length) => Ok(length),
            None => self.required("max_position_embeddings", Fields::size),
        };
        let scaling = match section.get(key).map(|kind| kind.as_str()) {
            None | Some(Some("default")) => None,
            Some(Some("linear")) => Some(RopeScaling::Linear { factor: number("factor")? }),
            Some(Some("dynamic")) => Some(RopeScaling::Dynamic {
                factor: number("factor")?,
                original_max_position_embeddings: original()?,
            }),
            Some(Some("yarn")) => Some(RopeScaling::Yarn {
                factor: number("factor")?,
                original_max_position_embeddings: original()?,
                beta_fast: section.number("beta_fast")?.unwrap_or(32.0),
                beta_slow: section.number("beta_slow")?.unwrap_or(1.0),
                attention_factor: section.number("attention_factor")?,
            }),
            Some(Some("llama3")) => Some(RopeScaling::Llama3 {
                factor: number("factor")?,
                low_freq_factor: number("low_freq_factor")?,
                high_freq_factor: number("high_freq_factor")?,
                original_max_position_embeddings: section
                    .required("original_max_position_embeddings", Fields::size)?,
            }),
            Some(_) => {
                return Err(section.unsupported(key, "default, linear, dynamic, yarn, llama3"));
            }
        };
        section.get("rope_theta");
        section.get("partial_rotary_factor");
        section.refuse_the_rest()?;
        Ok(scaling)
    }
}

/// A share of 1 is what an absent one means.
fn whole(share: Option<f64>) -> Option<f64> {
    share.filter(|share| *share != 1.0)
}

impl RopeConfig {
    /// Writes both spellings of `config.rope` into a `config.json`.
    pub(crate) fn write(config: &ModelConfig, map: &mut Map<String, Value>) {
        let rope = config.rope.unwrap_or_default();
        let section = match rope.scaling {
            None => json!({ "rope_type": "default" }),
            Some(RopeScaling::Linear { factor }) => {
                json!({ "rope_type": "linear", "factor": factor })
            }
            Some(RopeScaling::Dynamic { factor, original_max_position_embeddings: original }) => {
                json!({
                    "rope_type": "dynamic",
                    "factor": factor,
                    "original_max_position_embeddings": original,
                })
            }
            Some(RopeScaling::Yarn {
                factor,
                original_max_position_embeddings: original,
                beta_fast,
                beta_slow,
                attention_factor,
            }) => json!({
                "rope_type": "yarn",
                "factor": factor,
                "original_max_position_embeddings": original,
                "beta_fast": beta_fast,
                "beta_slow": beta_slow,
                "attention_factor": attention_factor,
            }),
            Some(RopeScaling::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_position_embeddings: original,
            }) => json!({
                "rope_type": "llama3",
                "factor": factor,
                "low_freq_factor": low_freq_factor,
                "high_freq_factor": high_freq_factor,
                "original_max_position_embeddings": original,
            }),
        };
        let mut new = section.clone();
        new["rope_theta"] = rope.theta.into();
        let mut put = |key: &str, value: Value| drop(map.insert(key.to_owned(), value));
        if let Some(partial) = rope.partial {
            put("partial_rotary_factor", partial.into());
            new["partial_rotary_factor"] = partial.into();
        }
        if let Some(local) = rope.local_theta {
            put("rope_local_base_freq", local.into());
            new = json!({
                "full_attention": new,
                "sliding_attention": { "rope_type": "default", "rope_theta": local },
            });
        }
        put("rope_theta", rope.theta.into());
        put("rope_scaling", if rope.scaling.is_some() { section } else { Value::Null });
        put("rope_parameters", new);
    }
}
