//! The settings of AdamW, as data.

use crate::error::{Fault, OptimError, Result};
use crate::group::{GroupRule, GroupSettings};
use serde::{Deserialize, Serialize};

/// Which parameters are decayed where no [`GroupRule`] says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecayRule {
    /// Those with two or more dimensions: matrices, not gains and biases, as GPT-2 and its followers
    /// do it.
    #[default]
    Matrices,
    /// All.
    All,
}

/// AdamW: Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101).
///
/// The learning rate is not here: it comes with each step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamWConfig {
    /// Decay of the mean of gradients, 0 to below 1.
    pub beta1: f64,
    /// Decay of the mean of squared gradients, 0 to below 1.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Part of a decayed parameter that a step takes away, times the learning rate.
    pub weight_decay: f64,
    /// Which parameters are decayed.
    #[serde(default)]
    pub decay: DecayRule,
    /// Exceptions by name; the first that matches counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupRule>,
}

impl AdamWConfig {
    /// The settings that most published language models share: betas 0.9 and 0.95, eps 1e-8, decay
    /// of matrices only.
    ///
    /// # Source
    /// Brown et al., "Language Models are Few-Shot Learners", 2020, appendix B.
    pub fn new(weight_decay: f64) -> Self {
        let (beta1, beta2, eps) = (0.9, 0.95, 1e-8);
        Self { beta1, beta2, eps, weight_decay, decay: DecayRule::Matrices, groups: Vec::new() }
    }

    /// What holds for a parameter of this name and number of dimensions.
    pub fn settings(&self, name: &str, n_dims: usize) -> GroupSettings {
        let decayed = self.decay == DecayRule::All || n_dims >= 2;
        let weight_decay = if decayed { self.weight_decay } else { 0.0 };
        let rule = self.groups.iter().find(|rule| rule.matches(name));
        GroupSettings {
            lr_scale: rule.and_then(|rule| rule.lr_scale).unwrap_or(1.0),
            weight_decay: rule.and_then(|rule| rule.weight_decay).unwrap_or(weight_decay),
        }
    }

    /// Every setting that is outside its range.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut check = |ok: bool, field: String, found: f64, expected| {
            if !ok {
                faults.push(Fault { field, found, expected });
            }
        };
        for (field, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            check((0.0..1.0).contains(&beta), field.into(), beta, "at least 0 and below 1");
        }
        let positive = self.eps.is_finite() && self.eps > 0.0;
        check(positive, "eps".into(), self.eps, "a finite number above 0");
        let at_least_0 = |number: f64| number.is_finite() && number >= 0.0;
        let expected = "a finite number of at least 0";
        check(at_least_0(self.weight_decay), "weight_decay".into(), self.weight_decay, expected);
        for (index, rule) in self.groups.iter().enumerate() {
            let numbers = [("lr_scale", rule.lr_scale), ("weight_decay", rule.weight_decay)];
            for (field, found) in numbers {
                if let Some(found) = found {
                    check(at_least_0(found), format!("groups.{index}.{field}"), found, expected);
                }
            }
        }
        faults
    }

    /// Refuses settings outside their ranges.
    ///
    /// # Errors
    /// [`OptimError::Config`] with all of them.
    pub fn validate(&self) -> Result<()> {
        let faults = self.faults();
        if faults.is_empty() { Ok(()) } else { Err(OptimError::Config { faults }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_matching_rule_counts_and_fills_from_the_rest() {
        let rule = |name: &str, lr_scale, weight_decay| GroupRule {
            name: name.to_owned(),
            lr_scale,
            weight_decay,
        };
        let mut config = AdamWConfig::new(0.1);
        config.groups = vec![
            rule("embed.*", Some(0.5), None),
            rule("*.gain", None, Some(0.3)),
            rule("embed.*", Some(9.0), Some(9.0)),
        ];
        let of = |name, n_dims| {
            let GroupSettings { lr_scale, weight_decay } = config.settings(name, n_dims);
            (lr_scale, weight_decay)
        };
        assert_eq!(of("embed.weight", 2), (0.5, 0.1));
        assert_eq!(of("embed.bias", 1), (0.5, 0.0));
        assert_eq!(of("norm.gain", 1), (1.0, 0.3));
        assert_eq!(of("head.weight", 2), (1.0, 0.1));
        config.decay = DecayRule::All;
        assert_eq!(config.settings("norm.weight", 1).weight_decay, 0.1);
    }

    #[test]
    fn all_faults_are_reported_at_once_with_their_place() {
        let text = r#"
            beta1 = 1.0
            beta2 = -0.5
            eps = 0.0
            weight_decay = -1.0
            groups = [{ name = "*", lr_scale = 1.0 }, { name = "x", lr_scale = -2.0 }]
        "#;
        let config: AdamWConfig = toml::from_str(text).unwrap();
        let OptimError::Config { faults } = config.validate().unwrap_err() else { panic!() };
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["beta1", "beta2", "eps", "weight_decay", "groups.1.lr_scale"]);
        assert!(AdamWConfig::new(0.0).validate().is_ok());
        assert!(toml::from_str::<AdamWConfig>("beta = 1.0").is_err());
        assert_eq!(faults[4].clone().under("adamw").field, "adamw.groups.1.lr_scale");
    }
}
