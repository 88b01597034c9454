//! Reading `tokenizer.json`, the format of Hugging Face's `tokenizers`.
//!
//! Each member of the document is either understood or refused with its path: a component that is
//! skipped would silently give other ids. One file reads and writes each family of components.

use serde_json::Value;

use crate::chain::Component;
use crate::decoder::Decoder;
use crate::error::Result;
use crate::normalize::Normalizer;
use crate::post_processor::PostProcessor;
use crate::token::{AddedToken, TokenId};
use crate::tokenizer::{Components, Tokenizer};

use model::ModelParts;
use node::{Fields, Node, string, wrong_type};

pub use vocab_merges::VocabMerges;

mod decoder;
mod limits;
mod model;
mod node;
mod normalizer;
mod pattern;
mod post_processor;
mod pre_tokenizer;
mod tekken;
mod vocab_merges;
mod write;

#[cfg(test)]
mod tests;

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// Supported are the models `BPE` (of bytes and of characters; without dropout), `WordPiece` and
    /// `WordLevel`, the latter two also in old files that do not say so, and all normalizers,
    /// pre-tokenizers (but `UnicodeScripts`), post-processors and decoders of `tokenizers` 0.23.
    ///
    /// [`encode`](Self::encode) gives what Hugging Face gives with `encode_special_tokens` set and
    /// `add_special_tokens=False`, and [`encode_with_special`](Self::encode_with_special) with
    /// [`AllowedSpecial::All`](crate::AllowedSpecial::All) what it gives with neither;
    /// [`encoding`](Self::encoding) gives all that Hugging Face's `encode` does.
    ///
    /// # Errors
    ///
    /// [`BpeError::Unsupported`](crate::BpeError::Unsupported) and
    /// [`BpeError::Type`](crate::BpeError::Type) with the path in the document;
    /// [`BpeError::Regex`](crate::BpeError::Regex) for an expression that does not compile;
    /// [`BpeError::DuplicateId`](crate::BpeError::DuplicateId),
    /// [`BpeError::DuplicateToken`](crate::BpeError::DuplicateToken),
    /// [`BpeError::SparseIds`](crate::BpeError::SparseIds),
    /// [`BpeError::UnknownMergeToken`](crate::BpeError::UnknownMergeToken),
    /// [`BpeError::MissingUnknownToken`](crate::BpeError::MissingUnknownToken),
    /// [`BpeError::EmptyToken`](crate::BpeError::EmptyToken) for a vocabulary that contradicts itself.
    pub fn from_json(file: &[u8]) -> Result<Self> {
        let mut root = Fields::new("", Node::parse(file)?)?;
        root.expect("version", &[string("1.0")], "\"1.0\"")?;
        let truncation = optional(&mut root, "truncation", limits::read_truncation)?;
        let padding = optional(&mut root, "padding", limits::read_padding)?;
        let added = read_added_tokens(root.take("added_tokens"))?;
        let normalizer = optional(&mut root, "normalizer", normalizer::read)?;
        let pre_tokenizer = optional(&mut root, "pre_tokenizer", pre_tokenizer::read)?;
        let post_processor = optional(&mut root, "post_processor", post_processor::read)?;
        let decoder = optional(&mut root, "decoder", decoder::read)?;
        let byte_level = pre_tokenizer.as_ref().is_some_and(Component::ends_in_byte_level);
        let ModelParts { model, bpe_fields, added_beside } =
            ModelParts::read(root.take("model"), &added, byte_level)?;
        root.finish()?;
        Self::assemble(Components {
            model,
            bpe_fields,
            added,
            added_beside,
            normalizer,
            pre_tokenizer,
            post_processor,
            decoder,
            truncation,
            padding,
        })
    }
}

/// A member of the document that may be missing or `null`.
fn optional<T>(
    root: &mut Fields,
    key: &str,
    read: impl Fn(&str, Node) -> Result<T>,
) -> Result<Option<T>> {
    match root.take(key) {
        Node::Null => Ok(None),
        node => read(key, node).map(Some),
    }
}

fn read_added_tokens(node: Node) -> Result<Vec<AddedToken>> {
    let items = match node {
        Node::Null => return Ok(Vec::new()),
        Node::Array(items) => items,
        other => return Err(wrong_type("added_tokens", "an array", Some(&other))),
    };
    let mut tokens = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let mut fields = Fields::new(&format!("added_tokens[{index}]"), item)?;
        let id = TokenId(fields.take_id("id")?);
        let special = fields.take_bool("special", false)?;
        tokens.push(AddedToken {
            id,
            special,
            normalized: fields.take_bool("normalized", !special)?,
            lstrip: fields.take_bool("lstrip", false)?,
            rstrip: fields.take_bool("rstrip", false)?,
            single_word: fields.take_bool("single_word", false)?,
            content: fields.take_string("content")?,
        });
        fields.finish()?;
    }
    Ok(tokens)
}

/// A component as a file has it; `null` if there is none.
pub(crate) fn normalizer_json(normalizer: Option<&Normalizer>) -> Value {
    normalizer.map_or(Value::Null, normalizer::write)
}

/// As [`normalizer_json`].
pub(crate) fn pre_tokenizer_json(pre_tokenizer: Option<&Component>) -> Value {
    pre_tokenizer.map_or(Value::Null, pre_tokenizer::write)
}

/// As [`normalizer_json`].
pub(crate) fn post_processor_json(post_processor: Option<&PostProcessor>) -> Value {
    post_processor.map_or(Value::Null, post_processor::write)
}

/// As [`normalizer_json`].
pub(crate) fn decoder_json(decoder: Option<&Decoder>) -> Value {
    decoder.map_or(Value::Null, decoder::write)
}

/// The model of a file without its lists of tokens and merges.
pub(crate) fn model_fields_json(tokenizer: &Tokenizer) -> Value {
    model::fields_json(tokenizer)
}
