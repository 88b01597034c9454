//! Cutting a text into pre-tokens: the scanner of a named pattern, or a regex engine.

use std::ops::Range;

use crate::error::{BpeError, Result};
use crate::pattern::Pattern;
use crate::scan::{Cl100kFamily, Scanner, WIDTH};

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

    /// Whether white space after a letter always begins a pre-token, and a single white space character
    /// there makes those after it independent of those before. Not known of custom patterns.
    #[cfg(feature = "rayon")]
    pub(crate) fn ends_words_at_space(&self) -> bool {
        !matches!(self.method, Method::Whole | Method::Regex(_))
    }

    /// Calls `sink` with the byte range of each pre-token, in order. The ranges are not empty and
    /// cover the text without gap or overlap. Linear time for named patterns.
    #[inline]
    pub fn for_each(&self, text: &str, mut sink: impl FnMut(Range<usize>)) {
        self.for_each_batch(text, |mut start, ends| {
            for &end in ends {
                sink(start..end);
                start = end;
            }
        });
    }

    /// Calls `sink` with the start of some consecutive pre-tokens and the end of each.
    #[inline]
    pub(crate) fn for_each_batch(&self, text: &str, sink: impl FnMut(usize, &[usize])) {
        let mut batch = Batch::new(sink);
        let scanner = Scanner::new(text);
        let len = text.len();
        match &self.method {
            Method::Gpt2 => {
                batch.scan(len, |pos| scanner.gpt2_cuts(pos), |pos| scanner.gpt2(pos));
            }
            &Method::Cl100k { max_digits, whole_final_space } => {
                let family = Cl100kFamily { max_digits, whole_final_space };
                let cuts = |pos| scanner.cl100k_cuts(pos, family);
                batch.scan(len, cuts, |pos| scanner.cl100k(pos, family));
            }
            Method::O200k => {
                batch.scan(len, |pos| scanner.o200k_cuts(pos), |pos| scanner.o200k(pos));
            }
            Method::Digits => digits(text, &mut |range| batch.push(range.end)),
            Method::Whole => {
                if !text.is_empty() {
                    batch.push(len);
                }
            }
            Method::Regex(regex) => {
                matches_and_gaps(regex, text, &mut |range| batch.push(range.end));
            }
        }
        batch.flush();
    }
}

/// Pre-tokens on their way to a sink.
struct Batch<S> {
    sink: S,
    start: usize,
    ends: [usize; MAX_BATCH],
    n: usize,
}

/// Batches are handed over with this many pre-tokens, when there are so many.
const BATCH: usize = 192;

/// The most pre-tokens that a batch may have: a window adds at most one per byte.
pub(crate) const MAX_BATCH: usize = BATCH + WIDTH;

impl<S: FnMut(usize, &[usize])> Batch<S> {
    #[inline(always)]
    fn new(sink: S) -> Self {
        Self { sink, start: 0, ends: [0; MAX_BATCH], n: 0 }
    }

    /// Cuts a text of `len` bytes. `cuts` and `end` have the meaning of [`Scanner`]'s functions.
    #[inline(always)]
    fn scan(&mut self, len: usize, cuts: impl Fn(usize) -> u64, end: impl Fn(usize) -> usize) {
        let mut pos = 0;
        while pos < len {
            let mut cuts = cuts(pos);
            if cuts == 0 {
                pos = end(pos);
                self.push(pos);
                continue;
            }
            let window = pos;
            while cuts != 0 {
                pos = window + cuts.trailing_zeros() as usize;
                self.ends[self.n] = pos;
                self.n += 1;
                cuts &= cuts - 1;
            }
            if self.n >= BATCH {
                self.flush();
            }
        }
    }

    #[inline(always)]
    fn push(&mut self, end: usize) {
        self.ends[self.n] = end;
        self.n += 1;
        if self.n >= BATCH {
            self.flush();
        }
    }

    #[inline(always)]
    fn flush(&mut self) {
        if let Some(&end) = self.ends[..self.n].last() {
            (self.sink)(self.start, &self.ends[..self.n]);
            self.start = end;
            self.n = 0;
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
