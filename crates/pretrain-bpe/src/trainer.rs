//! Training: from counts of pre-tokens to merges, bit for bit as Hugging Face's `BpeTrainer`.
//!
//! Each step merges the most frequent pair of adjacent tokens; of equally frequent ones that with the
//! smaller left id, then the smaller right id. Ids: special tokens in their order, then the bytes in
//! the order of the characters that stand for them in `tokenizer.json` (see [`TieBreak`]), or the
//! characters in the order of their code points, then the products of merges.

use std::ops::ControlFlow;

use crate::byte_bpe::MergeRule;
use crate::byte_level::{self, BYTES_IN_CHAR_ORDER};
use crate::counts::{CountSource, PreTokenCounts, Split, check_split};
use crate::error::{BpeError, Result};
use crate::token::{AddedToken, TokenId};
use crate::tokenizer::{Parts, Tokenizer};
use crate::vocabulary::NO_TOKEN;

mod char_level;
mod config;
mod learn;
mod resize;
#[cfg(test)]
mod tests;
mod training;
mod vocab;
mod word_piece;

pub use char_level::CharTrainer;
pub use config::{Alphabet, CharTrainerConfig, TieBreak, TrainerConfig, WordPieceTrainerConfig};
pub use training::{Checkpoint, Progress, TrainedBpe, Training};
pub use word_piece::{LikelihoodMerge, TrainedWordPiece, WordPieceTrainer};

use learn::Limits;
use training::{IdSink, Identity, Start};
use vocab::GrowingVocab;

/// Learns a byte-level vocabulary from counts.
#[derive(Clone, Debug)]
pub struct Trainer {
    config: TrainerConfig,
    /// Cut as the texts have to be.
    empty: PreTokenCounts,
}

impl Trainer {
    /// Checks the configuration.
    ///
    /// # Errors
    ///
    /// [`BpeError::Config`] with every fault; [`BpeError::Regex`] when a custom pattern does not
    /// compile.
    pub fn new(config: TrainerConfig) -> Result<Self> {
        config.check()?;
        let empty = PreTokenCounts::new(&config.pattern)?;
        Ok(Self { config, empty })
    }

    /// The configuration.
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }

    /// Empty counts for this trainer's pattern. Make one per thread and merge them.
    pub fn counts(&self) -> PreTokenCounts {
        self.empty.clone()
    }

    /// Counts some texts on this thread.
    pub fn count<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>) -> PreTokenCounts {
        let mut counts = self.counts();
        texts.into_iter().for_each(|text| counts.count(text.as_ref()));
        counts
    }

    /// Learns the merges. `progress` is called after each.
    ///
    /// The result depends on the counts only, not on the order in which they were made, nor on the
    /// number of threads; with the feature `rayon` those of the current pool share the work. Time and
    /// memory: of 209 MB of mixed texts (1.4 million distinct pre-tokens, 19 million bytes) 32,768
    /// tokens take 1.6 s on one thread, and 230 MB beside the counts. That is 4 bytes per byte of
    /// distinct pre-tokens, 12 for each of them, and 4 for each place of a pair that is not rare.
    ///
    /// # Errors
    ///
    /// [`BpeError::PatternMismatch`] when the counts were made with another pattern,
    /// [`BpeError::TooMuchText`] past 16 GiB of ids or 2^64 occurrences, [`BpeError::Spill`] and
    /// [`BpeError::CorruptCounts`] when the counts are read from disk.
    pub fn train<C: CountSource>(
        &self,
        counts: &C,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Tokenizer> {
        let mut training = self.start(counts)?;
        let _ = training.run(&mut |step| {
            progress(step);
            ControlFlow::Continue(())
        });
        self.tokenizer(&training)
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
    /// As [`train`](Self::train), and [`BpeError::CheckpointMismatch`] when the checkpoint is damaged or
    /// of another configuration (its vocabulary size aside) or of other counts.
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
        check_split(&self.split(), counts.split())?;
        let mut vocab = GrowingVocab::new(&self.config.special_tokens);
        let mut byte_ids = [NO_TOKEN; 256];
        for byte in self.alphabet(counts)? {
            byte_ids[byte as usize] = vocab.add_unit(byte_level::char_of(byte).to_string());
        }
        let start = Start {
            counts,
            identity: self.identity(String::new()),
            limits: self.limits(),
            min_count: self.config.min_count,
            vocab,
            base_merges: Vec::new(),
            units: &mut bytes_to_ids(byte_ids),
        };
        Training::new(start, checkpoint)
    }

    /// The tokenizer of a run of this trainer, finished or not.
    ///
    /// # Errors
    ///
    /// [`BpeError::ForeignTraining`] when the run is not one of this trainer, or extends a tokenizer
    /// (see [`extended`](Self::extended)).
    pub fn tokenizer(&self, training: &Training<'_>) -> Result<Tokenizer> {
        self.check_own(training, "")?;
        let TrainedBpe { vocab, merges, .. } = training.vocabulary();
        let is_special = |name: &String| self.config.special_tokens.contains(name);
        let mut added = Vec::new();
        let mut tokens = Vec::with_capacity(vocab.len());
        for (name, id) in vocab {
            if training.vocab.is_idle(id) {
                added.push(AddedToken::special(TokenId(id), name));
                continue;
            }
            let Some(bytes) = byte_level::from_text(&name) else {
                return Err(BpeError::NotByteLevel { token: name, id });
            };
            tokens.push((id, bytes));
            // A special token whose text was learned too is both.
            if (id as usize) < self.config.special_tokens.len() && is_special(&name) {
                added.push(AddedToken::special(TokenId(id), name));
            }
        }
        Tokenizer::build(Parts {
            tokens: tokens.into(),
            added,
            rule: MergeRule::Pairs { merges, ignore_merges: false },
            pattern: self.config.pattern.clone(),
            byte_level_post: None,
        })
    }

    fn split(&self) -> Split {
        Split::Pattern(self.config.pattern.clone())
    }

    fn limits(&self) -> Limits {
        Limits {
            vocab_size: self.config.vocab_size,
            min_frequency: self.config.min_frequency,
            max_token_length: self.config.max_token_length,
        }
    }

    fn identity(&self, base: String) -> Identity {
        let config = TrainerConfig { vocab_size: 0, ..self.config.clone() };
        let config = serde_json::to_string(&config).expect("plain data is always JSON");
        Identity { config, base }
    }

    fn check_own(&self, training: &Training<'_>, base: &str) -> Result<()> {
        let (expected, found) = (self.identity(base.to_owned()), training.identity());
        let difference = match found.config == expected.config {
            true if found.base == expected.base => return Ok(()),
            true => (expected.base, found.base.clone()),
            false => (expected.config, found.config.clone()),
        };
        Err(BpeError::ForeignTraining { expected: difference.0, found: difference.1 })
    }

    /// The bytes that get a token, in order of id.
    fn alphabet(&self, counts: &dyn CountSource) -> Result<Vec<u8>> {
        let is_initial = self.config.alphabet == Alphabet::AllBytes;
        let mut frequency = [if is_initial { u128::MAX } else { 0 }; 256];
        if !is_initial {
            counts.for_each(&mut |pre_token, count| {
                if count >= self.config.min_count {
                    for &byte in pre_token {
                        frequency[byte as usize] += u128::from(count);
                    }
                }
            })?;
        }
        let is_kept = |byte: &u8| frequency[*byte as usize] > 0;
        let order = match self.config.tie_break {
            TieBreak::Hf => BYTES_IN_CHAR_ORDER,
            TieBreak::RawBytes => std::array::from_fn(|byte| byte as u8),
        };
        let in_order: Vec<u8> = order.into_iter().filter(is_kept).collect();
        let Some(limit) = self.config.limit_alphabet else { return Ok(in_order) };
        // A stable sort leaves equally frequent bytes in order.
        let mut kept = in_order.clone();
        kept.sort_by_key(|&byte| std::cmp::Reverse(frequency[byte as usize]));
        kept.truncate(limit);
        Ok(in_order.into_iter().filter(|byte| kept.contains(byte)).collect())
    }
}

/// The ids of a pre-token's bytes; a byte without token is left out.
fn bytes_to_ids(byte_ids: [u32; 256]) -> impl FnMut(&[u8], &mut IdSink<'_>) {
    let mut ids = Vec::new();
    move |pre_token, sink| {
        ids.clear();
        let found = pre_token.iter().map(|&byte| byte_ids[byte as usize]);
        ids.extend(found.filter(|&id| id != NO_TOKEN));
        sink(&mut ids);
    }
}
