//! What is done to a text before it is cut into pre-tokens.

pub(crate) mod charsmap;
pub(crate) mod sentencepiece;
