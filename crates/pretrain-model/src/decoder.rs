//! The whole model: embedding, blocks, final norm, head.

use crate::blocks::{Attention, Block, BlockContext, Embedding, LayerCache, Linear, Mlp, Norm};
use crate::config::ResolvedConfig;
use crate::error::Result;
use crate::init::fresh_values;
use crate::input::DecoderInput;
use crate::layout::parameter_shapes;
use crate::names::hugging_face_name;
use crate::parameters::{NamedTensor, fit};
use crate::rope::RopeAngles;
use burn::module::{Module, Param};
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};
use pretrain_kernels::{
    AttentionMask, CrossEntropyOptions, KernelBackend, RopeTable, linear, linear_cross_entropy,
    token_losses,
};
use std::collections::BTreeMap;

/// A decoder-only language model.
///
/// # Seams
/// [`forward_hidden`](Self::forward_hidden) is the composition of [`embed`](Self::embed),
/// [`context`](Self::context), each of [`blocks`](Self::blocks) and
/// [`final_norm`](Self::final_norm). They are public, so that a trainer can run a range of blocks
/// (a pipeline stage), run a block twice (recomputation) or look between two of them, without this
/// crate knowing why. The losses do the same with [`head_weight`](Self::head_weight).
#[derive(Module, Debug)]
pub struct Decoder<B: Backend> {
    embedding: Embedding<B>,
    blocks: Vec<Block<B>>,
    norm: Norm<B>,
    /// Absent when the embedding serves as head.
    head: Option<Linear<B>>,
    rope: RopeTable<B>,
    #[module(skip)]
    config: ResolvedConfig,
}

/// The residual stream at every depth of one forward pass.
#[derive(Debug, Clone)]
pub struct HiddenStates<B: Backend> {
    /// `n_layers + 1` tensors `[batch, seq, d_model]`: the input of the first block, then the output of each.
    pub residual: Vec<Tensor<B, 3>>,
    /// `[batch, seq, d_model]`: the last of them, normalised; what the head reads.
    pub final_norm: Tensor<B, 3>,
}

impl<B: Backend> Decoder<B> {
    /// A fresh model. The values depend on the configuration, `seed` and each parameter's name
    /// alone; see [`fresh_values`](crate::fresh_values).
    pub fn init(config: &ResolvedConfig, seed: u64, device: &B::Device) -> Self {
        Self::build(config, device, &mut |name, shape| fresh_values(config, seed, name, shape))
    }

    /// A model with the given weights, in any order.
    ///
    /// # Errors
    /// As [`with_tensors`](Self::with_tensors).
    pub fn from_tensors(
        config: &ResolvedConfig,
        tensors: Vec<NamedTensor>,
        device: &B::Device,
    ) -> Result<Self> {
        let mut by_name = fit(&parameter_shapes(config), tensors)?;
        Ok(Self::build(config, device, &mut |name, _| {
            by_name.remove(name).expect("the names were compared").data
        }))
    }

    fn build(
        config: &ResolvedConfig,
        device: &B::Device,
        values: &mut dyn FnMut(&str, &[usize]) -> Vec<f32>,
    ) -> Self {
        let c = config.as_config();
        let shapes = parameter_shapes(config).into_iter().collect();
        let mut make = Maker::<B> { shapes, values, device };
        let embedding = Embedding { weight: make.parameter(&["embedding", "weight"]) };
        let blocks = (0..c.n_layers).map(|index| make.block(index, config)).collect();
        let norm = make.norm(&["norm", "weight"], c.norm_eps);
        let head = (!c.tie_embeddings).then(|| make.linear(&["head", "weight"]));
        let angles = RopeAngles::new(config);
        let table = |numbers| {
            let shape = [c.max_seq_len, config.head_dim() / 2];
            Tensor::from_data(TensorData::new(numbers, shape), device)
        };
        let rope = RopeTable { cos: table(angles.cos), sin: table(angles.sin) };
        Self { embedding, blocks, norm, head, rope, config: config.clone() }
    }

    /// The shape of the model.
    pub fn config(&self) -> &ResolvedConfig {
        &self.config
    }

    /// Where the model is.
    pub fn device(&self) -> B::Device {
        self.rope.cos.device()
    }

    /// The blocks, first to last.
    pub fn blocks(&self) -> &[Block<B>] {
        &self.blocks
    }

    /// The matrix of the output head, `[vocab_size, d_model]`: the embedding's when tied.
    pub fn head_weight(&self) -> Tensor<B, 2> {
        self.head.as_ref().map_or_else(|| self.embedding.weight.val(), |head| head.weight.val())
    }
}

impl<B: KernelBackend> Decoder<B> {
    /// Token ids to the input of the first block: `[batch, seq]` to `[batch, seq, d_model]`.
    pub fn embed(&self, input_ids: Tensor<B, 2, Int>) -> Tensor<B, 3> {
        self.embedding.forward(input_ids)
    }

    /// What all blocks share for this input: angles, positions and the mask.
    pub fn context(&self, input: &DecoderInput<B>) -> BlockContext<B> {
        BlockContext {
            rope: self.rope.clone(),
            positions: input.position_ids.clone(),
            mask: AttentionMask {
                causal: true,
                segments: input.segment_ids.clone(),
                ..AttentionMask::default()
            },
        }
    }

    /// The last block's output to what the head reads, same shape.
    pub fn final_norm(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        self.norm.forward(x)
    }

    /// Token ids to what the head reads: `[batch, seq, d_model]`.
    ///
    /// # Panics
    /// An id or a position is outside its table; [`DecoderInput::new`] checks them.
    pub fn forward_hidden(&self, input: DecoderInput<B>) -> Tensor<B, 3> {
        let context = self.context(&input);
        let stream = self.embed(input.input_ids);
        let stream = self.blocks.iter().fold(stream, |x, block| block.forward(x, &context, None));
        self.final_norm(stream)
    }

    /// As [`forward_hidden`](Self::forward_hidden), keeping the stream between all blocks.
    ///
    /// # Panics
    /// As [`forward_hidden`](Self::forward_hidden).
    pub fn hidden_states(&self, input: DecoderInput<B>) -> HiddenStates<B> {
        let context = self.context(&input);
        let mut residual = vec![self.embed(input.input_ids)];
        for block in &self.blocks {
            let x = residual.last().expect("the embedding is there").clone();
            residual.push(block.forward(x, &context, None));
        }
        let last = residual.last().expect("the embedding is there").clone();
        HiddenStates { residual, final_norm: self.final_norm(last) }
    }

    /// As [`forward_hidden`](Self::forward_hidden) for the next tokens of rows whose earlier tokens
    /// are in `caches` (one per block), which grow by these.
    pub(crate) fn forward_cached(
        &self,
        input: DecoderInput<B>,
        caches: &mut [LayerCache<B>],
    ) -> Tensor<B, 3> {
        let context = self.context(&input);
        let mut stream = self.embed(input.input_ids);
        for (block, cache) in self.blocks.iter().zip(caches) {
            stream = block.forward(stream, &context, Some(cache));
        }
        self.final_norm(stream)
    }

    /// Scores of the next token: `[batch, seq, d_model]` to `[batch, seq, vocab_size]`.
    pub fn logits(&self, hidden: Tensor<B, 3>) -> Tensor<B, 3> {
        linear(hidden, self.head_weight())
    }

    /// The sum, in nats, of the losses of all kept targets, shape `[1]`; targets of -100 are left
    /// out. `targets` is `[batch, seq]` and already shifted: `targets[b, t]` follows
    /// `input_ids[b, t]`. Divide by the number of kept targets of the whole step, not of this call.
    pub fn loss_sum(&self, input: DecoderInput<B>, targets: Tensor<B, 2, Int>) -> Tensor<B, 1> {
        self.loss_sum_with(input, targets, &CrossEntropyOptions::default())
    }

    /// As [`loss_sum`](Self::loss_sum) with other settings of the cross-entropy.
    pub fn loss_sum_with(
        &self,
        input: DecoderInput<B>,
        targets: Tensor<B, 2, Int>,
        options: &CrossEntropyOptions,
    ) -> Tensor<B, 1> {
        let hidden = flatten(self.forward_hidden(input));
        linear_cross_entropy(hidden, self.head_weight(), targets.flatten(0, 1), options)
    }

    /// The loss of each token in nats, `[batch, seq]`; 0 where the target is left out.
    pub fn token_losses(&self, input: DecoderInput<B>, targets: Tensor<B, 2, Int>) -> Tensor<B, 2> {
        let dims = targets.dims();
        let hidden = flatten(self.forward_hidden(input));
        let options = CrossEntropyOptions::default();
        token_losses(hidden, self.head_weight(), targets.flatten(0, 1), &options).reshape(dims)
    }
}

fn flatten<B: Backend>(hidden: Tensor<B, 3>) -> Tensor<B, 2> {
    let [b, s, d] = hidden.dims();
    hidden.reshape([b * s, d])
}

/// Makes parameters from a source of numbers by name.
struct Maker<'a, B: Backend> {
    shapes: BTreeMap<String, Vec<usize>>,
    values: &'a mut dyn FnMut(&str, &[usize]) -> Vec<f32>,
    device: &'a B::Device,
}

impl<B: Backend> Maker<'_, B> {
    fn parameter<const D: usize>(&mut self, path: &[&str]) -> Param<Tensor<B, D>> {
        let name = hugging_face_name(path);
        let shape = self.shapes.remove(&name).expect("every parameter has a shape");
        let values = (self.values)(&name, &shape);
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), self.device))
    }

    fn linear(&mut self, path: &[&str]) -> Linear<B> {
        Linear { weight: self.parameter(path) }
    }

    fn norm(&mut self, path: &[&str], eps: f64) -> Norm<B> {
        Norm { weight: self.parameter(path), eps }
    }

    fn block(&mut self, index: usize, config: &ResolvedConfig) -> Block<B> {
        let eps = config.as_config().norm_eps;
        let index = index.to_string();
        let attention = |part| ["blocks", &index, "attention", part, "weight"];
        let mlp = |part| ["blocks", &index, "mlp", part, "weight"];
        Block {
            attention_norm: self.norm(&["blocks", &index, "attention_norm", "weight"], eps),
            attention: Attention {
                query: self.linear(&attention("query")),
                key: self.linear(&attention("key")),
                value: self.linear(&attention("value")),
                output: self.linear(&attention("output")),
                head_dim: config.head_dim(),
            },
            mlp_norm: self.norm(&["blocks", &index, "mlp_norm", "weight"], eps),
            mlp: Mlp {
                gate: self.linear(&mlp("gate")),
                up: self.linear(&mlp("up")),
                down: self.linear(&mlp("down")),
            },
        }
    }
}
