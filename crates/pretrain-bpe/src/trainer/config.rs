//! What to train.

use serde::{Deserialize, Serialize};

use crate::counts::Split;
use crate::error::{BpeError, Result};
use crate::pattern::Pattern;
use crate::vocabulary::NO_TOKEN;

/// What byte-level BPE to train.
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
    /// Pre-tokens seen less often are left out, which saves memory and changes the result. 0 and 1
    /// keep all.
    #[serde(default)]
    pub min_count: u64,
    /// Pairs that would make a token of this many bytes *or more* are not counted, so learned tokens
    /// are shorter than this; pairs of two bytes are always counted. The rule is Hugging Face's.
    #[serde(default)]
    pub max_token_length: Option<usize>,
    /// Which of two equally frequent pairs merges first.
    #[serde(default)]
    pub tie_break: TieBreak,
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

/// Which of two equally frequent pairs merges first: always the one with the smaller left id, then the
/// smaller right id. The modes differ in the order in which the bytes get their ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TieBreak {
    /// Hugging Face: the bytes in the order of the characters that stand for them in `tokenizer.json`,
    /// so `!` is the first of all and the space comes after the letters.
    #[default]
    Hf,
    /// rustbpe, nanochat: the bytes in numerical order. Without special tokens, ids are rustbpe's too.
    RawBytes,
}

impl TrainerConfig {
    /// A configuration with all 256 bytes, no special tokens and no limits.
    pub fn new(vocab_size: usize, pattern: Pattern) -> Self {
        Self {
            vocab_size,
            pattern,
            special_tokens: Vec::new(),
            min_frequency: 0,
            min_count: 0,
            max_token_length: None,
            tie_break: TieBreak::Hf,
            alphabet: Alphabet::AllBytes,
            limit_alphabet: None,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        check(faults(self.vocab_size, &self.special_tokens, self.max_token_length))
    }
}

/// What character-level BPE to train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CharTrainerConfig {
    /// Tokens to end with, special tokens, byte tokens and characters included. Fewer are made when no
    /// pair is left; those are made even when they are more.
    pub vocab_size: usize,
    /// How texts are cut.
    pub split: Split,
    /// Control tokens. They take the first ids.
    #[serde(default)]
    pub special_tokens: Vec<String>,
    /// Training stops at the first pair that occurs less often. 0 and 1 mean the same.
    #[serde(default)]
    pub min_frequency: u64,
    /// Pre-tokens seen less often are left out, which saves memory and changes the result. 0 and 1
    /// keep all.
    #[serde(default)]
    pub min_count: u64,
    /// Pairs that would make a token of this many characters *or more* are not counted; pairs of two
    /// characters always are. The rule is Hugging Face's.
    #[serde(default)]
    pub max_token_length: Option<usize>,
    /// Characters that get a token even if no text has them.
    #[serde(default)]
    pub initial_alphabet: String,
    /// Keeps only this many characters, the most frequent; of equally frequent ones those with the
    /// smaller code points. Characters of the initial alphabet count as the most frequent of all.
    /// `None` keeps all.
    #[serde(default)]
    pub limit_alphabet: Option<usize>,
    /// Whether the 256 byte tokens `<0x00>` to `<0xFF>` follow the special tokens, as in
    /// SentencePiece: an encoder writes the characters without token in them. Nothing is then learned
    /// across such a character; without byte tokens it is left out and its neighbours meet, as in
    /// Hugging Face's trainer.
    #[serde(default)]
    pub byte_fallback: bool,
}

impl CharTrainerConfig {
    /// A configuration with all characters seen, no special tokens, no byte tokens and no limits.
    pub fn new(vocab_size: usize, split: Split) -> Self {
        Self {
            vocab_size,
            split,
            special_tokens: Vec::new(),
            min_frequency: 0,
            min_count: 0,
            max_token_length: None,
            initial_alphabet: String::new(),
            limit_alphabet: None,
            byte_fallback: false,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        check(faults(self.vocab_size, &self.special_tokens, self.max_token_length))
    }
}

/// What WordPiece vocabulary to train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct WordPieceTrainerConfig {
    /// Tokens to end with, special tokens and characters included. Fewer are made when no pair is left;
    /// those are made even when they are more.
    pub vocab_size: usize,
    /// How texts are cut, for BERT [`Split::Bert`].
    pub split: Split,
    /// Control tokens. They take the first ids.
    #[serde(default)]
    pub special_tokens: Vec<String>,
    /// Pairs that occur less often are never merged. 0 and 1 mean the same. The score favours rare
    /// tokens, so without a minimum the first merges are accidents.
    #[serde(default)]
    pub min_frequency: u64,
    /// Words seen less often are left out. 0 and 1 keep all.
    #[serde(default)]
    pub min_count: u64,
    /// Keeps only this many characters, the most frequent; of equally frequent ones those with the
    /// smaller code points. A word with another character is left out, since WordPiece encodes it as
    /// the unknown token. `None` keeps all.
    #[serde(default)]
    pub limit_alphabet: Option<usize>,
    /// What stands before a token that does not begin a word, `##` for BERT.
    pub continuing_subword_prefix: String,
}

impl WordPieceTrainerConfig {
    /// A configuration with BERT's way of cutting, the prefix `##`, no special tokens and no limits.
    pub fn new(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            split: Split::Bert,
            special_tokens: Vec::new(),
            min_frequency: 0,
            min_count: 0,
            limit_alphabet: None,
            continuing_subword_prefix: "##".to_owned(),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        check(faults(self.vocab_size, &self.special_tokens, None))
    }
}

fn faults(
    vocab_size: usize,
    special_tokens: &[String],
    max_token_length: Option<usize>,
) -> Vec<String> {
    let mut faults = Vec::new();
    if vocab_size >= NO_TOKEN as usize {
        faults.push(format!("vocab_size {vocab_size} is not below 2^32 - 1"));
    }
    if special_tokens.iter().any(String::is_empty) {
        faults.push("a special token is empty".to_owned());
    }
    if max_token_length == Some(0) {
        faults.push("max_token_length is 0".to_owned());
    }
    faults
}

fn check(faults: Vec<String>) -> Result<()> {
    if faults.is_empty() { Ok(()) } else { Err(BpeError::Config { faults }) }
}
