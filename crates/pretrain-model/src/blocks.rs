//! The pieces that a model is made of. Each is a Burn module whose parameters are `[out, in]`
//! matrices and vectors, and each is a pure function of its input. Which parts a piece has follows
//! from a [`Design`](crate::Design); no family is named here.
//!
//! Shapes in this folder: `b` = rows of the batch, `s` = tokens per row, `d` = width of the residual
//! stream, `h` = query heads, `k` = key and value heads, `e` = width of a head, `f` = width of the MLP.

mod attention;
mod block;
mod cache;
mod context;
mod embedding;
mod experts;
mod head;
mod latent;
mod linear;
mod mlp;
mod norm;

pub use attention::Attention;
pub use block::{Block, FeedForward, SelfAttention, Stack};
pub use cache::LayerCache;
pub use context::{BlockContext, Memory, RelativeBias};
pub use embedding::Embedding;
pub(crate) use embedding::Lookup;
pub(crate) use experts::router_loss;
pub use experts::{Experts, Routing};
pub use head::Head;
pub use latent::LatentAttention;
pub use linear::Linear;
pub use mlp::Mlp;
pub use norm::Norm;
