//! Segment boundaries in the form that variable-length attention kernels take.

use crate::{PackError, Result};

/// Cumulative segment lengths over a flattened batch.
///
/// What a holder may trust: the first offset is 0, offsets rise strictly, the last is the number of
/// positions, and all fit in `i32`. A batch of no positions has the one offset 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CuSeqlens {
    offsets: Vec<i32>,
    max_seqlen: i32,
}

impl CuSeqlens {
    /// Checks offsets made elsewhere against the number of positions they should cover.
    ///
    /// # Errors
    /// They do not start at 0, do not rise strictly, or do not end at `n_positions`.
    pub fn new(offsets: Vec<i32>, n_positions: usize) -> Result<Self> {
        let mut faults = Vec::new();
        if offsets.first() != Some(&0) {
            faults.push(format!("cu_seqlens: begins with {:?}, expected 0", offsets.first()));
        }
        if let Some(at) = offsets.windows(2).position(|pair| pair[0] >= pair[1]) {
            faults.push(format!("cu_seqlens: does not rise after offset {at}"));
        }
        let end = offsets.last().and_then(|&end| usize::try_from(end).ok());
        if end != Some(n_positions) {
            faults.push(format!("cu_seqlens: ends at {end:?}, expected {n_positions}"));
        }
        if !faults.is_empty() {
            return Err(PackError::Config { faults });
        }
        let max_seqlen = offsets.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        Ok(Self { offsets, max_seqlen })
    }

    /// The boundaries of runs of equal ids in rows of `seq_len`; a row always begins a segment.
    pub(crate) fn from_segments(segment_ids: &[u32], seq_len: usize) -> Result<Self> {
        let n = segment_ids.len();
        if i32::try_from(n).is_err() {
            let faults = vec![format!("batch: {n} positions, at most {} fit in i32", i32::MAX)];
            return Err(PackError::Config { faults });
        }
        let begins = |&t: &usize| t % seq_len == 0 || segment_ids[t] != segment_ids[t - 1];
        let mut offsets: Vec<i32> = (0..n).filter(begins).map(|t| t as i32).collect();
        offsets.push(n as i32);
        Self::new(offsets, n)
    }

    /// The offsets, one more than there are segments.
    pub fn offsets(&self) -> &[i32] {
        &self.offsets
    }

    /// The longest segment, in positions.
    pub fn max_seqlen(&self) -> i32 {
        self.max_seqlen
    }

    /// Segments, padding included.
    pub fn n_segments(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The sum of squared segment lengths: what attention costs, up to a constant.
    pub fn sum_of_squares(&self) -> u64 {
        let square = |pair: &[i32]| ((pair[1] - pair[0]) as u64).pow(2);
        self.offsets.windows(2).map(square).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_changes_of_segment_are_boundaries() {
        let segments = [1, 1, 2, 2, 2, 3, 0, 0];
        let cu = CuSeqlens::from_segments(&segments, 4).unwrap();
        assert_eq!(cu.offsets(), [0, 2, 4, 5, 6, 8]);
        assert_eq!((cu.max_seqlen(), cu.n_segments(), cu.sum_of_squares()), (2, 5, 14));
    }

    #[test]
    fn every_fault_is_named() {
        assert!(CuSeqlens::new(vec![0, 3, 5], 5).is_ok());
        let Err(PackError::Config { faults }) = CuSeqlens::new(vec![1, 3, 3], 5) else { panic!() };
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(CuSeqlens::new(vec![], 0).is_err());
    }
}
