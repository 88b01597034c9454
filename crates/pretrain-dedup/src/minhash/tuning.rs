//! Bands and rows for a similarity threshold.

use super::MinHashConfig;
use crate::error::ConfigFault;
use crate::{DedupError, Result};

/// Bands and rows, and what they are predicted to miss and to add.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Tuning {
    /// Bands per signature.
    pub bands: usize,
    /// Values per band.
    pub rows: usize,
    /// Area under the S-curve left of the threshold: candidates that are not wanted, if pairs of all
    /// similarities were equally many.
    pub false_positive_area: f64,
    /// Area above the S-curve right of the threshold: wanted pairs that are missed, likewise.
    pub false_negative_area: f64,
}

impl Tuning {
    /// The bands and rows within `max_permutations` that minimise
    /// `(1 - weight) * false_positive_area + weight * false_negative_area`, as datasketch does (Zhu et al.,
    /// *LSH Ensemble*, 2016, section 5.3). A `weight` of 0.5 treats both alike; with verification, false
    /// candidates only cost time and 0.9 or more is right.
    ///
    /// Cost: some hundred thousand powers for 128 permutations.
    ///
    /// # Errors
    /// [`DedupError::Config`] if the threshold or the weight is not between 0 and 1, or there
    /// are no permutations or more than 65,536.
    pub fn for_threshold(threshold: f64, max_permutations: usize, weight: f64) -> Result<Self> {
        let mut faults = Vec::new();
        for (field, found) in [("threshold", threshold), ("weight", weight)] {
            if !(0.0..=1.0).contains(&found) {
                faults.push(ConfigFault::new(field, found, "0 to 1"));
            }
        }
        if !(1..=1 << 16).contains(&max_permutations) {
            faults.push(ConfigFault::new("max_permutations", max_permutations, "1 to 65536"));
        }
        if !faults.is_empty() {
            return Err(DedupError::Config { what: "minhash", faults });
        }
        let mut best: Option<(f64, Self)> = None;
        for bands in 1..=max_permutations {
            for rows in 1..=max_permutations / bands {
                let tuning = Self::predicted(threshold, bands, rows);
                let error = (1.0 - weight) * tuning.false_positive_area
                    + weight * tuning.false_negative_area;
                if best.is_none_or(|(least, _)| error < least) {
                    best = Some((error, tuning));
                }
            }
        }
        Ok(best.expect("one band of one row is always possible").1)
    }

    fn predicted(threshold: f64, bands: usize, rows: usize) -> Self {
        let missed = |s: f64| (1.0 - s.powi(rows as i32)).powi(bands as i32);
        let false_positive_area = integral(0.0, threshold, |s| 1.0 - missed(s));
        let false_negative_area = integral(threshold, 1.0, missed);
        Self { bands, rows, false_positive_area, false_negative_area }
    }

    /// `config` with these bands and rows.
    pub fn apply(&self, config: MinHashConfig) -> MinHashConfig {
        MinHashConfig { bands: self.bands, rows: self.rows, ..config }
    }
}

/// Simpson's rule over 64 intervals.
fn integral(from: f64, to: f64, of: impl Fn(f64) -> f64) -> f64 {
    const N: usize = 64;
    let step = (to - from) / N as f64;
    let weighted = (0..=N).map(|i| {
        let weight = if i == 0 || i == N { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
        weight * of(from + step * i as f64)
    });
    weighted.sum::<f64>() * step / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_is_that_of_datasketch() {
        // RedPajama-V2 publishes what datasketch chose for 128 permutations.
        for (threshold, expected) in [(0.7, (14, 9)), (0.8, (9, 13)), (0.9, (5, 25))] {
            let tuning = Tuning::for_threshold(threshold, 128, 0.5).unwrap();
            assert_eq!((tuning.bands, tuning.rows), expected, "{tuning:?}");
        }
    }

    #[test]
    fn more_weight_on_misses_finds_more() {
        let miss = |weight| Tuning::for_threshold(0.8, 112, weight).unwrap().false_negative_area;
        assert!(miss(0.9) < miss(0.5) && miss(0.5) < miss(0.1));
        assert!(miss(0.95) < 0.005, "{}", miss(0.95));
        let Err(DedupError::Config { faults, .. }) = Tuning::for_threshold(1.5, 0, -1.0) else {
            panic!("accepted")
        };
        assert_eq!(faults.len(), 3);
    }
}
