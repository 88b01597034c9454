//! From tokens back to text.

use super::Tokenizer;
use crate::byte_level;
use crate::decoder::Decoder;
use crate::model::Model;
use crate::token::TokenId;

impl Tokenizer {
    /// The bytes that the tokens stand for, one after another. An id without token yields nothing.
    /// Bytes, because a byte-level token may hold part of a character; of other tokenizers they are
    /// those of [`decode_lossy`](Self::decode_lossy).
    pub fn decode(&self, ids: &[TokenId]) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.decode_into(ids, &mut bytes);
        bytes
    }

    /// Appends the bytes that the tokens stand for to `out`; else as [`decode`](Self::decode).
    pub fn decode_into(&self, ids: &[TokenId], out: &mut Vec<u8>) {
        match &self.model {
            Model::ByteBpe(bpe) if self.decodes_bytes() => {
                bpe.decode(ids, |id| self.added.decoded(id), out);
            }
            _ => out.extend_from_slice(self.decode_lossy(ids).as_bytes()),
        }
    }

    /// The text of the tokens, by the decoder of the file; what is not UTF-8 becomes U+FFFD.
    ///
    /// This is what Hugging Face's `decode` gives with `skip_special_tokens=False`, and tiktoken's with
    /// `errors="replace"`. A tokenizer without decoder sets a space between tokens.
    pub fn decode_lossy(&self, ids: &[TokenId]) -> String {
        if self.decodes_bytes() {
            return String::from_utf8(self.decode(ids))
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        }
        if let Model::SentencePiece(model) = &self.model {
            return model.decode(ids);
        }
        let tokens: Vec<String> = ids.iter().filter_map(|&id| self.token_text(id)).collect();
        match &self.decoder {
            Some(decoder) => decoder.decode(tokens),
            None => tokens.join(" "),
        }
    }

    /// [`decode_lossy`](Self::decode_lossy) without the control tokens.
    pub fn decode_skip_special(&self, ids: &[TokenId]) -> String {
        let is_text = |id: &TokenId| !self.added.by_id(id.0).is_some_and(|token| token.special);
        let ids: Vec<TokenId> = ids.iter().copied().filter(is_text).collect();
        self.decode_lossy(&ids)
    }

    /// Whether the text of tokens is that of their bytes, one after another.
    pub(crate) fn decodes_bytes(&self) -> bool {
        matches!((&self.model, &self.decoder), (Model::ByteBpe(_), Some(Decoder::ByteLevel(_))))
    }

    /// The bytes that a token stands for; `None` when no token has this id. Of tokenizers that are not
    /// byte-level: the token as the vocabulary has it (`##ing`, `▁the`, `<0x0A>`).
    #[inline]
    pub fn token_bytes(&self, id: TokenId) -> Option<&[u8]> {
        let added = || self.added.decoded(id.0).map(str::as_bytes);
        self.model.token_bytes(id.0).or_else(added)
    }

    /// A token as a `tokenizer.json` has it: bytes are written in GPT-2's alphabet (`Ġthe`). An added
    /// token that is looked for in the normalised text is normalised, as it is found. `None` when no token
    /// has this id.
    pub fn token_text(&self, id: TokenId) -> Option<String> {
        match (self.added.decoded(id.0), &self.model) {
            (Some(text), _) => Some(text.to_owned()),
            (None, Model::ByteBpe(bpe)) => bpe.vocabulary().bytes(id.0).map(byte_level::to_text),
            (None, model) => {
                model.token_bytes(id.0).map(|token| String::from_utf8_lossy(token).into_owned())
            }
        }
    }
}
