//! Normalisers: what happens to a text before it is cut into pre-tokens.
//!
//! Each follows the component of the same name in Hugging Face's `tokenizers`. The four Unicode forms
//! are those of Unicode 9 ([`NORMALIZATION_UNICODE_VERSION`]), in which that library computes them:
//! the stability policy of Unicode keeps all other results valid for ever, but characters that were
//! assigned later are left as they are. Lower case is that of the standard library.

use std::borrow::Cow;

use unicode_normalization_alignments as unicode;
use unicode_normalization_alignments::UnicodeNormalization;

use crate::byte_level;
use crate::error::Result;
use crate::text_pattern::TextPattern;

use aligned::NormalizedText;
pub use bert::BertNormalizer;
pub use precompiled::Precompiled;

pub(crate) mod aligned;
pub(crate) mod bert;
pub(crate) mod categories;
pub(crate) mod charsmap;
mod precompiled;
pub(crate) mod sentencepiece;
#[cfg(test)]
mod tests;

/// The version of Unicode in which the normalisation forms are computed.
pub const NORMALIZATION_UNICODE_VERSION: (u64, u64, u64) = unicode::UNICODE_VERSION;

/// Rewrites a text before it is cut.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Normalizer {
    /// Canonical composition.
    Nfc,
    /// Canonical decomposition.
    Nfd,
    /// Compatibility composition.
    Nfkc,
    /// Compatibility decomposition.
    Nfkd,
    /// Lower case, each character by itself (a final sigma is no exception).
    Lowercase,
    /// Removes white space at the ends.
    Strip {
        /// At the beginning.
        left: bool,
        /// At the end.
        right: bool,
    },
    /// Removes all combining marks; of use after a decomposition.
    StripAccents,
    /// Puts a string before a text that is not empty.
    Prepend(String),
    /// Replaces each match of a string or expression by a string.
    Replace(Replace),
    /// That of BERT.
    Bert(BertNormalizer),
    /// The character map of a SentencePiece model, applied as Hugging Face does.
    Precompiled(Precompiled),
    /// Writes each byte as the character that stands for it in GPT-2's alphabet.
    ByteLevel,
    /// That of `nmt`: removes some control characters, makes others spaces.
    Nmt,
    /// One after the other.
    Sequence(Vec<Normalizer>),
}

/// A string or expression, and what takes its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Replace {
    pub(crate) pattern: TextPattern,
    pub(crate) content: String,
}

impl Replace {
    /// Replaces a string.
    ///
    /// # Errors
    ///
    /// [`BpeError::EmptyPattern`](crate::BpeError::EmptyPattern).
    pub fn string(pattern: &str, content: &str) -> Result<Self> {
        Ok(Self { pattern: TextPattern::literal(pattern)?, content: content.to_owned() })
    }

    /// Replaces the matches of a regular expression, in the syntax of `fancy-regex`.
    ///
    /// # Errors
    ///
    /// [`BpeError::Regex`](crate::BpeError::Regex) when it does not compile.
    pub fn regex(pattern: &str, content: &str) -> Result<Self> {
        Ok(Self { pattern: TextPattern::regex(pattern)?, content: content.to_owned() })
    }

    /// The text with all matches replaced.
    pub(crate) fn apply_str(&self, text: &str) -> String {
        let (mut out, mut kept) = (String::with_capacity(text.len()), 0);
        for found in self.pattern.matches(text) {
            out.push_str(&text[kept..found.start]);
            out.push_str(&self.content);
            kept = found.end;
        }
        out.push_str(&text[kept..]);
        out
    }
}

impl Normalizer {
    /// The normalised text. A text that is already normalised is not copied, in the forms of Unicode
    /// and in lower case.
    pub fn normalize<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = NormalizedText::new(text, 0, false);
        self.apply(&mut text);
        text.into_text()
    }

    pub(crate) fn apply(&self, text: &mut NormalizedText<'_>) {
        match self {
            Self::Nfc | Self::Nfd | Self::Nfkc | Self::Nfkd => self.apply_form(text),
            Self::Lowercase => lowercase(text),
            &Self::Strip { left, right } => strip(text, left, right),
            Self::StripAccents => {
                text.filter_map(|c| (!unicode::char::is_combining_mark(c)).then_some(c));
            }
            Self::Prepend(prefix) if text.as_str().is_empty() || prefix.is_empty() => {}
            Self::Prepend(prefix) => text.prepend(prefix),
            Self::Replace(Replace { pattern, content }) => {
                text.replace(&pattern.matches(text.as_str()), content);
            }
            Self::Bert(bert) => bert.apply(text),
            Self::Precompiled(precompiled) => precompiled.apply(text),
            Self::ByteLevel => to_byte_chars(text),
            Self::Nmt => text.filter_map(nmt),
            Self::Sequence(parts) => parts.iter().for_each(|part| part.apply(text)),
        }
    }

    /// One of the four Unicode forms.
    fn apply_form(&self, text: &mut NormalizedText<'_>) {
        let old = text.as_str();
        if self.is_in_form(old) {
            return;
        }
        let old = old.to_owned();
        match self {
            Self::Nfc => text.rewrite(0, old.nfc()),
            Self::Nfd => text.rewrite(0, old.nfd()),
            Self::Nfkc => text.rewrite(0, old.nfkc()),
            _ => text.rewrite(0, old.nfkd()),
        }
    }

    /// Whether a text is surely in this form. Below U+0300, U+00C0 and U+00A0 no character changes
    /// under NFC, NFD and the two compatibility forms; the lead bytes of those are 0xCC, 0xC3 and 0xC2.
    fn is_in_form(&self, text: &str) -> bool {
        let (first_changed, quick): (u8, fn(&str) -> unicode::IsNormalized) = match self {
            Self::Nfc => (0xcc, |text| unicode::is_nfc_quick(text.chars())),
            Self::Nfd => (0xc3, |text| unicode::is_nfd_quick(text.chars())),
            Self::Nfkc => (0xc2, |text| unicode::is_nfkc_quick(text.chars())),
            _ => (0xc2, |text| unicode::is_nfkd_quick(text.chars())),
        };
        text.bytes().fold(0, u8::max) < first_changed
            || matches!(quick(text), unicode::IsNormalized::Yes)
    }
}

fn lowercase(text: &mut NormalizedText<'_>) {
    let is_lower = |c: char| {
        let mut lower = c.to_lowercase();
        lower.next() == Some(c) && lower.next().is_none()
    };
    let old = text.as_str();
    if !old.bytes().any(|byte| byte.is_ascii_uppercase())
        && (old.is_ascii() || old.chars().all(is_lower))
    {
        return;
    }
    let old = old.to_owned();
    let lower = |c: char| c.to_lowercase().enumerate().map(|(i, c)| (c, isize::from(i > 0)));
    text.rewrite(0, old.chars().flat_map(lower));
}

fn strip(text: &mut NormalizedText<'_>, left: bool, right: bool) {
    let old = text.as_str();
    let start = if left { old.len() - old.trim_start().len() } else { 0 };
    let end = if right { old.trim_end().len().max(start) } else { old.len() };
    if (start, end) == (0, old.len()) {
        return;
    }
    let n_removed = old[..start].chars().count();
    let kept: Vec<(char, isize)> = old[start..end].chars().map(|c| (c, 0)).collect();
    text.rewrite(n_removed, kept.into_iter());
}

pub(crate) fn to_byte_chars(text: &mut NormalizedText<'_>) {
    let old = text.as_str().to_owned();
    let chars = old.chars().flat_map(|c| {
        let mut bytes = [0; 4];
        let n = c.encode_utf8(&mut bytes).len();
        bytes
            .into_iter()
            .take(n)
            .enumerate()
            .map(|(i, byte)| (byte_level::char_of(byte), isize::from(i > 0)))
    });
    text.rewrite(0, chars);
}

/// The rules of `nmt_nfkc` in SentencePiece, as `tokenizers` has them.
fn nmt(c: char) -> Option<char> {
    match u32::from(c) {
        0x1..=0x8 | 0xb | 0xe..=0x1f | 0x7f | 0x8f | 0x9f => None,
        0x9
        | 0xa
        | 0xc
        | 0xd
        | 0x1680
        | 0x200b..=0x200f
        | 0x2028
        | 0x2029
        | 0x2581
        | 0xfeff
        | 0xfffd => Some(' '),
        _ => Some(c),
    }
}
