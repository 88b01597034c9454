//! A text that is being rewritten, and where each of its bytes comes from.
//!
//! The origins are those of Hugging Face's `NormalizedString`, so that offsets come out the same: a
//! byte that was not rewritten stands for the whole character it belongs to, a replaced character has
//! the origin of what it replaces, an inserted one that of what stands before it. They cost 16 bytes per
//! byte of text and are kept only where somebody asks for offsets.

use std::borrow::Cow;
use std::ops::Range;

/// A text, original or rewritten, that knows its place in the text it was made from.
#[derive(Clone, Debug)]
pub(crate) struct NormalizedText<'t> {
    text: Cow<'t, str>,
    origins: Origins,
    /// Where the text begins in the original.
    base: usize,
}

#[derive(Clone, Debug)]
enum Origins {
    /// Nobody asked.
    Untracked,
    /// Nothing was rewritten: a byte stands for the character it belongs to.
    Identity,
    /// Start and end in the original of what each byte stands for.
    Each(Vec<(usize, usize)>),
}

impl<'t> NormalizedText<'t> {
    /// A text as it stands at `base` of the original; `tracked` if its origins will be asked for.
    pub(crate) fn new(text: &'t str, base: usize, tracked: bool) -> Self {
        let origins = if tracked { Origins::Identity } else { Origins::Untracked };
        Self { text: Cow::Borrowed(text), origins, base }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_text(self) -> Cow<'t, str> {
        self.text
    }

    pub(crate) fn is_tracked(&self) -> bool {
        !matches!(self.origins, Origins::Untracked)
    }

    /// The bytes of the original that the bytes `range` stand for. Of an untracked text: those of
    /// the text itself, which is right where nothing was rewritten.
    #[inline]
    pub(crate) fn origin(&self, range: Range<usize>) -> Range<usize> {
        match &self.origins {
            Origins::Each(each) => {
                let start = each.get(range.start).map_or(self.base, |origin| origin.0);
                let last = range.end.checked_sub(1).and_then(|last| each.get(last));
                start..last.map_or(start, |origin| origin.1).max(start)
            }
            Origins::Identity => {
                let start = self.text.floor_char_boundary(range.start);
                let end = self.text.ceil_char_boundary(range.end);
                self.base + start..self.base + end
            }
            Origins::Untracked => self.base + range.start..self.base + range.end,
        }
    }

    /// A part of the text, with its origins.
    pub(crate) fn slice(&self, range: Range<usize>) -> NormalizedText<'_> {
        let (origins, base) = match &self.origins {
            Origins::Each(each) => {
                let base = each.get(range.start).map_or(self.base, |origin| origin.0);
                (Origins::Each(each[range.clone()].to_vec()), base)
            }
            Origins::Identity => (Origins::Identity, self.base + range.start),
            Origins::Untracked => (Origins::Untracked, self.base + range.start),
        };
        NormalizedText { text: Cow::Borrowed(&self.text[range]), origins, base }
    }

    /// Replaces the whole text by the characters of `chars`, each with what it does: 0 replaces the
    /// next character, -n replaces it and removes the n after it, 1 is inserted. `removed` characters
    /// at the beginning are dropped first.
    pub(crate) fn rewrite(&mut self, removed: usize, chars: impl Iterator<Item = (char, isize)>) {
        if !self.is_tracked() {
            self.text = Cow::Owned(chars.map(|(c, _)| c).collect());
            return;
        }
        let mut rewriter = Rewriter::new(self, self.text.len());
        let mut old = self.text.chars();
        let mut consumed: usize = old.by_ref().take(removed).map(char::len_utf8).sum();
        for (c, change) in chars {
            if change > 0 {
                rewriter.push(c, consumed.checked_sub(1));
            } else {
                rewriter.push(c, Some(consumed));
                let n_replaced = change.unsigned_abs() + 1;
                consumed += old.by_ref().take(n_replaced).map(char::len_utf8).sum::<usize>();
            }
        }
        *self = rewriter.finish();
    }

    /// Keeps the characters that `keep` says, mapped by `map`.
    pub(crate) fn filter_map(&mut self, map: impl Fn(char) -> Option<char>) {
        if self.text.chars().all(|c| map(c) == Some(c)) {
            return;
        }
        if !self.is_tracked() {
            self.text = Cow::Owned(self.text.chars().filter_map(map).collect());
            return;
        }
        let (mut kept, mut removed_first, mut removed) = (Vec::new(), 0, 0);
        let mut last = None;
        for c in self.text.chars() {
            match map(c) {
                None => removed += 1,
                Some(c) => {
                    match last.replace(c) {
                        Some(before) => kept.push((before, -removed)),
                        None => removed_first = removed as usize,
                    }
                    removed = 0;
                }
            }
        }
        kept.extend(last.map(|last| (last, -removed)));
        self.rewrite(removed_first, kept.into_iter());
    }

    /// Inserts `prefix` before the text `piece`, with the origin of its first character.
    pub(crate) fn prepend(&mut self, prefix: &str) {
        let mut rewriter = Rewriter::new(self, self.text.len() + prefix.len());
        rewriter.push_str(prefix, Some(0));
        rewriter.keep(0..self.text.len());
        *self = rewriter.finish();
    }

    /// Replaces the parts `matches`, in order and apart, by `content`.
    pub(crate) fn replace(&mut self, matches: &[Range<usize>], content: &str) {
        if matches.is_empty() {
            return;
        }
        let mut rewriter = Rewriter::new(self, self.text.len());
        let mut kept = 0;
        for found in matches {
            rewriter.keep(kept..found.start);
            rewriter.push_str(content, found.end.checked_sub(1));
            kept = found.end;
        }
        rewriter.keep(kept..self.text.len());
        *self = rewriter.finish();
    }
}

/// Builds a text out of parts of another and of new text.
pub(crate) struct Rewriter<'s, 't> {
    source: &'s NormalizedText<'t>,
    text: String,
    origins: Vec<(usize, usize)>,
}

impl<'t> Rewriter<'_, 't> {
    pub(crate) fn new<'s>(source: &'s NormalizedText<'t>, capacity: usize) -> Rewriter<'s, 't> {
        let origins = if source.is_tracked() { Vec::with_capacity(capacity) } else { Vec::new() };
        Rewriter { source, text: String::with_capacity(capacity), origins }
    }

    /// The length of what was built.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Copies a part of the source.
    pub(crate) fn keep(&mut self, range: Range<usize>) {
        self.text.push_str(&self.source.text[range.clone()]);
        match &self.source.origins {
            Origins::Untracked => {}
            Origins::Each(each) => self.origins.extend_from_slice(&each[range]),
            Origins::Identity => {
                for (at, c) in self.source.text[range.clone()].char_indices() {
                    let start = self.source.base + range.start + at;
                    let origin = (start, start + c.len_utf8());
                    self.origins.extend(std::iter::repeat_n(origin, c.len_utf8()));
                }
            }
        }
    }

    /// Adds a character with the origin of the byte `at` of the source; `None` is its beginning.
    pub(crate) fn push(&mut self, c: char, at: Option<usize>) {
        self.push_str(c.encode_utf8(&mut [0; 4]), at);
    }

    /// Adds text; else as [`push`](Self::push).
    pub(crate) fn push_str(&mut self, text: &str, at: Option<usize>) {
        self.text.push_str(text);
        if self.source.is_tracked() {
            let base = self.source.base;
            let origin = at
                .filter(|&at| at < self.source.text.len())
                .map_or(base..base, |at| self.source.origin(at..at + 1));
            self.origins.extend(std::iter::repeat_n((origin.start, origin.end), text.len()));
        }
    }

    pub(crate) fn finish<'n>(self) -> NormalizedText<'n> {
        let origins = match self.source.origins {
            Origins::Untracked => Origins::Untracked,
            _ => Origins::Each(self.origins),
        };
        NormalizedText { text: Cow::Owned(self.text), origins, base: self.source.base }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(text: &NormalizedText<'_>) -> Vec<(usize, usize)> {
        let origin = |at| text.origin(at..at + 1);
        (0..text.as_str().len()).map(origin).map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn what_is_not_rewritten_stands_for_whole_characters() {
        let text = NormalizedText::new("aé", 10, true);
        assert_eq!(origins(&text), [(10, 11), (11, 13), (11, 13)]);
        assert_eq!(text.origin(0..2), 10..13);
        assert_eq!(origins(&text.slice(1..3)), [(11, 13), (11, 13)]);
    }

    #[test]
    fn rewriting_follows_replacement_removal_and_insertion() {
        let mut text = NormalizedText::new("xabcé", 0, true);
        // Drops x, keeps a and removes b, replaces c by two characters, keeps é.
        text.rewrite(1, [('a', -1), ('C', 0), ('+', 1), ('é', 0)].into_iter());
        assert_eq!(text.as_str(), "aC+é");
        assert_eq!(origins(&text), [(1, 2), (3, 4), (3, 4), (4, 6), (4, 6)]);
        text.prepend("__");
        assert_eq!(origins(&text)[..3], [(1, 2), (1, 2), (1, 2)]);
        text.replace(&[2..3, 5..7], "--");
        assert_eq!(text.as_str(), "__--C+--");
        assert_eq!(origins(&text)[2..4], [(1, 2), (1, 2)]);
        assert_eq!(text.origin(6..8), 4..6);
        assert_eq!(text.slice(4..6).origin(0..2), 3..4);
    }

    #[test]
    fn filtered_characters_leave_gaps() {
        let mut text = NormalizedText::new("-a--b-", 5, true);
        text.filter_map(|c| (c != '-').then_some(c.to_ascii_uppercase()));
        assert_eq!(text.as_str(), "AB");
        assert_eq!(origins(&text), [(6, 7), (9, 10)]);
        let mut all = NormalizedText::new("--", 5, true);
        all.filter_map(|_| None);
        assert_eq!((all.as_str(), all.origin(0..0)), ("", 5..5));
    }

    #[test]
    fn untracked_texts_are_rewritten_alike() {
        let mut text = NormalizedText::new("a b ", 0, false);
        text.replace(&[1..2, 3..4], "_");
        text.prepend("_");
        assert_eq!(text.as_str(), "_a_b_");
        assert!(!text.is_tracked());
    }
}
