//! What to do with a text and the delimiters found in it.

use std::ops::Range;

use crate::normalize::categories::is_punctuation;
use crate::unicode::{Classes, NUMBER};

/// What becomes of the delimiters. For `-` in `the-final--countdown`:
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// `the`, `final`, `countdown`
    Removed,
    /// `the`, `-`, `final`, `-`, `-`, `countdown`
    Isolated,
    /// `the-`, `final-`, `-`, `countdown`
    MergedWithPrevious,
    /// `the`, `-final`, `-`, `-countdown`
    MergedWithNext,
    /// `the`, `-`, `final`, `--`, `countdown`
    Contiguous,
}

impl Behavior {
    pub(crate) const NAMES: [(&'static str, Self); 5] = [
        ("Removed", Self::Removed),
        ("Isolated", Self::Isolated),
        ("MergedWithPrevious", Self::MergedWithPrevious),
        ("MergedWithNext", Self::MergedWithNext),
        ("Contiguous", Self::Contiguous),
    ];

    /// Adds to `out` the pieces of a text whose parts, delimiters or not, are `parts`: in order,
    /// without gap. Empty pieces are left out.
    pub(crate) fn split(
        self,
        parts: impl DoubleEndedIterator<Item = (Range<usize>, bool)>,
        out: &mut Vec<Range<usize>>,
    ) {
        let first = out.len();
        let mut was_delimiter = false;
        match self {
            Self::Isolated => out.extend(parts.map(|(part, _)| part)),
            Self::Removed => {
                out.extend(parts.filter(|(_, is_delimiter)| !is_delimiter).map(|(part, _)| part));
            }
            Self::Contiguous | Self::MergedWithPrevious => {
                for (part, is_delimiter) in parts {
                    let merges = match self {
                        Self::Contiguous => is_delimiter == was_delimiter,
                        _ => is_delimiter && !was_delimiter,
                    };
                    match out[first..].last_mut() {
                        Some(last) if merges => last.end = part.end,
                        _ => out.push(part),
                    }
                    was_delimiter = is_delimiter;
                }
            }
            Self::MergedWithNext => {
                for (part, is_delimiter) in parts.rev() {
                    match out[first..].last_mut() {
                        Some(last) if is_delimiter && !was_delimiter => last.start = part.start,
                        _ => out.push(part),
                    }
                    was_delimiter = is_delimiter;
                }
                out[first..].reverse();
            }
        }
        let mut kept = first;
        for at in first..out.len() {
            if !out[at].is_empty() {
                out.swap(kept, at);
                kept += 1;
            }
        }
        out.truncate(kept);
    }
}

/// Characters that are each a delimiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CharClass {
    Whitespace,
    Punctuation,
    /// `\p{N}`
    Number,
    Is(char),
}

impl CharClass {
    fn has(self, c: char) -> bool {
        match self {
            Self::Whitespace => c.is_whitespace(),
            Self::Punctuation => is_punctuation(c),
            Self::Number => Classes::get().of(u32::from(c)) & NUMBER != 0,
            Self::Is(other) => c == other,
        }
    }

    /// [`Behavior::split`] for delimiters that are removed or else isolated, without lists in between.
    pub(super) fn split(self, text: &str, removes: bool, out: &mut Vec<Range<usize>>) {
        let mut start = 0;
        for (at, c) in text.char_indices() {
            if self.has(c) {
                let end = at + c.len_utf8();
                if start < at {
                    out.push(start..at);
                }
                if !removes {
                    out.push(at..end);
                }
                start = end;
            }
        }
        if start < text.len() {
            out.push(start..text.len());
        }
    }

    /// The delimiters of a text.
    pub(super) fn matches(self, text: &str) -> Vec<Range<usize>> {
        let delimiters = text.char_indices().filter(|&(_, c)| self.has(c));
        delimiters.map(|(at, c)| at..at + c.len_utf8()).collect()
    }
}

/// The parts of a text of `len` bytes: the matches and what stands between them.
pub(super) fn parts(matches: Vec<Range<usize>>, len: usize) -> Vec<(Range<usize>, bool)> {
    let mut parts = Vec::with_capacity(matches.len() * 2 + 1);
    let mut end = 0;
    for found in matches {
        if end < found.start {
            parts.push((end..found.start, false));
        }
        end = found.end;
        parts.push((found, true));
    }
    if end < len {
        parts.push((end..len, false));
    }
    parts
}
