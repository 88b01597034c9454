//! The normaliser of BERT.

use super::Normalizer;
use super::aligned::NormalizedText;
use super::categories::{is_nonspacing_mark, is_other};

/// Cleans a text, sets Chinese characters apart, strips accents, lowers the case. Each step is
/// optional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BertNormalizer {
    /// Removes control, format and private characters, NUL and U+FFFD; makes white space a space.
    pub clean_text: bool,
    /// Puts a space at both sides of each CJK ideograph, so that each becomes a word.
    pub handle_chinese_chars: bool,
    /// Decomposes the text (NFD) and removes nonspacing marks. `None` means: if `lowercase` is set.
    pub strip_accents: Option<bool>,
    /// Lowers the case.
    pub lowercase: bool,
}

impl BertNormalizer {
    pub(crate) fn apply(&self, text: &mut NormalizedText<'_>) {
        if self.clean_text {
            text.filter_map(clean);
        }
        if self.handle_chinese_chars && text.as_str().chars().any(is_chinese) {
            let old = text.as_str().to_owned();
            text.rewrite(
                0,
                old.chars().flat_map(|c| {
                    let (apart, whole) = if is_chinese(c) {
                        (Some([(' ', 0), (c, 1), (' ', 1)]), None)
                    } else {
                        (None, Some((c, 0)))
                    };
                    apart.into_iter().flatten().chain(whole)
                }),
            );
        }
        if self.strip_accents.unwrap_or(self.lowercase) {
            Normalizer::Nfd.apply(text);
            text.filter_map(|c| (!is_nonspacing_mark(c)).then_some(c));
        }
        if self.lowercase {
            Normalizer::Lowercase.apply(text);
        }
    }
}

fn clean(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' => Some(' '),
        '\u{fffd}' => None,
        c if c.is_ascii_graphic() => Some(c),
        c if is_other(c) => None,
        c if c.is_whitespace() => Some(' '),
        c => Some(c),
    }
}

/// The blocks that BERT calls Chinese. The gap at U+2B820..=U+2B91F is Hugging Face's.
fn is_chinese(c: char) -> bool {
    matches!(
        u32::from(c),
        0x4e00..=0x9fff
            | 0x3400..=0x4dbf
            | 0x20000..=0x2a6df
            | 0x2a700..=0x2b73f
            | 0x2b740..=0x2b81f
            | 0x2b920..=0x2ceaf
            | 0xf900..=0xfaff
            | 0x2f800..=0x2fa1f
    )
}
