//! Parameters that are treated differently from the rest, chosen by name.

use serde::{Deserialize, Serialize};

/// Settings of the parameters whose name matches a pattern. The first rule that matches counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRule {
    /// Parameter name in which `*` stands for any characters, none included:
    /// `embedding.*`, `*.bias`.
    pub name: String,
    /// Multiplies the learning rate; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr_scale: Option<f64>,
    /// Weight decay, whatever the shape; that of the rest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
}

/// What the rules came to for one parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupSettings {
    /// Multiplies the learning rate.
    pub lr_scale: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

impl GroupRule {
    /// Whether the rule is about this parameter. O(length of pattern times length of name).
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.name.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else { return rest.is_empty() };
        for part in parts {
            // The earliest place leaves the most for the parts that follow.
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        let matches = |pattern: &str, name: &str| {
            GroupRule { name: pattern.to_owned(), lr_scale: None, weight_decay: None }.matches(name)
        };
        for (pattern, name) in [
            ("norm.weight", "norm.weight"),
            ("*", ""),
            ("*", "norm.weight"),
            ("*.weight", "a.weight.weight"),
            ("layers.*.mlp.*.weight", "layers.12.mlp.up.weight"),
            ("a*b*", "ab"),
            ("**", "x"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("norm", "norm.weight"),
            ("weight", "norm.weight"),
            ("", "norm"),
            ("a*a", "a"),
            ("*ab*ba", "aba"),
            ("layers.*.mlp", "layers.12.mlp.up"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
