//! The processor is chosen when the program runs; what it computes is written once for all.

use clap::ValueEnum;
use pretrain_kernels::{Cpu, KernelBackend};
use serde::{Deserialize, Serialize};

/// Where tensors live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// This machine's processor.
    #[default]
    Cpu,
    /// The first CUDA device; needs a build with `--features cuda`.
    Cuda,
}

/// Work that runs on any backend.
pub trait OnDevice {
    /// What it gives.
    type Out;

    /// Does it on one backend.
    fn run<B: KernelBackend>(self, device: &B::Device) -> Self::Out;
}

impl Device {
    /// Refuses a device that this build or this machine lacks.
    ///
    /// # Errors
    /// `cuda` without the feature, or without a driver and a device that answer.
    pub fn check(self) -> anyhow::Result<()> {
        match self {
            Self::Cpu => Ok(()),
            Self::Cuda => check_cuda(),
        }
    }

    /// Runs the work there.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn run<W: OnDevice>(self, work: W) -> anyhow::Result<W::Out> {
        self.check()?;
        Ok(match self {
            Self::Cpu => work.run::<Cpu>(&Default::default()),
            #[cfg(feature = "cuda")]
            Self::Cuda => work.run::<pretrain_kernels::Cuda>(&Default::default()),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda => anyhow::bail!("unreachable: checked above"),
        })
    }
}

#[cfg(not(feature = "cuda"))]
fn check_cuda() -> anyhow::Result<()> {
    anyhow::bail!(
        "this build has no CUDA: build it with `cargo build --release --features cuda -p examples --examples`"
    )
}

/// The CUDA runtime panics where a driver or a device is missing; a user should see a sentence.
#[cfg(feature = "cuda")]
fn check_cuda() -> anyhow::Result<()> {
    use burn::tensor::Tensor;
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let answer = std::panic::catch_unwind(|| {
        let ones = Tensor::<pretrain_kernels::Cuda, 1>::ones([1], &Default::default());
        ones.into_data().to_vec::<f32>()
    });
    std::panic::set_hook(hook);
    match answer {
        Ok(Ok(values)) if values == [1.0] => Ok(()),
        Ok(other) => anyhow::bail!("the CUDA device computes nonsense: one is {other:?}"),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            anyhow::bail!(
                "no CUDA device answers on this machine ({})",
                text.unwrap_or("no driver")
            )
        }
    }
}
