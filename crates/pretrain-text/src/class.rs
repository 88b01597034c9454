//! What kind of character a code point is: one lookup gives every set that this crate asks about.
//!
//! The sets themselves are data (`unicode_table.rs`). They are folded into a two-stage table of
//! bit masks when the first text is looked at (about 150 kB, a few milliseconds). The Unicode
//! version is 14, that of CPython 3.11, because the published recipes and their reference outputs
//! were made with it; the standard library's own tables move with each compiler.

use std::sync::LazyLock;

use crate::unicode_table as table;

/// A set of character kinds, one bit each.
pub(crate) type Mask = u32;

pub(crate) const ALPHABETIC: Mask = 1;
pub(crate) const NONSPACING_MARK: Mask = 1 << 1;
pub(crate) const UNASSIGNED: Mask = 1 << 2;
pub(crate) const PUNCTUATION_CATEGORY: Mask = 1 << 3;
pub(crate) const WORD_CHARACTER: Mask = 1 << 4;
pub(crate) const DECIMAL_14: Mask = 1 << 5;
pub(crate) const DECIMAL_17: Mask = 1 << 6;
pub(crate) const STRIPPED_PUNCTUATION: Mask = 1 << 7;
pub(crate) const TERMINAL_PUNCTUATION: Mask = 1 << 8;
pub(crate) const SENTENCE_PUNCTUATION: Mask = 1 << 9;
pub(crate) const TOKENIZER_LOWER: Mask = 1 << 10;
pub(crate) const TOKENIZER_UPPER: Mask = 1 << 11;
pub(crate) const TOKENIZER_ALPHA: Mask = 1 << 12;
pub(crate) const TOKENIZER_ICON: Mask = 1 << 13;
pub(crate) const TOKENIZER_PREFIX: Mask = 1 << 14;
pub(crate) const TOKENIZER_SUFFIX: Mask = 1 << 15;
pub(crate) const TOKENIZER_QUOTE: Mask = 1 << 16;
pub(crate) const TOKENIZER_BEFORE_STOP: Mask = 1 << 17;
pub(crate) const SPACE: Mask = 1 << 18;

const SETS: [(Mask, &[(u32, u32)]); 18] = [
    (ALPHABETIC, table::ALPHABETIC),
    (NONSPACING_MARK, table::NONSPACING_MARK),
    (UNASSIGNED, table::UNASSIGNED),
    (PUNCTUATION_CATEGORY, table::PUNCTUATION_CATEGORY),
    (WORD_CHARACTER, table::WORD_CHARACTER),
    (DECIMAL_14, table::DECIMAL_14),
    (DECIMAL_17, table::DECIMAL_17),
    (STRIPPED_PUNCTUATION, table::STRIPPED_PUNCTUATION),
    (TERMINAL_PUNCTUATION, table::TERMINAL_PUNCTUATION),
    (SENTENCE_PUNCTUATION, table::SENTENCE_PUNCTUATION),
    (TOKENIZER_LOWER, table::TOKENIZER_LOWER),
    (TOKENIZER_UPPER, table::TOKENIZER_UPPER),
    (TOKENIZER_ALPHA, table::TOKENIZER_ALPHA),
    (TOKENIZER_ICON, table::TOKENIZER_ICON),
    (TOKENIZER_PREFIX, table::TOKENIZER_PREFIX),
    (TOKENIZER_SUFFIX, table::TOKENIZER_SUFFIX),
    (TOKENIZER_QUOTE, table::TOKENIZER_QUOTE),
    (TOKENIZER_BEFORE_STOP, table::TOKENIZER_BEFORE_STOP),
];

const PAGE_BITS: u32 = 7;
const PAGE: usize = 1 << PAGE_BITS;
const N_PAGES: usize = 0x11_0000 >> PAGE_BITS;

/// The two-stage table.
pub(crate) struct Classes {
    page_of: Vec<u16>,
    masks: Vec<Mask>,
    /// Masks of ASCII, so that the common case is one lookup in a fixed array.
    ascii: [Mask; 128],
}

impl Classes {
    /// The table; built on first use.
    pub(crate) fn get() -> &'static Classes {
        static CLASSES: LazyLock<Classes> = LazyLock::new(Classes::build);
        &CLASSES
    }

    /// The kinds of `c`.
    #[inline]
    pub(crate) fn of(&self, c: char) -> Mask {
        let code = c as usize;
        if code < 128 {
            return self.ascii[code];
        }
        let page = usize::from(self.page_of[code >> PAGE_BITS]);
        self.masks[page * PAGE + (code & (PAGE - 1))]
    }

    /// Whether `c` is of one of the kinds in `kinds`.
    #[inline]
    pub(crate) fn is(&self, c: char, kinds: Mask) -> bool {
        self.of(c) & kinds != 0
    }

    fn build() -> Self {
        let mut flat: Vec<Mask> = vec![0; N_PAGES * PAGE];
        for (bit, ranges) in SETS {
            for &(first, last) in ranges {
                for mask in &mut flat[first as usize..=last as usize] {
                    *mask |= bit;
                }
            }
        }
        for (code, mask) in flat.iter_mut().enumerate() {
            if u32::try_from(code).ok().and_then(char::from_u32).is_some_and(is_python_space) {
                *mask |= SPACE;
            }
        }
        let mut page_of = Vec::with_capacity(N_PAGES);
        let mut masks: Vec<Mask> = Vec::new();
        let mut known: std::collections::BTreeMap<&[Mask], u16> = std::collections::BTreeMap::new();
        for page in flat.chunks_exact(PAGE) {
            let next = u16::try_from(masks.len() / PAGE).expect("fewer pages than 65536");
            let index = *known.entry(page).or_insert(next);
            if index == next {
                masks.extend_from_slice(page);
            }
            page_of.push(index);
        }
        let mut ascii = [0; 128];
        ascii.copy_from_slice(&flat[..128]);
        Classes { page_of, masks, ascii }
    }
}

/// Python's `str.isspace`, which is Unicode's White_Space and the four information separators
/// U+001C to U+001F.
#[inline]
pub(crate) fn is_python_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Whether `c` is a letter (general category L*, Unicode 14): Python's `str.isalpha` of one
/// character.
pub fn is_alphabetic(c: char) -> bool {
    Classes::get().is(c, ALPHABETIC)
}

/// Whether `c` is a decimal digit of any script (general category Nd, Unicode 14): `\d` of Python's
/// `re`.
pub fn is_decimal(c: char) -> bool {
    Classes::get().is(c, DECIMAL_14)
}

/// Whether `c` is white space as Python's `str.isspace` sees it: Unicode's White_Space and U+001C
/// to U+001F.
pub fn is_space(c: char) -> bool {
    is_python_space(c)
}

/// Whether `c` is one of the 159 characters that end a line for the FineWeb rules.
pub fn is_terminal_punctuation(c: char) -> bool {
    Classes::get().is(c, TERMINAL_PUNCTUATION)
}

/// Whether `c` counts as a symbol for the Gopher rules of datatrove: the CCNet punctuation list,
/// the C0 and C1 controls, and the terminal punctuation.
pub fn is_symbol(c: char) -> bool {
    Classes::get().is(c, STRIPPED_PUNCTUATION | TERMINAL_PUNCTUATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_of_every_set_is_found_and_its_borders_are_exact() {
        let classes = Classes::get();
        for (bit, ranges) in SETS {
            let mut after = 0;
            for &(first, last) in ranges {
                for outside in after..first {
                    if let Some(c) = char::from_u32(outside) {
                        assert!(!classes.is(c, bit), "{outside:X} is not in set {bit:b}");
                    }
                }
                for inside in first..=last {
                    let c = char::from_u32(inside).expect("ranges hold no surrogate");
                    assert!(classes.is(c, bit), "{inside:X} is in set {bit:b}");
                }
                after = last + 1;
            }
        }
    }

    #[test]
    fn sizes_of_the_published_sets() {
        let size = |ranges: &[(u32, u32)]| ranges.iter().map(|(a, b)| b - a + 1).sum::<u32>();
        assert_eq!(size(table::TERMINAL_PUNCTUATION), 159);
        assert_eq!(size(table::SENTENCE_PUNCTUATION), 128);
        assert_eq!(size(table::DECIMAL_14), 660);
    }

    #[test]
    fn python_white_space_is_29_characters() {
        let n = (0..=0x10_ffff).filter_map(char::from_u32).filter(|&c| is_space(c)).count();
        assert_eq!(n, 29);
        assert!(is_space('\u{1f}') && is_space('\u{85}') && !is_space('\u{200b}'));
    }

    #[test]
    fn named_predicates() {
        assert!(is_alphabetic('é') && is_alphabetic('ª') && !is_alphabetic('1'));
        assert!(is_terminal_punctuation('。') && !is_terminal_punctuation(','));
        assert!(is_symbol('\u{7f}') && is_symbol('»') && !is_symbol('¿') && !is_symbol('\t'));
    }
}
