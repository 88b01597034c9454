//! Token embedding on `Flex` storage: rows copied, and gradient rows added, without an index
//! tensor of the size of the table.

use burn_flex::{Flex, FlexTensor};
use rayon::prelude::*;

use super::{EmbeddingKernel, composed};
use crate::buffer::Buffer;
use crate::primitive::{float, int, into_float};
use crate::storage::{Floats, ints, tensor};

/// Tokens of one task.
const BLOCK_TOKENS: usize = 64;

impl EmbeddingKernel for Flex {
    fn embedding_lookup(weight: FlexTensor, ids: FlexTensor) -> FlexTensor {
        let (Some(table), Some(rows)) = (Floats::new(&weight), ints(&ids)) else {
            return into_float(composed::forward::<Flex>(float(weight), int(ids)));
        };
        let ([vocab, d_model], [batch, seq]) = (table.dims(), ids.layout().shape().dims());
        let mut y = Buffer::stale(rows.len() * d_model);
        y.par_chunks_mut((BLOCK_TOKENS * d_model).max(1))
            .zip(rows.par_chunks(BLOCK_TOKENS))
            .for_each(|(y, rows)| {
                for (y, &id) in y.chunks_exact_mut(d_model).zip(rows) {
                    let start = row(id, vocab) * d_model;
                    y.copy_from_slice(&table.as_slice()[start..start + d_model]);
                }
            });
        tensor(y, [batch, seq, d_model])
    }

    fn embedding_gradient(grad: FlexTensor, ids: FlexTensor, vocab: usize) -> FlexTensor {
        let (Some(gradient), Some(rows)) = (Floats::new(&grad), ints(&ids)) else {
            return into_float(composed::backward::<Flex>(float(grad), int(ids), vocab));
        };
        let [_, _, d_model] = gradient.dims();
        let mut dw = Buffer::zeroed(vocab * d_model);
        // Sequential: a token costs d_model additions, less than the zeros of its table.
        for (grad, &id) in gradient.as_slice().chunks_exact(d_model.max(1)).zip(&rows) {
            let start = row(id, vocab) * d_model;
            for (sum, g) in dw[start..start + d_model].iter_mut().zip(grad) {
                *sum += g;
            }
        }
        tensor(dw, [vocab, d_model])
    }
}

fn row(id: i64, vocab: usize) -> usize {
    let row = usize::try_from(id).unwrap_or(usize::MAX);
    assert!(row < vocab, "embedding: id {id} in a table of {vocab} rows");
    row
}
