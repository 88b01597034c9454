//! Where tokens stand in a text.

use std::ops::Range;

/// The ranges of bytes that consecutive tokens stand for, in order:
/// [`Tokenizer::encode_with_offsets_into`](crate::Tokenizer::encode_with_offsets_into) fills it.
///
/// Nearly every token begins where the one before it ends, so only its end is kept, 8 bytes; of the
/// others, where a text was rewritten or a byte has no token, the beginning too. Any ranges can be held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenRanges {
    ends: Vec<usize>,
    /// The tokens that do not begin where the one before ends, or the first not at 0, and where they do.
    starts: Vec<(usize, usize)>,
}

impl TokenRanges {
    /// No tokens.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Where each token ends.
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// The range of one token; `None` when there are not so many. O(log n) in the tokens that do not
    /// begin where the one before ends.
    pub fn get(&self, index: usize) -> Option<Range<usize>> {
        let end = *self.ends.get(index)?;
        let start = match self.starts.binary_search_by_key(&index, |(index, _)| *index) {
            Ok(found) => self.starts[found].1,
            Err(_) => index.checked_sub(1).map_or(0, |before| self.ends[before]),
        };
        Some(start..end)
    }

    /// All ranges in order.
    pub fn iter(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut starts = self.starts.iter().copied().peekable();
        let mut before = 0;
        self.ends.iter().enumerate().map(move |(index, &end)| {
            let start = starts.next_if(|(at, _)| *at == index).map_or(before, |(_, start)| start);
            before = end;
            start..end
        })
    }

    /// Forgets the tokens and keeps the memory.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.starts.clear();
    }

    /// Adds a token.
    #[inline]
    pub(crate) fn push(&mut self, range: Range<usize>) {
        self.begin(range.start);
        self.ends.push(range.end);
    }

    /// Adds tokens of these lengths, one right after another, the first at `start`.
    #[inline]
    pub(crate) fn extend_lens(&mut self, start: usize, lens: impl ExactSizeIterator<Item = usize>) {
        if lens.len() == 0 {
            return;
        }
        self.begin(start);
        let mut end = start;
        self.ends.extend(lens.map(|len| {
            end += len;
            end
        }));
    }

    /// The next token begins here.
    #[inline]
    fn begin(&mut self, start: usize) {
        if start != self.ends.last().copied().unwrap_or(0) {
            self.starts.push((self.ends.len(), start));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_ranges_come_back(bounds in prop::collection::vec((0usize..4, 0usize..4), 0..30)) {
            let mut ranges = TokenRanges::new();
            let mut expected = Vec::new();
            for (start, len) in bounds {
                expected.push(start..start + len);
                ranges.push(start..start + len);
            }
            prop_assert_eq!(ranges.len(), expected.len());
            prop_assert!(ranges.iter().eq(expected.iter().cloned()));
            for (index, range) in expected.iter().enumerate() {
                prop_assert_eq!(ranges.get(index), Some(range.clone()));
            }
            prop_assert_eq!(ranges.get(expected.len()), None);
        }
    }

    #[test]
    fn tokens_that_follow_each_other_keep_ends_only() {
        let mut ranges = TokenRanges::new();
        ranges.extend_lens(0, [2, 3].into_iter());
        ranges.push(5..6);
        ranges.extend_lens(6, [].into_iter());
        ranges.extend_lens(8, [1].into_iter());
        assert_eq!(ranges.ends(), [2, 5, 6, 9]);
        assert_eq!(ranges.starts, [(3, 8)]);
        assert!(ranges.iter().eq([0..2, 2..5, 5..6, 8..9]));
        ranges.clear();
        assert_eq!(ranges, TokenRanges::default());
    }
}
