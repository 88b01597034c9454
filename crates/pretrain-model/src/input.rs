//! What a decoder is given: ids, where they stand, and which document they belong to.

use crate::config::ResolvedConfig;
use crate::error::{ModelError, Result};
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};

/// Rows of tokens on the host, each array row-major `[batch, seq]`.
#[derive(Debug, Clone, Copy)]
pub struct TokenRows<'a> {
    /// Number of rows.
    pub batch: usize,
    /// Tokens per row.
    pub seq: usize,
    /// Token ids.
    pub input_ids: &'a [u32],
    /// Position of each token in its document; absent = its index in the row.
    pub position_ids: Option<&'a [u32]>,
    /// Number of the document each token belongs to; a token sees only its own. Absent = one
    /// document per row.
    pub segment_ids: Option<&'a [u32]>,
}

/// Rows of tokens on a device, each tensor `[batch, seq]`.
#[derive(Debug, Clone)]
pub struct DecoderInput<B: Backend> {
    /// Token ids, below the vocabulary's size.
    pub input_ids: Tensor<B, 2, Int>,
    /// Position of each token, below `max_seq_len`; absent = its index in the row.
    pub position_ids: Option<Tensor<B, 2, Int>>,
    /// Number of the document each token belongs to; a token sees only earlier tokens of its own
    /// number. Absent = one document per row.
    pub segment_ids: Option<Tensor<B, 2, Int>>,
}

impl<B: Backend> DecoderInput<B> {
    /// Moves rows to a device after checking lengths, ids and positions.
    ///
    /// # Errors
    /// No tokens, an array of another length than `batch * seq`, an id outside the vocabulary, or a position
    /// (given or implied) beyond `max_seq_len`.
    pub fn new(rows: &TokenRows<'_>, config: &ResolvedConfig, device: &B::Device) -> Result<Self> {
        let TokenRows { batch, seq, .. } = *rows;
        let lengths = [
            ("input_ids", Some(rows.input_ids)),
            ("position_ids", rows.position_ids),
            ("segment_ids", rows.segment_ids),
        ];
        for (field, array) in lengths {
            if let Some(found) =
                array.map(<[u32]>::len).filter(|n| Some(*n) != batch.checked_mul(seq))
            {
                return Err(ModelError::InputLength { field, batch, seq, found });
            }
        }
        if batch == 0 || seq == 0 {
            return Err(ModelError::EmptyInput { batch, seq });
        }
        let vocab_size = config.vocab_size();
        let outside = rows.input_ids.iter().position(|id| *id as usize >= vocab_size);
        if let Some(index) = outside {
            return Err(ModelError::TokenId { id: rows.input_ids[index], index, vocab_size });
        }
        let last = match rows.position_ids {
            Some(positions) => positions.iter().max().map_or(0, |p| *p as usize),
            None => seq.saturating_sub(1),
        };
        let max_seq_len = config.max_seq_len();
        if last >= max_seq_len {
            return Err(ModelError::Position { position: last, max_seq_len });
        }
        let tensor =
            |ids: &[u32]| int_tensor(ids.iter().map(|id| i64::from(*id)), [batch, seq], device);
        Ok(Self {
            input_ids: tensor(rows.input_ids),
            position_ids: rows.position_ids.map(tensor),
            segment_ids: rows.segment_ids.map(tensor),
        })
    }
}

/// Whole numbers on a device.
pub(crate) fn int_tensor<B: Backend>(
    values: impl Iterator<Item = i64>,
    shape: [usize; 2],
    device: &B::Device,
) -> Tensor<B, 2, Int> {
    let values: Vec<i64> = values.collect();
    Tensor::from_data(TensorData::new(values, shape).convert::<B::IntElem>(), device)
}
