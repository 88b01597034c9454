//! Training: from counts of pre-tokens to merges, bit for bit as Hugging Face's `BpeTrainer`.
//!
//! Each step merges the most frequent pair of adjacent tokens; of equally frequent ones that with the
//! smaller left id, then the smaller right id. Ids: special tokens in their order, then the bytes in
//! the order of the characters that stand for them in `tokenizer.json`, then the products of merges.

use serde::{Deserialize, Serialize};

use crate::byte_bpe::MergeRule;
use crate::byte_level::{self, BYTES_IN_CHAR_ORDER};
use crate::counts::PreTokenCounts;
use crate::error::{BpeError, Result};
use crate::pattern::Pattern;
use crate::pretokenize::PreTokenizer;
use crate::token::{AddedToken, TokenId};
use crate::tokenizer::{Parts, Tokenizer};
use crate::vocabulary::NO_TOKEN;

mod learn;
#[cfg(test)]
mod tests;

/// What to train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TrainerConfig {
    /// Tokens to end with, special tokens and bytes included. Fewer are made when no pair is left; the
    /// special tokens and bytes are made even when they are more.
    pub vocab_size: usize,
    /// How texts are cut.
    pub pattern: Pattern,
    /// Control tokens. They take the first ids.
    #[serde(default)]
    pub special_tokens: Vec<String>,
    /// Training stops at the first pair that occurs less often. 0 and 1 mean the same.
    #[serde(default)]
    pub min_frequency: u64,
    /// Pairs that would make a token of this many bytes *or more* are not counted, so learned tokens
    /// are shorter than this; pairs of two bytes are always counted. The rule is Hugging Face's.
    #[serde(default)]
    pub max_token_length: Option<usize>,
    /// Which bytes get a token.
    #[serde(default)]
    pub alphabet: Alphabet,
    /// Keeps only this many bytes, the most frequent; of equally frequent ones those that are first in
    /// order. Bytes of the initial alphabet count as the most frequent of all. The others are left out
    /// of every text. `None` keeps all.
    #[serde(default)]
    pub limit_alphabet: Option<usize>,
}

/// The bytes that get a token before the first merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Alphabet {
    /// All 256, so that any text can be encoded.
    #[default]
    AllBytes,
    /// Those that occur in the training text. Others are lost when a text is encoded.
    SeenBytes,
}

impl TrainerConfig {
    /// A configuration with all 256 bytes, no special tokens and no limits.
    pub fn new(vocab_size: usize, pattern: Pattern) -> Self {
        Self {
            vocab_size,
            pattern,
            special_tokens: Vec::new(),
            min_frequency: 0,
            max_token_length: None,
            alphabet: Alphabet::AllBytes,
            limit_alphabet: None,
        }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.vocab_size >= NO_TOKEN as usize {
            faults.push(format!("vocab_size {} is not below 2^32 - 1", self.vocab_size));
        }
        if self.special_tokens.iter().any(String::is_empty) {
            faults.push("a special token is empty".to_owned());
        }
        if self.max_token_length == Some(0) {
            faults.push("max_token_length is 0".to_owned());
        }
        faults
    }
}

/// Where training stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Tokens in the vocabulary so far.
    pub vocab_size: usize,
    /// Tokens wanted.
    pub target: usize,
    /// How often the pair of the last merge occurred.
    pub frequency: u64,
}

/// Learns a vocabulary from counts.
#[derive(Clone, Debug)]
pub struct Trainer {
    config: TrainerConfig,
    pre_tokenizer: PreTokenizer,
}

impl Trainer {
    /// Checks the configuration.
    ///
    /// # Errors
    ///
    /// [`BpeError::Config`] with every fault; [`BpeError::Regex`] when a custom pattern does not
    /// compile.
    pub fn new(config: TrainerConfig) -> Result<Self> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(BpeError::Config { faults });
        }
        let pre_tokenizer = PreTokenizer::new(&config.pattern)?;
        Ok(Self { config, pre_tokenizer })
    }

    /// The configuration.
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }

    /// Empty counts for this trainer's pattern. Make one per thread and merge them.
    pub fn counts(&self) -> PreTokenCounts {
        PreTokenCounts::of(self.pre_tokenizer.clone())
    }

    /// Counts some texts on this thread.
    pub fn count<T: AsRef<str>>(&self, texts: impl IntoIterator<Item = T>) -> PreTokenCounts {
        let mut counts = self.counts();
        texts.into_iter().for_each(|text| counts.count(text.as_ref()));
        counts
    }

    /// Learns the merges. `progress` is called after each.
    ///
    /// The result depends on the counts only, not on the order in which they were made. Memory, beside
    /// the counts: 4 bytes per byte of distinct pre-tokens, 24 for each of them, and 4 for each pair of
    /// neighbours in them. With [`Pattern::None`] a merge costs the length of the texts that hold its
    /// pair: meant for short texts.
    ///
    /// # Errors
    ///
    /// [`BpeError::PatternMismatch`] when the counts were made with another pattern.
    pub fn train(
        &self,
        counts: &PreTokenCounts,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Tokenizer> {
        counts.check_pattern(&self.config.pattern).map_err(|_| BpeError::PatternMismatch {
            expected: self.config.pattern.to_string(),
            found: counts.pattern().to_string(),
        })?;
        let mut vocab = TrainedVocab::new(&self.config.special_tokens);
        let byte_ids = vocab.add_alphabet(&self.alphabet(counts));
        let merges = learn::learn(&self.config, counts, &byte_ids, &mut vocab, progress);
        vocab.into_tokenizer(&self.config, merges)
    }

    /// The bytes that get a token, in order of id.
    fn alphabet(&self, counts: &PreTokenCounts) -> Vec<u8> {
        let is_initial = self.config.alphabet == Alphabet::AllBytes;
        let mut frequency = [if is_initial { u128::MAX } else { 0 }; 256];
        if !is_initial {
            for (pre_token, count) in counts.iter() {
                for &byte in pre_token {
                    frequency[byte as usize] += u128::from(count);
                }
            }
        }
        let is_kept = |byte: &u8| frequency[*byte as usize] > 0;
        let mut bytes: Vec<u8> = BYTES_IN_CHAR_ORDER.into_iter().filter(is_kept).collect();
        if let Some(limit) = self.config.limit_alphabet {
            // A stable sort leaves equally frequent bytes in order.
            bytes.sort_by_key(|&byte| std::cmp::Reverse(frequency[byte as usize]));
            bytes.truncate(limit);
            bytes.sort_by_key(|&byte| byte_level::char_of(byte));
        }
        bytes
    }
}

/// The vocabulary as it grows. Names are those of `tokenizer.json`, because a learned token whose name
/// equals a special token's takes over its id.
struct TrainedVocab {
    ids: std::collections::HashMap<String, u32>,
    n_specials: usize,
    /// Bytes by id; `None` for a special token that is nothing else.
    tokens: Vec<Option<Vec<u8>>>,
}

impl TrainedVocab {
    fn new(special_tokens: &[String]) -> Self {
        let mut this = Self { ids: Default::default(), n_specials: 0, tokens: Vec::new() };
        for content in special_tokens {
            if !this.ids.contains_key(content) {
                this.ids.insert(content.clone(), this.tokens.len() as u32);
                this.tokens.push(None);
            }
        }
        this.n_specials = this.tokens.len();
        this
    }

    fn len(&self) -> usize {
        self.tokens.len()
    }

    fn bytes(&self, id: u32) -> &[u8] {
        self.tokens[id as usize].as_deref().expect("only tokens made of bytes are merged")
    }

    /// The id of a token, made if it has none.
    fn id_of(&mut self, bytes: Vec<u8>) -> u32 {
        let name = byte_level::to_text(&bytes);
        let id = *self.ids.entry(name).or_insert(self.tokens.len() as u32);
        if id as usize == self.tokens.len() {
            self.tokens.push(None);
        }
        self.tokens[id as usize] = Some(bytes);
        id
    }

    fn add_alphabet(&mut self, alphabet: &[u8]) -> [u32; 256] {
        let mut byte_ids = [NO_TOKEN; 256];
        for &byte in alphabet {
            byte_ids[byte as usize] = self.id_of(vec![byte]);
        }
        byte_ids
    }

    fn into_tokenizer(self, config: &TrainerConfig, merges: Vec<(u32, u32)>) -> Result<Tokenizer> {
        let specials = self.ids.into_iter().filter(|(_, id)| (*id as usize) < self.n_specials);
        let added =
            specials.map(|(content, id)| AddedToken::special(TokenId(id), content)).collect();
        let tokens = (0..).zip(self.tokens).filter_map(|(id, bytes)| Some((id, bytes?))).collect();
        Tokenizer::build(Parts {
            tokens,
            added,
            rule: MergeRule::Pairs { merges, ignore_merges: false },
            pattern: config.pattern.clone(),
            byte_level_post: None,
        })
    }
}
