//! Cutting texts that have too many tokens.

use super::Side;
use super::part::Part;
use crate::error::{BpeError, Result};

/// How many tokens a text or pair may have, and what is done with the others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Truncation {
    /// Tokens at most, those of the template included.
    pub max_length: usize,
    /// The number of tokens that a part cut off repeats of the part before.
    pub stride: usize,
    /// Which text of a pair is cut.
    pub strategy: TruncationStrategy,
    /// The end at which tokens are cut off.
    pub direction: Side,
}

/// Which text of a pair is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TruncationStrategy {
    /// The longer one, until both are of one length, then both.
    #[default]
    LongestFirst,
    /// The first, or only, one.
    OnlyFirst,
    /// The second one.
    OnlySecond,
}

impl Truncation {
    /// Cuts the longest first, at the end, without repetition.
    pub fn new(max_length: usize) -> Self {
        Self {
            max_length,
            stride: 0,
            strategy: TruncationStrategy::default(),
            direction: Side::Right,
        }
    }

    /// Cuts one or two texts to which `n_added` tokens will be added.
    pub(super) fn apply(&self, parts: &mut [Part], n_added: usize) -> Result<()> {
        let fault = |reason| BpeError::Truncation { max_length: self.max_length, reason };
        let max = self
            .max_length
            .checked_sub(n_added)
            .ok_or(fault("the template alone has more tokens"))?;
        if max == 0 {
            return parts.iter_mut().try_for_each(|part| self.cut(part, 0));
        }
        let total: usize = parts.iter().map(|part| part.rows.len()).sum();
        let Some(surplus) = total.checked_sub(max).filter(|&surplus| surplus > 0) else {
            return Ok(());
        };
        match (self.strategy, parts) {
            (TruncationStrategy::LongestFirst, [first, second]) => {
                let (n_first, n_second) = longest_first(first.rows.len(), second.rows.len(), max);
                self.cut(first, n_first)?;
                self.cut(second, n_second)
            }
            (TruncationStrategy::LongestFirst, parts) => {
                parts.iter_mut().try_for_each(|part| self.cut(part, max))
            }
            (TruncationStrategy::OnlyFirst, [part, ..])
            | (TruncationStrategy::OnlySecond, [_, part]) => {
                match part.rows.len().checked_sub(surplus) {
                    None | Some(0) => Err(fault("the text to cut is too short")),
                    Some(kept) => self.cut(part, kept),
                }
            }
            _ => Err(fault("there is no second text to cut")),
        }
    }

    /// Keeps `max` tokens of a part; the others become parts of `max` tokens each, which overlap.
    fn cut(&self, part: &mut Part, max: usize) -> Result<()> {
        let n = part.rows.len();
        if max >= n {
            return Ok(());
        }
        if max == 0 {
            let rows = std::mem::take(&mut part.rows);
            part.overflowing.push(Part::of_rows(rows));
            return Ok(());
        }
        let Some(step) = max.checked_sub(self.stride).filter(|&step| step > 0) else {
            let reason = "the stride is not below the tokens that remain of a text";
            return Err(BpeError::Truncation { max_length: self.max_length, reason });
        };
        let n_parts = (n - max).div_ceil(step) + 1;
        let mut cut = (0..n_parts).map(|index| match self.direction {
            Side::Right => index * step..(index * step + max).min(n),
            Side::Left => {
                let end = n - index * step;
                end.saturating_sub(max)..end
            }
        });
        let kept = cut.next().map_or_else(Vec::new, |range| part.rows[range].to_vec());
        let overflowing = cut.map(|range| Part::of_rows(part.rows[range].to_vec())).collect();
        *part = Part { rows: kept, overflowing };
        Ok(())
    }
}

/// The lengths that two texts are cut to. The second gets the odd token only where both are cut.
fn longest_first(n_first: usize, n_second: usize, max: usize) -> (usize, usize) {
    let (mut shorter, longer) = (n_first.min(n_second), n_first.max(n_second));
    let mut longer = if shorter > max { shorter } else { longer.min(shorter.max(max - shorter)) };
    if shorter + longer > max {
        shorter = max / 2;
        longer = shorter + max % 2;
    }
    if n_first > n_second { (longer, shorter) } else { (shorter, longer) }
}
