//! Where a run stands: the numbers of a checkpoint that are neither weights nor moments.

use crate::error::{Result, TrainError};
use pretrain_store::Digest;
use serde::{Deserialize, Serialize};
use std::path::Path;

const FORMAT_VERSION: u32 = 1;

/// Name of the state in a checkpoint.
pub(crate) const STATE_NAME: &str = "state.json";

/// Where a run stands. No clock is in it: a run that was stopped and resumed has the same state as
/// one that was not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunState {
    /// Version of this layout.
    pub(crate) format_version: u32,
    /// Digest of the settings, model and data.
    pub(crate) config_digest: Digest,
    /// Steps taken, skipped ones included: the learning rate and the log follow it.
    pub(crate) step: u64,
    /// Samples taken from the stream of the data: the cursor.
    pub(crate) samples: u64,
    /// Tokens in those samples, padding left out.
    pub(crate) tokens: u64,
    /// Updates of the weights: the bias correction follows it.
    pub(crate) optimizer_steps: u64,
    /// Steps that changed nothing.
    pub(crate) skipped_steps: u64,
    /// How many of the last steps changed nothing.
    pub(crate) consecutive_skips: u64,
    /// Loss of the last step that had a finite one.
    pub(crate) loss: Option<f64>,
    /// The last validation loss.
    pub(crate) validation_loss: Option<f64>,
    /// SHA-256 of the weights beside it.
    pub(crate) weights_sha256: String,
}

impl RunState {
    /// Before the first step.
    pub(crate) fn new(config_digest: Digest) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            config_digest,
            step: 0,
            samples: 0,
            tokens: 0,
            optimizer_steps: 0,
            skipped_steps: 0,
            consecutive_skips: 0,
            loss: None,
            validation_loss: None,
            weights_sha256: String::new(),
        }
    }

    /// Moves on by one step.
    pub(crate) fn advance(&mut self, samples: u64, tokens: u64, loss: Option<f64>, skipped: bool) {
        self.step += 1;
        self.samples += samples;
        self.tokens += tokens;
        self.loss = loss.or(self.loss);
        if skipped {
            self.skipped_steps += 1;
            self.consecutive_skips += 1;
        } else {
            self.optimizer_steps += 1;
            self.consecutive_skips = 0;
        }
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("a state has only string keys");
        json.push(b'\n');
        json
    }

    pub(crate) fn load(checkpoint: &Path) -> Result<Self> {
        let path = checkpoint.join(STATE_NAME);
        let bytes = pretrain_store::read(&path)?;
        let parse = |source| TrainError::Json { path: path.clone(), source };
        // The version is looked at first, so that a later layout is named as such and not as a fault.
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let Version { format_version: found } = serde_json::from_slice(&bytes).map_err(parse)?;
        if found > FORMAT_VERSION {
            return Err(TrainError::Version { path, found, supported: FORMAT_VERSION });
        }
        serde_json::from_slice(&bytes).map_err(parse)
    }
}

/// The digest of JSON with its keys sorted; the order of keys in a JSON library's map is a build
/// setting.
pub(crate) fn digest(value: &serde_json::Value) -> Digest {
    let mut text = String::new();
    write_sorted(value, &mut text);
    Digest::of(text.as_bytes())
}

fn write_sorted(value: &serde_json::Value, text: &mut String) {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (key, value) in entries {
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                write_sorted(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_sorted(item, text);
                text.push(',');
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_later_version_is_named_as_such() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join(STATE_NAME);
        let save = |text: &str| pretrain_store::write_atomic(&path, text.as_bytes()).unwrap();
        save("{\"format_version\": 2, \"news\": true}");
        assert!(matches!(RunState::load(tmp.path()), Err(TrainError::Version { found: 2, .. })));
        save("{\"format_version\": 1, \"news\": true}");
        assert!(matches!(RunState::load(tmp.path()), Err(TrainError::Json { .. })));
    }

    #[test]
    fn the_digest_does_not_see_the_order_of_keys() {
        let parse = |text: &str| digest(&serde_json::from_str(text).unwrap());
        let one = parse(r#"{"a": [1, {"x": 1, "y": 2}], "b": "c"}"#);
        assert_eq!(one, parse(r#"{"b": "c", "a": [1, {"y": 2, "x": 1}]}"#));
        assert_ne!(one, parse(r#"{"b": "c", "a": [{"y": 2, "x": 1}, 1]}"#));
        assert_ne!(parse(r#"["ab"]"#), parse(r#"["a", "b"]"#));
    }

    proptest! {
        #[test]
        fn every_number_comes_back_to_the_last_bit(bits in any::<u64>()) {
            let loss = Some(f64::from_bits(bits)).filter(|loss| loss.is_finite());
            let mut state = RunState::new(Digest::of(b""));
            state.loss = loss;
            let found: RunState = serde_json::from_slice(&state.to_json()).unwrap();
            prop_assert_eq!(found.loss.map(f64::to_bits), loss.map(f64::to_bits));
        }
    }
}
