//! Hand-written scanners of the named patterns.
//!
//! A scanner is a function from a position to the end of the pre-token that starts there. It gives
//! exactly the match of the pattern's regular expression (leftmost alternative first, greedy), without
//! an engine: every scanner looks at each character a bounded number of times, so a text takes linear
//! time whatever it holds. The twins are compared in `tests.rs`, on random and on adversarial texts.

use crate::unicode::{Classes, LETTER, LOWER, NUMBER, SPACE, UPPER};

mod cuts;
#[cfg(test)]
mod tests;
mod window;

pub(crate) use window::WIDTH;
use window::Window;

/// A scanner over one text, or over a segment of it.
pub(crate) struct Scanner<'t> {
    classes: &'static Classes,
    text: &'t [u8],
}

/// What tells the members of the cl100k family apart.
#[derive(Clone, Copy)]
pub(crate) struct Cl100kFamily {
    /// `\p{N}{1,max_digits}`
    pub(crate) max_digits: usize,
    /// Whether white space up to the end of the text is one pre-token, newlines included (`\s++$`).
    pub(crate) whole_final_space: bool,
}

impl<'t> Scanner<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { classes: Classes::get(), text: text.as_bytes() }
    }

    /// The end of the run of characters with any of the classes in `mask`.
    #[inline(always)]
    fn while_any(&self, mut pos: usize, mask: u8) -> usize {
        while pos < self.text.len() {
            let (class, len) = self.classes.at(self.text, pos);
            if class & mask == 0 {
                break;
            }
            pos += len;
        }
        pos
    }

    /// The end of the run of characters with none of the classes in `mask`.
    #[inline(always)]
    fn while_none(&self, mut pos: usize, mask: u8) -> usize {
        while pos < self.text.len() {
            let (class, len) = self.classes.at(self.text, pos);
            if class & mask != 0 {
                break;
            }
            pos += len;
        }
        pos
    }

    /// The classes at `pos`; none at the end of the text.
    #[inline(always)]
    fn peek(&self, pos: usize) -> (u8, usize) {
        if pos < self.text.len() { self.classes.at(self.text, pos) } else { (0, 0) }
    }

    /// Whether `pos` is at a character of `[^\s\p{L}\p{N}]`.
    #[inline(always)]
    fn is_symbol(&self, pos: usize) -> bool {
        pos < self.text.len() && self.classes.at(self.text, pos).0 & (SPACE | LETTER | NUMBER) == 0
    }

    /// `'s|'t|'re|'ve|'m|'ll|'d` at `pos`, in lower case only: its end.
    #[inline(always)]
    fn contraction(&self, pos: usize) -> Option<usize> {
        match self.text.get(pos + 1..)? {
            [b's' | b't' | b'm' | b'd', ..] => Some(pos + 2),
            [b'r' | b'v', b'e', ..] | [b'l', b'l', ..] => Some(pos + 3),
            _ => None,
        }
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)` at `pos`: its end. U+017F (long s) folds to `s`.
    #[inline(always)]
    fn contraction_any_case(&self, pos: usize) -> Option<usize> {
        match self.text.get(pos + 1..)? {
            [b's' | b't' | b'm' | b'd' | b'S' | b'T' | b'M' | b'D', ..] => Some(pos + 2),
            [b'r' | b'v' | b'R' | b'V', b'e' | b'E', ..] | [b'l' | b'L', b'l' | b'L', ..] => {
                Some(pos + 3)
            }
            [0xc5, 0xbf, ..] => Some(pos + 3),
            _ => None,
        }
    }

    /// `\s+(?!\S)|\s+` at white space: all of the run at the end of the text, else all but its last
    /// character, unless it is the only one.
    #[inline(always)]
    fn space(&self, pos: usize) -> usize {
        let end = self.while_any(pos, SPACE);
        if end == self.text.len() { end } else { self.without_last(pos, end) }
    }

    /// `end` without the last character of the run `pos..end`, unless it is the only one.
    fn without_last(&self, pos: usize, end: usize) -> usize {
        let mut last = end - 1;
        while self.text[last] & 0xc0 == 0x80 {
            last -= 1;
        }
        if last == pos { end } else { last }
    }

    /// `\s*[\r\n]+|\s+(?!\S)|\s+` at white space, with `\s++$` before it on request.
    #[inline(always)]
    fn space_with_newlines(&self, pos: usize, whole_final_space: bool) -> usize {
        let end = self.while_any(pos, SPACE);
        if whole_final_space && end == self.text.len() {
            return end;
        }
        // `\s*` takes the run, then gives back until a newline follows: the match ends after the last.
        match self.text[pos..end].iter().rposition(|&byte| matches!(byte, b'\r' | b'\n')) {
            Some(newline) => pos + newline + 1,
            None if end == self.text.len() => end,
            None => self.without_last(pos, end),
        }
    }

    /// The end of the pre-token at `pos` under the GPT-2 pattern.
    #[inline]
    pub(crate) fn gpt2(&self, pos: usize) -> usize {
        let lead = self.text[pos];
        if lead == b'\''
            && let Some(end) = self.contraction(pos)
        {
            return end;
        }
        let (class, len) = self.classes.at(self.text, pos);
        // The optional space before a word: look at what follows it.
        let (class, start) = match lead {
            b' ' => match self.peek(pos + 1) {
                (_, 0) => return pos + 1,
                (next, next_len) if next & SPACE == 0 => (next, pos + 1 + next_len),
                _ => return self.space(pos),
            },
            _ => (class, pos + len),
        };
        match class & (LETTER | NUMBER | SPACE) {
            LETTER => self.while_any(start, LETTER),
            NUMBER => self.while_any(start, NUMBER),
            SPACE => self.space(pos),
            _ => self.while_none(start, LETTER | NUMBER | SPACE),
        }
    }

    /// The end of the pre-token at `pos` under a pattern of the cl100k family.
    #[inline]
    pub(crate) fn cl100k(&self, pos: usize, family: Cl100kFamily) -> usize {
        let lead = self.text[pos];
        if lead == b'\''
            && let Some(end) = self.contraction_any_case(pos)
        {
            return end;
        }
        let (class, len) = self.classes.at(self.text, pos);
        let after = pos + len;
        if class & LETTER != 0 {
            return self.while_any(after, LETTER);
        }
        if class & NUMBER != 0 {
            return self.numbers(after, family.max_digits - 1);
        }
        // `[^\r\n\p{L}\p{N}]?\p{L}+`
        if !matches!(lead, b'\r' | b'\n') && self.peek(after).0 & LETTER != 0 {
            return self.while_any(after, LETTER);
        }
        match self.symbols(pos, class) {
            Some(end) => self.while_bytes(end, |byte| matches!(byte, b'\r' | b'\n')),
            None => self.space_with_newlines(pos, family.whole_final_space),
        }
    }

    /// The end of the pre-token at `pos` under the o200k pattern.
    #[inline]
    pub(crate) fn o200k(&self, pos: usize) -> usize {
        let lead = self.text[pos];
        let (class, len) = self.classes.at(self.text, pos);
        let after = pos + len;
        let can_be_prefix = class & (LETTER | NUMBER) == 0 && !matches!(lead, b'\r' | b'\n');
        let in_word = class & (UPPER | LOWER) != 0;
        // The two word alternatives, each first with the optional prefix, then without.
        let word = (can_be_prefix.then(|| self.upper_then_lower(after)).flatten())
            .or_else(|| in_word.then(|| self.upper_then_lower(pos)).flatten())
            .or_else(|| can_be_prefix.then(|| self.upper_only(after)).flatten())
            .or_else(|| in_word.then(|| self.upper_only(pos)).flatten());
        if let Some(end) = word {
            let suffix = if self.text.get(end) == Some(&b'\'') {
                self.contraction_any_case(end)
            } else {
                None
            };
            return suffix.unwrap_or(end);
        }
        if class & NUMBER != 0 {
            return self.numbers(after, 2);
        }
        match self.symbols(pos, class) {
            Some(end) => self.while_bytes(end, |byte| matches!(byte, b'\r' | b'\n' | b'/')),
            None => self.space_with_newlines(pos, false),
        }
    }

    /// `[UPPER]*[LOWER]+` at `pos`, where the two classes share caseless letters and marks.
    #[inline(always)]
    fn upper_then_lower(&self, pos: usize) -> Option<usize> {
        let mut end = pos;
        let mut last_shared = None;
        while end < self.text.len() {
            let (class, len) = self.classes.at(self.text, end);
            if class & UPPER == 0 {
                if class & LOWER != 0 {
                    return Some(self.while_any(end + len, LOWER));
                }
                break;
            }
            end += len;
            if class & LOWER != 0 {
                last_shared = Some(end);
            }
        }
        // `[UPPER]*` gives back up to the last character that is also of LOWER; those after it are not.
        last_shared
    }

    /// `[UPPER]+[LOWER]*` at `pos`, after [`upper_then_lower`](Self::upper_then_lower) has failed there:
    /// then no character of LOWER follows.
    #[inline(always)]
    fn upper_only(&self, pos: usize) -> Option<usize> {
        let end = self.while_any(pos, UPPER);
        (end > pos).then_some(end)
    }

    /// At most `n` more number characters.
    #[inline(always)]
    fn numbers(&self, mut pos: usize, n: usize) -> usize {
        for _ in 0..n {
            match self.peek(pos) {
                (class, len) if class & NUMBER != 0 => pos += len,
                _ => break,
            }
        }
        pos
    }

    /// ` ?[^\s\p{L}\p{N}]+` at `pos`, a character of class `class` that is neither letter nor number.
    #[inline(always)]
    fn symbols(&self, pos: usize, class: u8) -> Option<usize> {
        let from = match class & SPACE {
            0 => pos,
            _ if self.text[pos] == b' ' && self.is_symbol(pos + 1) => pos + 1,
            _ => return None,
        };
        Some(self.while_none(from, SPACE | LETTER | NUMBER))
    }

    #[inline(always)]
    fn while_bytes(&self, mut pos: usize, is_in: impl Fn(u8) -> bool) -> usize {
        while self.text.get(pos).is_some_and(|&byte| is_in(byte)) {
            pos += 1;
        }
        pos
    }

    /// Where further pre-tokens of the GPT-2 pattern begin in the window at `pos`, where one begins.
    #[inline(always)]
    pub(crate) fn gpt2_cuts(&self, pos: usize) -> u64 {
        let window = Window::at::<false>(self.classes, self.text, pos);
        cuts::gpt2(&window, |at| Some(self.contraction(pos + at)? - pos))
    }

    /// [`gpt2_cuts`](Self::gpt2_cuts) for a pattern of the cl100k family.
    #[inline(always)]
    pub(crate) fn cl100k_cuts(&self, pos: usize, family: Cl100kFamily) -> u64 {
        let window = Window::at::<false>(self.classes, self.text, pos);
        let contraction = |at| Some(self.contraction_any_case(pos + at)? - pos);
        cuts::cl100k(&window, family.max_digits, contraction)
    }

    /// [`gpt2_cuts`](Self::gpt2_cuts) for the o200k pattern.
    #[inline(always)]
    pub(crate) fn o200k_cuts(&self, pos: usize) -> u64 {
        let window = Window::at::<true>(self.classes, self.text, pos);
        cuts::o200k(&window, |at| Some(self.contraction_any_case(pos + at)? - pos))
    }

    /// The next number character at or after `pos`, with its end; the end of the text twice if none.
    pub(crate) fn next_number(&self, pos: usize) -> (usize, usize) {
        let start = self.while_none(pos, NUMBER);
        (start, start + self.peek(start).1)
    }
}
