//! The id of a token, and special tokens.

use serde::{Deserialize, Serialize};

/// The id of a token: an index into the vocabulary, below [`Tokenizer::vocab_size`](crate::Tokenizer::vocab_size).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TokenId(pub u32);

impl From<TokenId> for u32 {
    fn from(id: TokenId) -> u32 {
        id.0
    }
}

impl std::fmt::Display for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A token that stands beside the merges: it is found in the text as a whole, before pre-tokenisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddedToken {
    /// Its id.
    pub id: TokenId,
    /// The text that stands for it.
    pub content: String,
    /// Whether it is a control token. A control token (`true`) is produced only where the caller
    /// allows it; the others (`false`, such as the runs of spaces of GPT-NeoX) are part of the
    /// vocabulary and always recognised.
    pub special: bool,
    /// Whether it is looked for in the normalised text, after the tokens with `false` were found in
    /// the raw text; its content is normalised too. Without a normaliser this is only an order.
    pub normalized: bool,
    /// Whether it takes the white space before it.
    #[serde(default)]
    pub lstrip: bool,
    /// Whether it takes the white space after it.
    #[serde(default)]
    pub rstrip: bool,
    /// Whether it is found only where neither a word character (`\w`) stands before it nor one after
    /// it.
    #[serde(default)]
    pub single_word: bool,
}

impl AddedToken {
    /// A control token, as tokenizer files call `special: true`. All other properties are `false`.
    pub fn special(id: TokenId, content: impl Into<String>) -> Self {
        let special = true;
        Self { special, normalized: false, ..Self::ordinary(id, content) }
    }

    /// A token that every text may produce, looked for in the normalised text. All other properties are
    /// `false`.
    pub fn ordinary(id: TokenId, content: impl Into<String>) -> Self {
        Self {
            id,
            content: content.into(),
            special: false,
            normalized: true,
            lstrip: false,
            rstrip: false,
            single_word: false,
        }
    }
}

/// Which control tokens ([`AddedToken::special`]) a text may produce. Text from outside never
/// produces any unless the caller says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AllowedSpecial<'a> {
    /// None: `"<|endoftext|>"` in a text is encoded as the ordinary characters it is made of.
    #[default]
    None,
    /// All the tokenizer has. Only for text that the caller wrote.
    All,
    /// Those whose content is listed.
    Only(&'a [&'a str]),
}

impl AllowedSpecial<'_> {
    pub(crate) fn allows(&self, content: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Only(list) => list.contains(&content),
        }
    }
}
