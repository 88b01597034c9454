//! Modules from a [`Design`] and a source of numbers by name. Which parameters there are is said in
//! `layout` alone; here they are put into their places.

use crate::blocks::{
    Attention, Block, Embedding, Experts, FeedForward, Head, LatentAttention, Linear, Mlp, Norm,
    RelativeBias, SelfAttention, Stack,
};
use crate::config::{ModelConfig, ResolvedConfig};
use crate::design::{Design, Placement, Positions};
use crate::layout::parameter_shapes;
use crate::positions::sinusoids;
use burn::module::Param;
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData};
use std::collections::BTreeMap;

/// The parts of a model.
pub(crate) struct Parts<B: Backend> {
    pub(crate) embedding: Embedding<B>,
    pub(crate) encoder: Option<Stack<B>>,
    pub(crate) stack: Stack<B>,
    pub(crate) head: Head<B>,
}

/// Builds the parts; `values` gives the numbers of a name and shape.
pub(crate) fn build<B: Backend>(
    config: &ResolvedConfig,
    device: &B::Device,
    values: &mut dyn FnMut(&str, &[usize]) -> Vec<f32>,
) -> Parts<B> {
    let shapes = parameter_shapes(config).into_iter().collect();
    let (config, design) = (config.as_config(), config.design());
    let mut make = Maker { shapes, values, device, config, design };
    let embedding = make.embedding();
    let encoder = design.encoder_layers.map(|n_layers| make.stack("encoder.", n_layers));
    let stack = make.stack("", config.n_layers);
    let head = make.head();
    debug_assert!(make.shapes.is_empty(), "parameters without a place: {:?}", make.shapes.keys());
    Parts { embedding, encoder, stack, head }
}

struct Maker<'a, B: Backend> {
    shapes: BTreeMap<String, Vec<usize>>,
    values: &'a mut dyn FnMut(&str, &[usize]) -> Vec<f32>,
    device: &'a B::Device,
    config: &'a ModelConfig,
    design: &'a Design,
}

impl<B: Backend> Maker<'_, B> {
    /// The parameter of this name, if the model has it.
    fn find<const D: usize>(&mut self, name: &str) -> Option<Param<Tensor<B, D>>> {
        let shape = self.shapes.remove(name)?;
        let values = (self.values)(name, &shape);
        let tensor = Tensor::from_data(TensorData::new(values, shape), self.device);
        Some(Param::from_tensor(tensor))
    }

    fn parameter<const D: usize>(&mut self, name: &str) -> Param<Tensor<B, D>> {
        self.find(name).expect("the layout has every parameter that is asked for")
    }

    fn find_linear(&mut self, name: &str) -> Option<Linear<B>> {
        let weight = self.find(&format!("{name}.weight"))?;
        Some(Linear { weight, bias: self.find(&format!("{name}.bias")) })
    }

    fn linear(&mut self, name: &str) -> Linear<B> {
        self.find_linear(name).expect("the layout has every matrix that is asked for")
    }

    fn norm(&mut self, name: &str) -> Norm<B> {
        Norm {
            weight: self.find(&format!("{name}.weight")),
            bias: self.find(&format!("{name}.bias")),
            design: self.design.norm,
        }
    }

    fn embedding(&mut self) -> Embedding<B> {
        let design = &self.design.embedding;
        let width = design.width.unwrap_or(self.config.d_model);
        let (rows, device) = (self.config.max_seq_len, self.device);
        let offset = match self.design.positions {
            Positions::Learned { offset, .. } => offset,
            _ => 0,
        };
        let fixed_positions = (self.design.positions == Positions::Sinusoidal).then(|| {
            Tensor::from_data(TensorData::new(sinusoids(rows, width), [rows, width]), device)
        });
        Embedding {
            weight: self.parameter("embedding.weight"),
            positions: self.find("embedding.positions"),
            token_types: self.find("embedding.token_types"),
            block_positions: self.find("embedding.block_positions"),
            norm: design.norm.then(|| self.norm("embedding.norm")),
            projection: self.find_linear("embedding.projection"),
            fixed_positions,
            scale: design.scale,
            offset,
        }
    }

    fn stack(&mut self, prefix: &str, n_layers: usize) -> Stack<B> {
        let relative_bias = match self.design.positions {
            Positions::Relative(config) => {
                let weight = self.parameter(&format!("{prefix}relative_bias.weight"));
                Some(RelativeBias { weight, config })
            }
            _ => None,
        };
        Stack {
            relative_bias,
            blocks: (0..n_layers).map(|i| self.block(&format!("{prefix}blocks.{i}."), i)).collect(),
            norm: self.design.final_norm.then(|| self.norm(&format!("{prefix}norm"))),
        }
    }

    fn block(&mut self, prefix: &str, index: usize) -> Block<B> {
        let placement = self.design.placement;
        let before = |make: &mut Self, name: &str| {
            placement.has_norm().then(|| make.norm(&format!("{prefix}{name}_norm")))
        };
        let after = |make: &mut Self, name: &str| {
            placement.has_output_norm().then(|| make.norm(&format!("{prefix}{name}_output_norm")))
        };
        // A block of a decoder beside an encoder is the only one with this matrix.
        let cross = self.shapes.contains_key(&format!("{prefix}cross_attention.query.weight"));
        Block {
            attention_norm: before(self, "attention"),
            attention: self.self_attention(&format!("{prefix}attention"), index),
            attention_output_norm: after(self, "attention"),
            cross_attention_norm: cross.then(|| before(self, "cross_attention")).flatten(),
            cross_attention: cross
                .then(|| self.attention(&format!("{prefix}cross_attention"), None)),
            cross_attention_output_norm: cross.then(|| after(self, "cross_attention")).flatten(),
            mlp_norm: before(self, "mlp"),
            mlp: self.network(&format!("{prefix}mlp"), index),
            mlp_output_norm: after(self, "mlp"),
            norm_after_sum: placement == Placement::Post,
            parallel: self.design.parallel,
        }
    }

    fn self_attention(&mut self, name: &str, index: usize) -> SelfAttention<B> {
        let window = self.design.attention.windows.get(index).copied().flatten();
        let Some(config) = self.design.attention.latent else {
            return SelfAttention::Heads(self.attention(name, window));
        };
        SelfAttention::Latent(LatentAttention {
            query_down: self.find_linear(&format!("{name}.query_down")),
            query_norm: config.query_rank.map(|_| self.norm(&format!("{name}.query_norm"))),
            query: self.linear(&format!("{name}.query")),
            key_value_down: self.linear(&format!("{name}.key_value_down")),
            key_value_norm: self.norm(&format!("{name}.key_value_norm")),
            key_value: self.linear(&format!("{name}.key_value")),
            output: self.linear(&format!("{name}.output")),
            window,
            config,
        })
    }

    fn attention(&mut self, name: &str, window: Option<usize>) -> Attention<B> {
        let qk_norm = self.design.attention.qk_norm;
        Attention {
            query: self.linear(&format!("{name}.query")),
            key: self.linear(&format!("{name}.key")),
            value: self.linear(&format!("{name}.value")),
            query_norm: qk_norm.map(|_| self.norm(&format!("{name}.query_norm"))),
            key_norm: qk_norm.map(|_| self.norm(&format!("{name}.key_norm"))),
            output: self.linear(&format!("{name}.output")),
            head_dim: self.design.attention.head_dim,
            window,
            whole_norm: qk_norm.is_some_and(|norm| norm.whole),
            norm_after_turn: qk_norm.is_some_and(|norm| norm.after_rope),
        }
    }

    fn network(&mut self, name: &str, index: usize) -> FeedForward<B> {
        let Some(design) = self.design.experts_of(index).copied() else {
            return FeedForward::Mlp(self.mlp(name));
        };
        let config = design.config;
        FeedForward::Experts(Experts {
            router: self.linear(&format!("{name}.router")),
            correction: self
                .find::<1>(&format!("{name}.correction"))
                .map(|correction| correction.set_require_grad(false)),
            experts: (0..config.count).map(|e| self.mlp(&format!("{name}.experts.{e}"))).collect(),
            shared: (config.shared > 0).then(|| self.mlp(&format!("{name}.shared"))),
            design,
        })
    }

    fn mlp(&mut self, name: &str) -> Mlp<B> {
        Mlp {
            gate: self.find_linear(&format!("{name}.gate")),
            up: self.linear(&format!("{name}.up")),
            down: self.linear(&format!("{name}.down")),
            design: self.design.mlp,
        }
    }

    fn head(&mut self) -> Head<B> {
        let design = self.design.head.clone();
        Head {
            transform: self.find_linear("head.transform"),
            norm: design.transform_norm.then(|| self.norm("head.norm")),
            weight: self.find("head.weight"),
            bias: self.find("head.bias"),
            design,
        }
    }
}
