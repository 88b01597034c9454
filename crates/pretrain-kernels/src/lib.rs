//! Fused differentiable operations for language models on Burn backends.
//!
//! A decoder built from Burn's own operations is bound by memory: each small operation reads and
//! writes whole activations, attention stores its score matrix, the loss stores the logits of every
//! token, and differentiation keeps all of it. This crate has the handful of operations that such
//! a model consists of, each as **one** operation with a backward pass derived by hand.
//!
//! | function | from | to |
//! |---|---|---|
//! | [`embedding()`] | table `[vocab, d_model]`, ids `[batch, seq]` | `[batch, seq, d_model]` |
//! | [`rms_norm()`] | `[batch, seq, d_model]`, weight `[d_model]` | the same shape |
//! | [`linear()`] | `[batch, seq, in]`, weight `[out, in]` | `[batch, seq, out]` |
//! | [`rope()`] | `[batch, seq, heads, head_dim]`, [`RopeTable`] | the same shape |
//! | [`attention()`] | queries, keys and values, [`AttentionMask`] | the shape of the queries |
//! | [`swiglu()`] | gate and up, `[batch, seq, d_ff]` | the same shape |
//! | [`layer_norm`], [`Activation`], [`gated`], [`cross_entropy()`] | as above | composed of Burn's operations |
//! | [`linear_cross_entropy`] | hidden `[tokens, d_model]`, head `[vocab, d_model]`, targets | sum of losses `[1]` |
//! | [`token_losses`] | the same | loss of each token, no gradient |
//! | [`sum_of_squares`], [`scale_gradient`] | gradients | for clipping by the global norm |
//! | [`adamw_step`] | parameter, gradient, moments | parameter and moments, in place |
//!
//! ```
//! use burn::backend::Autodiff;
//! use burn::tensor::{Int, Tensor};
//! use pretrain_kernels::{Cpu, CrossEntropyOptions, embedding, linear_cross_entropy, rms_norm};
//!
//! type B = Autodiff<Cpu>;
//! let device = Default::default();
//! // A table that is embedding and head at once: predict the next of three tokens.
//! let table = Tensor::<B, 2>::from_floats([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0]], &device);
//! let table = table.require_grad();
//! let ids = Tensor::<B, 2, Int>::from_ints([[0, 1, 2]], &device);
//! let targets = Tensor::<B, 1, Int>::from_ints([1, 2, -100], &device); // -100: no loss here
//!
//! let hidden = rms_norm(embedding(table.clone(), ids), Tensor::ones([2], &device), 1e-5);
//! let options = CrossEntropyOptions::default();
//! let loss = linear_cross_entropy(hidden.reshape([3, 2]), table.clone(), targets, &options);
//!
//! let grads = loss.clone().backward();
//! assert_eq!(table.grad(&grads).map(|grad| grad.dims()), Some([3, 2]));
//! assert!((loss.into_scalar() - 2.4861).abs() < 1e-3);
//! ```
//!
//! # How an operation is made
//!
//! Each has a trait whose methods are its forward and backward pass on a backend's primitives
//! ([`LinearKernel`], [`AttentionKernel`], ...). The defaults are the **composed twin** in plain Burn
//! operations ([`composed`]), which works everywhere and is the reference in tests. `Flex`, the CPU
//! backend, overrides them for 32-bit floats; other types take the twin. `Autodiff` registers the
//! backward pass. [`KernelBackend`] is all of the traits together: code that is generic over it
//! runs on every backend. With the feature `cuda`, `Cuda` is one as well, by the twins.
//!
//! # Memory
//!
//! On the CPU attention holds one tile of scores per thread, so its memory is linear in the
//! length of a sequence. The loss holds the logits of one chunk of tokens
//! ([`CrossEntropyOptions::chunk`]) and computes its gradients in the forward pass, so nothing of the
//! size `tokens * vocab` lives until the backward pass. Buffers that tensors drop are kept and used
//! again, at most 1.25 times the largest use plus 16 MiB; [`release_buffers`] frees them. The
//! composed twins of attention and loss hold what Burn holds.
//!
//! # Determinism
//!
//! On the CPU the bits of every result are independent of the number of threads: reductions run over
//! blocks of fixed size in a fixed order, and matrix products are cut along their outer dimensions
//! only. They may differ between models of processors in matrix products, whose blocking follows
//! the caches, and between the composed twin and the fused version, which round in another order.
//! Parallel work runs in the rayon pool of the caller.
//!
//! # Bad values
//!
//! NaN and infinity are never hidden: they reach the result, and [`sum_of_squares`]. Masked or
//! ignored positions contribute exactly zero, also where everything is masked. Shapes that do not
//! fit together panic with both shapes in the message, as Burn's own operations do.
//!
//! # What is not here
//!
//! Fused CUDA kernels, fused 16-bit kernels on the CPU. [`layer_norm`], [`Activation`], gates other
//! than SiLU's, [`cross_entropy()`] of given logits, and attention with windows, prefixes, absent keys,
//! soft-caps or biases run as compositions of Burn's operations. Optimizers' state and schedules
//! (`pretrain-optim`), models (`pretrain-model`) and files are elsewhere.
//!
//! Unsafe code is confined to two private modules, `matmul` (pointers for the `gemm` crate) and
//! `buffer` (memory that outlives a tensor).
#![deny(unsafe_code)]

mod activation;
mod adamw;
mod attention;
mod backend;
mod buffer;
mod cross_entropy;
mod embedding;
mod grad_norm;
mod layer_norm;
mod linear;
mod matmul;
mod primitive;
mod rms_norm;
mod rope;
mod simd;
mod storage;
mod swiglu;

pub use activation::{Activation, gated};
pub use adamw::{AdamWCoefficients, AdamWKernel, adamw_step};
pub use attention::{
    AttentionForward, AttentionGradients, AttentionKernel, AttentionMask, AttentionSight,
    AttentionSpec, attention,
};
pub use backend::{Cpu, KernelBackend};
pub use buffer::release_buffers;
#[cfg(feature = "cuda")]
pub use burn_cuda::{Cuda, CudaDevice};
pub use burn_flex::{Flex, FlexDevice};
pub use cross_entropy::{
    CrossEntropyForward, CrossEntropyKernel, CrossEntropyNeeds, CrossEntropyOptions, cross_entropy,
    linear_cross_entropy, token_losses,
};
pub use embedding::{EmbeddingKernel, embedding};
pub use grad_norm::{GradNormKernel, scale_gradient, sum_of_squares};
pub use layer_norm::layer_norm;
pub use linear::{LinearKernel, linear};
pub use rms_norm::{RmsNormKernel, rms_norm};
pub use rope::{RopeKernel, RopeTable, Turn, rope};
pub use swiglu::{SwiGluKernel, swiglu};

/// The composed twins: each operation in plain Burn operations, on any backend.
pub mod composed {
    pub use crate::adamw::composed as adamw;
    pub use crate::attention::composed as attention;
    pub use crate::cross_entropy::composed as cross_entropy;
    pub use crate::embedding::composed as embedding;
    pub use crate::grad_norm::composed as grad_norm;
    pub use crate::linear::composed as linear;
    pub use crate::rms_norm::composed as rms_norm;
    pub use crate::rope::composed as rope;
    pub use crate::swiglu::composed as swiglu;
}
