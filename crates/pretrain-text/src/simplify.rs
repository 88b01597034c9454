//! Normalisation before comparison: two texts that differ in case, accents, punctuation, spacing or
//! numbers become the same string.
//!
//! This is `simplify_text` of datatrove 0.10 (itself after CCNet), step by step in its order, with
//! the Unicode data of CPython 3.11 (version 14; decimal digits of version 17, as the `regex` module
//! has them). What it leaves alone is as deliberate as what it changes: `¿`, the zero-width space
//! and compatibility forms such as `ﬁ` stay.

use unicode_normalization::UnicodeNormalization;

use crate::class::{self, Classes};
use crate::line::strip;

/// Which steps [`simplify_with`] takes. The default is datatrove's: all but weekdays and months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimplifyConfig {
    /// Lower-case (full Unicode mapping, with final sigma).
    pub lowercase: bool,
    /// Each number, with at most one decimal separator, becomes `0`.
    pub numbers: bool,
    /// English names of weekdays become `WEEKDAY`.
    pub weekdays: bool,
    /// English names of months become `MONTH`.
    pub months: bool,
    /// Each character of the CCNet punctuation list and each control but tab and line feed becomes
    /// a space.
    pub punctuation: bool,
    /// Runs of white space become one space; none is left at the ends.
    pub whitespace: bool,
    /// Canonical decomposition (NFD), then nonspacing marks (Mn) are dropped.
    pub diacritics: bool,
}

impl Default for SimplifyConfig {
    fn default() -> Self {
        Self {
            lowercase: true,
            numbers: true,
            weekdays: false,
            months: false,
            punctuation: true,
            whitespace: true,
            diacritics: true,
        }
    }
}

/// `text` in the form in which texts are compared: [`simplify_with`] the default configuration.
///
/// Linear in the length of the text; ASCII text takes one pass.
///
/// ```
/// assert_eq!(pretrain_text::simplify("It's 3.14,\tÉté!"), "it s 0 ete");
/// ```
pub fn simplify(text: &str) -> String {
    if text.is_ascii() {
        simplify_ascii(text.as_bytes())
    } else {
        simplify_with(text, &SimplifyConfig::default())
    }
}

/// `text` after the steps that `config` names, in datatrove's order.
pub fn simplify_with(text: &str, config: &SimplifyConfig) -> String {
    let mut text = if config.lowercase { lowercase(text) } else { text.to_owned() };
    if config.numbers {
        text = replace_numbers(&text);
    }
    if config.weekdays {
        text = replace_names(&text, &WEEKDAYS, "WEEKDAY");
    }
    if config.months {
        text = replace_names(&text, &MONTHS, "MONTH");
    }
    if config.punctuation {
        let classes = Classes::get();
        let blank = |c| if classes.is(c, class::STRIPPED_PUNCTUATION) { ' ' } else { c };
        text = text.chars().map(blank).collect();
    }
    if config.whitespace {
        text = collapse_whitespace(&text);
    }
    if config.diacritics && !text.is_ascii() {
        text = drop_marks(&text);
    }
    let stripped = strip(&text);
    if stripped.len() == text.len() { text } else { stripped.to_owned() }
}

const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The default configuration on ASCII, where no step but the first five does anything.
fn simplify_ascii(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut i = 0;
    let mut space = false;
    while i < text.len() {
        let byte = text[i];
        let kind = ASCII_STEP[usize::from(byte)];
        if kind == BLANK {
            space = true;
            i += 1;
            continue;
        }
        if space && !out.is_empty() {
            out.push(b' ');
        }
        space = false;
        if kind == DIGIT {
            i = end_of_digits(text, i + 1);
            if matches!(text.get(i), Some(b'.' | b','))
                && text.get(i + 1).is_some_and(u8::is_ascii_digit)
            {
                i = end_of_digits(text, i + 2);
            }
            out.push(b'0');
        } else {
            out.push(kind);
            i += 1;
        }
    }
    String::from_utf8(out).expect("ASCII in, ASCII out")
}

fn end_of_digits(text: &[u8], start: usize) -> usize {
    let rest = &text[start..];
    start + rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len())
}

const BLANK: u8 = b' ';
const DIGIT: u8 = b'0';

/// What an ASCII byte becomes: itself in lower case, [`BLANK`] or [`DIGIT`]. Every ASCII
/// punctuation mark is in the CCNet list.
const ASCII_STEP: [u8; 128] = {
    let mut step = [BLANK; 128];
    let mut byte = 0x21u8;
    while byte < 0x7f {
        step[byte as usize] = match byte {
            b'0'..=b'9' => DIGIT,
            b'A'..=b'Z' | b'a'..=b'z' => byte.to_ascii_lowercase(),
            _ => BLANK,
        };
        byte += 1;
    }
    step
};

/// Python's `str.lower` with the case pairs of Unicode 14: a character that was not assigned then
/// has no case, and neither continues nor hides a word for the final-sigma rule.
pub fn lowercase(text: &str) -> String {
    map_assigned(text, |piece, out| out.push_str(&piece.to_lowercase()))
}

/// Canonical decomposition (Unicode 14) without nonspacing marks.
fn drop_marks(text: &str) -> String {
    let classes = Classes::get();
    map_assigned(text, |piece, out| {
        out.extend(piece.nfd().filter(|&c| !classes.is(c, class::NONSPACING_MARK)));
    })
}

/// Applies `map` to the stretches of `text` between characters that Unicode 14 does not know, which
/// stay as they are. Such a character is a starter without decomposition and without case, so
/// cutting there changes nothing for the characters around it.
fn map_assigned(text: &str, map: impl Fn(&str, &mut String)) -> String {
    let classes = Classes::get();
    let mut out = String::with_capacity(text.len());
    let mut start = 0;
    if !text.is_ascii() {
        for (i, c) in text.char_indices() {
            if classes.is(c, class::UNASSIGNED) {
                map(&text[start..i], &mut out);
                out.push(c);
                start = i + c.len_utf8();
            }
        }
    }
    map(&text[start..], &mut out);
    out
}

/// `\p{Nd}+([.,،٫⎖⎗⎘]\p{Nd}+)?` becomes `0`.
fn replace_numbers(text: &str) -> String {
    let classes = Classes::get();
    let is_digit = |c| classes.is(c, class::DECIMAL_17);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_digit) {
        out.push_str(&rest[..start]);
        out.push('0');
        rest = rest[start..].trim_start_matches(is_digit);
        let after = rest.strip_prefix(['.', ',', '،', '٫', '⎖', '⎗', '⎘']);
        if let Some(after) = after.filter(|after| after.starts_with(is_digit)) {
            rest = after.trim_start_matches(is_digit);
        }
    }
    out.push_str(rest);
    out
}

/// Every leftmost occurrence of a name, inside words too, becomes `token`.
fn replace_names(text: &str, names: &[&str], token: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = 0;
    let mut i = 0;
    let bytes = text.as_bytes();
    while i < bytes.len() {
        // No name begins with another, so the order of the list does not matter.
        match names.iter().find(|name| bytes[i..].starts_with(name.as_bytes())) {
            Some(name) => {
                out.push_str(&text[start..i]);
                out.push_str(token);
                i += name.len();
                start = i;
            }
            None => i += 1,
        }
    }
    out.push_str(&text[start..]);
    out
}

fn collapse_whitespace(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(class::is_python_space).filter(|word| !word.is_empty()) {
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
    fn ascii_table_is_the_class_table() {
        let classes = Classes::get();
        for byte in 0..128u8 {
            let c = char::from(byte);
            let by_class = if classes.is(c, class::STRIPPED_PUNCTUATION | class::SPACE) {
                BLANK
            } else if c.is_ascii_digit() {
                DIGIT
            } else {
                byte.to_ascii_lowercase()
            };
            assert_eq!(ASCII_STEP[usize::from(byte)], by_class, "byte {byte}");
        }
    }

    #[test]
    fn reference_text() {
        let text = "A\u{a0}B\u{200b}C\u{2028}D\u{85}E ¿Qué? ñ Å ﬁ １２ ٣٫٥ 1,000,000 3.14.15";
        assert_eq!(simplify(text), "a b\u{200b}c d e ¿que n a ﬁ 0 0 0 0 0 0");
        assert_eq!(simplify("|$17.56||1|\n|$15.37||2599|"), "0 0 0 0");
        assert_eq!(simplify("ΌΔΟΣ ΣΑΣ İ"), "οδος σας i");
        assert_eq!(simplify(""), "");
        assert_eq!(simplify("\u{301}\u{300} \u{0}"), "");
    }

    #[test]
    fn characters_of_later_versions_stay_as_they_are() {
        // U+A7CB and U+10D50 got lower-case forms in Unicode 16; a U+10D69 would be a mark.
        assert_eq!(simplify("A\u{a7cb}B \u{10d50}\u{10d69}"), "a\u{a7cb}b \u{10d50}\u{10d69}");
    }

    #[test]
    fn steps_can_be_left_out() {
        let none = SimplifyConfig {
            lowercase: false,
            numbers: false,
            weekdays: false,
            months: false,
            punctuation: false,
            whitespace: false,
            diacritics: false,
        };
        assert_eq!(simplify_with(" Maybe,  Monday 1é ", &none), "Maybe,  Monday 1é");
        let names = SimplifyConfig { lowercase: true, weekdays: true, months: true, ..none };
        assert_eq!(simplify_with("Maybe, Monday 1é", &names), "MONTHbe, WEEKDAY 1é");
    }

    proptest::proptest! {
        #[test]
        fn one_pass_over_ascii_is_the_definition(text in "[\\x00-\\x7f]{0,40}|[a-c0-2., \n]{0,40}") {
            let slow = simplify_with(&text, &SimplifyConfig::default());
            proptest::prop_assert_eq!(simplify(&text), slow);
        }
    }
}
