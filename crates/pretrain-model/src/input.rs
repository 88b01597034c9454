//! What a model is given: ids, where they stand, and who may see whom.

use crate::config::ResolvedConfig;
use crate::design::Positions;
use crate::error::{ModelError, Result};
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};

/// Rows of tokens on the host, each array row-major `[batch, seq]` where nothing else is said.
#[derive(Debug, Clone, Copy, Default)]
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
    /// 0 for padding, which no other token sees; absent = there is none.
    pub attention_mask: Option<&'a [u32]>,
    /// Tokens at the start of each row that every token sees, `[batch]`; absent = none.
    pub prefix_lengths: Option<&'a [u32]>,
    /// Type of each token, for models with token types; absent = 0.
    pub token_type_ids: Option<&'a [u32]>,
    /// Position of each token inside its blank, for models that fill blanks; absent = 0.
    pub block_position_ids: Option<&'a [u32]>,
    /// The text that an encoder reads, for models with an encoder.
    pub source: Option<SourceRows<'a>>,
}

/// Rows of tokens for an encoder, row-major `[batch, seq]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SourceRows<'a> {
    /// Tokens per row.
    pub seq: usize,
    /// Token ids.
    pub input_ids: &'a [u32],
    /// 0 for padding; absent = there is none.
    pub attention_mask: Option<&'a [u32]>,
}

impl<'a> TokenRows<'a> {
    /// Ids alone.
    pub fn new(batch: usize, seq: usize, input_ids: &'a [u32]) -> Self {
        Self { batch, seq, input_ids, ..Self::default() }
    }
}

/// Rows of tokens on a device, each tensor `[batch, seq]` where nothing else is said; see
/// [`TokenRows`] for the meaning of each.
#[derive(Debug, Clone)]
pub struct ModelInput<B: Backend> {
    /// Token ids, below the vocabulary's size.
    pub input_ids: Tensor<B, 2, Int>,
    /// Position of each token, below `max_seq_len`.
    pub position_ids: Option<Tensor<B, 2, Int>>,
    /// Number of the document each token belongs to; padding has one of its own.
    pub segment_ids: Option<Tensor<B, 2, Int>>,
    /// Tokens at the start of each row that every token sees, `[batch]`.
    pub prefix_lengths: Option<Tensor<B, 1, Int>>,
    /// Type of each token.
    pub token_type_ids: Option<Tensor<B, 2, Int>>,
    /// Position of each token inside its blank.
    pub block_position_ids: Option<Tensor<B, 2, Int>>,
    /// What an encoder reads.
    pub source: Option<SourceInput<B>>,
}

/// Rows of tokens for an encoder on a device, `[batch, source seq]`.
#[derive(Debug, Clone)]
pub struct SourceInput<B: Backend> {
    /// Token ids, below the vocabulary's size.
    pub input_ids: Tensor<B, 2, Int>,
    /// 0 for padding.
    pub attention_mask: Option<Tensor<B, 2, Int>>,
}

impl<B: Backend> ModelInput<B> {
    /// Ids that were checked elsewhere, and nothing else.
    pub fn of_ids(input_ids: Tensor<B, 2, Int>) -> Self {
        Self {
            input_ids,
            position_ids: None,
            segment_ids: None,
            prefix_lengths: None,
            token_type_ids: None,
            block_position_ids: None,
            source: None,
        }
    }

    /// Moves rows to a device after checking lengths, ids and positions.
    ///
    /// # Errors
    /// No tokens, an array of another length than `batch * seq`, an id outside its table, a position
    /// (given or implied) beyond `max_seq_len`, or an array that the model has no use for or lacks.
    pub fn new(rows: &TokenRows<'_>, config: &ResolvedConfig, device: &B::Device) -> Result<Self> {
        let TokenRows { batch, seq, .. } = *rows;
        check_lengths(rows)?;
        let vocab_size = config.vocab_size();
        check_ids(rows.input_ids, vocab_size)?;
        let design = config.design();
        let types = design.embedding.token_types;
        check_table("token_type_ids", rows.token_type_ids, types)?;
        let blocks = design.embedding.block_positions;
        check_table("block_position_ids", rows.block_position_ids, blocks)?;
        if rows.prefix_lengths.is_some() && design.bidirectional {
            return Err(ModelError::InputField { field: "prefix_lengths", expected: "absent" });
        }
        let counted = counted_positions(rows, &design.positions);
        let positions = rows.position_ids.or(counted.as_deref());
        let last = match positions {
            Some(positions) => positions.iter().max().map_or(0, |p| *p as usize),
            None => seq.saturating_sub(1),
        };
        let max_seq_len = config.max_seq_len();
        if last >= max_seq_len {
            return Err(ModelError::Position { position: last, max_seq_len });
        }
        let source = match (&rows.source, design.encoder_layers) {
            (None, None) => None,
            (Some(_), None) => {
                return Err(ModelError::InputField { field: "source", expected: "absent" });
            }
            (None, Some(_)) => {
                return Err(ModelError::InputField { field: "source", expected: "there" });
            }
            (Some(source), Some(_)) => {
                check_ids(source.input_ids, vocab_size)?;
                if source.seq > max_seq_len {
                    return Err(ModelError::Position { position: source.seq - 1, max_seq_len });
                }
                let tensor = |ids: &[u32]| int_tensor(ids, [batch, source.seq], device);
                Some(SourceInput {
                    input_ids: tensor(source.input_ids),
                    attention_mask: source.attention_mask.map(tensor),
                })
            }
        };
        let tensor = |ids: &[u32]| int_tensor(ids, [batch, seq], device);
        // Padding is a document that nobody else belongs to.
        let segments = match (rows.segment_ids, rows.attention_mask) {
            (Some(segments), Some(mask)) => {
                let kept = |(segment, mask): (&u32, &u32)| (segment + 1) * (*mask).min(1);
                Some(segments.iter().zip(mask).map(kept).collect())
            }
            (segments, mask) => segments.or(mask).map(<[u32]>::to_vec),
        };
        let prefix = rows.prefix_lengths.map(|lengths| int_tensor(lengths, [batch], device));
        Ok(Self {
            input_ids: tensor(rows.input_ids),
            position_ids: positions.map(tensor),
            segment_ids: segments.as_deref().map(tensor),
            prefix_lengths: prefix,
            token_type_ids: rows.token_type_ids.map(tensor),
            block_position_ids: rows.block_position_ids.map(tensor),
            source,
        })
    }
}

fn check_lengths(rows: &TokenRows<'_>) -> Result<()> {
    let TokenRows { batch, seq, .. } = *rows;
    let source = rows.source.unwrap_or_default();
    let arrays = [
        ("input_ids", Some(rows.input_ids), seq),
        ("position_ids", rows.position_ids, seq),
        ("segment_ids", rows.segment_ids, seq),
        ("attention_mask", rows.attention_mask, seq),
        ("prefix_lengths", rows.prefix_lengths, 1),
        ("token_type_ids", rows.token_type_ids, seq),
        ("block_position_ids", rows.block_position_ids, seq),
        ("source.input_ids", rows.source.map(|source| source.input_ids), source.seq),
        ("source.attention_mask", source.attention_mask, source.seq),
    ];
    for (field, array, seq) in arrays {
        let wrong = |n: &usize| Some(*n) != batch.checked_mul(seq);
        if let Some(found) = array.map(<[u32]>::len).filter(wrong) {
            return Err(ModelError::InputLength { field, batch, seq, found });
        }
    }
    if batch == 0 || seq == 0 {
        return Err(ModelError::EmptyInput { batch, seq });
    }
    match rows.source {
        Some(SourceRows { seq: 0, .. }) => Err(ModelError::EmptyInput { batch, seq: 0 }),
        _ => Ok(()),
    }
}

fn check_ids(ids: &[u32], vocab_size: usize) -> Result<()> {
    match ids.iter().position(|id| *id as usize >= vocab_size) {
        Some(index) => Err(ModelError::TokenId { id: ids[index], index, vocab_size }),
        None => Ok(()),
    }
}

fn check_table(field: &'static str, ids: Option<&[u32]>, rows: usize) -> Result<()> {
    match ids {
        Some(_) if rows == 0 => Err(ModelError::InputField { field, expected: "absent" }),
        Some(ids) => match ids.iter().find(|id| **id as usize >= rows) {
            Some(id) => Err(ModelError::OutsideTable { field, id: *id, rows }),
            None => Ok(()),
        },
        None => Ok(()),
    }
}

/// The positions of a model that leaves padding out of the count, where there is padding.
fn counted_positions(rows: &TokenRows<'_>, positions: &Positions) -> Option<Vec<u32>> {
    let skips =
        matches!(positions, Positions::Alibi | Positions::Learned { skip_padding: true, .. });
    let mask = rows.attention_mask.filter(|_| skips && rows.position_ids.is_none())?;
    let count = |row: &[u32]| {
        let mut seen = 0;
        let place = |kept: &u32| {
            seen += (*kept).min(1);
            seen.saturating_sub(1)
        };
        row.iter().map(place).collect::<Vec<_>>()
    };
    Some(mask.chunks(rows.seq).flat_map(count).collect())
}

/// Whole numbers on a device.
pub(crate) fn int_tensor<B: Backend, const D: usize>(
    values: &[u32],
    shape: [usize; D],
    device: &B::Device,
) -> Tensor<B, D, Int> {
    let values: Vec<i64> = values.iter().map(|id| i64::from(*id)).collect();
    Tensor::from_data(TensorData::new(values, shape).convert::<B::IntElem>(), device)
}
