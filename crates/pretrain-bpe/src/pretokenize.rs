//! Cutting a text into pre-tokens: the scanner of a named pattern, or a regex engine.

use std::ops::Range;

use crate::error::{BpeError, Result};
use crate::pattern::Pattern;
use crate::scan::{Cl100kFamily, Scanner};

/// A compiled [`Pattern`].
#[derive(Clone, Debug)]
pub struct PreTokenizer {
    pattern: Pattern,
    method: Method,
}

#[derive(Clone, Debug)]
enum Method {
    Gpt2,
    Cl100k { max_digits: usize, whole_final_space: bool },
    O200k,
    Digits,
    Whole,
    Regex(Box<fancy_regex::Regex>),
}

impl PreTokenizer {
    /// Compiles a pattern. Only [`Pattern::Custom`] can fail.
    ///
    /// # Errors
    ///
    /// [`BpeError::Regex`] when the expression does not compile.
    pub fn new(pattern: &Pattern) -> Result<Self> {
        let method = match pattern {
            Pattern::Gpt2 => Method::Gpt2,
            Pattern::Cl100k => Method::Cl100k { max_digits: 3, whole_final_space: true },
            Pattern::Llama3 => Method::Cl100k { max_digits: 3, whole_final_space: false },
            Pattern::Nanochat => Method::Cl100k { max_digits: 2, whole_final_space: false },
            Pattern::Qwen2 => Method::Cl100k { max_digits: 1, whole_final_space: false },
            Pattern::O200k => Method::O200k,
            Pattern::Digits => Method::Digits,
            Pattern::None => Method::Whole,
            Pattern::Custom(regex) => Method::Regex(Box::new(compile(regex)?)),
        };
        Ok(Self { pattern: pattern.clone(), method })
    }

    /// The pattern it was made from.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Calls `sink` with the byte range of each pre-token, in order. The ranges are not empty and
    /// cover the text without gap or overlap. Linear time for named patterns.
    #[inline]
    pub fn for_each(&self, text: &str, mut sink: impl FnMut(Range<usize>)) {
        match &self.method {
            Method::Gpt2 => {
                let scanner = Scanner::new(text);
                drive(text.len(), &mut sink, |pos| scanner.gpt2(pos));
            }
            &Method::Cl100k { max_digits, whole_final_space } => {
                let scanner = Scanner::new(text);
                let family = Cl100kFamily { max_digits, whole_final_space };
                drive(text.len(), &mut sink, |pos| scanner.cl100k(pos, family));
            }
            Method::O200k => {
                let scanner = Scanner::new(text);
                drive(text.len(), &mut sink, |pos| scanner.o200k(pos));
            }
            Method::Digits => digits(text, &mut sink),
            Method::Whole => {
                if !text.is_empty() {
                    sink(0..text.len());
                }
            }
            Method::Regex(regex) => matches_and_gaps(regex, text, &mut sink),
        }
    }
}

/// Backtracking steps are not limited: a limit would make long texts fail, not wrong patterns.
pub(crate) fn compile(regex: &str) -> Result<fancy_regex::Regex> {
    fancy_regex::RegexBuilder::new(regex)
        .backtrack_limit(usize::MAX)
        .build()
        .map_err(|source| BpeError::Regex { pattern: regex.to_owned(), source: Box::new(source) })
}

#[inline(always)]
fn drive(len: usize, sink: &mut impl FnMut(Range<usize>), next: impl Fn(usize) -> usize) {
    let mut pos = 0;
    while pos < len {
        let end = next(pos);
        sink(pos..end);
        pos = end;
    }
}

/// Each number character alone; GPT-2 on the segments between, each as if it were a text.
fn digits(text: &str, sink: &mut impl FnMut(Range<usize>)) {
    let whole = Scanner::new(text);
    let mut pos = 0;
    while pos < text.len() {
        let (number, end) = whole.next_number(pos);
        let segment = Scanner::new(&text[pos..number]);
        drive(
            number - pos,
            &mut |piece: Range<usize>| sink(pos + piece.start..pos + piece.end),
            |at| segment.gpt2(at),
        );
        if number < end {
            sink(number..end);
        }
        pos = end;
    }
}

fn matches_and_gaps(regex: &fancy_regex::Regex, text: &str, sink: &mut impl FnMut(Range<usize>)) {
    let mut pos = 0;
    for found in regex.find_iter(text) {
        let Ok(found) = found else { break };
        if pos < found.start() {
            sink(pos..found.start());
        }
        // An empty match only cuts.
        if !found.range().is_empty() {
            sink(found.range());
        }
        pos = found.end();
    }
    if pos < text.len() {
        sink(pos..text.len());
    }
}
