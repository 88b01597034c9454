//! Lines of bounded length.

use std::io::{self, BufRead, Read};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Splits at LF and nothing else: texts hold raw U+2028, U+0085 and lone CR.
pub(crate) struct Lines<R> {
    inner: R,
    line: Vec<u8>,
    limit: usize,
    number: u64,
}

/// A line without its end.
#[derive(Debug, PartialEq)]
pub(crate) enum Line<'a> {
    Whole(&'a [u8]),
    /// Passed over; at most the limit was held.
    TooLong,
}

impl<R: BufRead> Lines<R> {
    /// `limit` is the longest line in bytes, without LF, with CR.
    pub(crate) fn new(inner: R, limit: usize) -> Self {
        Self { inner, line: Vec::new(), limit, number: 0 }
    }

    /// The number of the line last given or failed, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        self.number += 1;
        let most = u64::try_from(self.limit).unwrap_or(u64::MAX).saturating_add(1);
        (&mut self.inner).take(most).read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if self.line.len() > self.limit {
            self.inner.skip_until(b'\n')?;
            return Ok(Some(Line::TooLong));
        }
        let mut line = self.line.as_slice();
        if self.number == 1 {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        Ok(Some(Line::Whole(line.strip_suffix(b"\r").unwrap_or(line))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], limit: usize) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(text, limit);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(match line {
                Line::Whole(line) => Some(line.to_vec()),
                Line::TooLong => None,
            });
        }
        found
    }

    fn some(line: &str) -> Option<Vec<u8>> {
        Some(line.as_bytes().to_vec())
    }

    #[test]
    fn only_lf_ends_a_line() {
        let text = "\u{feff}a\r\nb\rc\u{85}\u{2028}d\r\r\n\n\u{feff}e";
        assert_eq!(
            lines(text.as_bytes(), 99),
            [some("a"), some("b\rc\u{85}\u{2028}d\r"), some(""), some("\u{feff}e")]
        );
        assert_eq!(lines(b"", 9), []);
        assert_eq!(lines(b"\n", 9), [some("")]);
    }

    #[test]
    fn a_line_at_the_limit_passes_and_one_beyond_does_not() {
        assert_eq!(
            lines(b"123\n1234\n12345\n\n1\n12345", 4),
            [some("123"), some("1234"), None, some(""), some("1"), None]
        );
    }
}
