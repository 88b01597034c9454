//! Token ids to vectors.

use super::{Linear, Norm};
use burn::module::{Module, Param};
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};
use pretrain_kernels::{KernelBackend, embedding};

/// One row of numbers per token, and what is added to it.
#[derive(Module, Debug)]
pub struct Embedding<B: Backend> {
    /// `[vocab_size, d]`.
    pub weight: Param<Tensor<B, 2>>,
    /// A row per position.
    pub positions: Option<Param<Tensor<B, 2>>>,
    /// A row per token type.
    pub token_types: Option<Param<Tensor<B, 2>>>,
    /// A row per position inside a blank.
    pub block_positions: Option<Param<Tensor<B, 2>>>,
    /// On the sum.
    pub norm: Option<Norm<B>>,
    /// To the width of the stream.
    pub projection: Option<Linear<B>>,
    /// Rows of positions that are computed, `[max_seq_len, d]`.
    pub fixed_positions: Option<Tensor<B, 2>>,
    /// Multiplies the rows of `weight`.
    pub scale: Option<f64>,
    /// Row of position 0.
    pub offset: usize,
}

/// What is looked up, each `[b, s]`.
#[derive(Debug, Clone)]
pub(crate) struct Lookup<B: Backend> {
    pub(crate) ids: Tensor<B, 2, Int>,
    /// Absent = 0, 1, 2, ... in every row.
    pub(crate) positions: Option<Tensor<B, 2, Int>>,
    /// Absent = 0 everywhere.
    pub(crate) token_types: Option<Tensor<B, 2, Int>>,
    /// Absent = 0 everywhere.
    pub(crate) block_positions: Option<Tensor<B, 2, Int>>,
}

impl<B: KernelBackend> Embedding<B> {
    /// `[b, s]` to `[b, s, d]`. Ids have to be below the number of rows.
    pub(crate) fn forward(&self, lookup: Lookup<B>) -> Tensor<B, 3> {
        let Lookup { ids, positions, token_types, block_positions } = lookup;
        let ([b, s], device) = (ids.dims(), ids.device());
        let zeros = || Tensor::zeros([b, s], &device);
        let positions = || {
            let counted = || Tensor::arange(0..s as i64, &device).reshape([1, s]).expand([b, s]);
            positions.clone().unwrap_or_else(counted).add_scalar(self.offset as i64)
        };
        let x = embedding(self.weight.val(), ids);
        let mut x = match self.scale {
            Some(scale) => x * scale,
            None => x,
        };
        if let Some(table) = &self.token_types {
            x = x + embedding(table.val(), token_types.unwrap_or_else(zeros));
        }
        if let Some(table) = &self.positions {
            x = x + embedding(table.val(), positions());
        }
        if let Some(table) = &self.fixed_positions {
            x = x + embedding(table.clone(), positions());
        }
        if let Some(table) = &self.block_positions {
            x = x + embedding(table.val(), block_positions.unwrap_or_else(zeros));
        }
        if let Some(norm) = &self.norm {
            x = norm.forward(x);
        }
        match &self.projection {
            Some(projection) => projection.forward(x),
            None => x,
        }
    }
}
