//! The pre-tokenisation patterns by name, and their regular expressions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{BpeError, Result};

/// How a text is cut into pre-tokens. Merges never cross the border of a pre-token.
///
/// Where a pattern leaves text unmatched, that text is a pre-token of its own: nothing is ever lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Pattern {
    /// GPT-2, r50k, p50k, Hugging Face's `ByteLevel`.
    Gpt2,
    /// OpenAI cl100k. It differs from [`Llama3`](Self::Llama3) in white space at the very end of a text.
    Cl100k,
    /// OpenAI o200k.
    O200k,
    /// Llama 3, OLMo 2 (dolma2).
    Llama3,
    /// Qwen 2 and later: as Llama 3, each digit alone.
    Qwen2,
    /// nanochat: as Llama 3, digits in twos.
    Nanochat,
    /// Each number character alone, then GPT-2 on what stands between them (Hugging Face's
    /// `Digits(individual_digits)` followed by `ByteLevel`).
    Digits,
    /// No cut: a text is one pre-token.
    None,
    /// A regular expression of the caller's, in the syntax of `fancy-regex`; its matches, and the texts
    /// between them, are the pre-tokens. Much slower than the named patterns. Should the engine
    /// exhaust its stack on a match (over a million backtracking states), the rest of that text is one
    /// pre-token. An expression with nested repetition may take exponential time, as in any
    /// backtracking engine: do not take it from strangers.
    Custom(String),
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const R50K: &str =
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s";
const CL100K: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";
const CL100K_TIKTOKEN: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";
const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const NANOCHAT: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+";
// One expression for two passes: white space before a number ends a segment, so all of it is taken.
const DIGITS: &str =
    r"\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?=\p{N})|\s+(?!\S)|\s+";

const CUSTOM_PREFIX: &str = "regex:";

impl Pattern {
    /// The names that [`FromStr`] understands, besides `regex:<expression>`.
    pub const NAMES: &'static [&'static str] =
        &["gpt2", "cl100k", "o200k", "llama3", "qwen2", "nanochat", "digits", "none"];

    /// The pattern of a regular expression: the named pattern when it is a known spelling of one
    /// (so that it gets its scanner), else [`Custom`](Self::Custom).
    pub fn from_regex(regex: &str) -> Self {
        match regex {
            GPT2 | R50K => Self::Gpt2,
            CL100K | CL100K_TIKTOKEN => Self::Cl100k,
            O200K => Self::O200k,
            LLAMA3 => Self::Llama3,
            QWEN2 => Self::Qwen2,
            NANOCHAT => Self::Nanochat,
            DIGITS => Self::Digits,
            _ => Self::Custom(regex.to_owned()),
        }
    }

    /// The regular expression that defines the pattern; `None` for [`Pattern::None`]. For named
    /// patterns the scanner is proved equal to it by tests.
    pub fn regex(&self) -> Option<&str> {
        match self {
            Self::Gpt2 => Some(GPT2),
            Self::Cl100k => Some(CL100K),
            Self::O200k => Some(O200K),
            Self::Llama3 => Some(LLAMA3),
            Self::Qwen2 => Some(QWEN2),
            Self::Nanochat => Some(NANOCHAT),
            Self::Digits => Some(DIGITS),
            Self::None => None,
            Self::Custom(regex) => Some(regex),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gpt2 => "gpt2",
            Self::Cl100k => "cl100k",
            Self::O200k => "o200k",
            Self::Llama3 => "llama3",
            Self::Qwen2 => "qwen2",
            Self::Nanochat => "nanochat",
            Self::Digits => "digits",
            Self::None => "none",
            Self::Custom(regex) => return write!(f, "{CUSTOM_PREFIX}{regex}"),
        })
    }
}

impl FromStr for Pattern {
    type Err = BpeError;

    /// A name of [`NAMES`](Self::NAMES), or `regex:` and an expression.
    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "gpt2" => Self::Gpt2,
            "cl100k" => Self::Cl100k,
            "o200k" => Self::O200k,
            "llama3" => Self::Llama3,
            "qwen2" => Self::Qwen2,
            "nanochat" => Self::Nanochat,
            "digits" => Self::Digits,
            "none" => Self::None,
            _ => match name.strip_prefix(CUSTOM_PREFIX) {
                Some(regex) => Self::from_regex(regex),
                None => {
                    let name = name.to_owned();
                    return Err(BpeError::UnknownPattern { name, expected: Self::NAMES });
                }
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_expressions_return() {
        for name in Pattern::NAMES {
            let pattern: Pattern = name.parse().unwrap();
            assert_eq!(pattern.to_string(), *name);
            if let Some(regex) = pattern.regex() {
                assert_eq!(Pattern::from_regex(regex), pattern);
            }
            let json = serde_json::to_string(&pattern).unwrap();
            assert_eq!(json, format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<Pattern>(&json).unwrap(), pattern);
        }
        let custom: Pattern = "regex:a+".parse().unwrap();
        assert_eq!(custom, Pattern::Custom("a+".into()));
        assert_eq!(custom.to_string().parse::<Pattern>().unwrap(), custom);
        assert!(matches!("gpt3".parse::<Pattern>(), Err(BpeError::UnknownPattern { .. })));
    }
}
