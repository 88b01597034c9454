//! 64 bytes of text as bit masks: one bit per byte, one mask per class.
//!
//! A window is what the [cuts](super::cuts) are computed from, for all of its bytes at once. All bytes of
//! a character carry the character's class. A window ends early, before the first character that the
//! masks cannot express (white space and numbers beyond ASCII); the scanners take over there.

use crate::unicode::{Classes, LETTER, LOWER, NUMBER, SPACE, UPPER};

mod ascii;

/// Bytes in a window.
pub(crate) const WIDTH: usize = 64;

/// The classes of ASCII characters; no bit is set for other bytes but in `high`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ascii {
    letter: u64,
    upper: u64,
    number: u64,
    /// `\s`
    space: u64,
    /// CR and LF
    newline: u64,
    /// U+0020
    blank: u64,
    apostrophe: u64,
    slash: u64,
    /// Bytes of characters beyond ASCII.
    high: u64,
}

/// The classes of up to 64 bytes of a text. Bits at [`len`](Self::len) and above are 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) len: usize,
    pub(crate) letter: u64,
    pub(crate) number: u64,
    pub(crate) space: u64,
    pub(crate) newline: u64,
    pub(crate) blank: u64,
    pub(crate) apostrophe: u64,
    pub(crate) slash: u64,
    /// `[^\s\p{L}\p{N}]`
    pub(crate) other: u64,
    /// Letters of UPPER and not of LOWER, those of LOWER only, and those of both.
    pub(crate) upper_only: u64,
    pub(crate) lower_only: u64,
    pub(crate) caseless: u64,
    /// Bytes of a character after its first.
    pub(crate) continuation: u64,
}

/// The `n` lowest bits.
#[inline(always)]
pub(super) fn low(n: usize) -> u64 {
    if n < 64 { (1 << n) - 1 } else { u64::MAX }
}

impl Window {
    /// The window at `pos`. With `MARKS_JOIN`, a mark after a letter is a caseless letter, and one
    /// elsewhere ends the window; without, a mark is an `other`.
    #[inline(always)]
    pub(crate) fn at<const MARKS_JOIN: bool>(classes: &Classes, text: &[u8], pos: usize) -> Self {
        let (ascii, len) = match text[pos..].first_chunk::<WIDTH>() {
            Some(chunk) => (ascii::masks(chunk), WIDTH),
            None => {
                let mut chunk = [0; WIDTH];
                let len = text.len() - pos;
                chunk[..len].copy_from_slice(&text[pos..]);
                (ascii::masks(&chunk), len)
            }
        };
        let mut this = Self {
            len,
            letter: ascii.letter,
            number: ascii.number,
            space: ascii.space,
            newline: ascii.newline,
            blank: ascii.blank,
            apostrophe: ascii.apostrophe,
            slash: ascii.slash,
            other: 0,
            upper_only: ascii.upper,
            lower_only: ascii.letter & !ascii.upper,
            caseless: 0,
            continuation: 0,
        };
        if ascii.high != 0 {
            this.add_high::<MARKS_JOIN>(classes, text, pos, ascii.high);
        }
        this.other = low(this.len) & !(this.letter | this.number | this.space);
        this
    }

    /// Adds the characters beyond ASCII.
    #[inline(always)]
    fn add_high<const MARKS_JOIN: bool>(
        &mut self,
        classes: &Classes,
        text: &[u8],
        pos: usize,
        high: u64,
    ) {
        let mut rest = high;
        while rest != 0 {
            let at = rest.trailing_zeros() as usize;
            let (class, len) = classes.at(text, pos + at);
            let bits = low(len) << at;
            rest &= !bits;
            let is_letter = if MARKS_JOIN && class & (UPPER | LOWER) != 0 && class & LETTER == 0 {
                if self.letter << 1 & 1 << at == 0 {
                    return self.end_at(at);
                }
                true
            } else {
                class & LETTER != 0
            };
            if class & (SPACE | NUMBER) != 0 || at + len > self.len {
                return self.end_at(at);
            }
            self.continuation |= bits & bits << 1;
            if is_letter {
                self.letter |= bits;
                if MARKS_JOIN {
                    match class & (UPPER | LOWER) {
                        UPPER => self.upper_only |= bits,
                        LOWER => self.lower_only |= bits,
                        _ => self.caseless |= bits,
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn end_at(&mut self, len: usize) {
        let keep = low(len);
        self.len = len;
        for mask in [
            &mut self.letter,
            &mut self.number,
            &mut self.space,
            &mut self.newline,
            &mut self.blank,
            &mut self.apostrophe,
            &mut self.slash,
            &mut self.upper_only,
            &mut self.lower_only,
            &mut self.caseless,
        ] {
            *mask &= keep;
        }
    }
}
