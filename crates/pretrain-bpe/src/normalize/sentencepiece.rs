//! The normaliser of SentencePiece: character map, white space, the mark in place of spaces.

use crate::model::trie::Trie;
use crate::model::word_cuts::MARK;
use crate::normalize::charsmap::Charsmap;

/// What the normaliser does (`NormalizerSpec`, and one flag of `TrainerSpec`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpaceRules {
    /// Puts a space before the text.
    pub(crate) add_dummy_prefix: bool,
    /// Removes spaces at both ends, and all but the first of several.
    pub(crate) remove_extra_whitespaces: bool,
    /// Writes `▁` for each space.
    pub(crate) escape_whitespaces: bool,
    /// The dummy space goes behind the text instead.
    pub(crate) treat_whitespace_as_suffix: bool,
}

/// Maps a text to the one that SentencePiece cuts into pieces.
#[derive(Clone)]
pub(crate) struct SentencePieceNormalizer {
    rules: SpaceRules,
    charsmap: Option<Charsmap>,
    /// Strings that stay as they are.
    fixed: Option<Trie>,
    /// Whether an ASCII character before another ASCII character stays as it is: bit `second` of
    /// element `first`.
    plain: Box<[u128; 128]>,
}

impl SentencePieceNormalizer {
    /// `fixed` are the user-defined symbols, which the character map does not touch.
    pub(crate) fn new(rules: SpaceRules, charsmap: Option<Charsmap>, fixed: Option<Trie>) -> Self {
        let mut this = Self { rules, charsmap, fixed, plain: Box::new([0; 128]) };
        for first in 0..128u8 {
            for second in 0..128u8 {
                if first != b' ' && this.is_plain(first, second) {
                    this.plain[first as usize] |= 1 << second;
                }
            }
        }
        this
    }

    /// Whether no rule and no fixed string that begins with `first` can match before `second`.
    fn is_plain(&self, first: u8, second: u8) -> bool {
        let fixed = self.fixed.as_ref().and_then(|fixed| {
            fixed
                .step(Trie::ROOT, first)
                .map(|node| fixed.value(node).is_some() || fixed.step(node, second).is_some())
        });
        let charsmap = self.charsmap.as_ref().map(|map| map.may_match(first, second));
        !fixed.unwrap_or(false) && !charsmap.unwrap_or(false)
    }

    /// The normalised text, and for each of its bytes and its end the byte of `text` where that which
    /// became it begins. The origins are in order.
    pub(crate) fn normalize(&self, text: &str) -> (String, Vec<u32>) {
        let (mut normalized, mut origins) = (String::new(), Origins(Some(Vec::new())));
        self.run(text, &mut normalized, &mut origins);
        (normalized, origins.0.unwrap_or_default())
    }

    /// Writes the normalised text over `out`.
    pub(crate) fn normalize_into(&self, text: &str, out: &mut String) {
        out.clear();
        self.run(text, out, &mut Origins(None));
    }

    fn run(&self, text: &str, out: &mut String, origins: &mut Origins) {
        out.reserve(text.len() + text.len() / 4 + MARK.len_utf8());
        let SpaceRules { add_dummy_prefix, remove_extra_whitespaces, .. } = self.rules;
        let mut at = 0;
        if remove_extra_whitespaces {
            while let Some((len, " ")) = self.prefix(&text[at..]) {
                at += len;
            }
        }
        if at == text.len() {
            // The end alone, so that there is one origin more than bytes.
            origins.push(if text.is_empty() { 0 } else { at });
            return;
        }
        if add_dummy_prefix && !self.rules.treat_whitespace_as_suffix {
            self.push_space(at, out, origins);
        }
        let bytes = text.as_bytes();
        let mut after_space = remove_extra_whitespaces;
        while at < bytes.len() {
            if let [first @ 0..128, second @ 0..128, ..] = bytes[at..]
                && self.plain[first as usize] >> second & 1 == 1
            {
                out.push(char::from(first));
                origins.push(at);
                at += 1;
                after_space = false;
                continue;
            }
            let Some((len, mut replacement)) = self.prefix(&text[at..]) else { break };
            while after_space && let Some(rest) = replacement.strip_prefix(' ') {
                replacement = rest;
            }
            for c in replacement.chars() {
                if c == ' ' {
                    self.push_space(at, out, origins);
                } else {
                    out.push(c);
                    (0..c.len_utf8()).for_each(|_| origins.push(at));
                }
            }
            if !replacement.is_empty() {
                after_space = remove_extra_whitespaces && replacement.ends_with(' ');
            }
            at += len;
        }
        if remove_extra_whitespaces {
            let space = if self.rules.escape_whitespaces { MARK } else { ' ' };
            let len = out.trim_end_matches(space).len();
            at = origins.truncate(len).unwrap_or(at);
            out.truncate(len);
        }
        if add_dummy_prefix && self.rules.treat_whitespace_as_suffix {
            self.push_space(at, out, origins);
        }
        origins.push(at);
    }

    fn push_space(&self, origin: usize, out: &mut String, origins: &mut Origins) {
        let space = if self.rules.escape_whitespaces { MARK } else { ' ' };
        out.push(space);
        (0..space.len_utf8()).for_each(|_| origins.push(origin));
    }

    /// What is replaced at the beginning of `text` (its length), and by what. `None` at the end.
    fn prefix<'a>(&'a self, text: &'a str) -> Option<(usize, &'a str)> {
        if let Some((len, _)) = self.fixed.as_ref().and_then(|fixed| fixed.longest(text.as_bytes()))
        {
            return Some((len, &text[..len]));
        }
        if let Some(found) = self.charsmap.as_ref().and_then(|map| map.longest(text)) {
            return Some(found);
        }
        let len = text.chars().next()?.len_utf8();
        Some((len, &text[..len]))
    }

    pub(crate) fn rules(&self) -> SpaceRules {
        self.rules
    }
}

/// Origins of bytes, if anyone wants them.
struct Origins(Option<Vec<u32>>);

impl Origins {
    #[inline(always)]
    fn push(&mut self, origin: usize) {
        if let Some(origins) = &mut self.0 {
            origins.push(origin as u32);
        }
    }

    /// Shortens to `len`; returns the first origin that goes.
    fn truncate(&mut self, len: usize) -> Option<usize> {
        let origins = self.0.as_mut()?;
        let first = origins.get(len).map(|&origin| origin as usize);
        origins.truncate(len);
        first
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: SpaceRules = SpaceRules {
        add_dummy_prefix: true,
        remove_extra_whitespaces: true,
        escape_whitespaces: true,
        treat_whitespace_as_suffix: false,
    };

    fn run(rules: SpaceRules, text: &str) -> (String, Vec<u32>) {
        SentencePieceNormalizer::new(rules, None, None).normalize(text)
    }

    #[test]
    fn white_space_is_removed_marked_and_added() {
        assert_eq!(
            run(RULES, "  é  b "),
            ("▁é▁b".into(), vec![2, 2, 2, 2, 2, 4, 4, 4, 6, 7]),
            "the end lies before the space that went"
        );
        let suffix = SpaceRules { treat_whitespace_as_suffix: true, ..RULES };
        assert_eq!(run(suffix, "a "), ("a▁".into(), vec![0, 1, 1, 1, 1]));
        let kept = SpaceRules { remove_extra_whitespaces: false, ..RULES };
        assert_eq!(run(kept, " a "), ("▁▁a▁".into(), vec![0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 3]));
        let bare = SpaceRules {
            add_dummy_prefix: false,
            escape_whitespaces: false,
            remove_extra_whitespaces: true,
            treat_whitespace_as_suffix: false,
        };
        assert_eq!(run(bare, " a  b "), ("a b".into(), vec![1, 2, 4, 5]));
        assert_eq!(
            (run(RULES, ""), run(RULES, "  ")),
            ((String::new(), vec![0]), (String::new(), vec![2]))
        );
    }

    #[test]
    fn fixed_strings_are_not_touched() {
        let fixed = Trie::new([(&b"x "[..], 0)]);
        let normalizer = SentencePieceNormalizer::new(RULES, None, Some(fixed));
        assert_eq!(normalizer.normalize("x  x").0, "▁x▁x");
    }

    proptest! {
        #[test]
        fn there_is_an_origin_for_each_byte_and_the_end(
            text in "[ a▁é]{0,9}|.{0,9}",
            flags in prop::array::uniform4(any::<bool>()),
        ) {
            let rules = SpaceRules {
                add_dummy_prefix: flags[0],
                remove_extra_whitespaces: flags[1],
                escape_whitespaces: flags[2],
                treat_whitespace_as_suffix: flags[3],
            };
            let normalizer = SentencePieceNormalizer::new(rules, None, None);
            let (normalized, origins) = normalizer.normalize(&text);
            prop_assert_eq!(origins.len(), normalized.len() + 1);
            prop_assert!(origins.is_sorted());
            prop_assert!(origins.iter().all(|&origin| text.is_char_boundary(origin as usize)));
            let mut again = String::new();
            normalizer.normalize_into(&text, &mut again);
            prop_assert_eq!(again, normalized);
        }
    }
}
