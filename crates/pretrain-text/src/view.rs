//! One text, looked at by many: words, lines and counts are computed once, when first asked for.

use std::cell::{OnceCell, RefCell};

use crate::class::{self, Classes};
use crate::line::{line_spans, n_chars};
use crate::word::{Span, word_spans};

/// A word of a text with what rules ask about words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Where it is, in bytes.
    pub span: Span,
    /// Its length in code points.
    pub n_chars: usize,
    /// Whether it has a letter ([`is_alphabetic`](crate::is_alphabetic)).
    pub alphabetic: bool,
    /// Whether it is symbols only ([`is_symbol`](crate::is_symbol)).
    pub symbolic: bool,
}

/// Memory that a [`TextView`] gives back for the next text.
#[derive(Debug, Default)]
pub struct ViewBuffers {
    words: Vec<Word>,
    lines: Vec<Span>,
}

/// A text and what has been computed of it so far. Nothing is copied: words and lines are positions.
///
/// ```
/// use pretrain_text::TextView;
///
/// let view = TextView::new("Naïve, no?\nYes.");
/// assert_eq!(view.n_chars(), 15);
/// assert_eq!(view.words().len(), 6);
/// assert_eq!(view.words()[0].n_chars, 5);
/// assert_eq!(view.lines().map(str::len).collect::<Vec<_>>(), [11, 4]);
/// ```
#[derive(Debug)]
pub struct TextView<'t> {
    text: &'t str,
    n_chars: OnceCell<usize>,
    words: OnceCell<Vec<Word>>,
    lines: OnceCell<Vec<Span>>,
    spare: RefCell<ViewBuffers>,
}

impl<'t> TextView<'t> {
    /// A view of `text`. Computes nothing.
    pub fn new(text: &'t str) -> Self {
        Self::with_buffers(text, ViewBuffers::default())
    }

    /// A view of `text` that uses the memory of an earlier view.
    pub fn with_buffers(text: &'t str, buffers: ViewBuffers) -> Self {
        Self {
            text,
            n_chars: OnceCell::new(),
            words: OnceCell::new(),
            lines: OnceCell::new(),
            spare: RefCell::new(buffers),
        }
    }

    /// Gives the memory back.
    pub fn into_buffers(self) -> ViewBuffers {
        let mut buffers = self.spare.into_inner();
        if let Some(words) = self.words.into_inner() {
            buffers.words = words;
        }
        if let Some(lines) = self.lines.into_inner() {
            buffers.lines = lines;
        }
        buffers
    }

    /// The text.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Length of the text in code points.
    pub fn n_chars(&self) -> usize {
        *self.n_chars.get_or_init(|| n_chars(self.text))
    }

    /// The words ([`words`](crate::words)).
    pub fn words(&self) -> &[Word] {
        self.words.get_or_init(|| {
            let mut words = std::mem::take(&mut self.spare.borrow_mut().words);
            let classes = Classes::get();
            words.clear();
            words.extend(word_spans(self.text).map(|span| describe(span, self.text, classes)));
            words
        })
    }

    /// The lines ([`lines`](crate::lines)).
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &'t str> + Clone {
        let text = self.text;
        let spans = self.lines.get_or_init(|| {
            let mut spans = std::mem::take(&mut self.spare.borrow_mut().lines);
            spans.clear();
            spans.extend(line_spans(text));
            spans
        });
        spans.iter().map(move |span| span.of(text))
    }

    /// Number of words that are more than symbols, and how many code points they have together.
    pub fn non_symbol_words(&self) -> (usize, usize) {
        let words = self.words().iter().filter(|word| !word.symbolic);
        words.fold((0, 0), |(n, chars), word| (n + 1, chars + word.n_chars))
    }

    /// Number of words with a letter.
    pub fn n_alphabetic_words(&self) -> usize {
        self.words().iter().filter(|word| word.alphabetic).count()
    }
}

#[inline]
fn describe(span: Span, text: &str, classes: &Classes) -> Word {
    let mut word = Word { span, n_chars: 0, alphabetic: false, symbolic: true };
    for c in span.of(text).chars() {
        let kinds = classes.of(c);
        word.n_chars += 1;
        word.alphabetic |= kinds & class::ALPHABETIC != 0;
        word.symbolic &= kinds & (class::STRIPPED_PUNCTUATION | class::TERMINAL_PUNCTUATION) != 0;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_in_code_points_and_by_kind() {
        let view = TextView::new("Éa ... 12 ¿ 漢字。");
        let words: Vec<_> =
            view.words().iter().map(|w| (w.n_chars, w.alphabetic, w.symbolic)).collect();
        assert_eq!(
            words,
            [
                (2, true, false),
                (3, false, true),
                (2, false, false),
                (1, false, false),
                (2, true, false),
                (1, false, true)
            ]
        );
        assert_eq!(view.non_symbol_words(), (4, 7));
        assert_eq!(view.n_alphabetic_words(), 2);
        assert_eq!(view.n_chars(), 15);
    }

    #[test]
    fn buffers_carry_nothing_over() {
        let view = TextView::new("one two\nthree");
        assert_eq!((view.words().len(), view.lines().len()), (3, 2));
        let view = TextView::with_buffers("four", view.into_buffers());
        assert_eq!(view.words().len(), 1);
        assert_eq!(view.lines().collect::<Vec<_>>(), ["four"]);
        let view = TextView::with_buffers("", view.into_buffers());
        assert_eq!((view.words().len(), view.lines().len(), view.n_chars()), (0, 0, 0));
    }
}
