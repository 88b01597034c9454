//! How texts are cut into the pre-tokens that are counted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::pattern::Pattern;
use crate::pretokenize::PreTokenizer;

/// How a text is cut for counting.
///
/// Byte-level BPE is trained on a [`Pattern`], which loses nothing of a text. The others are those of
/// character-level models; what they call white space they drop.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Split {
    /// As byte-level BPE.
    Pattern(Pattern),
    /// Each space becomes U+2581, a text that begins with none gets one, and each begins a new
    /// pre-token (Hugging Face's `Metaspace` with `prepend_scheme: always`).
    Metaspace,
    /// `\w+|[^\w\s]+` (Hugging Face's `Whitespace`).
    Whitespace,
    /// What stands between white space (Hugging Face's `WhitespaceSplit`).
    WhitespaceSplit,
    /// As [`WhitespaceSplit`](Self::WhitespaceSplit), and each punctuation character alone (Hugging
    /// Face's `BertPreTokenizer`).
    Bert,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(pattern) => pattern.fmt(f),
            Self::Metaspace => f.write_str("metaspace"),
            Self::Whitespace => f.write_str("whitespace"),
            Self::WhitespaceSplit => f.write_str("whitespace-split"),
            Self::Bert => f.write_str("bert"),
        }
    }
}

impl From<Pattern> for Split {
    fn from(pattern: Pattern) -> Self {
        Self::Pattern(pattern)
    }
}

const WORDS_OR_SYMBOLS: &str = r"\w+|[^\w\s]+";
const WORDS_OR_PUNCTUATION: &str = r"[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~]+";

/// The sign of a space in Metaspace.
const META: char = '\u{2581}';

/// A compiled [`Split`].
#[derive(Clone, Debug)]
pub(super) struct Splitter {
    split: Split,
    method: Method,
}

#[derive(Clone, Debug)]
enum Method {
    Pattern(PreTokenizer),
    Metaspace,
    Matches(Box<fancy_regex::Regex>),
    Whitespace,
}

impl Splitter {
    pub(super) fn new(split: &Split) -> Result<Self> {
        let matches = |regex| {
            let regex = fancy_regex::Regex::new(regex).expect("the expressions above compile");
            Method::Matches(Box::new(regex))
        };
        let method = match split {
            Split::Pattern(pattern) => Method::Pattern(PreTokenizer::new(pattern)?),
            Split::Metaspace => Method::Metaspace,
            Split::Whitespace => matches(WORDS_OR_SYMBOLS),
            Split::WhitespaceSplit => Method::Whitespace,
            Split::Bert => matches(WORDS_OR_PUNCTUATION),
        };
        Ok(Self { split: split.clone(), method })
    }

    pub(super) fn split(&self) -> &Split {
        &self.split
    }

    /// Calls `sink(text, start, end)` for each pre-token, in order; none is empty. `text` may be
    /// another text than the one given, rewritten.
    #[inline(always)]
    pub(super) fn for_each(&self, text: &str, mut sink: impl FnMut(&[u8], usize, usize)) {
        match &self.method {
            Method::Pattern(pre_tokenizer) => {
                let bytes = text.as_bytes();
                pre_tokenizer.for_each(text, |range| sink(bytes, range.start, range.end));
            }
            Method::Metaspace => metaspace(text, sink),
            Method::Matches(regex) => {
                for found in regex.find_iter(text).map_while(Result::ok) {
                    sink(text.as_bytes(), found.start(), found.end());
                }
            }
            Method::Whitespace => {
                for word in text.split_whitespace() {
                    sink(word.as_bytes(), 0, word.len());
                }
            }
        }
    }
}

fn metaspace(text: &str, mut sink: impl FnMut(&[u8], usize, usize)) {
    let mut start = 0;
    let mut word = String::new();
    let mut emit = |part: &str| {
        if !part.is_empty() {
            word.clear();
            if !part.starts_with(META) {
                word.push(META);
            }
            word.push_str(part.strip_prefix(' ').unwrap_or(part));
            sink(word.as_bytes(), 0, word.len());
        }
    };
    for (at, _) in text.match_indices([' ', META]) {
        emit(&text[start..at]);
        start = at;
    }
    emit(&text[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(split: Split, text: &str) -> Vec<String> {
        let mut words = Vec::new();
        Splitter::new(&split).unwrap().for_each(text, |text, start, end| {
            words.push(String::from_utf8(text[start..end].to_vec()).unwrap());
        });
        words
    }

    #[test]
    fn splits() {
        assert_eq!(words(Split::Metaspace, "a b  c\nd▁e "), ["▁a", "▁b", "▁", "▁c\nd", "▁e", "▁"]);
        assert_eq!(words(Split::Metaspace, "▁a"), ["▁a"]);
        assert_eq!(words(Split::Metaspace, ""), [""; 0]);
        assert_eq!(words(Split::Whitespace, "it's 1_2--é \n"), ["it", "'", "s", "1_2", "--", "é"]);
        assert_eq!(words(Split::WhitespaceSplit, " it's\u{a0}so--\n"), ["it's", "so--"]);
        assert_eq!(words(Split::Bert, "it's $5.—x"), ["it", "'", "s", "$", "5", ".", "—", "x"]);
        assert_eq!(words(Pattern::None.into(), " a b"), [" a b"]);
    }

    #[test]
    fn names_return() {
        for split in [Split::Metaspace, Split::Bert, Pattern::O200k.into()] {
            let json = serde_json::to_string(&split).unwrap();
            assert_eq!(serde_json::from_str::<Split>(&json).unwrap(), split);
        }
    }
}
