//! Sentences, as spaCy's rule-based sentencizer cuts them.
//!
//! A sentence ends after a token that is one of 128 sentence-ending marks and the punctuation that
//! follows it; the next token that is neither opens a new sentence. White space longer than one
//! space is a token too, so it goes to the sentence after it.

use crate::class::{Classes, PUNCTUATION_CATEGORY, SENTENCE_PUNCTUATION};
use crate::word::{Span, Tokens, tokens};

/// The sentences of `text`, which together are the whole text: white space between two sentences
/// belongs to the second. This is datatrove's `split_into_sentences`, except that it gives nothing
/// for an empty text.
///
/// ```
/// let sentences: Vec<_> = pretrain_text::sentences("One. Two (\"why?\") Three").collect();
/// assert_eq!(sentences, ["One.", " Two (\"why?\")", " Three"]);
/// ```
pub fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    let mut spans = sentence_spans(text).peekable();
    std::iter::from_fn(move || {
        let span = spans.next()?;
        let end = if spans.peek().is_some() { span.end } else { text.len() };
        let sentence = &text[start..end];
        start = end;
        Some(sentence)
    })
}

/// The positions of the sentences without the single space between two of them.
pub fn sentence_spans(text: &str) -> impl Iterator<Item = Span> {
    SentenceSpans { text, classes: Classes::get(), tokens: tokens(text), open: None, ended: false }
}

struct SentenceSpans<'a> {
    text: &'a str,
    classes: &'static Classes,
    tokens: Tokens<'a>,
    open: Option<Span>,
    /// Whether the open sentence has had a sentence-ending mark.
    ended: bool,
}

impl Iterator for SentenceSpans<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        while let Some(token) = self.tokens.next() {
            let text = token.of(self.text);
            let ends = self.ends_sentence(text);
            let Some(open) = &mut self.open else {
                self.open = Some(token);
                self.ended = ends;
                continue;
            };
            let is_punctuation = || text.chars().all(|c| self.classes.is(c, PUNCTUATION_CATEGORY));
            if self.ended && !ends && !is_punctuation() {
                let done = *open;
                self.open = Some(token);
                self.ended = false;
                return Some(done);
            }
            open.end = token.end;
            self.ended |= ends;
        }
        self.open.take()
    }
}

impl SentenceSpans<'_> {
    #[inline]
    fn ends_sentence(&self, token: &str) -> bool {
        let mut chars = token.chars();
        chars.next().is_some_and(|c| self.classes.is(c, SENTENCE_PUNCTUATION))
            && chars.next().is_none()
    }
}
