//! Comparing measured values with thresholds: the one place where a check fails.

use std::ops::ControlFlow;

use crate::name::RuleName;
use crate::verdict::{Measurement, Reason};

/// What a rule returns: `Break` with the reason when the text is to be dropped.
pub(crate) type Outcome<T = ()> = ControlFlow<Reason, T>;

/// Runs checks: stops at the first that fails, or, when all are wanted, records each and goes on.
pub(crate) struct Checks<'a> {
    all: Option<&'a mut Vec<Measurement>>,
}

impl<'a> Checks<'a> {
    /// Stops at the first failure.
    pub(crate) fn until_failure() -> Self {
        Self { all: None }
    }

    /// Records every check; never stops, except where a rule has no way to go on.
    pub(crate) fn recording(all: &'a mut Vec<Measurement>) -> Self {
        Self { all: Some(all) }
    }

    /// Fails when the value is above the threshold. The value is not computed without a threshold.
    pub(crate) fn at_most(
        &mut self,
        rule: RuleName,
        threshold: Option<f64>,
        value: impl FnOnce() -> f64,
    ) -> Outcome {
        let Some(threshold) = threshold else { return Outcome::Continue(()) };
        let value = value();
        self.check(rule, value, threshold, value > threshold)
    }

    /// Fails when the value is below the threshold. The value is not computed without a threshold.
    pub(crate) fn at_least(
        &mut self,
        rule: RuleName,
        threshold: Option<f64>,
        value: impl FnOnce() -> f64,
    ) -> Outcome {
        let Some(threshold) = threshold else { return Outcome::Continue(()) };
        let value = value();
        self.check(rule, value, threshold, value < threshold)
    }

    /// A check with its result.
    pub(crate) fn check(
        &mut self,
        rule: RuleName,
        value: f64,
        threshold: f64,
        failed: bool,
    ) -> Outcome {
        match &mut self.all {
            Some(all) => all.push(Measurement { rule, value, threshold, failed }),
            None if failed => return Outcome::Break(Reason { rule, value, threshold }),
            None => {}
        }
        Outcome::Continue(())
    }

    /// A failure after which the rule cannot go on.
    pub(crate) fn fail<T>(&mut self, rule: RuleName, value: f64, threshold: f64) -> Outcome<T> {
        if let Some(all) = &mut self.all {
            all.push(Measurement { rule, value, threshold, failed: true });
        }
        Outcome::Break(Reason { rule, value, threshold })
    }
}

/// `part / whole` as a quotient of integers: exact operands, one rounding. Not a number for 0 / 0.
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// A count as a threshold.
pub(crate) fn limit(count: Option<usize>) -> Option<f64> {
    count.map(|count| count as f64)
}
