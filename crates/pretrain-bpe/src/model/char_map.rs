//! A sparse table from characters to ids.

use crate::vocabulary::NO_TOKEN;

/// Pages of 256 characters, of which most are the empty one: two loads per look-up.
#[derive(Clone)]
pub(crate) struct CharMap {
    /// The page of the characters with these upper bits.
    pages: Vec<u16>,
    /// Page 0 is empty.
    ids: Vec<[u32; 256]>,
}

impl CharMap {
    pub(crate) fn new() -> Self {
        Self { pages: vec![0; (char::MAX as usize >> 8) + 1], ids: vec![[NO_TOKEN; 256]] }
    }

    pub(crate) fn insert(&mut self, c: char, id: u32) {
        let page = &mut self.pages[c as usize >> 8];
        if *page == 0 {
            *page = self.ids.len() as u16;
            self.ids.push([NO_TOKEN; 256]);
        }
        self.ids[*page as usize][c as usize & 255] = id;
    }

    /// The id of a character, or `NO_TOKEN`.
    #[inline(always)]
    pub(crate) fn get(&self, c: char) -> u32 {
        self.ids[self.pages[c as usize >> 8] as usize][c as usize & 255]
    }
}

/// The only character of a string.
pub(crate) fn single(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.as_str().is_empty())
}
