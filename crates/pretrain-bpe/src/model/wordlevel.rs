//! A vocabulary of whole words.

use crate::error::{BpeError, Result};
use crate::vocabulary::Vocabulary;

/// Each pre-token is a token, or else the unknown one.
#[derive(Clone)]
pub(crate) struct WordLevel {
    vocabulary: Vocabulary,
    unk_token: String,
    unk_id: u32,
}

impl WordLevel {
    /// The unknown token has to be in the vocabulary.
    pub(crate) fn new(unk_token: String, vocab: Vec<(String, u32)>) -> Result<Self> {
        let vocab = vocab.into_iter().map(|(token, id)| (id, token.into_bytes()));
        let vocabulary = Vocabulary::new(vocab.collect())?;
        match vocabulary.id(unk_token.as_bytes()) {
            Some(unk_id) => Ok(Self { vocabulary, unk_token, unk_id }),
            None => Err(BpeError::MissingUnknownToken { token: unk_token }),
        }
    }

    /// The token of a pre-token.
    pub(crate) fn token_of(&self, piece: &str) -> u32 {
        self.vocabulary.id(piece.as_bytes()).unwrap_or(self.unk_id)
    }

    pub(crate) fn unk_token(&self) -> &str {
        &self.unk_token
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}
