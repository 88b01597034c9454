//! What the embedded model sees of a text: n-grams of lower-case letters, and words.

use pretrain_text::{is_alphabetic, is_decimal, is_space, lowercase};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Kinds of features: n-grams of 1 to [`MAX_N`] characters, then whole words.
pub(super) const MAX_N: usize = 4;
pub(super) const WORD: usize = MAX_N;
pub(super) const N_KINDS: usize = MAX_N + 1;

/// Reusable memory: the letters of a text and where each begins.
#[derive(Debug, Default)]
pub(super) struct Letters {
    text: String,
    starts: Vec<u32>,
}

/// Marks and letters of any script; punctuation blocks, symbols of width and digits are not.
fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    if is_alphabetic(c) {
        return true;
    }
    let punctuation =
        matches!(c, '\u{2000}'..='\u{303f}' | '\u{ff00}'..='\u{ff20}' | '\u{fe00}'..='\u{fe6f}');
    c > '\u{2ff}' && !punctuation && !is_decimal(c) && !is_space(c)
}

impl Letters {
    /// Lower-case letters of the first `max_bytes` bytes or so, everything else as one space, a space
    /// at each end.
    pub(super) fn read(&mut self, text: &str, max_bytes: usize) {
        let mut end = text.len().min(max_bytes);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.text.clear();
        self.starts.clear();
        self.push(' ');
        let mut in_word = false;
        let mut each = |c: char| {
            if is_letter(c) {
                self.push(c);
                in_word = true;
            } else if in_word {
                self.push(' ');
                in_word = false;
            }
        };
        let text = &text[..end];
        if text.is_ascii() {
            text.bytes().for_each(|b| each(char::from(b.to_ascii_lowercase())));
        } else {
            lowercase(text).chars().for_each(each);
        }
        if in_word {
            self.push(' ');
        }
        self.starts.push(self.text.len() as u32);
    }

    fn push(&mut self, c: char) {
        self.starts.push(self.text.len() as u32);
        self.text.push(c);
    }

    /// Calls `each` with the kind and the key of every feature.
    pub(super) fn features(&self, mut each: impl FnMut(usize, u32)) {
        let bytes = self.text.as_bytes();
        let n = self.starts.len() - 1;
        let mut word_start = None;
        for i in 0..n {
            let start = self.starts[i] as usize;
            let space = bytes[start] == b' ';
            match word_start {
                Some(from) if space => {
                    each(WORD, key(WORD, &bytes[from..start]));
                    word_start = None;
                }
                None if !space => word_start = Some(start),
                _ => {}
            }
            for k in 0..MAX_N.min(n - i) {
                let end = self.starts[i + k + 1] as usize;
                let last_is_space = bytes[end - 1] == b' ';
                if k > 0 || !space {
                    each(k, key(k, &bytes[start..end]));
                }
                if k > 0 && last_is_space {
                    break;
                }
            }
        }
    }
}

fn key(kind: usize, bytes: &[u8]) -> u32 {
    // 0 marks an empty slot.
    (xxh3_64_with_seed(bytes, kind as u64) as u32).max(1)
}
