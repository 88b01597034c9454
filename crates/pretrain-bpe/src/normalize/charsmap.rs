//! The precompiled character map of SentencePiece: which strings normalisation replaces, and by what.
//!
//! The blob (`NormalizerSpec.precompiled_charsmap`, also in Hugging Face's `Precompiled`) is a `u32` in
//! little endian, the size in bytes of the double array that follows; the double array, units of `u32`
//! in little endian as darts-clone lays them out; then the replacements, each ended by a NUL.

use crate::error::{BpeError, Result};

/// Strings to replace and their replacements. Immutable once read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Charsmap {
    units: Vec<u32>,
    /// All replacements, each ended by a NUL.
    replacements: String,
}

impl Charsmap {
    /// Reads a blob. Only its frame is checked here; a double array that points nowhere matches
    /// nothing.
    pub(crate) fn parse(blob: &[u8]) -> Result<Self> {
        let fault = |reason| BpeError::Charsmap { reason };
        let (size, rest) =
            blob.split_first_chunk().ok_or(fault("it ends before the size of its trie"))?;
        let size = u32::from_le_bytes(*size) as usize;
        let (trie, replacements) =
            rest.split_at_checked(size).ok_or(fault("its trie is larger than the map"))?;
        let units = trie.chunks_exact(4);
        if !units.remainder().is_empty() {
            return Err(fault("the size of its trie is not a multiple of 4"));
        }
        let unit = |unit: &[u8]| u32::from_le_bytes(unit.try_into().expect("4 bytes"));
        let replacements = std::str::from_utf8(replacements)
            .map_err(|_| fault("its replacements are not UTF-8"))?;
        Ok(Self { units: units.map(unit).collect(), replacements: replacements.to_owned() })
    }

    /// The blob that [`parse`](Self::parse) reads.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let size = (self.units.len() * 4) as u32;
        let numbers = std::iter::once(size).chain(self.units.iter().copied());
        let mut blob: Vec<u8> = numbers.flat_map(u32::to_le_bytes).collect();
        blob.extend_from_slice(self.replacements.as_bytes());
        blob
    }

    /// The longest string of the map that `text` begins with: the bytes it takes, and what replaces
    /// them. This is SentencePiece's rule.
    pub(crate) fn longest(&self, text: &str) -> Option<(usize, &str)> {
        self.prefixes(text.as_bytes()).last()
    }

    /// The shortest string of the map that `text` begins with. Hugging Face's `Precompiled` takes this
    /// one, and replaces the whole of what it looked up by it.
    pub(crate) fn shortest(&self, text: &str) -> Option<(usize, &str)> {
        self.prefixes(text.as_bytes()).next()
    }

    /// Whether a text that begins with these two bytes may begin with a string of the map.
    pub(crate) fn may_match(&self, first: u8, second: u8) -> bool {
        let root = self.units.first().map_or(0, |&unit| offset(unit));
        let step = |at: usize, byte: u8| {
            let node = at ^ usize::from(byte);
            let unit = *self.units.get(node)?;
            (unit & LABEL == u32::from(byte)).then_some((node ^ offset(unit), unit))
        };
        let Some((at, unit)) = step(root, first) else { return false };
        has_value(unit) || step(at, second).is_some()
    }

    /// The strings of the map that `text` begins with, shortest first.
    fn prefixes(&self, text: &[u8]) -> impl Iterator<Item = (usize, &str)> {
        let mut at = self.units.first().map_or(0, |&unit| offset(unit));
        let values = text.iter().map_while(move |&byte| {
            let node = at ^ usize::from(byte);
            let unit = *self.units.get(node)?;
            if unit & LABEL != u32::from(byte) {
                return None;
            }
            at = node ^ offset(unit);
            Some(has_value(unit).then(|| self.units.get(at)).flatten())
        });
        (1..).zip(values).filter_map(|(len, value)| Some((len, self.replacement(*value?)?)))
    }

    fn replacement(&self, unit: u32) -> Option<&str> {
        let rest = self.replacements.get((unit & 0x7fff_ffff) as usize..)?;
        rest.split('\0').next()
    }
}

/// The label of a darts-clone unit: a byte, and a bit that is set in a unit that holds a value.
const LABEL: u32 = 0x8000_00ff;

fn has_value(unit: u32) -> bool {
    unit >> 8 & 1 == 1
}

/// How far the children of a darts-clone unit are away.
fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & 1 << 9) >> 6)) as usize
}

impl std::fmt::Debug for Charsmap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Charsmap")
            .field("n_units", &self.units.len())
            .field("replacement_bytes", &self.replacements.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A map in which each node has a block of 256 units to itself.
    fn blob(rules: &[(&str, &str)]) -> Vec<u8> {
        let mut replacements = String::new();
        let mut units = vec![0u32; 256];
        let mut nodes = vec![String::new()];
        units[0] = 256 << 10;
        units.resize(512, 0);
        for (key, replacement) in rules {
            let value = replacements.len() as u32;
            replacements.push_str(replacement);
            replacements.push('\0');
            let (mut unit, mut block) = (0, 1);
            for (at, byte) in key.bytes().enumerate() {
                // The prefixes of the rules are ASCII, so each is a string.
                let prefix = &key[..=at];
                let child = block * 256 + byte as usize;
                block = match nodes.iter().position(|node| node == prefix) {
                    Some(node) => node + 1,
                    None => {
                        nodes.push(prefix.to_owned());
                        units.resize(units.len() + 256, 0);
                        units[child] =
                            (((nodes.len() * 256) ^ child) as u32) << 10 | u32::from(byte);
                        nodes.len()
                    }
                };
                unit = child;
            }
            units[unit] |= 1 << 8;
            units[block * 256] = 1 << 31 | value;
        }
        let size = (units.len() * 4) as u32;
        let mut blob: Vec<u8> =
            std::iter::once(size).chain(units).flat_map(u32::to_le_bytes).collect();
        blob.extend_from_slice(replacements.as_bytes());
        blob
    }

    #[test]
    fn the_longest_and_the_shortest_string_are_found() {
        let blob = blob(&[("a", "x"), ("abc", "é"), ("b", "")]);
        let map = Charsmap::parse(&blob).unwrap();
        assert_eq!(map.longest("abcd"), Some((3, "é")));
        assert_eq!(map.shortest("abcd"), Some((1, "x")));
        assert_eq!(map.longest("abd"), Some((1, "x")));
        assert_eq!(map.longest("bb"), Some((1, "")));
        assert_eq!((map.longest("c"), map.longest(""), map.longest("\0")), (None, None, None));
        assert_eq!(map.to_bytes(), blob);
    }

    #[test]
    fn corrupt_frames_are_told() {
        let reason = |blob: &[u8]| match Charsmap::parse(blob) {
            Err(BpeError::Charsmap { reason }) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(b"abc"), "it ends before the size of its trie");
        assert_eq!(reason(&[4, 0, 0, 0, 1]), "its trie is larger than the map");
        assert_eq!(reason(&[1, 0, 0, 0, 1]), "the size of its trie is not a multiple of 4");
        assert_eq!(reason(&[0, 0, 0, 0, 0xff]), "its replacements are not UTF-8");
        assert_eq!(Charsmap::parse(&[0; 4]).unwrap().longest("a"), None);
    }

    proptest! {
        #[test]
        fn no_trie_makes_it_panic(
            units in prop::collection::vec(prop_oneof![any::<u32>(), 0u32..1 << 20], 0..80),
            replacements in ".{0,9}",
            text in any::<String>(),
        ) {
            let map = Charsmap { units, replacements };
            for (at, _) in text.char_indices() {
                if let Some((len, _)) = map.longest(&text[at..]) {
                    prop_assert!(len <= text.len() - at);
                }
            }
        }
    }
}
