//! A SentencePiece model as a [`Tokenizer`].

use super::{PieceKind, SentencePiece};
use crate::error::Result;
use crate::model::Model;
use crate::model::char_bpe::CharBpeConfig;
use crate::token::{AddedToken, TokenId};
use crate::tokenizer::{Components, Tokenizer};

impl Tokenizer {
    /// Reads a SentencePiece `.model` file. Encoding and decoding are those of
    /// `SentencePieceProcessor` (see [`SentencePiece`]); the control pieces are the added tokens. Where
    /// some are allowed in a text, each part between them is encoded as a text of its own.
    ///
    /// # Errors
    ///
    /// Those of [`SentencePiece::from_bytes`].
    pub fn from_sentencepiece(file: &[u8]) -> Result<Self> {
        let model = SentencePiece::from_bytes(file)?;
        let control = (0..model.n_pieces() as u32)
            .map(TokenId)
            .filter(|&id| model.kind(id) == Some(PieceKind::Control));
        let added = control.map(|id| AddedToken::special(id, model.piece(id).unwrap_or_default()));
        Self::assemble(Components {
            added: added.collect(),
            model: Model::SentencePiece(Box::new(model)),
            bpe_fields: CharBpeConfig::default(),
            added_beside: Vec::new(),
            normalizer: None,
            pre_tokenizer: None,
            post_processor: None,
            decoder: None,
            truncation: None,
            padding: None,
        })
    }

    /// The SentencePiece model that it was read from, if it was.
    pub fn sentencepiece(&self) -> Option<&SentencePiece> {
        match self.model() {
            Model::SentencePiece(model) => Some(model),
            _ => None,
        }
    }
}
