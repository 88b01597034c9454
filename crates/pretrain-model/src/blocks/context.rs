//! What all blocks of one forward pass share: computed once, read by each.

use burn::module::{Module, Param};
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};
use pretrain_kernels::{AttentionMask, KernelBackend, RopeTable, rope};

use crate::config::RelativeConfig;
use crate::positions::relative_buckets;

/// What all blocks of one stack share in one forward pass.
#[derive(Debug, Clone)]
pub struct BlockContext<B: Backend> {
    /// Angles of every position; absent = nothing turns.
    pub rope: Option<RopeTable<B>>,
    /// Those of blocks with a window, where they differ.
    pub local_rope: Option<RopeTable<B>>,
    /// Whether neighbouring features turn together.
    pub interleaved: bool,
    /// Position of each token, `[b, s]`; absent = 0, 1, 2, ... in every row.
    pub positions: Option<Tensor<B, 2, Int>>,
    /// Who may see whom, windows aside.
    pub mask: AttentionMask<B>,
    /// What an encoder made of another text.
    pub memory: Option<Memory<B>>,
}

/// The output of an encoder and who may look at it.
#[derive(Debug, Clone)]
pub struct Memory<B: Backend> {
    /// `[b, source length, d]`.
    pub hidden: Tensor<B, 3>,
    /// Hides what is padding.
    pub mask: AttentionMask<B>,
}

impl<B: KernelBackend> BlockContext<B> {
    /// The mask of a block.
    pub(super) fn mask(&self, window: Option<usize>) -> AttentionMask<B> {
        AttentionMask { window, ..self.mask.clone() }
    }

    /// Turns the leading features of each head by its position, `[b, s, h, e]`. Neighbouring pairs
    /// come out of order, in queries and keys alike, which changes no score.
    pub(super) fn turn(&self, x: Tensor<B, 4>, windowed: bool) -> Tensor<B, 4> {
        let local = self.local_rope.as_ref().filter(|_| windowed);
        let Some(table) = local.or(self.rope.as_ref()) else { return x };
        let [b, s, h, e] = x.dims();
        let turning = 2 * table.cos.dims()[1];
        let part = if turning == e { x.clone() } else { x.clone().narrow(3, 0, turning) };
        let part = if self.interleaved {
            let pairs = part.reshape([b, s, h, turning / 2, 2]);
            pairs.swap_dims(3, 4).reshape([b, s, h, turning])
        } else {
            part
        };
        let part = rope(part, table, self.positions.clone());
        if turning == e {
            return part;
        }
        Tensor::cat(vec![part, x.narrow(3, turning, e - turning)], 3)
    }
}

/// A learned bias per bucket of distance and head, shared by the blocks of a stack.
///
/// # Source
/// Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
/// Transformer", 2020, §2.1.
#[derive(Module, Debug)]
pub struct RelativeBias<B: Backend> {
    /// `[buckets, h]`.
    pub weight: Param<Tensor<B, 2>>,
    /// Numbers of the buckets.
    #[module(skip)]
    pub config: RelativeConfig,
}

impl<B: KernelBackend> RelativeBias<B> {
    /// The bias of `queries` positions after `past` others, over all of them: `[1, h, queries, past +
    /// queries]`.
    pub(crate) fn forward(&self, queries: usize, past: usize, bidirectional: bool) -> Tensor<B, 4> {
        let keys = past + queries;
        let buckets = relative_buckets(&self.config, queries, past, bidirectional);
        let weight = self.weight.val();
        let data = TensorData::new(buckets, [queries * keys]).convert::<B::IntElem>();
        let ids = Tensor::<B, 1, Int>::from_data(data, &weight.device());
        let heads = weight.dims()[1];
        weight.select(0, ids).reshape([1, queries, keys, heads]).permute([0, 3, 1, 2])
    }
}
