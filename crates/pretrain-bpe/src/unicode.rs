//! Character classes of Unicode 16.0.0, one lookup per character.
//!
//! A scanner must see the classes that the reference implementations see, whatever the compiler's or a
//! dependency's Unicode version, so they are pinned in a generated table.

use std::sync::OnceLock;

#[path = "unicode_table.rs"]
mod table;

/// The Unicode version of the scanners of the named [patterns](crate::Pattern).
pub const UNICODE_VERSION: (u8, u8, u8) = table::UNICODE_VERSION;

/// `\p{L}`
pub(crate) const LETTER: u8 = 1;
/// `\p{N}`
pub(crate) const NUMBER: u8 = 2;
/// `\s`, the property White_Space
pub(crate) const SPACE: u8 = 4;
/// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
pub(crate) const UPPER: u8 = 8;
/// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
pub(crate) const LOWER: u8 = 16;

const BLOCK: usize = 128;

/// A two-stage table over all code points: about 50 KB, built once per process from 3,191 runs.
pub(crate) struct Classes {
    ascii: [u8; 128],
    block_of: Vec<u16>,
    blocks: Vec<[u8; BLOCK]>,
}

impl Classes {
    pub(crate) fn get() -> &'static Self {
        static CLASSES: OnceLock<Classes> = OnceLock::new();
        CLASSES.get_or_init(Self::build)
    }

    fn build() -> Self {
        let mut flat = vec![0u8; 0x11_0000];
        for (i, &run) in table::RUNS.iter().enumerate() {
            let end = table::RUNS.get(i + 1).map_or(flat.len(), |&next| (next >> 8) as usize);
            flat[(run >> 8) as usize..end].fill(run as u8);
        }
        let mut this = Self { ascii: [0; 128], block_of: Vec::new(), blocks: Vec::new() };
        let mut seen = std::collections::HashMap::new();
        for block in flat.chunks_exact(BLOCK) {
            let block: [u8; BLOCK] = block.try_into().expect("chunks of BLOCK");
            let index = *seen.entry(block).or_insert_with(|| {
                this.blocks.push(block);
                this.blocks.len() as u16 - 1
            });
            this.block_of.push(index);
        }
        this.ascii.copy_from_slice(&flat[..128]);
        this
    }

    /// The classes of a code point.
    #[inline]
    pub(crate) fn of(&self, code: u32) -> u8 {
        let code = code as usize;
        self.blocks[self.block_of[code / BLOCK] as usize][code % BLOCK]
    }

    /// The classes and the length in bytes of the character that starts at `pos` of valid UTF-8.
    #[inline(always)]
    pub(crate) fn at(&self, text: &[u8], pos: usize) -> (u8, usize) {
        let lead = text[pos];
        if lead < 0x80 {
            return (self.ascii[lead as usize], 1);
        }
        self.beyond_ascii(text, pos)
    }

    fn beyond_ascii(&self, text: &[u8], pos: usize) -> (u8, usize) {
        let tail = |i: usize| u32::from(text[pos + i] & 0x3f);
        let lead = u32::from(text[pos]);
        match lead {
            0..0xe0 => (self.of((lead & 0x1f) << 6 | tail(1)), 2),
            0xe0..0xf0 => (self.of((lead & 0x0f) << 12 | tail(1) << 6 | tail(2)), 3),
            _ => (self.of((lead & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3)), 4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table against the classes of the regex engine, over every scalar value.
    #[test]
    fn table_equals_regex_engine() {
        let classes = Classes::get();
        let named = [
            (LETTER, r"\p{L}"),
            (NUMBER, r"\p{N}"),
            (SPACE, r"\s"),
            (UPPER, r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"),
            (LOWER, r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"),
        ];
        let all: String = ('\0'..=char::MAX).collect();
        for (bit, class) in named {
            let mut expected = vec![false; 0x11_0000];
            let regex = fancy_regex::Regex::new(&format!("{class}+")).unwrap();
            for found in regex.find_iter(&all) {
                for c in found.unwrap().as_str().chars() {
                    expected[c as usize] = true;
                }
            }
            for c in '\0'..=char::MAX {
                let mut utf8 = [0; 4];
                let text = c.encode_utf8(&mut utf8).as_bytes();
                let (flags, len) = classes.at(text, 0);
                assert_eq!(len, text.len(), "{c:?}");
                assert_eq!(flags & bit != 0, expected[c as usize], "{c:?} in {class}");
            }
        }
    }
}
