//! Words, as spaCy's blank English pipeline cuts them.
//!
//! Text is cut at white space into chunks. A chunk is a special case (a table of 1,343: `don't`,
//! `e.g.`, `:-)`), or loses its prefixes and suffixes (quotes, brackets, punctuation, currency,
//! units) one pair at a time until nothing or a special case is left; what is left is one word if it
//! is a URL, and is cut at its infixes (hyphens, slashes, ellipses between letters) if not. At the
//! end, runs of tokens that together spell a special case become that special case. A chunk that is
//! plain letters, or letters and one closing punctuation mark, takes a short path with the same
//! result.

mod affix;
mod special;
mod special_table;
mod url;

use crate::class::is_python_space;
use special::Specials;

/// A stretch of a text, in bytes. The ends are character borders of the text it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

impl Span {
    /// The stretch of `text` (the one this span was made from).
    ///
    /// # Panics
    ///
    /// If the span lies outside `text` or cuts a character, which cannot happen with its own text.
    #[inline]
    pub fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }

    /// Length in bytes.
    #[inline]
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether nothing is in it.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// The words of `text`: what datatrove's `split_into_words` gives for English. Punctuation marks are
/// words; white space is not.
///
/// Zero-copy, in order, without overlap. Linear in the length of the text; the memory is that of
/// the longest run of words without a plain border between them.
///
/// ```
/// let words: Vec<_> = pretrain_text::words("They don't (usually) pay $5.").collect();
/// assert_eq!(words, ["They", "do", "n't", "(", "usually", ")", "pay", "$", "5", "."]);
/// ```
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    word_spans(text).map(|span| span.of(text))
}

/// The positions of [`words`].
pub fn word_spans(text: &str) -> impl Iterator<Item = Span> {
    tokens(text).filter(|span| !span.of(text).starts_with(is_python_space))
}

/// All tokens: the words, and the runs of white space that are more than the single space which
/// separates two chunks.
pub(crate) fn tokens(text: &str) -> Tokens<'_> {
    Tokens {
        text,
        specials: Specials::get(),
        at: 0,
        pending: Vec::new(),
        cursor: 0,
        scratch: affix::Scratch::default(),
    }
}

/// Iterator of [`tokens`].
pub(crate) struct Tokens<'a> {
    text: &'a str,
    specials: &'static Specials,
    /// First byte that is in no token yet.
    at: usize,
    /// Tokens that are ready, from `cursor` on.
    pending: Vec<Span>,
    cursor: usize,
    scratch: affix::Scratch,
}

impl Iterator for Tokens<'_> {
    type Item = Span;

    #[inline]
    fn next(&mut self) -> Option<Span> {
        if self.cursor == self.pending.len() {
            self.fill();
        }
        let span = self.pending.get(self.cursor).copied()?;
        self.cursor += 1;
        Some(span)
    }
}

impl Tokens<'_> {
    /// Puts into `pending` the tokens of the chunks up to the next border that no special case
    /// crosses: white space other than one space, or one space between two tokens that begin with an
    /// ASCII letter or digit (no special case has two such tokens side by side).
    fn fill(&mut self) {
        self.pending.clear();
        self.cursor = 0;
        let bytes = self.text.as_bytes();
        let mut plain = true;
        while self.at < bytes.len() {
            let space = space_end(bytes, self.at);
            if space > self.at {
                let after_chunk = self.at > 0;
                let start = self.at + usize::from(after_chunk && bytes[self.at] == b' ');
                self.at = space;
                if start < space {
                    self.pending.push(Span { start, end: space });
                    break;
                }
            }
            if self.at == bytes.len() {
                break;
            }
            let (end, kinds) = chunk_end(bytes, self.at);
            let chunk = Span { start: self.at, end };
            self.at = end;
            plain &= self.chunk(chunk, kinds);
            let ends_plain =
                self.pending.last().is_some_and(|last| bytes[last.start].is_ascii_alphanumeric());
            if ends_plain
                && bytes.get(end) == Some(&b' ')
                && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric)
            {
                break;
            }
        }
        if !plain && self.pending.len() > 1 {
            self.specials.merge(self.text, &mut self.pending);
        }
    }

    /// Cuts one chunk into tokens. True if they are all plain: words of ASCII letters or digits, or
    /// whole special cases, after which no run of tokens can spell another special case.
    #[inline]
    fn chunk(&mut self, chunk: Span, kinds: u8) -> bool {
        if kinds == DIGIT {
            self.pending.push(chunk);
            return true;
        }
        if kinds == LETTER {
            if !self.specials.push(chunk, self.text, &mut self.pending) {
                self.pending.push(chunk);
            }
            return true;
        }
        if kinds & (MARK | LETTER) == kinds && self.letters_and_mark(chunk) {
            return false;
        }
        affix::split(self.text, chunk, Some(self.specials), &mut self.scratch, &mut self.pending);
        false
    }

    /// The short path for letters and one closing mark. False if the chunk is of another shape.
    #[inline]
    fn letters_and_mark(&mut self, chunk: Span) -> bool {
        let bytes = self.text.as_bytes();
        let last = chunk.end - 1;
        if chunk.len() < 3
            || !matches!(bytes[last], b',' | b'.' | b';' | b':' | b'?' | b'!')
            || !bytes[chunk.start..last].iter().all(u8::is_ascii_alphabetic)
        {
            return false;
        }
        let letters = Span { start: chunk.start, end: last };
        let mark = Span { start: last, end: chunk.end };
        if bytes[last] == b'.' {
            if self.specials.push(chunk, self.text, &mut self.pending) {
                return true;
            }
            // A full stop stays on an initial: it goes after a lower-case letter or two capitals.
            let lower = bytes[last - 1].is_ascii_lowercase();
            if !lower && !bytes[last - 2].is_ascii_uppercase() {
                self.pending.push(chunk);
                return true;
            }
        }
        if !self.specials.push(letters, self.text, &mut self.pending) {
            self.pending.push(letters);
        }
        self.pending.push(mark);
        true
    }
}

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const MARK: u8 = 4;
const OTHER: u8 = 8;
/// A byte that is white space, or can begin a white space character.
const STOP: u8 = 16;

/// Kind of each byte.
const KIND: [u8; 256] = {
    let mut kind = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        kind[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            b'0'..=b'9' => DIGIT,
            b',' | b'.' | b';' | b':' | b'?' | b'!' => MARK,
            0x09..=0x0d | 0x1c..=0x20 | 0xc2 | 0xe1 | 0xe2 | 0xe3 => STOP,
            _ => OTHER,
        };
        byte += 1;
    }
    kind
};

/// End of the chunk that begins at `start`, and the kinds of its bytes.
#[inline]
fn chunk_end(bytes: &[u8], start: usize) -> (usize, u8) {
    let mut kinds = 0;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        let kind = KIND[usize::from(byte)];
        if kind == STOP {
            if space_length(bytes, at) > 0 {
                break;
            }
            kinds |= OTHER;
        } else {
            kinds |= kind;
        }
        at += 1;
    }
    (at, kinds)
}

/// End of the white space that begins at `start`; `start` if there is none.
#[inline]
fn space_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    loop {
        match space_length(bytes, at) {
            0 => return at,
            length => at += length,
        }
    }
}

/// Length in bytes of the white space character at `at` (Python's `isspace`); 0 if there is none.
#[inline]
fn space_length(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(0x09..=0x0d | 0x1c..=0x20) => 1,
        Some(0xc2) if matches!(bytes.get(at + 1), Some(0x85 | 0xa0)) => 2,
        Some(0xe1) if bytes[at..].starts_with("\u{1680}".as_bytes()) => 3,
        Some(0xe2) => match (bytes.get(at + 1), bytes.get(at + 2)) {
            (Some(0x80), Some(0x80..=0x8a | 0xa8 | 0xa9 | 0xaf)) | (Some(0x81), Some(0x9f)) => 3,
            _ => 0,
        },
        Some(0xe3) if bytes[at..].starts_with("\u{3000}".as_bytes()) => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
