//! An encoding in the making: one record per token.

use std::ops::Range;

use crate::token::TokenId;

/// What is known of one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: TokenId,
    pub(crate) type_id: u32,
    pub(crate) range: Range<usize>,
    pub(crate) word: Option<u32>,
    pub(crate) sequence: Option<u8>,
    pub(crate) is_special: bool,
    pub(crate) is_padding: bool,
    /// Characters of white space that the token begins and ends with, where somebody will ask.
    pub(crate) blanks: (usize, usize),
}

impl Row {
    /// A token that stands for no text.
    pub(crate) fn added(id: TokenId, type_id: u32, is_padding: bool) -> Self {
        Self {
            id,
            type_id,
            range: 0..0,
            word: None,
            sequence: None,
            is_special: true,
            is_padding,
            blanks: (0, 0),
        }
    }
}

/// The tokens of a text or of a part of it, and the parts that were cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) rows: Vec<Row>,
    pub(crate) overflowing: Vec<Part>,
}

impl Part {
    pub(crate) fn of_rows(rows: Vec<Row>) -> Self {
        Self { rows, overflowing: Vec::new() }
    }

    /// One after another. Each part that was cut off from one is combined with all of the others, as
    /// Hugging Face does, in its order.
    pub(crate) fn merge(parts: Vec<Part>) -> Part {
        let mut parts = parts.into_iter();
        let first = parts.next().unwrap_or_default();
        parts.fold(first, |mut whole, next| {
            let with = |left: &[Row], right: &[Row]| Part::of_rows([left, right].concat());
            let mut overflowing = Vec::new();
            for left in &whole.overflowing {
                overflowing.push(with(&left.rows, &next.rows));
                overflowing.extend(next.overflowing.iter().map(|o| with(&left.rows, &o.rows)));
            }
            overflowing.extend(next.overflowing.iter().map(|o| with(&whole.rows, &o.rows)));
            whole.rows.extend(next.rows);
            whole.overflowing = overflowing;
            whole
        })
    }
}
