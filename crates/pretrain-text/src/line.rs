//! Lines and paragraphs, cut where Python cuts them.

use crate::class::{Classes, SPACE, is_python_space};
use crate::word::Span;

/// The lines of `text` as Python's `str.splitlines()` gives them: a break at `\n`, `\r`, `\r\n`,
/// `\v`, `\f`, U+001C to U+001E, U+0085, U+2028 and U+2029; the breaks are not part of the lines,
/// and a break at the very end opens no further line.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    line_spans(text).map(|span| span.of(text))
}

/// The positions of [`lines`].
pub fn line_spans(text: &str) -> impl Iterator<Item = Span> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        if start == text.len() {
            return None;
        }
        let (end, next) = match find_break(&text.as_bytes()[start..]) {
            Some((end, next)) => (start + end, start + next),
            None => (text.len(), text.len()),
        };
        at = next;
        Some(Span { start, end })
    })
}

/// Byte range of the first line break.
fn find_break(bytes: &[u8]) -> Option<(usize, usize)> {
    for (i, &byte) in bytes.iter().enumerate() {
        // One comparison rejects nearly every byte: text below 0x1f is breaks, tabs and controls,
        // and only these two lead bytes begin a break that is not ASCII.
        if byte > 0x1e && byte != 0xc2 && byte != 0xe2 {
            continue;
        }
        let length = match byte {
            b'\r' if bytes.get(i + 1) == Some(&b'\n') => 2,
            b'\n' | b'\r' | 0x0b | 0x0c | 0x1c..=0x1e => 1,
            0xc2 if bytes.get(i + 1) == Some(&0x85) => 2,
            0xe2 if matches!(bytes.get(i + 1..i + 3), Some([0x80, 0xa8 | 0xa9])) => 3,
            _ => continue,
        };
        return Some((i, i + length));
    }
    None
}

/// The paragraphs of `text` as datatrove's `split_into_paragraphs` cuts them: a new one begins at
/// each line ([`lines`]) that is not blank, and blank lines belong to the paragraph before them.
/// Line breaks inside become `\n`.
pub fn paragraphs(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut open: Option<String> = None;
    let mut lines = lines(text).peekable();
    while let Some(line) = lines.next() {
        if !is_blank(line)
            && let Some(done) = open.take()
        {
            out.push(done);
        }
        let paragraph = open.get_or_insert_default();
        paragraph.push_str(line);
        if lines.peek().is_some() {
            paragraph.push('\n');
        }
    }
    out.extend(open);
    out
}

/// `text` without white space ([`is_space`](crate::is_space)) at its ends: Python's `str.strip()`.
#[inline]
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_python_space)
}

/// Whether `text` is empty or all white space.
pub fn is_blank(text: &str) -> bool {
    let classes = Classes::get();
    text.chars().all(|c| classes.is(c, SPACE))
}

/// Length in Unicode code points: Python's `len`.
#[inline]
pub fn n_chars(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_where_python_breaks() {
        let all = "a\nb\rc\r\nd\u{b}e\u{c}f\u{1c}g\u{1d}h\u{1e}i\u{85}j\u{2028}k\u{2029}l\u{1f}m";
        let got: Vec<_> = lines(all).collect();
        assert_eq!(got, ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l\u{1f}m"]);
        assert_eq!(lines("").count(), 0);
        assert_eq!(lines("\n").collect::<Vec<_>>(), [""]);
        assert_eq!(lines("\n\r").collect::<Vec<_>>(), ["", ""]);
        assert_eq!(lines("a\n\n").collect::<Vec<_>>(), ["a", ""]);
        // Characters that share the lead bytes of U+0085 and U+2028 are no breaks.
        assert_eq!(lines("\u{a0}\u{2027}\u{202a}…").count(), 1);
    }

    #[test]
    fn paragraphs_keep_their_trailing_blank_lines() {
        assert_eq!(paragraphs("a\nb\n\n\nc"), ["a\n", "b\n\n\n", "c"]);
        assert_eq!(paragraphs("\n \na\r\n"), ["\n \n", "a"]);
        assert!(paragraphs("").is_empty());
    }

    #[test]
    fn strip_takes_the_separators_too() {
        assert_eq!(strip("\u{1c}\u{3000} a b\u{85}\n"), "a b");
        assert!(is_blank("\u{1f} \u{2003}") && is_blank("") && !is_blank("\u{200b}"));
        assert_eq!(n_chars("aé漢😀"), 4);
    }
}
