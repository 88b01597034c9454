//! Measured precision and recall of parameters on a sample of the user's own texts.

use super::{MinHash, Signature, jaccard, shingle_set};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeSet;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Width of a bin of similarities.
const BIN: f64 = 0.05;
/// The hash that samples is none of those that make signatures.
const SEED: u64 = 0x6361_6c69_6272_6174;

/// A sample in which similar documents are likely to be together.
///
/// A random sample of one document in a thousand holds one near-duplicate pair in a million. Here a
/// document's place is the smallest of another hash over its shingles (Broder's coordinated sampling): the
/// documents with the smallest places are taken, and two documents of similarity J have the same place with
/// probability J. Inside a narrow bin of similarities every pair has nearly the same chance, so recall
/// per bin is not distorted; counts of pairs over different bins are not comparable with the corpus.
#[derive(Debug, Clone)]
pub struct CalibrationSample {
    hasher: MinHash,
    capacity: usize,
    /// Place and number of each document taken.
    taken: BTreeSet<(u64, u64)>,
    sets: std::collections::BTreeMap<u64, Vec<u64>>,
    n_documents: u64,
}

/// Pairs of one bin of true similarities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CalibrationBin {
    /// Least similarity of the bin, which is 0.05 wide.
    pub from: f64,
    /// Pairs of the sample in it.
    pub n_pairs: u64,
    /// Those that share a band.
    pub n_found: u64,
    /// How many the S-curve predicts, pair by pair.
    pub predicted: f64,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Calibration {
    /// Documents offered, and how many of them were taken.
    pub n_documents: u64,
    /// See [`Calibration::n_documents`].
    pub n_sampled: u64,
    /// Bins that hold a pair, ascending, from the least similarity that was asked for.
    pub bins: Vec<CalibrationBin>,
    /// Share of pairs at or above the threshold that share a band; `None` without such pairs.
    pub recall: Option<f64>,
    /// Share of pairs with a band in common that are at or above the threshold, likewise.
    pub precision: Option<f64>,
}

impl CalibrationSample {
    /// A sample of at most `capacity` documents. All pairs of it will be compared: 2000 documents are two
    /// million pairs, a second or so.
    pub fn new(hasher: &MinHash, capacity: usize) -> Self {
        let (taken, sets) = (BTreeSet::new(), std::collections::BTreeMap::new());
        Self { hasher: hasher.clone(), capacity, taken, sets, n_documents: 0 }
    }

    /// Offers the next document by its shingle hashes ([`MinHash::shingle_hashes`]). Documents without
    /// shingles are counted and left out.
    pub fn push(&mut self, hashes: Vec<u64>) {
        let document = self.n_documents;
        self.n_documents += 1;
        let place = hashes.iter().map(|hash| xxh3_64_with_seed(&hash.to_le_bytes(), SEED)).min();
        let Some(place) = place else { return };
        let beyond = self.taken.len() == self.capacity
            && self.taken.last().is_none_or(|&last| last < (place, document));
        if beyond {
            return;
        }
        self.taken.insert((place, document));
        self.sets.insert(document, shingle_set(hashes));
        if self.taken.len() > self.capacity
            && let Some((_, last)) = self.taken.pop_last()
        {
            self.sets.remove(&last);
        }
    }

    /// Compares all pairs of the sample whose similarity is at least `least`, and counts a pair as wanted
    /// from `threshold` on. Uses rayon's pool.
    pub fn measure(&self, least: f64, threshold: f64) -> Calibration {
        let sets: Vec<&Vec<u64>> = self.sets.values().collect();
        let signatures: Vec<Option<Signature>> = sets
            .par_iter()
            .map(|set| self.hasher.signature_of_hashes(set.iter().copied()))
            .collect();
        let rows = self.hasher.config().rows;
        let share = |a: usize, b: usize| match (&signatures[a], &signatures[b]) {
            (Some(a), Some(b)) => {
                a.values().chunks(rows).zip(b.values().chunks(rows)).any(|(x, y)| x == y)
            }
            _ => false,
        };
        let of_one = |b: usize| -> Vec<(f64, bool)> {
            let pairs = (0..b).filter_map(|a| {
                let found = share(a, b);
                let (few, many) =
                    (sets[a].len().min(sets[b].len()), sets[a].len().max(sets[b].len()));
                // The similarity is at most the ratio of the sizes.
                let hopeless = (few as f64) < least * many as f64;
                let j = if hopeless && !found { 0.0 } else { jaccard(sets[a], sets[b]) };
                (found || j >= least).then_some((j, found))
            });
            pairs.collect()
        };
        let pairs: Vec<Vec<(f64, bool)>> = (0..sets.len()).into_par_iter().map(of_one).collect();
        let (mut wanted, mut found, mut both) = (0u64, 0u64, 0u64);
        let n_bins = (1.0 / BIN).round() as usize + 1;
        let mut bins: Vec<CalibrationBin> = (0..n_bins)
            .map(|i| CalibrationBin {
                from: i as f64 * BIN,
                n_pairs: 0,
                n_found: 0,
                predicted: 0.0,
            })
            .collect();
        for (j, is_found) in pairs.concat() {
            wanted += u64::from(j >= threshold);
            found += u64::from(is_found);
            both += u64::from(is_found && j >= threshold);
            if j >= least {
                // Rounding must not move 0.7 to the bin below it.
                let bin = &mut bins[((j + 1e-9) / BIN) as usize];
                bin.n_pairs += 1;
                bin.n_found += u64::from(is_found);
                bin.predicted += self.hasher.s_curve(j);
            }
        }
        bins.retain(|bin| bin.n_pairs > 0);
        let share = |of: u64| (of > 0).then(|| both as f64 / of as f64);
        let (n_documents, n_sampled) = (self.n_documents, sets.len() as u64);
        Calibration { n_documents, n_sampled, bins, recall: share(wanted), precision: share(found) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::minhash::MinHashConfig;

    /// Pairs of sets of 200 that share `shared` elements, so J = shared / (400 - shared).
    fn pair(i: u64, shared: u64) -> [Vec<u64>; 2] {
        let hash = |x: u64| xxh3_64_with_seed(&x.to_le_bytes(), 7);
        let set = |own: u64| {
            let common = (0..shared).map(|x| hash(i << 32 | x));
            common.chain((0..200 - shared).map(|x| hash(i << 32 | own << 16 | x))).collect()
        };
        [set(1), set(2)]
    }

    #[test]
    fn what_is_measured_is_what_was_planted_and_the_curve_predicts_it() {
        let hasher = MinHashConfig::default().resolve().unwrap();
        let mut sample = CalibrationSample::new(&hasher, 4000);
        for i in 0..800u64 {
            // J = 0.538, 0.667, 0.818, 0.905.
            let shared = [140, 160, 180, 190][(i % 4) as usize];
            pair(i, shared).into_iter().for_each(|set| sample.push(set));
        }
        sample.push(Vec::new());
        let measured = sample.measure(0.5, 0.8);
        assert_eq!((measured.n_documents, measured.n_sampled), (1601, 1600));
        let counts: Vec<(u64, u64)> = measured
            .bins
            .iter()
            .map(|bin| ((bin.from * 100.0).round() as u64, bin.n_pairs))
            .collect();
        assert_eq!(counts, [(50, 200), (65, 200), (80, 200), (90, 200)]);
        for bin in &measured.bins {
            // Five standard deviations of 200 draws are at most 36.
            assert!((bin.n_found as f64 - bin.predicted).abs() < 36.0, "{bin:?}");
        }
        let found: u64 = measured.bins.iter().map(|bin| bin.n_found).sum();
        let wanted: u64 = measured.bins[2..].iter().map(|bin| bin.n_found).sum();
        assert_eq!(measured.recall, Some(wanted as f64 / 400.0));
        assert_eq!(measured.precision, Some(wanted as f64 / found as f64));
    }

    #[test]
    fn a_small_sample_keeps_similar_documents_together() {
        let hasher = MinHashConfig::default().resolve().unwrap();
        let mut sample = CalibrationSample::new(&hasher, 100);
        for i in 0..1000u64 {
            pair(i, 190).into_iter().for_each(|set| sample.push(set));
        }
        let pairs: u64 = sample.measure(0.5, 0.8).bins.iter().map(|bin| bin.n_pairs).sum();
        // At random, 2.5 of 1000 pairs would be; here about 0.9 of 50.
        assert!((35..=50).contains(&pairs), "{pairs}");
        assert_eq!(CalibrationSample::new(&hasher, 0).measure(0.5, 0.8).recall, None);
    }
}
