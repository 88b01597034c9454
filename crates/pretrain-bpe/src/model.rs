//! What turns a pre-token into tokens, beside byte-level BPE.
//!
//! A model sees one pre-token of the normalised text at a time and knows nothing of the pipeline
//! around it: neither normalisation, nor added tokens, nor templates.

pub(crate) mod char_bpe;
pub(crate) mod char_map;
pub(crate) mod merger;
pub(crate) mod scratch;
pub(crate) mod span;
pub(crate) mod trie;
pub(crate) mod unigram;
pub(crate) mod viterbi;
pub(crate) mod word_cache;
pub(crate) mod word_cuts;
pub(crate) mod wordlevel;
pub(crate) mod wordpiece;

use crate::byte_bpe::ByteBpe;
use crate::model::char_bpe::CharBpe;
use crate::model::scratch::ModelScratch;
use crate::model::span::Span;
use crate::model::unigram::Unigram;
use crate::model::wordlevel::WordLevel;
use crate::model::wordpiece::WordPiece;
use crate::sentencepiece::SentencePiece;
use crate::token::TokenId;
use crate::vocabulary::Vocabulary;

/// One of the models.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "a tokenizer has one, and it must be near at hand")]
pub(crate) enum Model {
    ByteBpe(ByteBpe),
    CharBpe(CharBpe),
    WordPiece(WordPiece),
    WordLevel(WordLevel),
    Unigram(Unigram),
    /// Takes whole texts: it has its own normaliser.
    SentencePiece(Box<SentencePiece>),
}

impl Model {
    /// Appends the tokens of a pre-token. Not for byte-level BPE, which works on bytes in place.
    #[inline]
    pub(crate) fn tokenize(&self, piece: &str, scratch: &mut ModelScratch, out: &mut Vec<Span>) {
        match self {
            Self::ByteBpe(_) => {}
            Self::CharBpe(model) => model.tokenize(piece, scratch, out),
            Self::WordPiece(model) => model.tokenize(piece, scratch, out),
            Self::WordLevel(model) => {
                out.push(Span { id: model.token_of(piece), start: 0, end: piece.len() as u32 });
            }
            Self::Unigram(model) => model.tokenize(piece, scratch, out),
            Self::SentencePiece(model) => model.spans(piece, scratch, out),
        }
    }

    /// The tokens of the models that have no scores.
    fn vocabulary(&self) -> Option<&Vocabulary> {
        match self {
            Self::ByteBpe(model) => Some(model.vocabulary()),
            Self::CharBpe(model) => Some(model.vocabulary()),
            Self::WordPiece(model) => Some(model.vocabulary()),
            Self::WordLevel(model) => Some(model.vocabulary()),
            Self::Unigram(_) | Self::SentencePiece(_) => None,
        }
    }

    /// The bytes of a token as the vocabulary has it.
    pub(crate) fn token_bytes(&self, id: u32) -> Option<&[u8]> {
        match self {
            Self::Unigram(model) => model.token(id).map(str::as_bytes),
            Self::SentencePiece(model) => model.piece(TokenId(id)).map(str::as_bytes),
            _ => self.vocabulary()?.bytes(id),
        }
    }

    /// The id of a token as the vocabulary has it.
    pub(crate) fn id(&self, token: &str) -> Option<u32> {
        match self {
            Self::Unigram(model) => model.id(token),
            Self::SentencePiece(model) => model.piece_to_id(token).map(|id| id.0),
            _ => self.vocabulary()?.id(token.as_bytes()),
        }
    }

    /// The highest id + 1.
    pub(crate) fn n_ids(&self) -> usize {
        match self {
            Self::Unigram(model) => model.n_ids(),
            Self::SentencePiece(model) => model.n_pieces(),
            _ => self.vocabulary().map_or(0, Vocabulary::n_ids),
        }
    }
}
