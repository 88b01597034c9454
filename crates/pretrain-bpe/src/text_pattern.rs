//! What a component looks for in a text: a literal string or a regular expression.

use std::ops::Range;

use crate::error::{BpeError, Result};
use crate::pretokenize::compile;

/// A compiled literal or expression, as `Split` and `Replace` of a `tokenizer.json` hold it.
#[derive(Clone, Debug)]
pub(crate) enum TextPattern {
    /// A string that stands for itself. Not empty.
    Literal(String),
    /// An expression in the syntax of `fancy-regex`, and its source.
    Regex(Box<fancy_regex::Regex>, String),
}

impl TextPattern {
    /// Compiles an expression.
    pub(crate) fn regex(source: &str) -> Result<Self> {
        Ok(Self::Regex(Box::new(compile(source)?), source.to_owned()))
    }

    /// A string to find; an empty one is found nowhere and everywhere, so it is refused.
    pub(crate) fn literal(text: &str) -> Result<Self> {
        match text {
            "" => Err(BpeError::EmptyPattern),
            text => Ok(Self::Literal(text.to_owned())),
        }
    }

    /// The matches, leftmost first, apart, in order; an expression may match between two characters.
    /// Should the engine exhaust its stack, there are no further matches.
    pub(crate) fn matches(&self, text: &str) -> Vec<Range<usize>> {
        match self {
            Self::Literal(literal) => {
                text.match_indices(&**literal).map(|(at, found)| at..at + found.len()).collect()
            }
            Self::Regex(regex, _) => {
                regex.find_iter(text).map_while(Result::ok).map(|found| found.range()).collect()
            }
        }
    }

    /// Whether this is a literal, and its source.
    pub(crate) fn source(&self) -> (bool, &str) {
        match self {
            Self::Literal(literal) => (true, literal),
            Self::Regex(_, source) => (false, source),
        }
    }
}

impl PartialEq for TextPattern {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}
