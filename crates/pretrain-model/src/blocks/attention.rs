//! Attention between positions, with shared key-value heads.

use super::{BlockContext, LayerCache, Linear, Memory, Norm};
use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use pretrain_kernels::{KernelBackend, attention};

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
    /// On queries: `[e]`, or `[h * e]` for all heads together.
    pub query_norm: Option<Norm<B>>,
    /// On keys: `[e]`, or `[k * e]`.
    pub key_norm: Option<Norm<B>>,
    /// `[d, h * e]`.
    pub output: Linear<B>,
    /// Width of a head, `e`; the numbers of heads follow from the matrices.
    pub head_dim: usize,
    /// Keys that a query sees, its own included; absent = all.
    pub window: Option<usize>,
    /// Whether the norms take all heads together.
    pub whole_norm: bool,
    /// Whether the norms come after the turn.
    pub norm_after_turn: bool,
}

impl<B: KernelBackend> Attention<B> {
    /// `[b, s, d]` to the same shape. With a cache, the new positions also see the cached ones.
    pub fn forward(
        &self,
        x: Tensor<B, 3>,
        context: &BlockContext<B>,
        cache: Option<&mut LayerCache<B>>,
    ) -> Tensor<B, 3> {
        let query = self.heads(self.query.forward(x.clone()), self.query_norm.as_ref());
        let key = self.heads(self.key.forward(x.clone()), self.key_norm.as_ref());
        let value = self.heads(self.value.forward(x), None);
        let windowed = self.window.is_some();
        let (query, key) = (context.turn(query, windowed), context.turn(key, windowed));
        let (query, key) = if self.norm_after_turn {
            (norm(query, self.query_norm.as_ref()), norm(key, self.key_norm.as_ref()))
        } else {
            (query, key)
        };
        let (key, value) = match cache {
            None => (key, value),
            Some(cache) => cache.extend(key, value),
        };
        self.merge(attention(query, key, value, &context.mask(self.window)))
    }

    /// Queries of `x [b, s, d]` look at the output of an encoder.
    pub fn forward_memory(&self, x: Tensor<B, 3>, memory: &Memory<B>) -> Tensor<B, 3> {
        let query = self.heads(self.query.forward(x), self.query_norm.as_ref());
        let key = self.heads(self.key.forward(memory.hidden.clone()), self.key_norm.as_ref());
        let value = self.heads(self.value.forward(memory.hidden.clone()), None);
        self.merge(attention(query, key, value, &memory.mask))
    }

    fn heads(&self, x: Tensor<B, 3>, of: Option<&Norm<B>>) -> Tensor<B, 4> {
        let [b, s, width] = x.dims();
        let shape = [b, s, width / self.head_dim, self.head_dim];
        match of.filter(|_| !self.norm_after_turn) {
            Some(norm) if self.whole_norm => norm.forward(x).reshape(shape),
            Some(norm) => norm.forward_heads(x.reshape(shape)),
            None => x.reshape(shape),
        }
    }

    fn merge(&self, mixed: Tensor<B, 4>) -> Tensor<B, 3> {
        let [b, s, h, e] = mixed.dims();
        self.output.forward(mixed.reshape([b, s, h * e]))
    }
}

fn norm<B: KernelBackend>(x: Tensor<B, 4>, norm: Option<&Norm<B>>) -> Tensor<B, 4> {
    match norm {
        Some(norm) => norm.forward_heads(x),
        None => x,
    }
}
