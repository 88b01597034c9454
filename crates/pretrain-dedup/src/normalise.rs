//! The forms of a text under which two texts count as equal.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What is done to a text before it is compared. The output always holds the original text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalise {
    /// Nothing: equal bytes.
    None,
    /// Runs of white space become one space, white space at the ends goes.
    Whitespace,
    /// Lower case, then as [`Normalise::Whitespace`].
    Folded,
    /// `pretrain_text::simplify`: lower case, numbers to 0, punctuation to spaces, white space
    /// collapsed, accents dropped (datatrove's `simplify_text`).
    Simplified,
}

impl Normalise {
    /// The form of `text` that is compared. Linear in its length; allocates at most a few copies.
    pub fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::None => Cow::Borrowed(text),
            Self::Whitespace => Cow::Owned(collapse(text)),
            Self::Folded => Cow::Owned(collapse(&text.to_lowercase())),
            Self::Simplified => Cow::Owned(pretrain_text::simplify(text)),
        }
    }
}

/// Python's `re.sub(r"\s+", " ", text).strip()`: white space there includes U+001C to U+001F.
fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(pretrain_text::is_space).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_does_what_it_says() {
        let text = " A\u{1c}\t\u{3000}B, ";
        assert_eq!(Normalise::None.apply(text), text);
        assert_eq!(Normalise::Whitespace.apply(text), "A B,");
        assert_eq!(Normalise::Folded.apply(text), "a b,");
        assert_eq!(Normalise::Simplified.apply(text), "a b");
        for form in [Normalise::Whitespace, Normalise::Folded, Normalise::Simplified] {
            assert_eq!(form.apply(" \n\t "), "");
            assert_eq!(form.apply(""), "");
        }
    }
}
