//! Training of Unigram vocabularies: from counts of words to pieces with log probabilities
//! (Kudo 2018, arXiv:1804.10959; the procedure of SentencePiece).

use serde::{Deserialize, Serialize};

use crate::error::{BpeError, Result};

mod alphabet;
mod expectation;
mod lattice;
mod parts;
mod prune;
mod seeds;
mod vocabulary;

use alphabet::Alphabet;
use expectation::expectation;
use prune::prune;
use seeds::seeds;
pub use vocabulary::UnigramVocabulary;

/// What to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UnigramTrainerConfig {
    /// Pieces to end with, the unknown piece, control and byte pieces included. Fewer are made when the
    /// text has no more; the characters that have to be covered are made even when they are more.
    pub vocab_size: usize,
    /// Control pieces. They come after the unknown piece, before bytes.
    #[serde(default)]
    pub control_pieces: Vec<String>,
    /// Adds pieces for the 256 bytes, of which unknown characters are made.
    #[serde(default)]
    pub byte_fallback: bool,
    /// The share of all characters that has to be covered: the most frequent characters that make it
    /// up are all pieces, the others are unknown.
    #[serde(default = "default_character_coverage")]
    pub character_coverage: f64,
    /// The longest piece, in characters.
    #[serde(default = "default_max_piece_chars")]
    pub max_piece_chars: usize,
    /// Pieces to begin with, at most.
    #[serde(default = "default_seed_size")]
    pub seed_size: usize,
    /// The share of pieces that a round of pruning keeps, at least.
    #[serde(default = "default_shrinking_factor")]
    pub shrinking_factor: f64,
    /// Steps of expectation maximisation between rounds of pruning.
    #[serde(default = "default_sub_iterations")]
    pub sub_iterations: usize,
}

fn default_character_coverage() -> f64 {
    0.9995
}

fn default_max_piece_chars() -> usize {
    16
}

fn default_seed_size() -> usize {
    1_000_000
}

fn default_shrinking_factor() -> f64 {
    0.75
}

fn default_sub_iterations() -> usize {
    2
}

impl UnigramTrainerConfig {
    /// SentencePiece's defaults: no byte fallback, coverage 0.9995, pieces of up to 16 characters, a
    /// million seeds, shrinking by 0.75 after 2 steps; and no control pieces.
    pub fn new(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            control_pieces: vec![],
            byte_fallback: false,
            character_coverage: default_character_coverage(),
            max_piece_chars: default_max_piece_chars(),
            seed_size: default_seed_size(),
            shrinking_factor: default_shrinking_factor(),
            sub_iterations: default_sub_iterations(),
        }
    }

    /// Pieces that are not learned.
    fn n_meta_pieces(&self) -> usize {
        1 + self.control_pieces.len() + if self.byte_fallback { 256 } else { 0 }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.vocab_size <= self.n_meta_pieces() {
            let n = self.n_meta_pieces();
            faults.push(format!(
                "vocab_size {} leaves nothing beside {n} fixed pieces",
                self.vocab_size
            ));
        }
        if u32::try_from(self.vocab_size.max(self.seed_size)).is_err() {
            faults.push("vocab_size or seed_size is not below 2^32".to_owned());
        }
        if !(0.0..=1.0).contains(&self.character_coverage) {
            faults.push(format!("character_coverage {} is not in 0..=1", self.character_coverage));
        }
        if !(1..=255).contains(&self.max_piece_chars) {
            faults.push(format!("max_piece_chars {} is not in 1..=255", self.max_piece_chars));
        }
        if !(self.shrinking_factor >= 0.0 && self.shrinking_factor < 1.0) {
            faults.push(format!("shrinking_factor {} is not in 0..1", self.shrinking_factor));
        }
        let names: std::collections::HashSet<&str> =
            self.control_pieces.iter().map(String::as_str).collect();
        if names.len() < self.control_pieces.len() || names.contains("") || names.contains(UNKNOWN)
        {
            faults.push(format!("control_pieces has an empty or repeated name or {UNKNOWN}"));
        }
        faults
    }
}

/// The name of the unknown piece.
const UNKNOWN: &str = "<unk>";

/// Where training stands, after each step of expectation maximisation.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct UnigramProgress {
    /// Pieces left.
    pub n_pieces: usize,
    /// Pieces wanted.
    pub target: usize,
    /// Minus the mean log likelihood of a word, in nats.
    pub objective: f64,
}

/// Learns a Unigram vocabulary from counts of words.
#[derive(Clone, Debug)]
pub struct UnigramTrainer {
    config: UnigramTrainerConfig,
}

impl UnigramTrainer {
    /// A trainer; its configuration is checked.
    ///
    /// # Errors
    /// [`BpeError::Config`] with all faults.
    pub fn new(config: UnigramTrainerConfig) -> Result<Self> {
        let faults = config.faults();
        if faults.is_empty() { Ok(Self { config }) } else { Err(BpeError::Config { faults }) }
    }

    /// Learns pieces from distinct words and how often each occurs.
    ///
    /// Words are what a normaliser and a pre-tokenizer make of texts, with `▁` for the space before
    /// them; no piece goes beyond a word, and none has `▁` anywhere but at its beginning. Words may come
    /// in any order, and a word several times.
    ///
    /// Seeds are the substrings that occur at least twice and that no character always follows, the
    /// best million by length times count. Then, in turn: expectation maximisation with a sparse prior
    /// (digamma), and removal of those pieces whose loss changes the likelihood least, until 1.1 times
    /// the size is left; the rest goes by probability. Each step is O(n · length of the longest piece)
    /// in the characters of the distinct words; memory is about 40 bytes for each of them and 100 for
    /// each seed. The result does not depend on the order of the words nor, with the feature `rayon`,
    /// on the number of threads.
    pub fn train<'a>(
        &self,
        words: impl IntoIterator<Item = (&'a str, u64)>,
        observe: &mut dyn FnMut(UnigramProgress),
    ) -> Result<UnigramVocabulary> {
        let config = &self.config;
        let (alphabet, words) = Alphabet::cover(words, config.character_coverage);
        let target = config.vocab_size - config.n_meta_pieces();
        // Pruning stops above the size wanted, so that probability has the last word.
        let enough = config.vocab_size + config.vocab_size / 10;
        let mut pieces = seeds(&words, &alphabet, config);
        loop {
            for _ in 0..config.sub_iterations {
                let expected = expectation(&pieces, &words);
                pieces = pieces.maximize(&expected.counts);
                let objective = expected.objective;
                observe(UnigramProgress { n_pieces: pieces.len(), target, objective });
            }
            if pieces.len() <= enough {
                break;
            }
            let n_before = pieces.len();
            let wanted = ((n_before as f64 * config.shrinking_factor) as usize).max(enough);
            pieces = prune(&pieces, &words, wanted);
            if pieces.len() <= enough || pieces.len() == n_before {
                break;
            }
        }
        Ok(UnigramVocabulary::new(config, &pieces, &alphabet, target))
    }
}

#[cfg(test)]
mod tests;
