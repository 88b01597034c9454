//! Attention between positions, with rotary positions and shared key-value heads.

use super::{BlockContext, Linear};
use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use pretrain_kernels::{KernelBackend, attention, rope};

/// Grouped-query attention: `n_heads / n_kv_heads` query heads share one key-value head.
///
/// # Source
/// Ainslie et al., "GQA: Training Generalized Multi-Query Transformer Models", 2023.
#[derive(Module, Debug)]
pub struct Attention<B: Backend> {
    /// `[h * e, d]`.
    pub query: Linear<B>,
    /// `[k * e, d]`.
    pub key: Linear<B>,
    /// `[k * e, d]`.
    pub value: Linear<B>,
    /// `[d, h * e]`.
    pub output: Linear<B>,
    /// Width of a head, `e`; the numbers of heads follow from the matrices.
    pub head_dim: usize,
}

/// Keys (rotated) and values of the tokens that one layer has seen, each `[b, seen, k, e]`.
#[derive(Debug, Clone)]
pub struct LayerCache<B: Backend> {
    seen: Option<(Tensor<B, 4>, Tensor<B, 4>)>,
}

impl<B: Backend> Default for LayerCache<B> {
    fn default() -> Self {
        Self { seen: None }
    }
}

impl<B: Backend> LayerCache<B> {
    /// Appends new keys and values and returns all. Copies what was there: `O(seen)` per call.
    fn extend(&mut self, key: Tensor<B, 4>, value: Tensor<B, 4>) -> (Tensor<B, 4>, Tensor<B, 4>) {
        let (key, value) = match self.seen.take() {
            None => (key, value),
            Some((keys, values)) => {
                (Tensor::cat(vec![keys, key], 1), Tensor::cat(vec![values, value], 1))
            }
        };
        self.seen = Some((key.clone(), value.clone()));
        (key, value)
    }
}

impl<B: KernelBackend> Attention<B> {
    /// `[b, s, d]` to the same shape. With a cache, the new positions also see the cached ones.
    pub fn forward(
        &self,
        x: Tensor<B, 3>,
        context: &BlockContext<B>,
        cache: Option<&mut LayerCache<B>>,
    ) -> Tensor<B, 3> {
        let query = self.heads(self.query.forward(x.clone()));
        let key = self.heads(self.key.forward(x.clone()));
        let value = self.heads(self.value.forward(x));
        let query = rope(query, &context.rope, context.positions.clone());
        let key = rope(key, &context.rope, context.positions.clone());
        let (key, value) = match cache {
            None => (key, value),
            Some(cache) => cache.extend(key, value),
        };
        let mixed = attention(query, key, value, &context.mask);
        let [b, s, h, e] = mixed.dims();
        self.output.forward(mixed.reshape([b, s, h * e]))
    }

    fn heads(&self, x: Tensor<B, 3>) -> Tensor<B, 4> {
        let [b, s, width] = x.dims();
        x.reshape([b, s, width / self.head_dim, self.head_dim])
    }
}
