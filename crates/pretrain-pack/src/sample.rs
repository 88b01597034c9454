//! One training sequence, and several of them in one batch.

use crate::{CuSeqlens, PackError, Result};

/// The label of a position that is no training target.
pub const IGNORE_LABEL: i32 = -100;

/// One sequence: four parallel vectors of length `seq_len`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// Token ids; padding is id 0.
    pub input_ids: Vec<u32>,
    /// The id that should follow each position, in the same document, or -100. Already shifted.
    pub labels: Vec<i32>,
    /// 0 for padding, else 1, 2, ... for the document fragments in order.
    pub segment_ids: Vec<u32>,
    /// Position inside the fragment, from 0. Padding counts from 0 too.
    pub position_ids: Vec<u32>,
}

impl Sample {
    /// An empty sequence with room for `seq_len` positions.
    pub fn with_capacity(seq_len: usize) -> Self {
        Self {
            input_ids: Vec::with_capacity(seq_len),
            labels: Vec::with_capacity(seq_len),
            segment_ids: Vec::with_capacity(seq_len),
            position_ids: Vec::with_capacity(seq_len),
        }
    }

    /// Positions in the sequence.
    pub fn len(&self) -> usize {
        self.input_ids.len()
    }

    /// Whether there are no positions.
    pub fn is_empty(&self) -> bool {
        self.input_ids.is_empty()
    }

    /// Positions whose label is not -100.
    pub fn n_targets(&self) -> usize {
        self.labels.iter().filter(|&&label| label != IGNORE_LABEL).count()
    }

    /// Appends a fragment of a document as the next segment. `next` is the token that follows the
    /// fragment in its document, if the document goes on.
    pub fn push_fragment(&mut self, ids: &[u32], next: Option<u32>) {
        let segment = self.segment_ids.last().copied().unwrap_or(0) + 1;
        let last = next.map_or(IGNORE_LABEL, label);
        self.input_ids.extend(ids);
        self.labels.extend(ids.iter().skip(1).map(|&id| label(id)));
        self.labels.extend((!ids.is_empty()).then_some(last));
        self.segment_ids.extend(ids.iter().map(|_| segment));
        self.position_ids.extend((0..).take(ids.len()));
    }

    /// Fills up with padding: id 0, label -100, segment 0. Returns the number of positions added.
    pub fn pad_to(&mut self, seq_len: usize) -> usize {
        let added = seq_len.saturating_sub(self.len());
        self.input_ids.resize(self.len() + added, 0);
        self.labels.resize(self.labels.len() + added, IGNORE_LABEL);
        self.segment_ids.resize(self.segment_ids.len() + added, 0);
        self.position_ids.extend((0..).take(added));
        added
    }
}

/// Ids are below 2^31 by the rules of the shard.
fn label(id: u32) -> i32 {
    i32::try_from(id).expect("a vocabulary has at most 2^31 ids")
}

/// Sequences of one length, row after row: position `t` of row `b` is at `b * seq_len + t`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Rows.
    pub batch: usize,
    /// Positions per row.
    pub seq_len: usize,
    /// Token ids, `[batch, seq_len]`.
    pub input_ids: Vec<u32>,
    /// Shifted labels or -100, `[batch, seq_len]`.
    pub labels: Vec<i32>,
    /// Segment ids, 0 for padding; they count from 1 in every row, `[batch, seq_len]`.
    pub segment_ids: Vec<u32>,
    /// Positions inside the segment, `[batch, seq_len]`.
    pub position_ids: Vec<u32>,
}

impl Batch {
    /// Stacks samples.
    ///
    /// # Errors
    /// The samples differ in length, or a sample's vectors do.
    pub fn from_samples(samples: &[Sample]) -> Result<Self> {
        let seq_len = samples.first().map_or(0, Sample::len);
        let mut batch = Self {
            batch: samples.len(),
            seq_len,
            input_ids: Vec::with_capacity(samples.len() * seq_len),
            labels: Vec::with_capacity(samples.len() * seq_len),
            segment_ids: Vec::with_capacity(samples.len() * seq_len),
            position_ids: Vec::with_capacity(samples.len() * seq_len),
        };
        for (row, sample) in samples.iter().enumerate() {
            let lengths = [
                sample.input_ids.len(),
                sample.labels.len(),
                sample.segment_ids.len(),
                sample.position_ids.len(),
            ];
            if lengths != [seq_len; 4] {
                let faults = vec![format!("sample {row}: lengths {lengths:?}, expected {seq_len}")];
                return Err(PackError::Config { faults });
            }
            batch.input_ids.extend(&sample.input_ids);
            batch.labels.extend(&sample.labels);
            batch.segment_ids.extend(&sample.segment_ids);
            batch.position_ids.extend(&sample.position_ids);
        }
        Ok(batch)
    }

    /// Positions whose label is not -100: what a summed loss is divided by.
    pub fn n_targets(&self) -> usize {
        self.labels.iter().filter(|&&label| label != IGNORE_LABEL).count()
    }

    /// Where segments begin in the flattened batch, padding being a segment of its own.
    ///
    /// # Errors
    /// The batch has more than 2^31 - 1 positions.
    pub fn cu_seqlens(&self) -> Result<CuSeqlens> {
        CuSeqlens::from_segments(&self.segment_ids, self.seq_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_next_token_of_the_same_document() {
        let mut sample = Sample::with_capacity(8);
        sample.push_fragment(&[5, 6, 7], None);
        sample.push_fragment(&[8, 9], Some(3));
        sample.push_fragment(&[], Some(1));
        sample.push_fragment(&[4], None);
        assert_eq!(sample.pad_to(8), 2);
        assert_eq!(sample.input_ids, [5, 6, 7, 8, 9, 4, 0, 0]);
        assert_eq!(sample.labels, [6, 7, -100, 9, 3, -100, -100, -100]);
        assert_eq!(sample.segment_ids, [1, 1, 1, 2, 2, 3, 0, 0]);
        assert_eq!(sample.position_ids, [0, 1, 2, 0, 1, 0, 0, 1]);
        assert_eq!(sample.n_targets(), 4);
        assert_eq!(sample.pad_to(4), 0);
    }

    #[test]
    fn a_batch_is_row_major_and_refuses_ragged_rows() {
        let row = |ids: &[u32]| {
            let mut sample = Sample::default();
            sample.push_fragment(ids, None);
            sample
        };
        let batch = Batch::from_samples(&[row(&[1, 2]), row(&[3, 4])]).unwrap();
        assert_eq!((batch.batch, batch.seq_len), (2, 2));
        assert_eq!(batch.input_ids, [1, 2, 3, 4]);
        assert_eq!(batch.n_targets(), 2);
        assert_eq!(batch.cu_seqlens().unwrap().offsets(), [0, 2, 4]);
        assert!(Batch::from_samples(&[row(&[1, 2]), row(&[3])]).is_err());
        let empty = Batch::from_samples(&[]).unwrap();
        assert_eq!((empty.batch, empty.cu_seqlens().unwrap().offsets()), (0, &[0][..]));
    }
}
