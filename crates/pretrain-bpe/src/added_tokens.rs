//! Finding added tokens in a text.

use std::ops::Range;

use crate::error::{BpeError, Result};
use crate::normalize::Normalizer;
use crate::token::{AddedToken, AllowedSpecial, TokenId};

use finder::Finder;

mod finder;

/// The added tokens of a tokenizer, in order of id.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddedTokens {
    tokens: Vec<AddedToken>,
    /// What each stands for in the normalised text.
    decoded: Vec<Box<str>>,
    any_ordinary: bool,
    /// Those looked for in the raw text.
    raw: Finder,
    /// Those looked for in the normalised text.
    normalized: Finder,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// To be pre-tokenised and merged.
    Text(Range<usize>),
    /// Stands for an added token.
    Added(TokenId, Range<usize>),
}

impl AddedTokens {
    pub(crate) fn new(
        mut tokens: Vec<AddedToken>,
        normalizer: Option<&Normalizer>,
    ) -> Result<Self> {
        tokens.sort_by_key(|token| token.id);
        if let Some(token) = tokens.iter().find(|token| token.content.is_empty()) {
            return Err(BpeError::EmptyToken { id: token.id.0 });
        }
        for pair in tokens.windows(2) {
            if pair[0].id == pair[1].id {
                let (first, second) = (pair[0].content.clone(), pair[1].content.clone());
                return Err(BpeError::DuplicateId { id: pair[0].id.0, first, second });
            }
        }
        let mut by_content: Vec<&AddedToken> = tokens.iter().collect();
        by_content.sort_by_key(|token| &token.content);
        for pair in by_content.windows(2) {
            if pair[0].content == pair[1].content {
                let token = pair[0].content.clone();
                let (first, second) = (pair[0].id.0, pair[1].id.0);
                return Err(BpeError::DuplicateToken { token, first, second });
            }
        }
        let decode = |token: &AddedToken| match normalizer.filter(|_| token.normalized) {
            Some(normalizer) => normalizer.normalize(&token.content).into(),
            None => token.content.as_str().into(),
        };
        let decoded: Vec<Box<str>> = tokens.iter().map(decode).collect();
        let (mut raw, mut normalized) = (Finder::default(), Finder::default());
        // Of tokens that normalise to one text the first is found, control tokens before others.
        for special in [true, false] {
            for (index, token) in tokens.iter().enumerate() {
                if token.special != special {
                    continue;
                }
                let finder = if token.normalized { &mut normalized } else { &mut raw };
                finder.add(&decoded[index], index);
            }
        }
        let any_ordinary = tokens.iter().any(|token| !token.special);
        Ok(Self { tokens, decoded, any_ordinary, raw, normalized })
    }

    pub(crate) fn as_slice(&self) -> &[AddedToken] {
        &self.tokens
    }

    pub(crate) fn by_id(&self, id: u32) -> Option<&AddedToken> {
        self.index_of(id).map(|index| &self.tokens[index])
    }

    /// The text of a token, normalised if it is looked for in the normalised text.
    pub(crate) fn decoded(&self, id: u32) -> Option<&str> {
        self.index_of(id).map(|index| &*self.decoded[index])
    }

    fn index_of(&self, id: u32) -> Option<usize> {
        self.tokens.binary_search_by_key(&id, |token| token.id.0).ok()
    }

    pub(crate) fn by_content(&self, content: &str) -> Option<&AddedToken> {
        self.tokens.iter().find(|token| token.content == content)
    }

    /// Whether a text may hold any added token under this policy.
    #[inline]
    pub(crate) fn may_match(&self, allowed: AllowedSpecial<'_>) -> bool {
        self.any_ordinary || (allowed != AllowedSpecial::None && !self.tokens.is_empty())
    }

    /// Cuts a text that no normaliser changes at its added tokens: first those that are not
    /// `normalized`, then the others in what remains. Empty parts are left out.
    pub(crate) fn segments(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        sink: &mut dyn FnMut(Segment),
    ) {
        self.segments_raw(text, allowed, &mut |segment| match segment {
            Segment::Text(range) if self.normalized.is_empty() => sink(Segment::Text(range)),
            Segment::Text(range) => {
                let start = range.start;
                self.segments_normalized(&text[range], allowed, &mut |segment| {
                    sink(match segment {
                        Segment::Text(part) => Segment::Text(start + part.start..start + part.end),
                        Segment::Added(id, part) => {
                            Segment::Added(id, start + part.start..start + part.end)
                        }
                    });
                });
            }
            added => sink(added),
        });
    }

    /// Cuts a raw text at the added tokens that are not `normalized`.
    pub(crate) fn segments_raw(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        sink: &mut dyn FnMut(Segment),
    ) {
        self.cut(&self.raw, text, allowed, sink);
    }

    /// Cuts a normalised text at the added tokens that are `normalized`.
    pub(crate) fn segments_normalized(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        sink: &mut dyn FnMut(Segment),
    ) {
        self.cut(&self.normalized, text, allowed, sink);
    }

    /// Leftmost first, the longest of those that start there.
    fn cut(
        &self,
        finder: &Finder,
        text: &str,
        allowed: AllowedSpecial<'_>,
        sink: &mut dyn FnMut(Segment),
    ) {
        let is_allowed = |index: usize| {
            let token = &self.tokens[index];
            !token.special || allowed.allows(&token.content)
        };
        let (mut start, mut pos) = (0, 0);
        while let Some((index, found)) = finder.next(text, pos, is_allowed) {
            let token = &self.tokens[index];
            pos = found.end;
            if token.single_word && touches_word(text, &found) {
                continue;
            }
            let (before, after) = (&text[start..found.start], &text[found.end..]);
            let n_before = if token.lstrip { before.len() - before.trim_end().len() } else { 0 };
            let n_after = if token.rstrip { after.len() - after.trim_start().len() } else { 0 };
            let whole = found.start - n_before..found.end + n_after;
            if start < whole.start {
                sink(Segment::Text(start..whole.start));
            }
            (start, pos) = (whole.end, whole.end);
            sink(Segment::Added(token.id, whole));
        }
        if start < text.len() {
            sink(Segment::Text(start..text.len()));
        }
    }
}

/// Whether a word character (`\w`) stands right before or after.
fn touches_word(text: &str, found: &Range<usize>) -> bool {
    static WORD: std::sync::OnceLock<Option<fancy_regex::Regex>> = std::sync::OnceLock::new();
    let word = WORD.get_or_init(|| fancy_regex::Regex::new(r"^\w").ok());
    let is_word = |c: char| {
        let matches = |word: &fancy_regex::Regex| word.is_match(c.encode_utf8(&mut [0; 4]));
        word.as_ref().is_some_and(|word| matches(word).unwrap_or(false))
    };
    text[..found.start].chars().next_back().is_some_and(is_word)
        || text[found.end..].chars().next().is_some_and(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(
        tokens: &[(&str, bool, bool)],
        text: &str,
        allowed: AllowedSpecial<'_>,
    ) -> Vec<String> {
        let tokens = (0..).zip(tokens).map(|(id, &(content, special, normalized))| AddedToken {
            special,
            normalized,
            ..AddedToken::ordinary(TokenId(id), content)
        });
        found(tokens.collect(), text, allowed)
    }

    fn found(tokens: Vec<AddedToken>, text: &str, allowed: AllowedSpecial<'_>) -> Vec<String> {
        let mut found = vec![];
        AddedTokens::new(tokens, None).unwrap().segments(text, allowed, &mut |segment| {
            found.push(match segment {
                Segment::Text(range) => format!("text {}", &text[range]),
                Segment::Added(id, range) => format!("{id} {}", &text[range]),
            });
        });
        found
    }

    #[test]
    fn white_space_and_words_around() {
        let token = |id, content: &str| AddedToken::ordinary(TokenId(id), content);
        let tokens = vec![
            AddedToken { lstrip: true, ..token(0, "<l>") },
            AddedToken { rstrip: true, ..token(1, "<r>") },
            AddedToken { single_word: true, ..token(2, "one") },
        ];
        let found = |text| found(tokens.clone(), text, AllowedSpecial::None);
        assert_eq!(found("a \t<l> b"), ["text a", "0  \t<l>", "text  b"]);
        assert_eq!(found("a <r>\u{a0} b"), ["text a ", "1 <r>\u{a0} ", "text b"]);
        // White space that one token took is not there for the next.
        assert_eq!(found("<r>  <l>"), ["1 <r>  ", "0 <l>"]);
        assert_eq!(found("one, one1 done one"), ["2 one", "text , one1 done ", "2 one"]);
    }

    #[test]
    fn control_tokens_need_permission() {
        let tokens = [("<a>", true, false), ("<b>", true, false), ("--", false, false)];
        let text = "x<a>--<b>";
        assert_eq!(
            segments(&tokens, text, AllowedSpecial::None),
            ["text x<a>", "2 --", "text <b>"]
        );
        assert_eq!(
            segments(&tokens, text, AllowedSpecial::All),
            ["text x", "0 <a>", "2 --", "1 <b>"]
        );
        let only = AllowedSpecial::Only(&["<b>", "--"]);
        assert_eq!(segments(&tokens, text, only), ["text x<a>", "2 --", "1 <b>"]);
    }

    #[test]
    fn longest_of_the_leftmost_and_raw_before_normalized() {
        let tokens = [("  ", false, true), ("   ", false, true), (" |", false, false)];
        assert_eq!(segments(&tokens, "     x", AllowedSpecial::None), ["1    ", "0   ", "text x"]);
        assert_eq!(segments(&tokens, "    |", AllowedSpecial::None), ["1    ", "2  |"]);
        assert_eq!(segments(&tokens, "", AllowedSpecial::None), [""; 0]);
    }

    #[test]
    fn corrupt_lists_are_refused() {
        let token = |id, content: &str| AddedToken::special(TokenId(id), content);
        let new = |tokens: Vec<AddedToken>| AddedTokens::new(tokens, None).unwrap_err();
        assert!(matches!(new(vec![token(1, "")]), BpeError::EmptyToken { id: 1 }));
        assert!(matches!(
            new(vec![token(1, "a"), token(1, "b")]),
            BpeError::DuplicateId { id: 1, .. }
        ));
        let twice = new(vec![token(1, "a"), token(2, "a")]);
        assert!(matches!(twice, BpeError::DuplicateToken { first: 1, second: 2, .. }));
    }
}
