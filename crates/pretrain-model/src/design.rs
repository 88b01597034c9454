//! What a model computes, without the name of its family.
//!
//! A [`ModelConfig`](crate::ModelConfig) says which family a model is of and where it differs; the
//! family turns that into a [`Design`], the complete description that parameters, blocks and forward
//! pass are made from. Nothing below this line asks for a family again.

use crate::config::{Activation, ExpertsConfig, LatentConfig, RelativeConfig, RopeScaling};

/// Everything that tells one transformer from another, sizes aside.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// Ids to vectors.
    pub embedding: EmbeddingDesign,
    /// How order enters.
    pub positions: Positions,
    /// Whether a token sees later ones. The blocks of an encoder beside the decoder always do.
    pub bidirectional: bool,
    /// Blocks of an encoder whose output the other blocks look at; absent = none.
    pub encoder_layers: Option<usize>,
    /// The norm of every place.
    pub norm: NormDesign,
    /// Where a block normalises.
    pub placement: Placement,
    /// Whether attention and network read the same stream instead of one after the other.
    pub parallel: bool,
    /// Mixing of positions.
    pub attention: AttentionDesign,
    /// The network of each position.
    pub mlp: MlpDesign,
    /// Experts in the place of that network.
    pub experts: Option<ExpertsDesign>,
    /// Whether the last block's output is normalised.
    pub final_norm: bool,
    /// Vectors to scores.
    pub head: HeadDesign,
}

/// Ids to vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingDesign {
    /// Multiplies the rows of the table.
    pub scale: Option<f64>,
    /// Width of the rows where it is not the stream's; a projection follows.
    pub width: Option<usize>,
    /// Number of token types, each with a vector that is added; 0 = none.
    pub token_types: usize,
    /// Number of positions inside a filled blank, each with a vector that is added; 0 = none.
    pub block_positions: usize,
    /// Whether the sum is normalised.
    pub norm: bool,
}

/// How the order of tokens enters a model.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Positions {
    /// A learned vector per position is added to the embedding (`max_seq_len + offset` rows).
    Learned {
        /// Row of position 0.
        offset: usize,
        /// Whether padding is left out of the count.
        skip_padding: bool,
    },
    /// Sines and cosines are added to the embedding: `sin(p / 10000^(2i / d))` at `2i`, the cosine
    /// beside it (Vaswani et al., "Attention Is All You Need", 2017, §3.5).
    Sinusoidal,
    /// Queries and keys are turned (Su et al., "RoFormer", 2021).
    Rotary(RotaryDesign),
    /// Scores get a bias that falls with distance (Press et al., "Train Short, Test Long", 2021).
    Alibi,
    /// Scores get a learned bias per head and bucket of distance, the same in every block (Raffel et
    /// al., "Exploring the Limits of Transfer Learning", 2020, §2.1).
    Relative(RelativeConfig),
}

/// Which features turn, and how fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RotaryDesign {
    /// Leading features of a head that turn; even.
    pub dim: usize,
    /// Base of the frequencies.
    pub theta: f64,
    /// How the frequencies are stretched.
    pub scaling: Option<RopeScaling>,
    /// Base of the frequencies in layers with a window, unstretched; absent = as the others.
    pub local_theta: Option<f64>,
    /// Whether features `2i` and `2i + 1` are a pair instead of `i` and `i + dim / 2`.
    pub interleaved: bool,
    /// Whether pairs turn the other way round.
    pub reversed: bool,
}

/// A normalisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormDesign {
    /// By what.
    pub kind: NormKind,
    /// What scales the result.
    pub weight: NormWeight,
    /// Whether a vector is added.
    pub bias: bool,
    /// Added to the mean square or variance.
    pub eps: f64,
}

/// By what a vector is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// Mean and variance (Ba et al., "Layer Normalization", 2016).
    Layer,
    /// Root mean square (Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019).
    Rms,
}

/// What scales a normalised vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormWeight {
    /// The weight, fresh ones.
    Plain,
    /// One more than the weight, fresh zeros.
    OnePlus,
    /// Nothing.
    Absent,
}

/// Where a block normalises, for each sublayer `f` of a stream `x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// `x + f(norm(x))`.
    Pre,
    /// `norm(x + f(x))`.
    Post,
    /// `x + norm(f(norm(x)))`.
    Sandwich,
    /// `x + norm(f(x))`.
    Output,
}

impl Placement {
    /// Whether a sublayer has a norm before it or around its sum.
    pub(crate) fn has_norm(self) -> bool {
        self != Self::Output
    }

    /// Whether a sublayer's result is normalised before it is added.
    pub(crate) fn has_output_norm(self) -> bool {
        matches!(self, Self::Sandwich | Self::Output)
    }
}

/// Mixing of positions.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionDesign {
    /// Width of a head.
    pub head_dim: usize,
    /// Factor of the scores; `1 / sqrt(head_dim)` when absent.
    pub scale: Option<f64>,
    /// Bound of the scores.
    pub softcap: Option<f64>,
    /// Whether queries, keys and values have a bias.
    pub bias: bool,
    /// Whether the output has one.
    pub output_bias: bool,
    /// Norm of queries and keys.
    pub qk_norm: Option<QkNorm>,
    /// Keys that a query sees, itself included, in each block; absent = all.
    pub windows: Vec<Option<usize>>,
    /// Queries, keys and values through narrow vectors.
    pub latent: Option<LatentConfig>,
}

/// Norm of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QkNorm {
    /// All heads together, or each by itself.
    pub whole: bool,
    /// After the turn, or before it.
    pub after_rope: bool,
}

/// The network of each position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MlpDesign {
    /// Whether a second product gates the first (Shazeer, "GLU Variants Improve Transformer", 2020).
    pub gated: bool,
    /// What bends the stream.
    pub activation: Activation,
    /// Whether the products have a bias.
    pub bias: bool,
}

/// Experts and how they are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpertsDesign {
    /// Numbers, sizes and weights.
    pub config: ExpertsConfig,
    /// How a router's scores become weights.
    pub scoring: Scoring,
    /// Whether a vector that is not trained by gradients is added to the scores for the choice.
    pub correction: bool,
}

/// How a router's scores become weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scoring {
    /// Softmax over all experts.
    Softmax,
    /// Sigmoid of each.
    Sigmoid,
}

/// Vectors to scores.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadDesign {
    /// A score per token of the vocabulary, or one number: whether the token was replaced (Clark et
    /// al., "ELECTRA", 2020).
    pub discriminator: bool,
    /// Whether a product and this function come first.
    pub transform: Option<Activation>,
    /// Whether a norm follows that product.
    pub transform_norm: bool,
    /// Whether scores have a bias.
    pub bias: bool,
    /// Multiplies what the head reads.
    pub scale: Option<f64>,
    /// Bound of the scores: `c tanh(score / c)`.
    pub softcap: Option<f64>,
}

impl Design {
    /// The description that most families differ from in a few points: RMSNorm before each sublayer,
    /// rotary positions in `dim` features, gated networks without biases, causal.
    pub(crate) fn llama(c: &crate::config::ModelConfig) -> Self {
        let head_dim = c.head_width();
        let rope = c.rope.unwrap_or_default();
        let window = c.options.sliding_window;
        let windowed = c.options.windowed_layers.as_deref();
        let window_of =
            |i: usize| window.filter(|_| windowed.is_none_or(|w| w.get(i) != Some(&false)));
        let bias = c.options.attention_bias.unwrap_or(false);
        Self {
            embedding: EmbeddingDesign {
                scale: None,
                width: c.options.embedding_width.filter(|width| *width != c.d_model),
                token_types: c.options.token_types.unwrap_or(0),
                block_positions: c.options.block_positions.unwrap_or(0),
                norm: false,
            },
            positions: Positions::Rotary(RotaryDesign {
                dim: rope.turning(head_dim),
                theta: rope.theta,
                scaling: rope.scaling,
                local_theta: rope.local_theta,
                interleaved: false,
                reversed: false,
            }),
            bidirectional: false,
            encoder_layers: None,
            norm: NormDesign {
                kind: NormKind::Rms,
                weight: NormWeight::Plain,
                bias: false,
                eps: c.norm_eps,
            },
            placement: Placement::Pre,
            parallel: false,
            attention: AttentionDesign {
                head_dim,
                scale: c.options.query_scalar.map(|scalar| scalar.sqrt().recip()),
                softcap: c.options.attention_softcap,
                bias,
                output_bias: bias,
                qk_norm: None,
                windows: (0..c.n_layers).map(window_of).collect(),
                latent: c.options.latent,
            },
            mlp: MlpDesign {
                gated: true,
                activation: c.options.activation.unwrap_or(Activation::Silu),
                bias: c.options.mlp_bias.unwrap_or(false),
            },
            experts: None,
            final_norm: true,
            head: HeadDesign {
                discriminator: false,
                transform: None,
                transform_norm: false,
                bias: false,
                scale: None,
                softcap: c.options.logit_softcap,
            },
        }
    }

    /// The description that the families before Llama differ from: LayerNorm, biases everywhere,
    /// networks without a gate, learned positions.
    pub(crate) fn gpt2(c: &crate::config::ModelConfig) -> Self {
        let llama = Self::llama(c);
        Self {
            positions: Positions::Learned { offset: 0, skip_padding: false },
            norm: NormDesign { kind: NormKind::Layer, bias: true, ..llama.norm },
            attention: AttentionDesign { bias: true, output_bias: true, ..llama.attention },
            mlp: MlpDesign {
                gated: false,
                activation: c.options.activation.unwrap_or(Activation::GeluTanh),
                bias: true,
            },
            ..llama
        }
    }

    /// Whether block `index` has experts.
    pub(crate) fn experts_of(&self, index: usize) -> Option<&ExpertsDesign> {
        self.experts.as_ref().filter(|experts| index >= experts.config.dense_layers)
    }
}
