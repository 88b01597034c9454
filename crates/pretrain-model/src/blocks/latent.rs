//! Attention whose queries, keys and values are made from narrow vectors.

use super::{BlockContext, LayerCache, Linear, Norm};
use crate::config::LatentConfig;
use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use pretrain_kernels::{KernelBackend, attention};

/// Multi-head latent attention, without the absorbed form of its products: keys and values of every
/// head are written out.
///
/// # Source
/// DeepSeek-AI, "DeepSeek-V2", 2024, §2.1.
#[derive(Module, Debug)]
pub struct LatentAttention<B: Backend> {
    /// `[query_rank, d]`; absent = queries are made from the stream.
    pub query_down: Option<Linear<B>>,
    /// On the narrow vector of the queries.
    pub query_norm: Option<Norm<B>>,
    /// `[h * (plain + rope), query_rank or d]`.
    pub query: Linear<B>,
    /// `[key_value_rank + rope, d]`: the narrow vector, then the key that turns.
    pub key_value_down: Linear<B>,
    /// On the narrow vector of keys and values.
    pub key_value_norm: Norm<B>,
    /// `[h * (plain + value), key_value_rank]`.
    pub key_value: Linear<B>,
    /// `[d, h * value]`.
    pub output: Linear<B>,
    /// Keys that a query sees, its own included; absent = all.
    pub window: Option<usize>,
    /// The widths.
    #[module(skip)]
    pub config: LatentConfig,
}

impl<B: KernelBackend> LatentAttention<B> {
    /// `[b, s, d]` to the same shape. With a cache, the new positions also see the cached ones.
    pub fn forward(
        &self,
        x: Tensor<B, 3>,
        context: &BlockContext<B>,
        cache: Option<&mut LayerCache<B>>,
    ) -> Tensor<B, 3> {
        let LatentConfig { plain_dim: plain, rope_dim: turning, value_dim, .. } = self.config;
        let rank = self.config.key_value_rank;
        let [b, s, _] = x.dims();
        let windowed = self.window.is_some();

        let narrow = match (&self.query_down, &self.query_norm) {
            (Some(down), Some(norm)) => norm.forward(down.forward(x.clone())),
            _ => x.clone(),
        };
        let query = self.query.forward(narrow);
        let heads = query.dims()[2] / (plain + turning);
        let query = query.reshape([b, s, heads, plain + turning]);
        let turned = context.turn(query.clone().narrow(3, plain, turning), windowed);
        let query = Tensor::cat(vec![query.narrow(3, 0, plain), turned], 3);

        let down = self.key_value_down.forward(x);
        let shared = down.clone().narrow(2, rank, turning).reshape([b, s, 1, turning]);
        let shared = context.turn(shared, windowed).expand([b, s, heads, turning]);
        let narrow = self.key_value_norm.forward(down.narrow(2, 0, rank));
        let wide = self.key_value.forward(narrow).reshape([b, s, heads, plain + value_dim]);
        let key = Tensor::cat(vec![wide.clone().narrow(3, 0, plain), shared], 3);
        let value = wide.narrow(3, plain, value_dim);

        // Attention takes keys and values of one width; zeros change no score and no sum.
        let width = (plain + turning).max(value_dim);
        let mut mask = context.mask(self.window);
        mask.scale.get_or_insert(((plain + turning) as f64).sqrt().recip());
        let (query, key, value) = (pad(query, width), pad(key, width), pad(value, width));
        let (key, value) = match cache {
            None => (key, value),
            Some(cache) => cache.extend(key, value),
        };
        let mixed = attention(query, key, value, &mask).narrow(3, 0, value_dim);
        self.output.forward(mixed.reshape([b, s, heads * value_dim]))
    }
}

/// Zeros at the end of the last dimension.
fn pad<B: Backend>(x: Tensor<B, 4>, width: usize) -> Tensor<B, 4> {
    let [b, s, h, e] = x.dims();
    if e == width {
        return x;
    }
    let zeros = Tensor::zeros([b, s, h, width - e], (&x.device(), x.dtype()));
    Tensor::cat(vec![x, zeros], 3)
}
