//! The learning rate as a pure function of the step.
//!
//! The formulas are those of `transformers.optimization`; the tests compare with it. One difference:
//! past its last step a schedule stays where it ended, where the cosine there begins to rise again.

use crate::error::{Fault, OptimError, Result};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// How a rate goes from one end of a phase to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// In a straight line.
    #[default]
    Linear,
    /// As half a cosine wave: flat at both ends.
    Cosine,
    /// Steep where the rate is high, flat where it is low (Hägele et al., arXiv:2405.18392).
    #[serde(rename = "1-sqrt")]
    OneMinusSqrt,
}

impl Shape {
    /// From 1 at `progress` 0 to 0 at `progress` 1.
    fn falling(self, progress: f64) -> f64 {
        match self {
            Self::Linear => 1.0 - progress,
            Self::Cosine => 0.5 * (1.0 + libm::cos(PI * progress)),
            Self::OneMinusSqrt => 1.0 - progress.sqrt(),
        }
    }

    /// From 0 at `progress` 0 to 1 at `progress` 1: the fall, backwards.
    fn rising(self, progress: f64) -> f64 {
        match self {
            Self::Linear => progress,
            Self::Cosine => 0.5 * (1.0 - libm::cos(PI * progress)),
            Self::OneMinusSqrt => 1.0 - (1.0 - progress).sqrt(),
        }
    }
}

/// The learning rate of every step.
///
/// Steps count from 0: `lr(0)` is the rate of the first update. Each kind begins with a warm-up of
/// `warmup_steps` steps, so that `lr(warmup_steps)` is `peak_lr`; unless said otherwise it is a line
/// from 0. A ratio is relative to `peak_lr`.
///
/// In TOML the kind is a table: `[schedule.cosine]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// Warm-up, then `peak_lr` for ever.
    Constant {
        /// Highest rate.
        peak_lr: f64,
        /// Steps of the warm-up.
        warmup_steps: u64,
    },
    /// Warm-up, then a line to `min_ratio * peak_lr` at `total_steps`.
    Linear {
        /// Highest rate.
        peak_lr: f64,
        /// Steps of the warm-up.
        warmup_steps: u64,
        /// Steps until the lowest rate, the warm-up included.
        total_steps: u64,
        /// The lowest rate, 0 to 1.
        min_ratio: f64,
    },
    /// Warm-up, then half a cosine wave to `min_ratio * peak_lr` at `total_steps` (Loshchilov and
    /// Hutter, arXiv:1608.03983, without restarts).
    Cosine {
        /// Highest rate.
        peak_lr: f64,
        /// Steps of the warm-up.
        warmup_steps: u64,
        /// Steps until the lowest rate, the warm-up included.
        total_steps: u64,
        /// The lowest rate, 0 to 1.
        min_ratio: f64,
    },
    /// Warm-up from `min_ratio`, `stable_steps` at the peak, then `decay_steps` down to `min_ratio`
    /// (Hu et al., MiniCPM, arXiv:2404.06395).
    Wsd {
        /// Highest rate.
        peak_lr: f64,
        /// Steps of the warm-up.
        warmup_steps: u64,
        /// Steps at the peak.
        stable_steps: u64,
        /// Steps of the decay.
        decay_steps: u64,
        /// The first and the last rate, 0 to 1.
        min_ratio: f64,
        /// The way down.
        decay: Shape,
        /// The way up; a line when absent.
        #[serde(default)]
        warmup: Shape,
    },
    /// Warm-up, then `peak_lr * sqrt(timescale / (step - warmup_steps + timescale))` (Zhai et al.,
    /// arXiv:2106.04560).
    InverseSqrt {
        /// Highest rate.
        peak_lr: f64,
        /// Steps of the warm-up.
        warmup_steps: u64,
        /// Steps after which the rate has fallen by the root of two; absent = `warmup_steps`, or
        /// 10 000 without a warm-up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timescale: Option<u64>,
    },
}

impl Schedule {
    /// The learning rate of update number `step`, counted from 0.
    pub fn lr(&self, step: u64) -> f64 {
        self.peak_lr() * self.ratio(step)
    }

    /// The highest rate.
    pub fn peak_lr(&self) -> f64 {
        match *self {
            Self::Constant { peak_lr, .. }
            | Self::Linear { peak_lr, .. }
            | Self::Cosine { peak_lr, .. }
            | Self::Wsd { peak_lr, .. }
            | Self::InverseSqrt { peak_lr, .. } => peak_lr,
        }
    }

    /// Steps of the warm-up.
    pub fn warmup_steps(&self) -> u64 {
        match *self {
            Self::Constant { warmup_steps, .. }
            | Self::Linear { warmup_steps, .. }
            | Self::Cosine { warmup_steps, .. }
            | Self::Wsd { warmup_steps, .. }
            | Self::InverseSqrt { warmup_steps, .. } => warmup_steps,
        }
    }

    /// The step from which the rate no longer changes, if it has one.
    pub fn end(&self) -> Option<u64> {
        match *self {
            Self::Constant { warmup_steps, .. } => Some(warmup_steps),
            Self::Linear { total_steps, .. } | Self::Cosine { total_steps, .. } => {
                Some(total_steps)
            }
            Self::Wsd { warmup_steps, stable_steps, decay_steps, .. } => {
                Some(warmup_steps.saturating_add(stable_steps).saturating_add(decay_steps))
            }
            Self::InverseSqrt { .. } => None,
        }
    }

    /// The rate relative to the peak.
    fn ratio(&self, step: u64) -> f64 {
        let warmup_steps = self.warmup_steps();
        if step < warmup_steps {
            return self.warmup_ratio(step as f64 / warmup_steps as f64);
        }
        let after = step - warmup_steps;
        match *self {
            Self::Constant { .. } => 1.0,
            Self::Linear { total_steps, min_ratio, .. } => {
                let progress = progress(after, total_steps.saturating_sub(warmup_steps));
                above(min_ratio, Shape::Linear.falling(progress))
            }
            Self::Cosine { total_steps, min_ratio, .. } => {
                let progress = progress(after, total_steps.saturating_sub(warmup_steps));
                above(min_ratio, Shape::Cosine.falling(progress))
            }
            Self::Wsd { stable_steps, decay_steps, min_ratio, decay, .. } => {
                match after.checked_sub(stable_steps) {
                    None => 1.0,
                    Some(after) => above(min_ratio, decay.falling(progress(after, decay_steps))),
                }
            }
            Self::InverseSqrt { timescale, .. } => {
                let default = if warmup_steps > 0 { warmup_steps } else { 10_000 };
                let timescale = timescale.unwrap_or(default) as f64;
                1.0 / ((after as f64 + timescale) / timescale).sqrt()
            }
        }
    }

    fn warmup_ratio(&self, progress: f64) -> f64 {
        match *self {
            Self::Wsd { min_ratio, warmup, .. } => above(min_ratio, warmup.rising(progress)),
            _ => progress,
        }
    }

    /// Every setting that is outside its range.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut check = |ok: bool, field: &str, found: f64, expected| {
            if !ok {
                faults.push(Fault { field: field.to_owned(), found, expected });
            }
        };
        let peak_lr = self.peak_lr();
        let finite = peak_lr.is_finite() && peak_lr >= 0.0;
        check(finite, "peak_lr", peak_lr, "a finite number of at least 0");
        match *self {
            Self::Linear { warmup_steps, total_steps, min_ratio, .. }
            | Self::Cosine { warmup_steps, total_steps, min_ratio, .. } => {
                let longer = "above warmup_steps";
                check(total_steps > warmup_steps, "total_steps", total_steps as f64, longer);
                check((0.0..=1.0).contains(&min_ratio), "min_ratio", min_ratio, "in 0..=1");
            }
            Self::Wsd { decay_steps, min_ratio, .. } => {
                check(decay_steps > 0, "decay_steps", decay_steps as f64, "at least 1");
                check((0.0..=1.0).contains(&min_ratio), "min_ratio", min_ratio, "in 0..=1");
            }
            Self::InverseSqrt { timescale: Some(timescale), .. } => {
                check(timescale > 0, "timescale", timescale as f64, "at least 1");
            }
            Self::Constant { .. } | Self::InverseSqrt { timescale: None, .. } => {}
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

/// How much of a phase of `steps` steps is over, 0 to 1; a phase without steps is over.
fn progress(step: u64, steps: u64) -> f64 {
    if step >= steps { 1.0 } else { step as f64 / steps as f64 }
}

/// `factor` in 0..=1 laid over `min_ratio..=1`.
fn above(min_ratio: f64, factor: f64) -> f64 {
    factor * (1.0 - min_ratio) + min_ratio
}

#[cfg(test)]
mod tests;
