//! Filling up texts that have too few tokens.

use super::part::{Part, Row};
use crate::token::TokenId;

/// An end of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The beginning.
    Left,
    /// The end.
    #[default]
    Right,
}

/// With what and to which length texts are filled up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Padding {
    /// The length to reach.
    pub length: PadLength,
    /// The length is rounded up to a multiple of this; 0 means the same as `None`.
    pub multiple: Option<usize>,
    /// The end at which tokens are added.
    pub direction: Side,
    /// The token that is added.
    pub id: TokenId,
    /// Its type.
    pub type_id: u32,
    /// Its name in the file.
    pub token: String,
}

/// The length that padding reaches. Longer texts stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PadLength {
    /// That of the longest of the encodings made together.
    #[default]
    Longest,
    /// This number of tokens.
    Fixed(usize),
}

impl Padding {
    /// Fills up with this token at the end, to the longest.
    pub fn new(id: TokenId, token: impl Into<String>) -> Self {
        Self {
            length: PadLength::Longest,
            multiple: None,
            direction: Side::Right,
            id,
            type_id: 0,
            token: token.into(),
        }
    }

    pub(super) fn apply(&self, parts: &mut [Part]) {
        let longest = || parts.iter().map(|part| part.rows.len()).max().unwrap_or(0);
        let length = match self.length {
            PadLength::Longest => longest(),
            PadLength::Fixed(length) => length,
        };
        let multiple = self.multiple.filter(|&multiple| multiple > 0).unwrap_or(1);
        let length = length.checked_next_multiple_of(multiple).unwrap_or(length);
        parts.iter_mut().for_each(|part| self.fill(part, length));
    }

    fn fill(&self, part: &mut Part, length: usize) {
        part.overflowing.iter_mut().for_each(|part| self.fill(part, length));
        let missing = length.saturating_sub(part.rows.len());
        let filling = std::iter::repeat_n(Row::added(self.id, self.type_id, true), missing);
        match self.direction {
            Side::Left => drop(part.rows.splice(0..0, filling)),
            Side::Right => part.rows.extend(filling),
        }
    }
}
