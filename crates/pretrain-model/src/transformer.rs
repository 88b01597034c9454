//! The whole model: embedding, blocks, final norm, head; and an encoder before them where there is one.

use crate::blocks::{
    BlockContext, Embedding, Head, LayerCache, Lookup, Memory, Routing, Stack, router_loss,
};
use crate::build::{Parts, build};
use crate::config::{ResolvedConfig, RopeConfig, RopeScaling};
use crate::design::{Design, Positions, RotaryDesign};
use crate::error::Result;
use crate::init::fresh_values;
use crate::input::{ModelInput, SourceInput};
use crate::layout::parameter_shapes;
use crate::names::fit;
use crate::parameters::NamedTensor;
use crate::positions::alibi_slopes;
use crate::rope::RopeAngles;
use burn::module::Module;
use burn::tensor::backend::Backend;
use burn::tensor::{ElementConversion, Int, Tensor, TensorData};
use pretrain_kernels::{
    AttentionMask, CrossEntropyOptions, KernelBackend, RopeTable, cross_entropy,
    linear_cross_entropy, token_losses,
};

/// A language model of any family: one stack of blocks (causal, bidirectional or with a prefix), or
/// an encoder and a stack that looks at its output.
///
/// # Seams
/// [`forward_hidden`](Self::forward_hidden) is the composition of [`embed`](Self::embed),
/// [`context`](Self::context), each block of [`stack`](Self::stack) and
/// [`final_norm`](Self::final_norm). They are public, so that a trainer can run a range of blocks
/// (a pipeline stage), run a block twice (recomputation) or look between two of them, without this
/// crate knowing why. The losses do the same with [`head_weight`](Self::head_weight).
#[derive(Module, Debug)]
pub struct Transformer<B: Backend> {
    embedding: Embedding<B>,
    encoder: Option<Stack<B>>,
    stack: Stack<B>,
    head: Head<B>,
    rope: Option<RopeTable<B>>,
    local_rope: Option<RopeTable<B>>,
    #[module(skip)]
    config: ResolvedConfig,
}

/// The residual stream at every depth of one forward pass.
#[derive(Debug, Clone)]
pub struct HiddenStates<B: Backend> {
    /// Those of the encoder, where there is one.
    pub encoder: Option<StackStates<B>>,
    /// Those of the blocks.
    pub stack: StackStates<B>,
}

/// The residual stream at every depth of one stack.
#[derive(Debug, Clone)]
pub struct StackStates<B: Backend> {
    /// `n_layers + 1` tensors `[batch, seq, d_model]`: the input of the first block, then the output of each.
    pub residual: Vec<Tensor<B, 3>>,
    /// `[batch, seq, d_model]`: the last of them, normalised where the model does that; what the head
    /// reads.
    pub final_norm: Tensor<B, 3>,
    /// What the routers decided, in the order of the blocks that have one.
    pub routings: Vec<Routing<B>>,
}

impl<B: Backend> Transformer<B> {
    /// A fresh model. The values depend on the configuration, `seed` and each parameter's name
    /// alone; see [`fresh_values`](crate::fresh_values).
    pub fn init(config: &ResolvedConfig, seed: u64, device: &B::Device) -> Self {
        Self::build(config, device, &mut |name, shape| fresh_values(config, seed, name, shape))
    }

    /// A model with the given weights by our names, in any order.
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
        let Parts { embedding, encoder, stack, head } = build(config, device, values);
        let rotary = rotary(config.design());
        let table = |rope: RopeConfig, of: &RotaryDesign| {
            rope_table(&rope, of, config.max_seq_len(), device)
        };
        let rope = rotary.map(|of| table(global_rope(of), of));
        let local_rope = rotary.and_then(|of| Some(table(RopeConfig::new(of.local_theta?), of)));
        Self { embedding, encoder, stack, head, rope, local_rope, config: config.clone() }
    }

    /// The shape of the model.
    pub fn config(&self) -> &ResolvedConfig {
        &self.config
    }

    /// Where the model is.
    pub fn device(&self) -> B::Device {
        self.embedding.weight.device()
    }

    /// The blocks, and what they share.
    pub fn stack(&self) -> &Stack<B> {
        &self.stack
    }

    /// The blocks of the encoder, where there is one.
    pub fn encoder(&self) -> Option<&Stack<B>> {
        self.encoder.as_ref()
    }

    /// The matrix of the output head, `[vocab_size, d_model]` (`[1, d_model]` of a discriminator):
    /// the embedding's when tied.
    pub fn head_weight(&self) -> Tensor<B, 2> {
        self.head.weight.as_ref().unwrap_or(&self.embedding.weight).val()
    }
}

fn rotary(design: &Design) -> Option<&RotaryDesign> {
    match &design.positions {
        Positions::Rotary(rotary) => Some(rotary),
        _ => None,
    }
}

fn global_rope(of: &RotaryDesign) -> RopeConfig {
    RopeConfig { scaling: of.scaling, ..RopeConfig::new(of.theta) }
}

fn rope_table<B: Backend>(
    rope: &RopeConfig,
    of: &RotaryDesign,
    length: usize,
    device: &B::Device,
) -> RopeTable<B> {
    // Dynamic frequencies are those of the trained length until a sequence is longer.
    let angles = match rope.scaling {
        Some(RopeScaling::Dynamic { original_max_position_embeddings: original, .. }) => {
            RopeAngles::of_sequence(rope, of.dim, length, original)
        }
        _ => RopeAngles::of(rope, of.dim, length),
    };
    let table = |numbers| Tensor::from_data(TensorData::new(numbers, [length, of.dim / 2]), device);
    let (cos, sin) = (table(angles.cos), table(angles.sin));
    RopeTable { cos, sin: if of.reversed { sin.neg() } else { sin } }
}

impl<B: KernelBackend> Transformer<B> {
    /// What the first block reads: `[batch, seq]` to `[batch, seq, d_model]`.
    pub fn embed(&self, input: &ModelInput<B>) -> Tensor<B, 3> {
        self.embedding.forward(Lookup {
            ids: input.input_ids.clone(),
            positions: input.position_ids.clone(),
            token_types: input.token_type_ids.clone(),
            block_positions: input.block_position_ids.clone(),
        })
    }

    /// What an encoder makes of its text; `None` where the model has none.
    pub fn memory(&self, input: &ModelInput<B>) -> Option<Memory<B>> {
        let (source, states) = (input.source.as_ref()?, self.encode(input, false)?);
        let mask = AttentionMask {
            keys: source.attention_mask.clone(),
            scale: self.config.design().attention.scale,
            ..AttentionMask::bidirectional()
        };
        Some(Memory { hidden: states.final_norm, mask })
    }

    fn encode(&self, input: &ModelInput<B>, keep: bool) -> Option<StackStates<B>> {
        let (encoder, source) = (self.encoder.as_ref()?, input.source.clone()?);
        let SourceInput { input_ids, attention_mask } = source;
        let input = ModelInput { segment_ids: attention_mask, ..ModelInput::of_ids(input_ids) };
        let context = self.context_of(encoder, &input, 0, true);
        Some(self.run(encoder, self.embed(&input), &context, None, keep))
    }

    /// What all blocks share for this input, `past` tokens of which were read before: angles,
    /// positions, the mask and biases, and an encoder's output.
    pub fn context(
        &self,
        input: &ModelInput<B>,
        past: usize,
        memory: Option<Memory<B>>,
    ) -> BlockContext<B> {
        let bidirectional = self.config.design().bidirectional;
        let context = self.context_of(&self.stack, input, past, bidirectional);
        BlockContext { memory, ..context }
    }

    fn context_of(
        &self,
        stack: &Stack<B>,
        input: &ModelInput<B>,
        past: usize,
        bidirectional: bool,
    ) -> BlockContext<B> {
        let design = self.config.design();
        let seq = input.input_ids.dims()[1];
        let bias = match design.positions {
            Positions::Relative(_) => {
                stack.relative_bias.as_ref().map(|bias| bias.forward(seq, past, bidirectional))
            }
            Positions::Alibi => Some(self.alibi(input, past)),
            _ => None,
        };
        BlockContext {
            rope: self.longer_rope(input, past).or_else(|| self.rope.clone()),
            local_rope: self.local_rope.clone(),
            interleaved: rotary(design).is_some_and(|rotary| rotary.interleaved),
            positions: input.position_ids.clone(),
            mask: AttentionMask {
                causal: !bidirectional,
                window: None,
                segments: input.segment_ids.clone(),
                prefix: input.prefix_lengths.clone(),
                keys: None,
                scale: design.attention.scale,
                softcap: design.attention.softcap,
                bias,
            },
            memory: None,
        }
    }

    /// The bias that grows with the position of the key; softmax sees only distances.
    fn alibi(&self, input: &ModelInput<B>, past: usize) -> Tensor<B, 4> {
        let (heads, device) = (self.config.as_config().n_heads, self.device());
        let slopes = TensorData::new(alibi_slopes(heads), [1, heads, 1, 1]);
        let slopes = Tensor::<B, 4>::from_data(slopes, &device);
        let [batch, seq] = input.input_ids.dims();
        let positions = match &input.position_ids {
            Some(positions) if past == 0 => positions.clone().float().reshape([batch, 1, 1, seq]),
            _ => {
                let keys = Tensor::<B, 1, Int>::arange(0..(past + seq) as i64, &device);
                keys.float().reshape([1, 1, 1, past + seq])
            }
        };
        slopes * positions
    }

    /// The table of a sequence beyond the trained length, for dynamic frequencies.
    fn longer_rope(&self, input: &ModelInput<B>, past: usize) -> Option<RopeTable<B>> {
        let of = rotary(self.config.design())?;
        let Some(RopeScaling::Dynamic { original_max_position_embeddings: original, .. }) =
            of.scaling
        else {
            return None;
        };
        let length = match &input.position_ids {
            Some(positions) => positions.clone().max().into_scalar().elem::<i64>() as usize + 1,
            None => past + input.input_ids.dims()[1],
        };
        let rope = RopeConfig { scaling: of.scaling, ..RopeConfig::new(of.theta) };
        (length > original).then(|| {
            let angles = RopeAngles::of(&rope, of.dim, length);
            let shape = [length, of.dim / 2];
            let table = |x| Tensor::from_data(TensorData::new(x, shape), &self.device());
            RopeTable { cos: table(angles.cos), sin: table(angles.sin) }
        })
    }

    /// The last block's output to what the head reads, same shape.
    pub fn final_norm(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        normalize(&self.stack, x)
    }

    fn run(
        &self,
        stack: &Stack<B>,
        x: Tensor<B, 3>,
        context: &BlockContext<B>,
        mut caches: Option<&mut [LayerCache<B>]>,
        keep: bool,
    ) -> StackStates<B> {
        let (mut residual, mut routings, mut x) = (Vec::new(), Vec::new(), x);
        for (index, block) in stack.blocks.iter().enumerate() {
            if keep {
                residual.push(x.clone());
            }
            let cache = caches.as_deref_mut().map(|caches| &mut caches[index]);
            let (y, routing) = block.forward_routed(x, context, cache);
            routings.extend(routing);
            x = y;
        }
        if keep {
            residual.push(x.clone());
        }
        StackStates { residual, final_norm: normalize(stack, x), routings }
    }

    fn forward(&self, input: &ModelInput<B>) -> StackStates<B> {
        let context = self.context(input, 0, self.memory(input));
        self.run(&self.stack, self.embed(input), &context, None, false)
    }

    /// Token ids to what the head reads: `[batch, seq, d_model]`.
    ///
    /// # Panics
    /// An id or a position is outside its table; [`ModelInput::new`] checks them.
    pub fn forward_hidden(&self, input: ModelInput<B>) -> Tensor<B, 3> {
        self.forward(&input).final_norm
    }

    /// As [`forward_hidden`](Self::forward_hidden), keeping the stream between all blocks.
    ///
    /// # Panics
    /// As [`forward_hidden`](Self::forward_hidden).
    pub fn hidden_states(&self, input: ModelInput<B>) -> HiddenStates<B> {
        let context = self.context(&input, 0, self.memory(&input));
        HiddenStates {
            encoder: self.encode(&input, true),
            stack: self.run(&self.stack, self.embed(&input), &context, None, true),
        }
    }

    /// As [`forward_hidden`](Self::forward_hidden) for the next tokens of rows of which `past` tokens
    /// are in `caches` (one per block), which grow by these.
    pub(crate) fn forward_cached(
        &self,
        input: &ModelInput<B>,
        past: usize,
        memory: Option<Memory<B>>,
        caches: &mut [LayerCache<B>],
    ) -> Tensor<B, 3> {
        let context = self.context(input, past, memory);
        self.run(&self.stack, self.embed(input), &context, Some(caches), false).final_norm
    }

    /// Scores: `[batch, seq, d_model]` to `[batch, seq, vocab_size]`, of the next token where the
    /// model is causal; of a discriminator to `[batch, seq, 1]`.
    pub fn logits(&self, hidden: Tensor<B, 3>) -> Tensor<B, 3> {
        self.head.scores(self.head.prepare(hidden), self.head_weight())
    }

    /// The sum, in nats, of the losses of all kept targets, shape `[1]`; targets of -100 are left
    /// out. `targets` is `[batch, seq]` and belongs to the position where it stands: of a causal
    /// model, `targets[b, t]` follows `input_ids[b, t]`; of a discriminator, it is 0 or 1. Divide by
    /// the number of kept targets of the whole step, not of this call.
    pub fn loss_sum(&self, input: ModelInput<B>, targets: Tensor<B, 2, Int>) -> Tensor<B, 1> {
        self.loss_sum_with(input, targets, &CrossEntropyOptions::default())
    }

    /// As [`loss_sum`](Self::loss_sum) with other settings of the cross-entropy, which a
    /// discriminator's loss does not look at but for the ignored target.
    pub fn loss_sum_with(
        &self,
        input: ModelInput<B>,
        targets: Tensor<B, 2, Int>,
        options: &CrossEntropyOptions,
    ) -> Tensor<B, 1> {
        self.loss_of(self.forward(&input).final_norm, targets, options)
    }

    /// What a trainer differentiates: [`loss_sum_with`](Self::loss_sum_with), and for models with
    /// experts the losses of the routers, weighted, once per kept target; without experts the two are
    /// the same operations.
    pub fn objective_sum(
        &self,
        input: ModelInput<B>,
        targets: Tensor<B, 2, Int>,
        options: &CrossEntropyOptions,
    ) -> Tensor<B, 1> {
        let states = self.forward(&input);
        let design = self.config.design().experts.as_ref();
        let routers = design.and_then(|design| router_loss(&states.routings, design));
        let loss = self.loss_of(states.final_norm, targets.clone(), options);
        match routers {
            Some(routers) => {
                let kept = targets.not_equal_elem(options.ignore_index);
                loss + routers * kept.float().sum()
            }
            None => loss,
        }
    }

    fn loss_of(
        &self,
        hidden: Tensor<B, 3>,
        targets: Tensor<B, 2, Int>,
        options: &CrossEntropyOptions,
    ) -> Tensor<B, 1> {
        let (hidden, targets) = (self.head.prepare(hidden), targets.flatten(0, 1));
        if self.head.is_plain() {
            return linear_cross_entropy(flatten(hidden), self.head_weight(), targets, options);
        }
        self.losses_of(hidden, targets, options).sum()
    }

    /// The loss of each token in nats, `[batch, seq]`; 0 where the target is left out. Passes no
    /// gradient on where scores are a plain product.
    pub fn token_losses(&self, input: ModelInput<B>, targets: Tensor<B, 2, Int>) -> Tensor<B, 2> {
        let dims = targets.dims();
        let hidden = self.head.prepare(self.forward(&input).final_norm);
        let (targets, options) = (targets.flatten(0, 1), CrossEntropyOptions::default());
        if self.head.is_plain() {
            let weight = self.head_weight();
            return token_losses(flatten(hidden), weight, targets, &options).reshape(dims);
        }
        self.losses_of(hidden, targets, &options).reshape(dims)
    }

    /// The loss of each token from what the head's matrix reads.
    fn losses_of(
        &self,
        prepared: Tensor<B, 3>,
        targets: Tensor<B, 1, Int>,
        options: &CrossEntropyOptions,
    ) -> Tensor<B, 1> {
        let scores = flatten(self.head.scores(prepared, self.head_weight()));
        if !self.config.design().head.discriminator {
            return cross_entropy(scores, targets, options);
        }
        // -log of sigmoid(x) or of 1 - sigmoid(x), without overflow.
        let ignored = targets.clone().equal_elem(options.ignore_index);
        let scores: Tensor<B, 1> = scores.squeeze_dim(1);
        let softplus = scores.clone().abs().neg().exp().log1p();
        let losses = scores.clone().clamp_min(0.0) - scores * targets.float() + softplus;
        losses.mask_fill(ignored, 0.0)
    }
}

fn normalize<B: KernelBackend>(stack: &Stack<B>, x: Tensor<B, 3>) -> Tensor<B, 3> {
    match &stack.norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

fn flatten<B: Backend>(hidden: Tensor<B, 3>) -> Tensor<B, 2> {
    let [b, s, d] = hidden.dims();
    hidden.reshape([b * s, d])
}
