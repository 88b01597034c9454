//! AdamW over named parameters: the moments and the step.
//!
//! The arithmetic of one parameter is a fused kernel (`pretrain_kernels::adamw_step`); here is who
//! gets which coefficients, and how the moments leave for a checkpoint and come back.

use crate::config::AdamWConfig;
use crate::error::{OptimError, Result, ShapeMismatch};
use crate::group::GroupSettings;
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData};
use pretrain_kernels::{AdamWCoefficients, KernelBackend, adamw_step};
use std::collections::BTreeMap;

/// The moments of one parameter on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// The parameter's name.
    pub name: String,
    /// The parameter's shape.
    pub shape: Vec<usize>,
    /// Mean of gradients, row-major.
    pub m: Vec<f32>,
    /// Mean of squared gradients, row-major.
    pub v: Vec<f32>,
}

/// All that [`AdamW`] remembers, on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamWState {
    /// Steps taken.
    pub step: u64,
    /// Moments, sorted by name.
    pub moments: Vec<Moments>,
}

/// The optimizer. All parameters count steps together: each has a gradient in each step, or none has.
///
/// Memory: two numbers per trained number, on the device.
#[derive(Debug, Clone)]
pub struct AdamW<B: Backend> {
    config: AdamWConfig,
    step: u64,
    slots: BTreeMap<String, Slot<B>>,
}

#[derive(Debug, Clone)]
struct Slot<B: Backend> {
    shape: Vec<usize>,
    settings: GroupSettings,
    /// Taken out while an update runs, so that it can write into the buffers.
    moments: Option<(Tensor<B, 1>, Tensor<B, 1>)>,
}

impl<B: KernelBackend> AdamW<B> {
    /// An optimizer that has taken no step, for parameters of these names and shapes.
    ///
    /// # Errors
    /// Settings outside their ranges, or a name given twice.
    pub fn new(
        config: AdamWConfig,
        parameters: &[(String, Vec<usize>)],
        device: &B::Device,
    ) -> Result<Self> {
        config.validate()?;
        let mut slots = BTreeMap::new();
        for (name, shape) in parameters {
            let zeros = || Tensor::zeros([shape.iter().product::<usize>()], device);
            let settings = config.settings(name, shape.len());
            let slot = Slot { shape: shape.clone(), settings, moments: Some((zeros(), zeros())) };
            if slots.insert(name.clone(), slot).is_some() {
                return Err(OptimError::Twice { name: name.clone() });
            }
        }
        Ok(Self { config, step: 0, slots })
    }

    /// An optimizer that goes on from `state`, which has to be of exactly these parameters.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`OptimError::State`] with everything that is missing, unexpected or
    /// misshapen; [`OptimError::Length`] when moments contradict their shape.
    pub fn restore(
        config: AdamWConfig,
        parameters: &[(String, Vec<usize>)],
        state: AdamWState,
        device: &B::Device,
    ) -> Result<Self> {
        let mut restored = Self::new(config, parameters, device)?;
        restored.step = state.step;
        let (mut unexpected, mut misshapen) = (Vec::new(), Vec::new());
        let mut found = BTreeMap::new();
        for moments in state.moments {
            moments.check()?;
            let Moments { name, shape, m, v } = moments;
            match restored.slots.get(&name) {
                None => unexpected.push(name),
                Some(slot) if slot.shape != shape => {
                    misshapen.push(ShapeMismatch {
                        name,
                        expected: slot.shape.clone(),
                        found: shape,
                    });
                }
                Some(_) => {
                    if found.insert(name.clone(), (m, v)).is_some() {
                        unexpected.push(name);
                    }
                }
            }
        }
        let absent = |name: &&String| {
            !found.contains_key(*name) && !misshapen.iter().any(|other| other.name == **name)
        };
        let missing: Vec<String> = restored.slots.keys().filter(absent).cloned().collect();
        if !(missing.is_empty() && unexpected.is_empty() && misshapen.is_empty()) {
            unexpected.sort();
            misshapen.sort_by(|a, b| a.name.cmp(&b.name));
            return Err(OptimError::State { missing, unexpected, misshapen });
        }
        for (slot, (m, v)) in restored.slots.values_mut().zip(found.into_values()) {
            slot.moments = Some((from_host(m, device), from_host(v, device)));
        }
        Ok(restored)
    }

    /// Steps taken.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The settings.
    pub fn config(&self) -> &AdamWConfig {
        &self.config
    }

    /// Copies the moments to the host. Waits for the device.
    pub fn state(&self) -> AdamWState {
        let host = |(name, slot): (&String, &Slot<B>)| {
            let (m, v) = slot.moments.as_ref().expect("moments are out only during an update");
            Moments {
                name: name.clone(),
                shape: slot.shape.clone(),
                m: to_host(m.clone()),
                v: to_host(v.clone()),
            }
        };
        AdamWState { step: self.step, moments: self.slots.iter().map(host).collect() }
    }

    /// Begins a step: counts it, and returns what updates the parameters one by one.
    ///
    /// `grad_scale` multiplies every gradient: averaging and clipping in one factor. It has to be
    /// finite, as have the gradients; the caller looks at their norm before.
    pub fn begin_step(&mut self, lr: f64, grad_scale: f64) -> AdamWStep<'_, B> {
        self.step += 1;
        AdamWStep { optimizer: self, lr, grad_scale }
    }
}

/// One step that is being taken.
#[derive(Debug)]
pub struct AdamWStep<'a, B: Backend> {
    optimizer: &'a mut AdamW<B>,
    lr: f64,
    grad_scale: f64,
}

impl<B: KernelBackend> AdamWStep<'_, B> {
    /// The parameter after its update; `parameter` and `gradient` are flattened.
    ///
    /// With the gradient `g` after scaling and the step `t` counted from 1:
    /// `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`,
    /// `p = p - lr wd p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)`.
    /// On the CPU this happens in place where the caller passes the only owner of the buffer.
    ///
    /// # Errors
    /// The optimizer has no parameter of this name, or one of another size. No moments change then.
    pub fn update(
        &mut self,
        name: &str,
        parameter: Tensor<B, 1>,
        gradient: Tensor<B, 1>,
    ) -> Result<Tensor<B, 1>> {
        let AdamW { config, step, slots } = &mut *self.optimizer;
        let Some(slot) = slots.get_mut(name) else {
            return Err(OptimError::Unknown { name: name.to_owned() });
        };
        let expected = slot.shape.iter().product();
        for (what, tensor) in [("parameter", &parameter), ("gradient", &gradient)] {
            let [found] = tensor.dims();
            if found != expected {
                let name = name.to_owned();
                return Err(OptimError::Length { what, name, expected, found });
            }
        }
        let coefficients = AdamWCoefficients {
            lr: self.lr * slot.settings.lr_scale,
            beta1: config.beta1,
            beta2: config.beta2,
            eps: config.eps,
            weight_decay: slot.settings.weight_decay,
            step: *step,
            grad_scale: self.grad_scale,
        };
        let (m, v) = slot.moments.take().expect("moments are out only during an update");
        let (parameter, m, v) = adamw_step(parameter, gradient, m, v, &coefficients);
        slot.moments = Some((m, v));
        Ok(parameter)
    }
}

impl Moments {
    fn check(&self) -> Result<()> {
        let expected = self.shape.iter().product();
        for (what, found) in [("first moment", self.m.len()), ("second moment", self.v.len())] {
            if found != expected {
                let name = self.name.clone();
                return Err(OptimError::Length { what, name, expected, found });
            }
        }
        Ok(())
    }
}

fn from_host<B: Backend>(numbers: Vec<f32>, device: &B::Device) -> Tensor<B, 1> {
    let size = numbers.len();
    Tensor::from_data(TensorData::new(numbers, [size]), device)
}

fn to_host<B: Backend>(tensor: Tensor<B, 1>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().into_vec().expect("the data was converted to f32")
}

#[cfg(test)]
mod tests;
