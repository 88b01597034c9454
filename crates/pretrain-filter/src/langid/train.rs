//! Making a model from labelled text.

use std::collections::{BTreeMap, HashMap};

use super::model::{Feature, NgramLanguageId, STEP};
use super::ngrams::{Letters, N_KINDS};
use crate::error::{FilterError, Result};

/// What is counted for a feature a language was never seen with.
const ALPHA: f64 = 0.01;

/// Which features stay in a model: how often they have to occur.
#[derive(Clone, Debug, PartialEq)]
pub struct Pruning {
    /// Over all languages, for n-grams of 1, 2, 3 and 4 characters and for words.
    pub min_count: [u32; N_KINDS],
    /// In one language, for n-grams of three characters or more and for words, unless it has more
    /// than half of the occurrences of the language that has most.
    pub min_count_of_language: u32,
}

impl Default for Pruning {
    fn default() -> Self {
        Self { min_count: [2, 3, 6, 8, 6], min_count_of_language: 2 }
    }
}

/// Counts features of labelled texts. Memory grows with the number of different n-grams: about 200
/// bytes for each. The model does not depend on the order of the texts.
#[derive(Debug, Default)]
pub struct LanguageTrainer {
    /// Language to its texts' counts: `[kind]` to key to occurrences.
    counts: BTreeMap<String, Vec<HashMap<u32, u32>>>,
    letters: Letters,
}

impl LanguageTrainer {
    /// Adds a text (best a line) of a language.
    pub fn add(&mut self, code: &str, text: &str) {
        let new = || vec![HashMap::new(); N_KINDS];
        let counts = self.counts.entry(code.to_owned()).or_insert_with(new);
        self.letters.read(text, usize::MAX);
        self.letters.features(|kind, key| *counts[kind].entry(key).or_default() += 1);
    }

    /// The model.
    ///
    /// # Errors
    ///
    /// [`FilterError::Model`] for no language, or more than 256.
    pub fn finish(&self, pruning: &Pruning) -> Result<NgramLanguageId> {
        let n = self.counts.len();
        if n == 0 || n > 256 {
            let problem = format!("{n} languages, 1 to 256 fit");
            return Err(FilterError::Model {
                format: "language identification",
                offset: 0,
                problem,
            });
        }
        let mut unseen = Vec::new();
        let mut features = BTreeMap::new();
        for kind in 0..N_KINDS {
            // Key to (language, occurrences); languages come in order.
            let mut all: BTreeMap<u32, Vec<(u8, u32)>> = BTreeMap::new();
            for (language, counts) in self.counts.values().enumerate() {
                for (&key, &count) in &counts[kind] {
                    all.entry(key).or_default().push((language as u8, count));
                }
            }
            let n_types = all.len() as f64;
            all.retain(|_, entries| {
                let sum: u64 = entries.iter().map(|e| u64::from(e.1)).sum();
                sum >= u64::from(pruning.min_count[kind])
            });
            if kind >= 2 {
                for entries in all.values_mut() {
                    let most = entries.iter().map(|e| e.1).max().unwrap_or(0);
                    let min = pruning.min_count_of_language;
                    entries.retain(|e| e.1 >= min || 2 * e.1 >= most);
                }
            }
            let mut totals = vec![0.0f64; n];
            for &(language, count) in all.values().flatten() {
                totals[usize::from(language)] += f64::from(count);
            }
            let of_language = |total: &f64| (ALPHA / (total + ALPHA * n_types)).ln() as f32;
            unseen.push(totals.iter().map(of_language).collect());
            for (key, entries) in all {
                let step = |count: u32| {
                    let weight = ((f64::from(count) + ALPHA) / ALPHA).ln() / f64::from(STEP);
                    weight.round().min(255.0) as u8
                };
                let entries: Vec<(u8, u8)> = entries.iter().map(|&(l, c)| (l, step(c))).collect();
                // Keys of two kinds can agree by chance; the shorter n-gram keeps its place.
                features.entry(key).or_insert(entries);
            }
        }
        let features =
            features.into_iter().map(|(key, entries)| Feature { key, entries }).collect();
        let codes = self.counts.keys().cloned().collect();
        Ok(NgramLanguageId::assemble(codes, unseen, features))
    }
}
