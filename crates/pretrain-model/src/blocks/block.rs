//! One layer, and a stack of them.

use super::{
    Attention, BlockContext, Experts, LatentAttention, LayerCache, Mlp, Norm, RelativeBias, Routing,
};
use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use pretrain_kernels::KernelBackend;

/// Attention, then a network, each added to the stream, with norms where the design has them.
#[derive(Module, Debug)]
pub struct Block<B: Backend> {
    /// Before attention, or around its sum.
    pub attention_norm: Option<Norm<B>>,
    /// Mixes positions.
    pub attention: SelfAttention<B>,
    /// On what attention adds.
    pub attention_output_norm: Option<Norm<B>>,
    /// As the first, for the attention that follows.
    pub cross_attention_norm: Option<Norm<B>>,
    /// Looks at an encoder's output.
    pub cross_attention: Option<Attention<B>>,
    /// On what that attention adds.
    pub cross_attention_output_norm: Option<Norm<B>>,
    /// Before the network, or around its sum.
    pub mlp_norm: Option<Norm<B>>,
    /// Works on each position alone.
    pub mlp: FeedForward<B>,
    /// On what the network adds.
    pub mlp_output_norm: Option<Norm<B>>,
    /// Whether the first norm of each goes around the sum.
    pub norm_after_sum: bool,
    /// Whether attention and network read the same stream.
    pub parallel: bool,
}

/// How a block mixes positions.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "one per block, and blocks live in a vector")]
pub enum SelfAttention<B: Backend> {
    /// Heads read the stream.
    Heads(Attention<B>),
    /// Heads read narrow vectors.
    Latent(LatentAttention<B>),
}

/// The network of a block.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "one per block, and blocks live in a vector")]
pub enum FeedForward<B: Backend> {
    /// One for all tokens.
    Mlp(Mlp<B>),
    /// Several, of which each token passes a few.
    Experts(Experts<B>),
}

/// Blocks over one text, and what they share.
#[derive(Module, Debug)]
pub struct Stack<B: Backend> {
    /// Bias of the scores of every block.
    pub relative_bias: Option<RelativeBias<B>>,
    /// First to last.
    pub blocks: Vec<Block<B>>,
    /// On the last block's output.
    pub norm: Option<Norm<B>>,
}

impl<B: KernelBackend> Block<B> {
    /// `[b, s, d]` to the same shape.
    pub fn forward(
        &self,
        x: Tensor<B, 3>,
        context: &BlockContext<B>,
        cache: Option<&mut LayerCache<B>>,
    ) -> Tensor<B, 3> {
        self.forward_routed(x, context, cache).0
    }

    /// As [`forward`](Self::forward), with the choices of the block's router where it has experts.
    pub fn forward_routed(
        &self,
        x: Tensor<B, 3>,
        context: &BlockContext<B>,
        cache: Option<&mut LayerCache<B>>,
    ) -> (Tensor<B, 3>, Option<Routing<B>>) {
        let mut routing = None;
        let attention = |x| match &self.attention {
            SelfAttention::Heads(attention) => attention.forward(x, context, cache),
            SelfAttention::Latent(attention) => attention.forward(x, context, cache),
        };
        let mut network = |x| match &self.mlp {
            FeedForward::Mlp(mlp) => mlp.forward(x),
            FeedForward::Experts(experts) => {
                let (y, choices) = experts.forward(x);
                routing = Some(choices);
                y
            }
        };
        if self.parallel {
            let mixed = attention(norm(&self.attention_norm, x.clone()));
            let changed = network(norm(&self.mlp_norm, x.clone()));
            return (x + mixed + changed, routing);
        }
        let norms = (&self.attention_norm, &self.attention_output_norm);
        let mut x = self.add(x, norms, attention);
        if let (Some(attention), Some(memory)) = (&self.cross_attention, &context.memory) {
            let norms = (&self.cross_attention_norm, &self.cross_attention_output_norm);
            x = self.add(x, norms, |x| attention.forward_memory(x, memory));
        }
        let norms = (&self.mlp_norm, &self.mlp_output_norm);
        let x = self.add(x, norms, network);
        (x, routing)
    }

    /// The stream and what a sublayer makes of it.
    fn add(
        &self,
        x: Tensor<B, 3>,
        (first, output): (&Option<Norm<B>>, &Option<Norm<B>>),
        sublayer: impl FnOnce(Tensor<B, 3>) -> Tensor<B, 3>,
    ) -> Tensor<B, 3> {
        if self.norm_after_sum {
            let y = norm(output, sublayer(x.clone()));
            return norm(first, x + y);
        }
        let y = norm(output, sublayer(norm(first, x.clone())));
        x + y
    }
}

fn norm<B: KernelBackend>(norm: &Option<Norm<B>>, x: Tensor<B, 3>) -> Tensor<B, 3> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}
