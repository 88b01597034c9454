//! From characters to the tokens that merging starts with.

use std::array;

use super::CharBpeConfig;
use crate::model::char_map::{CharMap, single};
use crate::vocabulary::{NO_TOKEN, Vocabulary};

/// The token of each character by its place in the pre-token, and the tokens of bytes.
#[derive(Clone)]
pub(super) struct CharTable {
    /// By place, see [`place`]; those of equal content are shared by `places`.
    tables: Vec<CharMap>,
    places: [u8; 4],
    /// The tokens `<0x00>` to `<0xFF>`; `None` without byte fallback.
    bytes: Option<Box<[u32; 256]>>,
}

fn place(is_first: bool, is_last: bool) -> usize {
    usize::from(is_first) * 2 + usize::from(is_last)
}

impl CharTable {
    pub(super) fn new(config: &CharBpeConfig, vocabulary: &Vocabulary) -> Self {
        let prefix = config.continuing_subword_prefix.as_deref().unwrap_or("");
        let suffix = config.end_of_word_suffix.as_deref().unwrap_or("");
        let mut tables: Vec<CharMap> = Vec::new();
        let mut affixes_of_tables: Vec<(&str, &str)> = Vec::new();
        let mut places = [0; 4];
        for (is_first, is_last) in [(false, false), (false, true), (true, false), (true, true)] {
            let affixes = (if is_first { "" } else { prefix }, if is_last { suffix } else { "" });
            let known = affixes_of_tables.iter().position(|&other| other == affixes);
            let table = known.unwrap_or_else(|| {
                affixes_of_tables.push(affixes);
                tables.push(characters(vocabulary, affixes.0, affixes.1));
                tables.len() - 1
            });
            places[place(is_first, is_last)] = table as u8;
        }
        let byte =
            |byte: usize| vocabulary.id(format!("<0x{byte:02X}>").as_bytes()).unwrap_or(NO_TOKEN);
        let bytes = config.byte_fallback.then(|| Box::new(array::from_fn(byte)));
        Self { tables, places, bytes }
    }

    /// The token of a character, or `NO_TOKEN`.
    #[inline(always)]
    pub(super) fn get(&self, c: char, is_first: bool, is_last: bool) -> u32 {
        self.tables[self.places[place(is_first, is_last)] as usize].get(c)
    }

    /// The byte tokens of a character with its affixes, if it is replaced by them.
    pub(super) fn bytes_of(
        &self,
        config: &CharBpeConfig,
        c: char,
        is_first: bool,
        is_last: bool,
    ) -> Option<impl Iterator<Item = u32>> {
        let table = self.bytes.as_deref()?;
        let affix = |affix: &Option<String>, wanted: bool| {
            let affix = affix.as_deref().filter(|_| wanted).unwrap_or("");
            affix.as_bytes().to_vec()
        };
        let mut text = affix(&config.continuing_subword_prefix, !is_first);
        text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        text.extend_from_slice(&affix(&config.end_of_word_suffix, is_last));
        let known = text.iter().all(|&byte| table[byte as usize] != NO_TOKEN);
        known.then(|| text.into_iter().map(|byte| table[byte as usize]))
    }

    /// Whether byte fallback leaves no character unknown.
    pub(super) fn has_all_bytes(&self) -> bool {
        self.bytes.as_deref().is_some_and(|bytes| !bytes.contains(&NO_TOKEN))
    }
}

/// The tokens that are one character between the affixes.
fn characters(vocabulary: &Vocabulary, prefix: &str, suffix: &str) -> CharMap {
    let mut map = CharMap::new();
    for (id, token) in vocabulary.iter() {
        let Ok(token) = std::str::from_utf8(token) else { continue };
        let stem = token.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
        if let Some(c) = stem.and_then(single) {
            map.insert(c, id);
        }
    }
    map
}
