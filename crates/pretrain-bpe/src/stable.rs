//! Which part of a text's tokens can no longer change, whatever is appended to the text.
//!
//! # The rule
//!
//! A scanner of a named pattern goes from left to right and decides the end of a pre-token from the
//! characters at and after its start. If it has not reached the end of the text, no appended character
//! can change its decision. So it is enough to bound how far it looks. Over all named patterns, the
//! scanner that starts at `a` and returns the end `b` has seen at most three characters after the
//! furthest of
//!
//! - `b` itself: runs of letters, numbers and symbols look at one character after their end, and a
//!   contraction (`'re`, which o200k also attaches to a word) at three from the apostrophe;
//! - the end of the run of white space that holds `a`: `\s+(?!\S)`, `\s*[\r\n]+` and `\s++$` take the
//!   whole run and give part of it back;
//! - the end of the run of letters and marks that starts at `a` or one character later (the optional
//!   character before a word): o200k's two classes share letters, so its word may end earlier than the
//!   run.
//!
//! Hence a pre-token is stable when all three ends stand at least three characters before the end of
//! the text. No named pattern looks back, so a scanner may start again at any border of pre-tokens.
//! The stable part must also be cut alike when it stands alone, since it is encoded alone. Only white
//! space is cut by what follows it (no other alternative of a named pattern looks ahead), so the border
//! is put after the last stable pre-token that is not all white space. The tests append every short
//! sequence of kinds of characters to every other.
//!
//! A custom expression may look back and ahead as far as it likes, and without a pattern the text is
//! one pre-token: then nothing is stable before the text is complete.
//!
//! Nor is anything known of a tokenizer that rewrites the text, or whose added tokens look around: what
//! is not [`Plain`] has no border.
//!
//! Added tokens come first: where the end of the text could be the beginning of one, the text might
//! end there as far as the pattern is concerned, so only what stands before is judged.

use crate::added_tokens::{AddedTokens, Segment};
use crate::byte_bpe::ByteBpe;
use crate::pattern::Pattern;
use crate::pretokenize::PreTokenizer;
use crate::scratch::ScratchPool;
use crate::token::AllowedSpecial;
use crate::tokenizer::Tokenizer;
use crate::unicode::{Classes, LETTER, LOWER, SPACE, UPPER};

#[cfg(test)]
mod tests;

/// The parts of a tokenizer that does nothing but find added tokens, cut by a pattern and merge bytes.
pub(crate) struct Plain<'t> {
    pub(crate) added: &'t AddedTokens,
    pub(crate) pre_tokenizer: &'t PreTokenizer,
    pub(crate) bpe: &'t ByteBpe,
    pub(crate) scratch: &'t ScratchPool,
}

impl Tokenizer {
    /// A position `b` in `text` such that, for any `more`, the tokens of `text + more` are those of
    /// `text[..b]` followed by those of `text[b..] + more`. The greatest that the rule above finds;
    /// 0 where nothing is known.
    pub(crate) fn stable_border(&self, text: &str, allowed: AllowedSpecial<'_>) -> usize {
        let Some(plain) = self.plain() else { return 0 };
        if !looks_ahead_little(plain.pre_tokenizer.pattern()) {
            return 0;
        }
        if !plain.added.may_match(allowed) {
            return stable_pre_tokens(plain.pre_tokenizer, text);
        }
        let limit = first_open(plain.added, text, allowed);
        // The border so far, and the text after it that may still grow.
        let mut border = 0;
        let mut open = 0..0;
        let mut closed = true;
        plain.added.segments(text, allowed, &mut |segment| match segment {
            _ if !closed => {}
            Segment::Added(_, range) if range.end <= limit => {
                border = range.end;
                open = border..border;
            }
            Segment::Added(..) => closed = false,
            Segment::Text(range) => {
                open = range.start..range.end.min(limit).max(range.start);
                closed = range.end <= limit;
            }
        });
        border + stable_pre_tokens(plain.pre_tokenizer, &text[open])
    }

    /// Whether [`stable_border`](Self::stable_border) can be other than 0.
    pub(crate) fn has_stable_borders(&self) -> bool {
        self.plain().is_some_and(|plain| looks_ahead_little(plain.pre_tokenizer.pattern()))
    }
}

fn looks_ahead_little(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Gpt2
        | Pattern::Cl100k
        | Pattern::O200k
        | Pattern::Llama3
        | Pattern::Qwen2
        | Pattern::Nanochat
        | Pattern::Digits => true,
        Pattern::None | Pattern::Custom(_) => false,
    }
}

/// The first position from which the text is the beginning, but not all, of an added token.
fn first_open(added: &AddedTokens, text: &str, allowed: AllowedSpecial<'_>) -> usize {
    let candidates = || {
        let tokens = added.as_slice().iter();
        tokens.filter(|token| !token.special || allowed.allows(&token.content))
    };
    let longest = candidates().map(|token| token.content.len()).max().unwrap_or(0);
    let from = (text.len() + 1).saturating_sub(longest);
    let is_open = |&at: &usize| {
        let rest = &text[at..];
        candidates()
            .any(|token| token.content.len() > rest.len() && token.content.starts_with(rest))
    };
    let mut positions = (from..text.len()).filter(|&at| text.is_char_boundary(at));
    positions.find(is_open).unwrap_or(text.len())
}

/// Letters and marks.
const WORD: u8 = LETTER | UPPER | LOWER;

/// The end of the last stable pre-token, not all white space, of a text in which only the pattern cuts.
fn stable_pre_tokens(pre_tokenizer: &PreTokenizer, text: &str) -> usize {
    let classes = Classes::get();
    let class = |c: char| classes.of(c as u32);
    let Some((last, c)) = text.char_indices().nth_back(2) else { return 0 };
    // Pre-tokens that start in a run through `last` may have looked beyond it.
    let run = if class(c) & SPACE != 0 { SPACE } else { class(c) & WORD };
    let run_start = |mask| text[..last].trim_end_matches(|c| class(c) & mask != 0);
    let first = match run {
        0 => last,
        SPACE => run_start(SPACE).len(),
        _ => run_start(WORD).char_indices().next_back().map_or(0, |(at, _)| at),
    };
    let is_space = |piece: &str| piece.chars().all(|c| class(c) & SPACE != 0);
    let mut border = 0;
    pre_tokenizer.for_each(text, |piece| {
        if piece.start < first && piece.end <= last && !is_space(&text[piece.clone()]) {
            border = piece.end;
        }
    });
    border
}
