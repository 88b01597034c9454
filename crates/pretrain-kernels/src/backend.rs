//! Which backends have every kernel.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::tensor::backend::Backend;
use burn_flex::Flex;

use crate::adamw::AdamWKernel;
use crate::attention::AttentionKernel;
use crate::cross_entropy::CrossEntropyKernel;
use crate::embedding::EmbeddingKernel;
use crate::grad_norm::GradNormKernel;
use crate::linear::LinearKernel;
use crate::rms_norm::RmsNormKernel;
use crate::rope::RopeKernel;
use crate::swiglu::SwiGluKernel;

/// A backend with every operation of this crate.
///
/// The operations are one trait each, whose defaults are the composed twins, so a backend without
/// kernels of its own needs empty implementations only.
pub trait KernelBackend:
    Backend
    + AdamWKernel
    + AttentionKernel
    + CrossEntropyKernel
    + EmbeddingKernel
    + GradNormKernel
    + LinearKernel
    + RmsNormKernel
    + RopeKernel
    + SwiGluKernel
{
}

/// The CPU backend.
pub type Cpu = Flex;

impl KernelBackend for Flex {}

impl<B: KernelBackend, C: CheckpointStrategy> KernelBackend for Autodiff<B, C> {}

#[cfg(feature = "cuda")]
mod cuda {
    //! CUDA runs the composed twins, which Burn fuses and tunes.

    use super::*;
    use burn_cuda::Cuda;

    impl AdamWKernel for Cuda {}
    impl AttentionKernel for Cuda {}
    impl CrossEntropyKernel for Cuda {}
    impl EmbeddingKernel for Cuda {}
    impl GradNormKernel for Cuda {}
    impl LinearKernel for Cuda {}
    impl RmsNormKernel for Cuda {}
    impl RopeKernel for Cuda {}
    impl SwiGluKernel for Cuda {}
    impl KernelBackend for Cuda {}
}
