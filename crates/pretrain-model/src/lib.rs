//! Transformers of every common family: shape, fresh weights, forward pass, loss, generation, files.
//!
//! What goes in is a [`ModelConfig`] (plain data, or a Hugging Face `config.json`) and weights
//! (fresh, or safetensors); what comes out is a [`Transformer`] on any Burn backend that has the
//! kernels of `pretrain-kernels`. It turns a [`ModelInput`] into hidden states, scores or a sum of
//! losses, continues texts with [`generate`], and writes itself as files that Hugging Face's libraries
//! open.
//!
//! ```
//! use pretrain_kernels::Flex;
//! use pretrain_model::{Transformer, ModelInput, GenerationConfig, ModelConfig, TokenRows, generate};
//!
//! // Plain data becomes a checked shape; a fresh model depends on it and on the seed alone.
//! let config = ModelConfig::tiny(256).resolve()?;
//! let model = Transformer::<Flex>::init(&config, 42, &Default::default());
//!
//! // Two rows of four tokens to the scores of the tokens that follow.
//! let ids = [72, 101, 108, 108, 111, 32, 119, 111];
//! let input = ModelInput::new(&TokenRows::new(2, 4, &ids), &config, &model.device())?;
//! let logits = model.logits(model.forward_hidden(input));
//! assert_eq!(logits.dims(), [2, 4, 256]);
//!
//! // A directory that Hugging Face's libraries open, and back.
//! let tmp = tempfile::tempdir().expect("a temporary directory");
//! model.export_dir(tmp.path())?;
//! let back = Transformer::<Flex>::import_dir(tmp.path(), &Default::default())?;
//! assert_eq!(back.weights_sha256(), model.weights_sha256());
//!
//! let tokens = generate(&back, &ids, &GenerationConfig::greedy(5))?;
//! assert_eq!(tokens.len(), 5);
//! # Ok::<(), pretrain_model::ModelError>(())
//! ```
//!
//! **In order of use.** [`ModelConfig::resolve`] reports every fault at once, asks the
//! [`Architecture`] for its [`Design`], the description of what is computed, and gives a
//! [`ResolvedConfig`], the only thing that the rest accepts. [`Transformer::init`] draws fresh weights,
//! [`Transformer::import_dir`] reads a directory. [`TokenRows`] are rows on the host;
//! [`ModelInput::new`] checks and moves them. [`Transformer::objective_sum`] is what a trainer
//! differentiates: the sum over kept targets, so that the caller divides by the number of targets of
//! the whole step, whatever the accumulation and padding; [`Transformer::loss_sum`] is the same
//! without the losses of routers. Documents packed into one row are kept apart by `segment_ids` and
//! `position_ids`, padding by `attention_mask`; `prefix_lengths` make a prefix LM of a causal model.
//!
//! **Families.** Decoders (Llama, Mistral, Qwen 2 and 3, Gemma 2 and 3, OLMo 2, GLM, nanochat, GPT-2,
//! GPT-NeoX, OPT, BLOOM), experts (Mixtral, Qwen 3, DeepSeek-V3), encoders (BERT, RoBERTa, ELECTRA),
//! encoder and decoder (T5, the original Transformer). All are made of the same [`Block`]s; a family is
//! one file that reads and writes `config.json`, states its [`Design`], and lists the names of its
//! tensors. `docs/models.md` says which test shows what of each.
//!
//! **Names.** In memory every parameter has our name (`blocks.0.mlp.up.weight`), whatever the family:
//! [`Transformer::visit_parameters`], [`Transformer::map_parameters`],
//! [`Transformer::take_gradients`], [`Transformer::update_parameters`], optimizers. Matrices are
//! `[out, in]`. A model directory has the family's names and arrangements ([`to_hf_tensors`],
//! [`from_hf_tensors`]); errors about a file name its tensors. A tied head is stored once, as the
//! embedding.
//!
//! **Determinism.** Fresh values are functions of seed, name and index ([`fresh_values`]), sampled
//! tokens of seed and index; both are computed without the platform's mathematical library. Files
//! have the same bytes for the same weights. The forward pass is as deterministic as the backend; in
//! models with experts a token's last bits may depend on the other tokens of the batch.
//!
//! **Memory.** A model holds 4 bytes per parameter and, with rotary positions, a table of
//! `8 * max_seq_len * head_dim / 2` bytes. Saving and loading hold up to two more copies of the weights
//! on the host, loading also the bytes of one file. A [`Session`] holds
//! `8 * n_layers * n_kv_heads * head_dim` bytes per token read. Windows, prefixes, soft-caps and biases
//! of scores hold `[batch, heads, seq, seq]` scores per block, plain causal and document masks do not.
//!
//! **Not here.** Optimizers, ranks, text and tokenizers; dropout, adapters, beam search, mixed
//! precision. Weights are 32-bit floats in memory and when written. Generation continues one text at a
//! time. What a `config.json` asks for and is not computed is refused by the name of its field.

#![forbid(unsafe_code)]

mod architectures;
mod blocks;
mod build;
mod config;
mod design;
mod directory;
mod draws;
mod error;
mod generation;
mod init;
mod input;
mod layout;
mod names;
mod parameters;
mod positions;
mod rope;
mod sampling;
mod transformer;
mod weights;

pub use architectures::Architecture;
pub use blocks::{
    Attention, Block, BlockContext, Embedding, Experts, FeedForward, Head, LatentAttention,
    LayerCache, Linear, Memory, Mlp, Norm, RelativeBias, Routing, SelfAttention, Stack,
};
pub use config::{
    Activation, ExpertsConfig, LatentConfig, ModelConfig, ModelOptions, RelativeConfig,
    ResolvedConfig, RopeConfig, RopeScaling, SpecialTokens,
};
pub use design::{
    AttentionDesign, Design, EmbeddingDesign, ExpertsDesign, HeadDesign, MlpDesign, NormDesign,
    NormKind, NormWeight, Placement, Positions, QkNorm, RotaryDesign, Scoring,
};
pub use directory::{CONFIG_NAME, GENERATION_CONFIG_NAME, from_hf_tensors, to_hf_tensors};
pub use error::{ConfigFault, ModelError, Result, ShapeMismatch};
pub use generation::{Session, generate, generate_from};
pub use init::fresh_values;
pub use input::{ModelInput, SourceInput, SourceRows, TokenRows};
pub use layout::parameter_shapes;
pub use parameters::{NamedGradient, NamedTensor, ParameterMapper, ParameterVisitor};
pub use positions::{alibi_slopes, relative_bucket, sinusoids};
/// The backends that a model runs on.
pub use pretrain_kernels::KernelBackend;
pub use rope::{RopeAngles, inverse_frequencies};
pub use sampling::{GenerationConfig, filtered_scores, most_likely, sample};
pub use transformer::{HiddenStates, StackStates, Transformer};
pub use weights::{INDEX_NAME, WEIGHTS_NAME, read_safetensors, read_weights, write_safetensors};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
