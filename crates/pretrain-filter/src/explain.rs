//! One document in full, and two configurations side by side.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::filter::{Filter, Input};
use crate::funnel::Count;
use crate::verdict::{Measurement, Verdict};

/// What a filter says about one text, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The verdict.
    pub verdict: Verdict,
    /// Every check with its value, in order, those after the first that failed too.
    pub checks: Vec<Measurement>,
}

impl Filter {
    /// The verdict on a text with every check behind it.
    ///
    /// ```
    /// use pretrain_filter::{Filter, FilterConfig};
    ///
    /// let filter = Filter::new(FilterConfig::preset("fineweb-0.10")?)?;
    /// let text = filter.explain("Too short.").to_string();
    /// assert!(text.starts_with("dropped: gopher-repetition.top-2-gram"));
    /// assert!(text.contains("FAILED  gopher-quality.min-words"));
    /// # Ok::<(), pretrain_filter::FilterError>(())
    /// ```
    pub fn explain<'a>(&self, input: impl Into<Input<'a>>) -> Explanation {
        let input = input.into();
        Explanation { verdict: self.judge(input), checks: self.measure(input) }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Keep => writeln!(f, "kept")?,
            Verdict::Rewrite(text) => writeln!(f, "kept, rewritten to {} bytes", text.len())?,
            Verdict::Drop(reason) => writeln!(f, "dropped: {reason}")?,
        }
        let names: Vec<String> = self.checks.iter().map(|check| check.rule.to_string()).collect();
        let width = names.iter().map(String::len).max().unwrap_or(0);
        for (check, name) in self.checks.iter().zip(names) {
            let result = if check.failed { "FAILED" } else { "passed" };
            let (value, threshold) = (check.value, check.threshold);
            writeln!(f, "{result}  {name:width$}  value {value}  threshold {threshold}")?;
        }
        Ok(())
    }
}

/// What another configuration changes over a collection. Comparisons of parts add up to that of the
/// whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Everything that was judged.
    pub input: Count,
    /// Same outcome: kept with the same text by both, or dropped by both for the same check.
    pub same: Count,
    /// Kept by both, with different texts.
    pub rewritten_differently: Count,
    /// Kept by the first only, by the check of the second that dropped them.
    pub only_first: BTreeMap<String, Count>,
    /// Kept by the second only, by the check of the first that dropped them.
    pub only_second: BTreeMap<String, Count>,
    /// Dropped by both for different checks: `first -> second`.
    pub other_reason: BTreeMap<String, Count>,
}

impl Comparison {
    /// Counts the two verdicts on a text.
    pub fn add(&mut self, text: &str, first: &Verdict, second: &Verdict) {
        let bytes = text.len() as u64;
        self.input.add(1, bytes);
        let left = |verdict| match verdict {
            &Verdict::Keep => Some(text.to_owned()),
            Verdict::Rewrite(new) => Some(new.clone()),
            Verdict::Drop(_) => None,
        };
        let count = match (first, second) {
            (Verdict::Drop(a), Verdict::Drop(b)) if a.rule == b.rule => &mut self.same,
            (Verdict::Drop(a), Verdict::Drop(b)) => {
                self.other_reason.entry(format!("{} -> {}", a.rule, b.rule)).or_default()
            }
            (Verdict::Drop(a), _) => self.only_second.entry(a.rule.to_string()).or_default(),
            (_, Verdict::Drop(b)) => self.only_first.entry(b.rule.to_string()).or_default(),
            _ if left(first) == left(second) => &mut self.same,
            _ => &mut self.rewritten_differently,
        };
        count.add(1, bytes);
    }

    /// Adds the counts of another part.
    pub fn merge(&mut self, other: &Comparison) {
        self.input.add(other.input.documents, other.input.bytes);
        self.same.add(other.same.documents, other.same.bytes);
        let rewritten = other.rewritten_differently;
        self.rewritten_differently.add(rewritten.documents, rewritten.bytes);
        for (mine, theirs) in [
            (&mut self.only_first, &other.only_first),
            (&mut self.only_second, &other.only_second),
            (&mut self.other_reason, &other.other_reason),
        ] {
            for (rule, count) in theirs {
                mine.entry(rule.clone()).or_default().add(count.documents, count.bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FilterConfig;

    #[test]
    fn every_document_is_in_one_class() {
        let filter = |preset: &str| {
            Filter::new(FilterConfig::preset(preset).expect("preset")).expect("valid")
        };
        let (first, second) = (filter("c4"), filter("gopher"));
        let sentence = "The dog that we have seen is here to stay with us, and it sleeps.\n";
        let texts =
            ["", "word", "{", &sentence.repeat(6), "One line. Two line. Three. Four. Five."];
        let mut whole = Comparison::default();
        for text in texts {
            let mut part = Comparison::default();
            part.add(text, &first.judge(text), &second.judge(text));
            whole.merge(&part);
        }
        let sum = |counts: &BTreeMap<String, Count>| -> u64 {
            counts.values().map(|count| count.documents).sum()
        };
        let classes = whole.same.documents + whole.rewritten_differently.documents;
        let changed = sum(&whole.only_first) + sum(&whole.only_second) + sum(&whole.other_reason);
        assert_eq!(whole.input.documents, 5);
        assert_eq!(classes + changed, 5);
        assert!(sum(&whole.only_first) >= 1 && sum(&whole.other_reason) >= 1);
    }
}
