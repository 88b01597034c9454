//! The pieces that a decoder is made of. Each is a Burn module whose parameters keep Hugging Face's
//! layout (`[out, in]` for matrices), and each is a pure function of its input.
//!
//! Shapes in this folder: `b` = rows of the batch, `s` = tokens per row, `d` = width of the residual
//! stream, `h` = query heads, `k` = key and value heads, `e` = width of a head, `f` = width of the MLP.

mod attention;
mod block;
mod embedding;
mod linear;
mod mlp;
mod norm;

pub use attention::{Attention, LayerCache};
pub use block::{Block, BlockContext};
pub use embedding::Embedding;
pub use linear::Linear;
pub use mlp::Mlp;
pub use norm::Norm;
