//! One layer of the decoder.

use super::{Attention, LayerCache, Mlp, Norm};
use burn::module::Module;
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};
use pretrain_kernels::{AttentionMask, KernelBackend, RopeTable};

/// Attention, then MLP, each on the normalised stream and added to it (pre-norm).
#[derive(Module, Debug)]
pub struct Block<B: Backend> {
    /// Before attention.
    pub attention_norm: Norm<B>,
    /// Mixes positions.
    pub attention: Attention<B>,
    /// Before the MLP.
    pub mlp_norm: Norm<B>,
    /// Works on each position alone.
    pub mlp: Mlp<B>,
}

/// What all blocks of one forward pass share.
#[derive(Debug, Clone)]
pub struct BlockContext<B: Backend> {
    /// Angles of every position.
    pub rope: RopeTable<B>,
    /// Position of each token, `[b, s]`; absent = 0, 1, 2, ... in every row.
    pub positions: Option<Tensor<B, 2, Int>>,
    /// Who may see whom.
    pub mask: AttentionMask<B>,
}

impl<B: KernelBackend> Block<B> {
    /// `[b, s, d]` to the same shape.
    pub fn forward(
        &self,
        x: Tensor<B, 3>,
        context: &BlockContext<B>,
        cache: Option<&mut LayerCache<B>>,
    ) -> Tensor<B, 3> {
        let mixed = self.attention.forward(self.attention_norm.forward(x.clone()), context, cache);
        let x = x + mixed;
        let changed = self.mlp.forward(self.mlp_norm.forward(x.clone()));
        x + changed
    }
}
