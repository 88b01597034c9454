//! Pre-tokenizers as a file describes them.

use crate::error::Result;
use crate::pattern::Pattern;
use crate::text_pattern::TextPattern;

use super::Behavior;

/// One pre-tokenizer of a `tokenizer.json`, with all its members.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Component {
    ByteLevel {
        add_prefix_space: bool,
        /// Without effect here; kept for writing the file back.
        trim_offsets: bool,
        use_regex: bool,
    },
    Split {
        pattern: TextPattern,
        behavior: Behavior,
        invert: bool,
    },
    Bert,
    Whitespace,
    WhitespaceSplit,
    Metaspace(Metaspace),
    Punctuation(Behavior),
    Digits {
        individual: bool,
    },
    CharDelimiterSplit(char),
    /// Characters per piece, not 0.
    FixedLength(usize),
    Sequence(Vec<Component>),
}

/// Spaces become a visible character, and words begin with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Metaspace {
    pub(crate) replacement: char,
    pub(crate) prepend: PrependScheme,
    pub(crate) split: bool,
}

/// Where [`Metaspace`] puts its character before a text that does not begin with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrependScheme {
    /// Before the piece that the original text begins with.
    First,
    Never,
    /// Before every piece it is given, so after each added token too.
    Always,
}

impl Component {
    /// The components of a byte-level tokenizer that cuts by a pattern.
    pub(crate) fn of_pattern(pattern: &Pattern) -> Result<Self> {
        let byte_level =
            |use_regex| Self::ByteLevel { add_prefix_space: false, trim_offsets: true, use_regex };
        let first = match pattern {
            Pattern::Gpt2 => return Ok(byte_level(true)),
            Pattern::Digits => {
                let digits = Self::Digits { individual: true };
                return Ok(Self::Sequence(vec![digits, byte_level(true)]));
            }
            other => other.regex().map(TextPattern::regex).transpose()?,
        };
        Ok(match first {
            Some(pattern) => {
                let split = Self::Split { pattern, behavior: Behavior::Isolated, invert: false };
                Self::Sequence(vec![split, byte_level(false)])
            }
            None => byte_level(false),
        })
    }

    /// Whether it is a `ByteLevel`, or a sequence that ends in one and has no other.
    pub(crate) fn ends_in_byte_level(&self) -> bool {
        match self {
            Self::ByteLevel { .. } => true,
            Self::Sequence(parts) => parts.split_last().is_some_and(|(last, before)| {
                last.ends_in_byte_level() && !before.iter().any(Self::has_byte_level)
            }),
            _ => false,
        }
    }

    fn has_byte_level(&self) -> bool {
        match self {
            Self::ByteLevel { .. } => true,
            Self::Sequence(parts) => parts.iter().any(Self::has_byte_level),
            _ => false,
        }
    }
}
