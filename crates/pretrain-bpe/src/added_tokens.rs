//! Finding added tokens in a text.

use std::ops::Range;

use crate::error::{BpeError, Result};
use crate::token::{AddedToken, AllowedSpecial, TokenId};

/// The added tokens of a tokenizer, in order of id.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddedTokens {
    tokens: Vec<AddedToken>,
    any_ordinary: bool,
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
    pub(crate) fn new(mut tokens: Vec<AddedToken>) -> Result<Self> {
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
        let any_ordinary = tokens.iter().any(|token| !token.special);
        Ok(Self { tokens, any_ordinary })
    }

    pub(crate) fn as_slice(&self) -> &[AddedToken] {
        &self.tokens
    }

    pub(crate) fn by_id(&self, id: u32) -> Option<&AddedToken> {
        let index = self.tokens.binary_search_by_key(&id, |token| token.id.0).ok()?;
        Some(&self.tokens[index])
    }

    pub(crate) fn by_content(&self, content: &str) -> Option<&AddedToken> {
        self.tokens.iter().find(|token| token.content == content)
    }

    /// Whether a text may hold any added token under this policy.
    #[inline]
    pub(crate) fn may_match(&self, allowed: AllowedSpecial<'_>) -> bool {
        self.any_ordinary || (allowed != AllowedSpecial::None && !self.tokens.is_empty())
    }

    /// Cuts a text at its added tokens: leftmost first, the longest of those that start there; first
    /// those that are not `normalized`, then the others in what remains. Empty parts are left out.
    pub(crate) fn segments(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        sink: &mut dyn FnMut(Segment),
    ) {
        let candidates = |normalized: bool| {
            let is_candidate = |token: &&AddedToken| {
                token.normalized == normalized && (!token.special || allowed.allows(&token.content))
            };
            Candidates::new(self.tokens.iter().filter(is_candidate).collect())
        };
        let (raw, normalized) = (candidates(false), candidates(true));
        raw.cut(text, 0..text.len(), &mut |segment| match segment {
            Segment::Text(range) => normalized.cut(text, range, sink),
            added => sink(added),
        });
    }
}

/// Tokens to look for, by their first byte.
struct Candidates<'a> {
    /// The longest first.
    tokens: Vec<&'a AddedToken>,
    is_first: [bool; 256],
}

impl<'a> Candidates<'a> {
    fn new(mut tokens: Vec<&'a AddedToken>) -> Self {
        tokens.sort_by_key(|token| std::cmp::Reverse(token.content.len()));
        let mut is_first = [false; 256];
        for token in &tokens {
            is_first[token.content.as_bytes()[0] as usize] = true;
        }
        Self { tokens, is_first }
    }

    fn cut(&self, text: &str, range: Range<usize>, sink: &mut dyn FnMut(Segment)) {
        let bytes = text.as_bytes();
        let (mut start, mut pos) = (range.start, range.start);
        while pos < range.end && !self.tokens.is_empty() {
            let rest = &bytes[pos..range.end];
            let Some(skip) = rest.iter().position(|&byte| self.is_first[byte as usize]) else {
                break;
            };
            pos += skip;
            let rest = &bytes[pos..range.end];
            match self.tokens.iter().find(|token| rest.starts_with(token.content.as_bytes())) {
                Some(token) => {
                    if start < pos {
                        sink(Segment::Text(start..pos));
                    }
                    let end = pos + token.content.len();
                    sink(Segment::Added(token.id, pos..end));
                    (start, pos) = (end, end);
                }
                None => pos += 1,
            }
        }
        if start < range.end {
            sink(Segment::Text(start..range.end));
        }
    }
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
            id: TokenId(id),
            content: content.into(),
            special,
            normalized,
        });
        let mut found = vec![];
        AddedTokens::new(tokens.collect()).unwrap().segments(text, allowed, &mut |segment| {
            found.push(match segment {
                Segment::Text(range) => format!("text {}", &text[range]),
                Segment::Added(id, range) => format!("{id} {}", &text[range]),
            });
        });
        found
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
        let new = |tokens: Vec<AddedToken>| AddedTokens::new(tokens).unwrap_err();
        assert!(matches!(new(vec![token(1, "")]), BpeError::EmptyToken { id: 1 }));
        assert!(matches!(
            new(vec![token(1, "a"), token(1, "b")]),
            BpeError::DuplicateId { id: 1, .. }
        ));
        let twice = new(vec![token(1, "a"), token(2, "a")]);
        assert!(matches!(twice, BpeError::DuplicateToken { first: 1, second: 2, .. }));
    }
}
