//! What a block of queries sees of a block of keys.

use std::ops::Range;

use super::Problem;

/// The mask of one sequence.
#[derive(Clone, Copy)]
pub(super) struct Mask<'a> {
    causal: bool,
    q_len: usize,
    kv_len: usize,
    /// Segments of the keys.
    segments: Option<&'a [i64]>,
}

impl<'a> Mask<'a> {
    pub(super) fn new(problem: &'a Problem, batch: usize) -> Self {
        let kv_len = problem.kv_len;
        Self {
            causal: problem.spec.causal,
            q_len: problem.q_len,
            kv_len,
            segments: problem.segments.as_ref().map(|s| &s[batch * kv_len..(batch + 1) * kv_len]),
        }
    }

    /// Number of keys that a query sees at most: those up to its own position.
    #[inline(always)]
    pub(super) fn end(&self, query: usize) -> usize {
        if self.causal {
            (query + 1 + self.kv_len).saturating_sub(self.q_len).min(self.kv_len)
        } else {
            self.kv_len
        }
    }

    /// Blocks of keys, `size` each, that some query of the block may see.
    pub(super) fn key_blocks(
        &self,
        queries: Range<usize>,
        size: usize,
    ) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let mask = *self;
        let end = queries.end.checked_sub(1).map_or(0, |last| mask.end(last));
        (0..end)
            .step_by(size)
            .map(move |start| start..(start + size).min(end))
            .filter(move |keys| mask.segments_meet(queries.clone(), keys.clone()))
    }

    /// False when the ranges of segment numbers are disjoint, as those of packed documents are.
    fn segments_meet(&self, queries: Range<usize>, keys: Range<usize>) -> bool {
        let Some(segments) = self.segments else { return true };
        let range = |s: &[i64]| (s.iter().min().copied(), s.iter().max().copied());
        let shift = self.kv_len - self.q_len;
        let (q_min, q_max) = range(&segments[queries.start + shift..queries.end + shift]);
        let (k_min, k_max) = range(&segments[keys]);
        q_min <= k_max && k_min <= q_max
    }

    /// Sets the scores of keys `keys` that a query does not see to minus infinity.
    #[inline(always)]
    pub(super) fn hide(&self, scores: &mut [f32], query: usize, keys: Range<usize>) {
        let visible = self.end(query).saturating_sub(keys.start).min(keys.len());
        scores[visible..].fill(f32::NEG_INFINITY);
        if let Some(segments) = self.segments {
            let own = segments[query + self.kv_len - self.q_len];
            for (score, &segment) in scores[..visible].iter_mut().zip(&segments[keys]) {
                *score = if segment == own { *score } else { f32::NEG_INFINITY };
            }
        }
    }
}
