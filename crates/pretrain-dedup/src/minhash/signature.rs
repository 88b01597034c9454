//! From a text to its signature.

use super::permutation::Permutations;
use super::shingle::Shingler;
use super::{MinHashConfig, ShortDocuments};
use xxhash_rust::xxh3::xxh3_64;

/// Hashes that go through the permutations together; two kilobytes stay in the first-level cache.
const BLOCK: usize = 256;

/// Makes signatures under one configuration. Pure and shareable: `&self` everywhere, `Send + Sync`.
#[derive(Debug, Clone)]
pub struct MinHash {
    config: MinHashConfig,
    permutations: Permutations,
}

/// The smallest value of every permutation over the shingles of one document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Signature {
    values: Box<[u64]>,
    n_shingles: u64,
}

impl Signature {
    /// A signature made elsewhere: its `bands * rows` values, band after band, and the number of
    /// shingles (with repeats) behind them, by which [`crate::Keep::Longest`] measures documents.
    pub fn new(values: Vec<u64>, n_shingles: u64) -> Self {
        Self { values: values.into(), n_shingles }
    }

    /// The values, `rows` for the first band, then `rows` for the second, and so on.
    pub fn values(&self) -> &[u64] {
        &self.values
    }

    /// Number of shingles of the document, repeats included.
    pub fn n_shingles(&self) -> u64 {
        self.n_shingles
    }

    /// The share of equal values, an estimate of the Jaccard similarity with standard deviation
    /// `sqrt(j (1 - j) / permutations)`. Zero for signatures of different lengths or without values.
    pub fn similarity(&self, other: &Self) -> f64 {
        if self.values.len() != other.values.len() || self.values.is_empty() {
            return 0.0;
        }
        let equal = self.values.iter().zip(&other.values).filter(|(a, b)| a == b).count();
        equal as f64 / self.values.len() as f64
    }
}

impl MinHash {
    /// `config` was checked.
    pub(super) fn new(config: MinHashConfig) -> Self {
        let seed = u32::try_from(config.seed).expect("resolve checked the seed");
        let permutations = Permutations::new(config.n_permutations(), seed, config.bits);
        Self { config, permutations }
    }

    /// The parameters.
    pub fn config(&self) -> &MinHashConfig {
        &self.config
    }

    /// The signature of a text: simplified, cut into words, hashed. `None` if it has too few words,
    /// see [`ShortDocuments`].
    pub fn signature(&self, text: &str) -> Option<Signature> {
        let simplified = pretrain_text::simplify(text);
        self.signature_of_words(pretrain_text::words(&simplified))
    }

    /// The signature of a text that was simplified and cut into words elsewhere.
    pub fn signature_of_words<'a>(
        &self,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Option<Signature> {
        let mut reduction = Reduction::new(&self.permutations);
        self.for_each_hash(words, |hash| reduction.push(hash));
        reduction.finish()
    }

    /// The signature over shingle hashes made elsewhere, in any order. `None` if there are none.
    pub fn signature_of_hashes(&self, hashes: impl IntoIterator<Item = u64>) -> Option<Signature> {
        let mut reduction = Reduction::new(&self.permutations);
        hashes.into_iter().for_each(|hash| reduction.push(hash));
        reduction.finish()
    }

    /// The hashes of a text's shingles in order, repeats included; empty exactly if
    /// [`MinHash::signature`] gives `None`. Eight bytes per word.
    pub fn shingle_hashes(&self, text: &str) -> Vec<u64> {
        let simplified = pretrain_text::simplify(text);
        self.shingle_hashes_of_words(pretrain_text::words(&simplified))
    }

    /// As [`MinHash::shingle_hashes`], for words made elsewhere.
    pub fn shingle_hashes_of_words<'a>(
        &self,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Vec<u64> {
        let mut hashes = Vec::new();
        self.for_each_hash(words, |hash| hashes.push(hash));
        hashes
    }

    fn for_each_hash<'a>(
        &self,
        words: impl IntoIterator<Item = &'a str>,
        mut each: impl FnMut(u64),
    ) {
        let MinHashConfig { ngram, hash, bits, .. } = self.config;
        let mut shingler = Shingler::new(ngram);
        for word in words {
            if let Some(shingle) = shingler.push(word) {
                each(hash.hash(shingle, bits));
            }
        }
        if self.config.short_documents == ShortDocuments::Hash
            && let Some(shingle) = shingler.short()
        {
            each(hash.hash(shingle, bits));
        }
    }

    /// The hash of every band of a signature of the right length: xxh3-64 of the values, each as eight
    /// bytes, little-endian.
    pub fn band_keys(&self, signature: &Signature) -> impl Iterator<Item = u64> {
        let mut bytes = Vec::with_capacity(8 * self.config.rows);
        signature.values.chunks(self.config.rows).map(move |band| {
            bytes.clear();
            band.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
            xxh3_64(&bytes)
        })
    }

    /// The probability that two documents whose shingle sets have Jaccard similarity `j` share a band:
    /// `1 - (1 - j^rows)^bands`.
    pub fn s_curve(&self, j: f64) -> f64 {
        1.0 - (1.0 - j.powf(self.config.rows as f64)).powf(self.config.bands as f64)
    }

    /// The similarity at which [`MinHash::s_curve`] is one half.
    pub fn threshold(&self) -> f64 {
        let missed_by_one_band = 0.5f64.powf(1.0 / self.config.bands as f64);
        (1.0 - missed_by_one_band).powf(1.0 / self.config.rows as f64)
    }
}

/// Shingle hashes on their way into minima, in blocks.
struct Reduction<'a> {
    permutations: &'a Permutations,
    minima: super::permutation::Minima,
    block: [u64; BLOCK],
    filled: usize,
    n_hashes: u64,
}

impl<'a> Reduction<'a> {
    fn new(permutations: &'a Permutations) -> Self {
        let minima = permutations.start();
        Self { permutations, minima, block: [0; BLOCK], filled: 0, n_hashes: 0 }
    }

    fn push(&mut self, hash: u64) {
        self.block[self.filled] = hash;
        self.filled += 1;
        if self.filled == BLOCK {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.permutations.lower(&mut self.minima, &self.block[..self.filled]);
        self.n_hashes += self.filled as u64;
        self.filled = 0;
    }

    fn finish(mut self) -> Option<Signature> {
        self.flush();
        let Self { permutations, minima, n_hashes, .. } = self;
        (n_hashes > 0)
            .then(|| Signature { values: permutations.finish(minima), n_shingles: n_hashes })
    }
}

#[cfg(test)]
mod tests;
