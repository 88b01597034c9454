//! Pre-tokenizers one after another, as `tokenizer.json` lists them.
//!
//! A [`Component`] is what the file says. It is compiled, together with what the model needs, into a
//! [`Cut`]: the scanner of a single [`Pattern`] wherever the components amount to one, so that the
//! usual files keep their speed, else a [`Chain`] of stages. A stage cuts each piece it is given as if it
//! were a whole text, and some rewrite the pieces; all pieces of a segment stand one after another in one
//! buffer, so nothing is allocated per piece.

use std::ops::Range;

use crate::error::Result;
use crate::normalize::aligned::NormalizedText;
use crate::pattern::Pattern;
use crate::pretokenize::PreTokenizer;
use crate::text_pattern::TextPattern;

pub(crate) use component::{Component, Metaspace, PrependScheme};
pub(crate) use split::Behavior;
use split::CharClass;
use stage::Stage;

mod component;
mod split;
mod stage;
#[cfg(test)]
mod tests;

/// How a segment is cut into pre-tokens.
#[derive(Clone, Debug)]
pub(crate) enum Cut {
    /// By one pattern, in place.
    Pattern(PreTokenizer),
    /// By stages.
    Chain(Chain),
}

/// Stages one after another; none leaves a text in one piece.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    stages: Vec<Stage>,
}

/// The pre-tokens of a segment.
pub(crate) struct Pieces<'t> {
    /// Their text, one after another; a stage may have left out what stood between them.
    pub(crate) text: NormalizedText<'t>,
    /// Where each is in `text`, in order, none empty.
    pub(crate) ranges: Vec<Range<usize>>,
}

impl Cut {
    /// Compiles the components of a file. With `byte_level`, the model takes the bytes of the text
    /// themselves and the last component must be `ByteLevel`: then bytes are not spelled out as
    /// characters.
    pub(crate) fn compile(component: Option<&Component>, byte_level: bool) -> Result<Self> {
        let mut stages = Vec::new();
        if let Some(component) = component {
            add_stages(component, byte_level, &mut stages)?;
        }
        if byte_level && let Some(pattern) = as_pattern(&stages) {
            return Ok(Self::Pattern(PreTokenizer::new(&pattern)?));
        }
        Ok(Self::Chain(Chain { stages }))
    }

    /// The pattern, if there is only one.
    pub(crate) fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::Pattern(pre_tokenizer) => Some(pre_tokenizer.pattern()),
            Self::Chain(_) => None,
        }
    }

    /// Whether pieces may hold other text than the segment.
    pub(crate) fn rewrites(&self) -> bool {
        match self {
            Self::Pattern(_) => false,
            Self::Chain(chain) => chain.stages.iter().any(Stage::rewrites),
        }
    }

    /// Whether it must know where a piece comes from, although it may have been rewritten before.
    pub(crate) fn needs_origins(&self, normalized: bool) -> bool {
        match self {
            Self::Pattern(_) => false,
            Self::Chain(chain) => {
                let rewrites = chain.stages.iter().position(Stage::rewrites);
                let first = if normalized { Some(0) } else { rewrites.map(|at| at + 1) };
                first.is_some_and(|first| chain.stages[first..].iter().any(Stage::needs_origins))
            }
        }
    }

    /// Cuts a segment.
    pub(crate) fn pieces<'t>(&self, text: NormalizedText<'t>) -> Pieces<'t> {
        let mut ranges = Vec::new();
        match self {
            Self::Pattern(pre_tokenizer) => {
                pre_tokenizer.for_each(text.as_str(), |piece| ranges.push(piece));
                Pieces { text, ranges }
            }
            Self::Chain(chain) => {
                if !text.as_str().is_empty() {
                    ranges.push(0..text.as_str().len());
                }
                let pieces = Pieces { text, ranges };
                chain.stages.iter().fold(pieces, |pieces, stage| stage.apply(pieces))
            }
        }
    }
}

fn add_stages(component: &Component, byte_level: bool, stages: &mut Vec<Stage>) -> Result<()> {
    match component {
        &Component::ByteLevel { add_prefix_space, use_regex, .. } => {
            if add_prefix_space {
                stages.push(Stage::PrefixSpace);
            }
            if use_regex {
                stages.push(Stage::Pattern(PreTokenizer::new(&Pattern::Gpt2)?));
            }
            if !byte_level {
                stages.push(Stage::ByteChars);
            }
        }
        Component::Split { pattern, behavior, invert } => {
            stages.push(split_stage(pattern, *behavior, *invert)?);
        }
        Component::Bert => {
            stages.push(Stage::Class(CharClass::Whitespace, Behavior::Removed));
            stages.push(Stage::Class(CharClass::Punctuation, Behavior::Isolated));
        }
        Component::Whitespace => stages.push(Stage::Split {
            pattern: TextPattern::regex(r"\w+|[^\w\s]+")?,
            behavior: Behavior::Removed,
            invert: true,
        }),
        Component::WhitespaceSplit => {
            stages.push(Stage::Class(CharClass::Whitespace, Behavior::Removed));
        }
        Component::Metaspace(metaspace) => stages.push(Stage::Metaspace(*metaspace)),
        &Component::Punctuation(behavior) => {
            stages.push(Stage::Class(CharClass::Punctuation, behavior));
        }
        &Component::Digits { individual } => {
            let behavior = if individual { Behavior::Isolated } else { Behavior::Contiguous };
            stages.push(Stage::Class(CharClass::Number, behavior));
        }
        &Component::CharDelimiterSplit(delimiter) => {
            stages.push(Stage::Class(CharClass::Is(delimiter), Behavior::Removed));
        }
        &Component::FixedLength(length) => stages.push(Stage::FixedLength(length)),
        Component::Sequence(components) => {
            for component in components {
                add_stages(component, byte_level, stages)?;
            }
        }
    }
    Ok(())
}

/// A `Split`, by the scanner of a named pattern where there is one.
fn split_stage(pattern: &TextPattern, behavior: Behavior, invert: bool) -> Result<Stage> {
    if let TextPattern::Regex(_, source) = pattern {
        let named = Pattern::from_regex(source);
        let covers = !matches!(named, Pattern::Custom(_));
        // Named patterns match all of a text, so nothing is left for `Removed` with `invert` to remove.
        let isolates = match behavior {
            Behavior::Isolated => !invert || covers,
            Behavior::Removed => invert && covers,
            _ => false,
        };
        if isolates {
            return Ok(Stage::Pattern(PreTokenizer::new(&named)?));
        }
    }
    Ok(Stage::Split { pattern: pattern.clone(), behavior, invert })
}

/// The pattern that does what the stages do, if there is one.
fn as_pattern(stages: &[Stage]) -> Option<Pattern> {
    match stages {
        [] => Some(Pattern::None),
        [Stage::Pattern(one)] => Some(one.pattern().clone()),
        [Stage::Class(CharClass::Number, Behavior::Isolated), Stage::Pattern(then)]
            if *then.pattern() == Pattern::Gpt2 =>
        {
            Some(Pattern::Digits)
        }
        _ => None,
    }
}
