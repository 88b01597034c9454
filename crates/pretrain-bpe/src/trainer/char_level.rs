//! Character-level BPE.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use super::config::CharTrainerConfig;
use super::learn::Limits;
use super::training::{Checkpoint, IdSink, Identity, Progress, Start, TrainedBpe, Training};
use super::vocab::GrowingVocab;
use crate::counts::{CountSource, PreTokenCounts, check_split};
use crate::error::Result;

/// Learns a character-level vocabulary from counts: Hugging Face's `BpeTrainer` over characters, and
/// with byte tokens the vocabulary of a SentencePiece BPE model.
///
/// A normaliser is applied to the texts before they are counted.
#[derive(Clone, Debug)]
pub struct CharTrainer {
    config: CharTrainerConfig,
    /// Cut as the texts have to be.
    empty: PreTokenCounts,
}

impl CharTrainer {
    /// Checks the configuration.
    ///
    /// # Errors
    ///
    /// [`BpeError::Config`](crate::BpeError::Config) with every fault;
    /// [`BpeError::Regex`](crate::BpeError::Regex) when a custom pattern does not compile.
    pub fn new(config: CharTrainerConfig) -> Result<Self> {
        config.check()?;
        let empty = PreTokenCounts::with_split(&config.split)?;
        Ok(Self { config, empty })
    }

    /// The configuration.
    pub fn config(&self) -> &CharTrainerConfig {
        &self.config
    }

    /// Empty counts for this trainer's way of cutting. Make one per thread and merge them.
    pub fn counts(&self) -> PreTokenCounts {
        self.empty.clone()
    }

    /// Counts some texts on this thread.
    pub fn count<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>) -> PreTokenCounts {
        let mut counts = self.counts();
        texts.into_iter().for_each(|text| counts.count(text.as_ref()));
        counts
    }

    /// Learns the merges. `progress` is called after each. Cost and memory are those of
    /// [`Trainer::train`](crate::Trainer::train), with characters for bytes.
    ///
    /// # Errors
    ///
    /// As [`Trainer::train`](crate::Trainer::train).
    pub fn train<C: CountSource>(
        &self,
        counts: &C,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<TrainedBpe> {
        let mut training = self.start(counts)?;
        let _ = training.run(&mut |step| {
            progress(step);
            ControlFlow::Continue(())
        });
        Ok(training.vocabulary())
    }

    /// Prepares a run that can be stopped and written down.
    ///
    /// # Errors
    ///
    /// As [`train`](Self::train).
    pub fn start<'c, C: CountSource>(&self, counts: &'c C) -> Result<Training<'c>> {
        self.start_from(counts, None)
    }

    /// Takes up a run from its checkpoint: it ends as if it had not been interrupted.
    ///
    /// # Errors
    ///
    /// As [`Trainer::resume`](crate::Trainer::resume).
    pub fn resume<'c, C: CountSource>(
        &self,
        counts: &'c C,
        checkpoint: &Checkpoint,
    ) -> Result<Training<'c>> {
        self.start_from(counts, Some(checkpoint))
    }

    fn start_from<'c>(
        &self,
        counts: &'c dyn CountSource,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Training<'c>> {
        let config = &self.config;
        check_split(&config.split, counts.split())?;
        let mut vocab = GrowingVocab::new(&config.special_tokens);
        if config.byte_fallback {
            (0..=255u8).for_each(|byte| _ = vocab.add_idle(format!("<0x{byte:02X}>")));
        }
        let mut char_ids = HashMap::new();
        for c in self.alphabet(counts)? {
            char_ids.insert(c, vocab.add_unit(c.to_string()));
        }
        let mut ids = Vec::new();
        let mut units = |pre_token: &[u8], sink: &mut IdSink<'_>| {
            ids.clear();
            for c in chars(pre_token) {
                match char_ids.get(&c) {
                    Some(&id) => ids.push(id),
                    None if config.byte_fallback => {
                        sink(&mut ids);
                        ids.clear();
                    }
                    None => {}
                }
            }
            sink(&mut ids);
        };
        let without_size = CharTrainerConfig { vocab_size: 0, ..config.clone() };
        let start = Start {
            counts,
            identity: Identity {
                config: serde_json::to_string(&without_size).expect("plain data is always JSON"),
                base: String::new(),
            },
            limits: Limits {
                vocab_size: config.vocab_size,
                min_frequency: config.min_frequency,
                max_token_length: config.max_token_length,
            },
            min_count: config.min_count,
            vocab,
            base_merges: Vec::new(),
            units: &mut units,
        };
        Training::new(start, checkpoint)
    }

    /// The characters that get a token, in order of code points.
    fn alphabet(&self, counts: &dyn CountSource) -> Result<Vec<char>> {
        let mut frequency = char_frequencies(counts, self.config.min_count)?;
        frequency.extend(self.config.initial_alphabet.chars().map(|c| (c, u128::MAX)));
        Ok(most_frequent(frequency, self.config.limit_alphabet))
    }
}

/// How often each character occurs.
pub(super) fn char_frequencies(
    counts: &dyn CountSource,
    min_count: u64,
) -> Result<BTreeMap<char, u128>> {
    let mut frequency: HashMap<char, u128> = HashMap::new();
    counts.for_each(&mut |pre_token, count| {
        if count >= min_count {
            for c in chars(pre_token) {
                *frequency.entry(c).or_default() += u128::from(count);
            }
        }
    })?;
    Ok(frequency.into_iter().filter(|(_, count)| *count > 0).collect())
}

/// The characters of a pre-token. It is UTF-8 unless it comes from a file of counts that somebody made
/// up; then U+FFFD stands for what is not.
pub(super) fn chars(pre_token: &[u8]) -> impl Iterator<Item = char> {
    pre_token.utf8_chunks().flat_map(|chunk| {
        let broken = (!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER);
        chunk.valid().chars().chain(broken)
    })
}

/// The most frequent characters, in order.
pub(super) fn most_frequent(frequency: BTreeMap<char, u128>, limit: Option<usize>) -> Vec<char> {
    let mut chars: Vec<(char, u128)> = frequency.into_iter().collect();
    if let Some(limit) = limit {
        // A stable sort leaves equally frequent characters in order.
        chars.sort_by_key(|(_, frequency)| std::cmp::Reverse(*frequency));
        chars.truncate(limit);
        chars.sort_unstable();
    }
    chars.into_iter().map(|(c, _)| c).collect()
}
