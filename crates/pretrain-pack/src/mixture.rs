//! Several sources in one stream, in fixed proportions.

use crate::error::Exhausted;
use crate::weights::largest_remainder;
use crate::{PackError, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Samples after which the pattern of sources repeats.
const PERIOD: u32 = 1 << 16;
const MAX_SOURCES: usize = 1024;

/// One source's share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// The source's name, for reports and errors.
    pub name: String,
    /// The share of samples, relative to the other sources'; above 0. All sequences have one
    /// length, so shares of samples are shares of tokens, padding included.
    pub weight: f64,
    /// How often the source may be passed over, if there is a limit.
    #[serde(default)]
    pub max_epochs: Option<f64>,
}

/// Sources and their shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixtureConfig {
    /// At least one.
    pub sources: Vec<SourceConfig>,
}

impl MixtureConfig {
    /// Turns weights into the pattern of sources. Weights are rounded to multiples of 1/65536 of
    /// their sum by largest remainder.
    ///
    /// # Errors
    /// All faults at once: no sources or more than 1024, a name twice, a weight or limit that is
    /// not a positive number, a weight that is rounded to nothing.
    pub fn resolve(self) -> Result<Mixture> {
        let mut faults = Vec::new();
        let n = self.sources.len();
        if n == 0 || n > MAX_SOURCES {
            faults.push(format!("sources: {n} sources, 1 to {MAX_SOURCES} are possible"));
        }
        let mut names = BTreeSet::new();
        for SourceConfig { name, weight, max_epochs } in &self.sources {
            if !names.insert(name) {
                faults.push(format!("sources: the name {name:?} is there twice"));
            }
            if !(weight.is_finite() && *weight > 0.0) {
                faults.push(format!("weight: {weight} of {name:?} is not above 0"));
            }
            if let Some(limit) = max_epochs.filter(|limit| !(limit.is_finite() && *limit > 0.0)) {
                faults.push(format!("max_epochs: {limit} of {name:?} is not above 0"));
            }
        }
        let mut counts = Vec::new();
        if faults.is_empty() {
            let weights: Vec<f64> = self.sources.iter().map(|source| source.weight).collect();
            let wide = largest_remainder(&weights, u64::from(PERIOD))?;
            for (source, &count) in self.sources.iter().zip(&wide) {
                if count == 0 {
                    let SourceConfig { name, weight, .. } = source;
                    faults.push(format!("weight: {weight} of {name:?} is below 1/{PERIOD} of all"));
                }
            }
            counts = wide.into_iter().map(|count| count as u32).collect();
        }
        if !faults.is_empty() {
            return Err(PackError::Config { faults });
        }
        let slots = spread(&counts);
        Ok(Mixture { sources: self.sources, counts, slots })
    }
}

/// Which source each sample of the endless stream comes from. Random access in O(1).
///
/// After any number `s` of samples, a source of share `p` has given between `p s - 1` and `p s + 1`
/// of them. Memory: half a MiB.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    sources: Vec<SourceConfig>,
    /// Samples of each source in one period; they sum to [`PERIOD`].
    counts: Vec<u32>,
    slots: Vec<Slot>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    source: u16,
    /// Samples of the same source earlier in the period.
    before: u32,
}

impl Mixture {
    /// A mixture of one.
    pub fn single(name: &str) -> Self {
        let source = SourceConfig { name: name.to_owned(), weight: 1.0, max_epochs: None };
        let counts = vec![PERIOD];
        Self { sources: vec![source], slots: spread(&counts), counts }
    }

    /// The sources as configured.
    pub fn sources(&self) -> &[SourceConfig] {
        &self.sources
    }

    /// The shares after rounding; they sum to 1.
    pub fn shares(&self) -> Vec<f64> {
        self.counts.iter().map(|&count| f64::from(count) / f64::from(PERIOD)).collect()
    }

    /// The source of sample `counter` of the stream, and how many samples of that source came
    /// before it.
    pub fn index(&self, counter: u64) -> (usize, u64) {
        let (period, place) = (counter / u64::from(PERIOD), counter % u64::from(PERIOD));
        let Slot { source, before } = self.slots[place as usize];
        let source = usize::from(source);
        (source, period * u64::from(self.counts[source]) + u64::from(before))
    }

    /// Samples each source gives to the first `n_samples` of the stream.
    pub fn counts(&self, n_samples: u64) -> Vec<u64> {
        let (periods, rest) = (n_samples / u64::from(PERIOD), n_samples % u64::from(PERIOD));
        let mut counts: Vec<u64> = self.counts.iter().map(|&c| periods * u64::from(c)).collect();
        for slot in &self.slots[..rest as usize] {
            counts[usize::from(slot.source)] += 1;
        }
        counts
    }

    /// Checks before a run that no source is passed over more often than its limit, and says how
    /// often each is. `available` are the sources' sizes in samples.
    ///
    /// # Errors
    /// The sizes are not one per source or one is 0; or all sources past their limit.
    pub fn epochs(&self, n_samples: u64, available: &[u64]) -> Result<Vec<f64>> {
        if available.len() != self.sources.len() || available.contains(&0) {
            let n = self.sources.len();
            let faults = vec![format!("sources: sizes {available:?}, expected {n} above 0")];
            return Err(PackError::Config { faults });
        }
        let needed = self.counts(n_samples);
        let rows = || self.sources.iter().zip(available).zip(&needed);
        let exhausted: Vec<Exhausted> = rows()
            .filter_map(|((source, &available), &needed)| {
                let max_epochs = source.max_epochs?;
                (needed as f64 > max_epochs * available as f64).then(|| {
                    let name = source.name.clone();
                    Exhausted { name, available, needed, max_epochs }
                })
            })
            .collect();
        if !exhausted.is_empty() {
            return Err(PackError::TooManyEpochs { sources: exhausted });
        }
        Ok(rows().map(|((_, &available), &needed)| needed as f64 / available as f64).collect())
    }
}

/// Spreads `counts[k]` slots of each source `k` as evenly as can be: the quota method for the
/// chairman assignment problem (Tijdeman 1980). With `n` sources, the count of source `k` in the
/// first `t` slots never differs from `t counts[k] / PERIOD` by more than `1 - 1 / (2 n - 2)`.
///
/// At slot `t` only sources whose deficit `t p - given` is at least `1 / (2 n - 2)` may be taken;
/// among them the one whose deficit would first pass the bound, the lowest of equals. All in
/// integers, multiplied by `(2 n - 2) PERIOD`.
fn spread(counts: &[u32]) -> Vec<Slot> {
    let n = counts.len() as i64;
    let period = i64::from(PERIOD);
    let unit = (2 * n - 2).max(1);
    let mut given = vec![0_i64; counts.len()];
    let mut slots = Vec::with_capacity(PERIOD as usize);
    for t in 1..=period {
        let deadline = |k: usize| {
            let count = i64::from(counts[k]);
            let deficit = unit * (t * count - given[k] * period);
            let room = (unit - 1) * period - deficit;
            // The number of further slots after which the deficit is at the bound.
            (deficit >= period).then(|| (room + unit * count - 1).div_euclid(unit * count))
        };
        let urgent = (0..counts.len()).filter_map(|k| deadline(k).map(|slots| (slots, k))).min();
        // The deficits sum to 1, so one of them is at least 1 / n: some source may be taken.
        let source = urgent.map_or(0, |(_, k)| k);
        slots.push(Slot { source: source as u16, before: given[source] as u32 });
        given[source] += 1;
    }
    slots
}

#[cfg(test)]
mod tests;
