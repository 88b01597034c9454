//! What a signature is made of.

use super::MinHash;
use crate::error::ConfigFault;
use crate::{DedupError, Keep, Result};
use serde::{Deserialize, Serialize};

/// The hash function of shingles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HashFamily {
    /// xxh64 or, with 32 bits, xxh32; seed 0. FineWeb-2 and datatrove's default.
    Xxhash,
    /// The first eight (four) bytes of SHA-1 as a little-endian number. FineWeb.
    Sha1,
}

/// What becomes of a document with fewer words than a shingle has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShortDocuments {
    /// It has no signature and is always kept (datatrove).
    Keep,
    /// All its words together are its only shingle, so that equal short documents match (text-dedup,
    /// duplodocus). A document without any word has no signature and is kept.
    Hash,
}

/// The parameters of MinHash-LSH, as a person writes them; [`MinHashConfig::resolve`] checks them.
///
/// The default is that of datatrove 0.10: 14 bands of 8 rows, 5 words, seed 1, xxh64; the similarity
/// at which half of the pairs are found is 0.70.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MinHashConfig {
    /// Words per shingle, 1 to 4096.
    pub ngram: usize,
    /// Bands per signature. More bands find less similar pairs.
    pub bands: usize,
    /// Values per band. More rows make the curve steeper and move it to the right.
    pub rows: usize,
    /// The hash function of shingles.
    pub hash: HashFamily,
    /// Width of hashes and signature values: 64, or 32 as in datatrove's 32-bit mode.
    pub bits: u32,
    /// Seed of the permutations, below 2^32 as NumPy's.
    pub seed: u64,
    /// What becomes of documents with fewer than `ngram` words.
    pub short_documents: ShortDocuments,
    /// Which document of a cluster stays; the longest is the one with most shingles.
    pub keep: Keep,
}

impl Default for MinHashConfig {
    fn default() -> Self {
        Self {
            ngram: 5,
            bands: 14,
            rows: 8,
            hash: HashFamily::Xxhash,
            bits: 64,
            seed: 1,
            short_documents: ShortDocuments::Keep,
            keep: Keep::First,
        }
    }
}

/// Most permutations a signature may have.
const MAX_PERMUTATIONS: usize = 1 << 16;

impl MinHashConfig {
    /// The hashing that FineWeb was deduplicated with: as the default, but SHA-1. FineWeb's words came
    /// from an older simplification and another tokenizer (NLTK), so its signatures need those words.
    pub fn fineweb() -> Self {
        Self { hash: HashFamily::Sha1, ..Self::default() }
    }

    /// Number of hash functions, which is the length of a signature.
    pub fn n_permutations(&self) -> usize {
        self.bands.saturating_mul(self.rows)
    }

    /// Checks the parameters and draws the permutations.
    ///
    /// # Errors
    /// [`DedupError::Config`] with every fault.
    pub fn resolve(self) -> Result<MinHash> {
        self.validate()?;
        Ok(MinHash::new(self))
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`DedupError::Config`] with every fault.
    pub fn validate(&self) -> Result<()> {
        let mut faults = Vec::new();
        let positive = [("bands", self.bands), ("rows", self.rows)];
        for (field, found) in positive.into_iter().filter(|&(_, found)| found == 0) {
            faults.push(ConfigFault::new(field, found, "1 or more"));
        }
        if !(1..=4096).contains(&self.ngram) {
            faults.push(ConfigFault::new("ngram", self.ngram, "1 to 4096"));
        }
        if self.n_permutations() > MAX_PERMUTATIONS {
            faults.push(ConfigFault::new("bands * rows", self.n_permutations(), "at most 65536"));
        }
        if self.bits != 32 && self.bits != 64 {
            faults.push(ConfigFault::new("bits", self.bits, "32 or 64"));
        }
        if u32::try_from(self.seed).is_err() {
            faults.push(ConfigFault::new("seed", self.seed, "below 2^32"));
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(DedupError::Config { what: "minhash", faults })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_at_once() {
        let config = MinHashConfig {
            ngram: 0,
            bands: 0,
            rows: 0,
            bits: 16,
            seed: 1 << 32,
            ..MinHashConfig::default()
        };
        let Err(DedupError::Config { faults, .. }) = config.resolve() else {
            panic!("the configuration is faulty")
        };
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["bands", "rows", "ngram", "bits", "seed"]);
        let huge = MinHashConfig { bands: usize::MAX, rows: 2, ..MinHashConfig::default() };
        assert_eq!(
            huge.resolve().err().map(|error| error.to_string()),
            Some(format!(
                "bad minhash configuration: bands * rows is {}, expected at most 65536",
                usize::MAX
            ))
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let good: MinHashConfig = serde_json::from_str(r#"{"bands": 20, "hash": "sha1"}"#).unwrap();
        assert_eq!(good, MinHashConfig { bands: 20, ..MinHashConfig::fineweb() });
        assert!(serde_json::from_str::<MinHashConfig>(r#"{"band": 20}"#).is_err());
    }
}
