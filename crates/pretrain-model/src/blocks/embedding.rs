//! Token ids to vectors.

use burn::module::{Module, Param};
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};
use pretrain_kernels::{KernelBackend, embedding};

/// One row of numbers per token.
#[derive(Module, Debug)]
pub struct Embedding<B: Backend> {
    /// `[vocab_size, d]`.
    pub weight: Param<Tensor<B, 2>>,
}

impl<B: KernelBackend> Embedding<B> {
    /// `[b, s]` to `[b, s, d]`. Ids have to be below the vocabulary's size.
    pub fn forward(&self, ids: Tensor<B, 2, Int>) -> Tensor<B, 3> {
        embedding(self.weight.val(), ids)
    }
}
