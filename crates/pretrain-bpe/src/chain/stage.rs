//! The compiled pre-tokenizers.

use std::ops::Range;

use crate::byte_level;
use crate::normalize::aligned::Rewriter;
use crate::pretokenize::PreTokenizer;
use crate::text_pattern::TextPattern;

use super::split::{CharClass, parts};
use super::{Behavior, Metaspace, Pieces, PrependScheme};

/// One step of a chain.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// Each match, and each text between matches, is a piece.
    Pattern(PreTokenizer),
    Split {
        pattern: TextPattern,
        behavior: Behavior,
        invert: bool,
    },
    Class(CharClass, Behavior),
    Metaspace(Metaspace),
    /// A space before each piece that does not begin with one.
    PrefixSpace,
    FixedLength(usize),
    /// Each byte becomes the character that stands for it.
    ByteChars,
}

impl Stage {
    pub(super) fn rewrites(&self) -> bool {
        matches!(self, Self::Metaspace(_) | Self::PrefixSpace | Self::ByteChars)
    }

    pub(super) fn needs_origins(&self) -> bool {
        matches!(self, Self::Metaspace(Metaspace { prepend: PrependScheme::First, .. }))
    }

    pub(super) fn apply<'t>(&self, pieces: Pieces<'t>) -> Pieces<'t> {
        match self {
            Self::Pattern(pre_tokenizer) => cut(pieces, |text, out| {
                pre_tokenizer.for_each(text, |piece| out.push(piece));
            }),
            Self::Split { pattern, behavior, invert } => cut(pieces, |text, out| {
                let parts = parts(pattern.matches(text), text.len());
                behavior
                    .split(parts.into_iter().map(|(part, found)| (part, found != *invert)), out);
            }),
            Self::Class(class, behavior @ (Behavior::Isolated | Behavior::Removed)) => {
                let removes = *behavior == Behavior::Removed;
                cut(pieces, |text, out| class.split(text, removes, out))
            }
            Self::Class(class, behavior) => cut(pieces, |text, out| {
                behavior.split(parts(class.matches(text), text.len()).into_iter(), out);
            }),
            Self::FixedLength(length) => cut(pieces, |text, out| {
                let mut starts: Vec<usize> =
                    text.char_indices().map(|(at, _)| at).step_by(*length).collect();
                starts.push(text.len());
                out.extend(starts.windows(2).map(|pair| pair[0]..pair[1]));
            }),
            Self::Metaspace(metaspace) => metaspace.apply(pieces),
            Self::PrefixSpace => rewrite(pieces, |text, range, out| {
                if !text.starts_with(' ') {
                    out.push(' ', Some(range.start));
                }
                out.keep(range);
            }),
            Self::ByteChars => rewrite(pieces, |text, range, out| {
                for (at, byte) in text.bytes().enumerate() {
                    out.push(byte_level::char_of(byte), Some(range.start + at));
                }
            }),
        }
    }
}

impl Metaspace {
    fn apply<'t>(&self, pieces: Pieces<'t>) -> Pieces<'t> {
        let mark = self.replacement;
        let origins: Vec<usize> = match self.prepend {
            PrependScheme::First => {
                let start = |range: &Range<usize>| pieces.text.origin(range.clone()).start;
                pieces.ranges.iter().map(start).collect()
            }
            _ => Vec::new(),
        };
        let mut origins = origins.into_iter();
        let pieces = rewrite(pieces, |text, range, out| {
            let origin = origins.next();
            let prepends = match self.prepend {
                PrependScheme::First => origin == Some(0),
                PrependScheme::Never => false,
                PrependScheme::Always => true,
            };
            if prepends && !text.starts_with([' ', mark]) {
                out.push(mark, Some(range.start));
            }
            let mut kept = 0;
            for (at, _) in text.match_indices(' ') {
                out.keep(range.start + kept..range.start + at);
                out.push(mark, Some(range.start + at));
                kept = at + 1;
            }
            out.keep(range.start + kept..range.end);
        });
        if !self.split {
            return pieces;
        }
        cut(pieces, |text, out| {
            let marks = parts(CharClass::Is(mark).matches(text), text.len());
            Behavior::MergedWithNext.split(marks.into_iter(), out);
        })
    }
}

/// Cuts each piece as a text of its own.
fn cut<'t>(pieces: Pieces<'t>, mut cut: impl FnMut(&str, &mut Vec<Range<usize>>)) -> Pieces<'t> {
    let text = pieces.text.as_str();
    let mut ranges = Vec::with_capacity(pieces.ranges.len() + text.len() / 4);
    for range in &pieces.ranges {
        let first = ranges.len();
        cut(&text[range.clone()], &mut ranges);
        for piece in &mut ranges[first..] {
            *piece = range.start + piece.start..range.start + piece.end;
        }
    }
    Pieces { text: pieces.text, ranges }
}

/// Builds the text of each piece anew.
fn rewrite<'t>(
    pieces: Pieces<'t>,
    mut rewrite: impl FnMut(&str, Range<usize>, &mut Rewriter<'_, '_>),
) -> Pieces<'t> {
    let text = pieces.text.as_str();
    let mut rewriter = Rewriter::new(&pieces.text, text.len() + text.len() / 4);
    let mut ranges = Vec::with_capacity(pieces.ranges.len());
    for range in &pieces.ranges {
        let start = rewriter.len();
        rewrite(&text[range.clone()], range.clone(), &mut rewriter);
        ranges.push(start..rewriter.len());
    }
    Pieces { text: rewriter.finish(), ranges }
}
