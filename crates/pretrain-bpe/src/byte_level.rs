//! The byte <-> character map of GPT-2, in which `tokenizer.json` writes tokens.
//!
//! The 188 bytes that are printable in Latin-1 stand for themselves; the other 68 are mapped, in byte
//! order, to U+0100 and up. Source: `bytes_to_unicode` in OpenAI's GPT-2 `encoder.py`.

use std::sync::LazyLock;

/// The bytes in the order of the characters that stand for them: the order of ids in a vocabulary
/// trained by Hugging Face's `BpeTrainer`.
pub(crate) static BYTES_IN_CHAR_ORDER: [u8; 256] = bytes_in_char_order();

/// The character that stands for a space.
pub(crate) const SPACE: char = '\u{120}';

const fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff)
}

const fn bytes_in_char_order() -> [u8; 256] {
    let mut order = [0u8; 256];
    let mut n = 0;
    let mut pass = 0;
    while pass < 2 {
        let mut byte = 0usize;
        while byte < 256 {
            if is_printable(byte as u8) == (pass == 0) {
                order[n] = byte as u8;
                n += 1;
            }
            byte += 1;
        }
        pass += 1;
    }
    order
}

const N_PRINTABLE: usize = 188;

/// The character that stands for a byte.
pub(crate) fn char_of(byte: u8) -> char {
    static CHARS: LazyLock<[char; 256]> = LazyLock::new(|| {
        let mut chars = ['\0'; 256];
        for (index, &byte) in BYTES_IN_CHAR_ORDER.iter().enumerate() {
            let other = index.checked_sub(N_PRINTABLE).map(|index| 0x100 + index as u32);
            let code = other.unwrap_or(u32::from(byte));
            chars[byte as usize] = char::from_u32(code).expect("U+0100..=U+0143 are characters");
        }
        chars
    });
    CHARS[byte as usize]
}

/// The byte that a character stands for.
pub(crate) fn byte_of(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ 0..=0xff => Some(code as u8).filter(|&byte| is_printable(byte)),
        code => BYTES_IN_CHAR_ORDER.get(N_PRINTABLE + (code as usize).checked_sub(0x100)?).copied(),
    }
}

/// Bytes as `tokenizer.json` writes them.
pub(crate) fn to_text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char_of(byte)).collect()
}

/// The reverse of [`to_text`]; `None` when a character stands for no byte.
pub(crate) fn from_text(text: &str) -> Option<Vec<u8>> {
    text.chars().map(byte_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_places() {
        assert_eq!(to_text(b" a\n\0\x7f\xad\xff"), "ĠaĊĀġŃÿ");
        assert_eq!(BYTES_IN_CHAR_ORDER[0], b'!');
        assert_eq!(BYTES_IN_CHAR_ORDER[89], b'z');
        assert_eq!(BYTES_IN_CHAR_ORDER[220], b' ');
        assert_eq!(BYTES_IN_CHAR_ORDER[255], 0xad);
    }

    #[test]
    fn every_byte_returns_and_order_is_by_character() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(from_text(&to_text(&all)).as_deref(), Some(&all[..]));
        let chars: Vec<char> = BYTES_IN_CHAR_ORDER.iter().map(|&b| char_of(b)).collect();
        assert!(chars.is_sorted());
        assert_eq!(from_text("\u{144}"), None);
        assert_eq!(from_text(" "), None);
    }
}
