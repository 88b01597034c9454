//! Decoders: from the tokens' texts to the text they make together.

use crate::byte_level;
use crate::chain::{Metaspace, PrependScheme};
use crate::normalize::Replace;

#[cfg(test)]
mod tests;

/// One decoder of a `tokenizer.json`, with all its members. Each turns a list of texts into another;
/// in the end they are joined.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decoder {
    /// Characters stand for bytes.
    ByteLevel(ByteLevelFlags),
    /// A space before each token that does not begin with the prefix.
    WordPiece {
        prefix: String,
        cleanup: bool,
    },
    /// `▁` is a space, but not in the first token.
    Metaspace(Metaspace),
    /// Tokens `<0x00>` are bytes.
    ByteFallback,
    /// All in one.
    Fuse,
    /// Removes characters at the ends of each token, so many at most.
    Strip {
        content: char,
        start: usize,
        stop: usize,
    },
    Replace(Replace),
    /// The suffix ends a word.
    Bpe {
        suffix: String,
    },
    /// Connectionist temporal classification: repeated tokens are one.
    Ctc {
        pad_token: String,
        word_delimiter_token: String,
        cleanup: bool,
    },
    Sequence(Vec<Decoder>),
}

/// The members of a `ByteLevel` decoder. None has an effect; they are kept for writing the file back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteLevelFlags {
    pub(crate) add_prefix_space: bool,
    pub(crate) trim_offsets: bool,
    pub(crate) use_regex: bool,
}

impl Default for ByteLevelFlags {
    fn default() -> Self {
        Self { add_prefix_space: true, trim_offsets: true, use_regex: true }
    }
}

/// What SentencePiece calls a byte that is not part of UTF-8.
const REPLACEMENT: &str = "\u{fffd}";

impl Decoder {
    /// The text of the tokens.
    pub(crate) fn decode(&self, tokens: Vec<String>) -> String {
        self.apply(tokens).concat()
    }

    fn apply(&self, mut tokens: Vec<String>) -> Vec<String> {
        match self {
            Self::ByteLevel(_) => {
                let bytes = |token: &String| {
                    byte_level::from_text(token).unwrap_or_else(|| token.as_bytes().to_vec())
                };
                let bytes: Vec<u8> = tokens.iter().flat_map(bytes).collect();
                vec![String::from_utf8_lossy(&bytes).into_owned()]
            }
            Self::WordPiece { prefix, cleanup } => {
                for (index, token) in tokens.iter_mut().enumerate() {
                    match token.strip_prefix(&**prefix) {
                        _ if index == 0 => {}
                        Some(rest) => *token = rest.to_owned(),
                        None => token.insert(0, ' '),
                    }
                    if *cleanup {
                        *token = clean_up(token);
                    }
                }
                tokens
            }
            Self::Metaspace(Metaspace { replacement, prepend, .. }) => {
                for (index, token) in tokens.iter_mut().enumerate() {
                    let drops = index == 0 && *prepend != PrependScheme::Never;
                    *token = token.replace(*replacement, if drops { "" } else { " " });
                }
                tokens
            }
            Self::ByteFallback => byte_fallback(tokens),
            Self::Fuse => vec![tokens.concat()],
            Self::Strip { content, start, stop } => {
                for token in &mut tokens {
                    let is_content = |c: &char| c == content;
                    let leading = token.chars().take(*start).take_while(is_content).count();
                    let rest = &token[leading * content.len_utf8()..];
                    let trailing = rest.chars().rev().take(*stop).take_while(is_content).count();
                    *token = rest[..rest.len() - trailing * content.len_utf8()].to_owned();
                }
                tokens
            }
            Self::Replace(replace) => tokens.iter().map(|token| replace.apply_str(token)).collect(),
            Self::Bpe { suffix } => {
                let n = tokens.len();
                for (index, token) in tokens.iter_mut().enumerate() {
                    *token = token.replace(&**suffix, if index + 1 == n { "" } else { " " });
                }
                tokens
            }
            Self::Ctc { pad_token, word_delimiter_token, cleanup } => {
                tokens.dedup();
                for token in &mut tokens {
                    *token = token.replace(&**pad_token, "");
                    if *cleanup {
                        *token = clean_up(token).replace(&**word_delimiter_token, " ");
                    }
                }
                tokens.retain(|token| !token.is_empty());
                tokens
            }
            Self::Sequence(decoders) => {
                decoders.iter().fold(tokens, |tokens, decoder| decoder.apply(tokens))
            }
        }
    }
}

/// Takes back spaces before English punctuation and contractions.
fn clean_up(text: &str) -> String {
    const RULES: [(&str, &str); 11] = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" do not", " don't"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    RULES.iter().fold(text.to_owned(), |text, (from, to)| {
        if text.contains(from) { text.replace(from, to) } else { text }
    })
}

/// Each run of byte tokens becomes its text, or one U+FFFD per byte if it is not UTF-8.
fn byte_fallback(tokens: Vec<String>) -> Vec<String> {
    let (mut texts, mut bytes) = (Vec::with_capacity(tokens.len()), Vec::new());
    let flush = |bytes: &mut Vec<u8>, texts: &mut Vec<String>| match String::from_utf8(
        std::mem::take(bytes),
    ) {
        Ok(text) if text.is_empty() => {}
        Ok(text) => texts.push(text),
        Err(error) => {
            texts.extend(std::iter::repeat_n(REPLACEMENT.to_owned(), error.as_bytes().len()));
        }
    };
    for token in tokens {
        match byte_of(&token) {
            Some(byte) => bytes.push(byte),
            None => {
                flush(&mut bytes, &mut texts);
                texts.push(token);
            }
        }
    }
    flush(&mut bytes, &mut texts);
    texts
}

/// The byte of `<0x00>`.
fn byte_of(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() == 2 { u8::from_str_radix(digits, 16).ok() } else { None }
}
