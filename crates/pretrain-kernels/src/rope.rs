//! Rotary position embedding (Su et al. 2021, arXiv:2104.09864), rotate-half layout.
//!
//! Feature `i` of the first half is paired with feature `i` of the second half; at position `p`
//! the pair turns by the angle `p * inv_freq[i]`. A rotation is orthogonal, so the backward pass
//! is the same rotation by the opposite angle and nothing of the input has to be kept.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::module::Module;
use burn::tensor::backend::Backend;
use burn::tensor::ops::{FloatTensor, IntTensor};
use burn::tensor::{Int, Tensor, TensorData};

use crate::KernelBackend;
use crate::primitive::{float, int, into_float};

pub mod composed;
mod flex;

/// Cosines and sines of every position, each `[max_seq, head_dim / 2]`, constant in training.
///
/// Angles are computed in f64 and rounded once. A Burn module without parameters, so that a model
/// can hold one as a field.
#[derive(Module, Debug)]
pub struct RopeTable<B: Backend> {
    /// `cos(p * inv_freq[i])`, `[max_seq, head_dim / 2]`.
    pub cos: Tensor<B, 2>,
    /// `sin(p * inv_freq[i])`, `[max_seq, head_dim / 2]`.
    pub sin: Tensor<B, 2>,
}

impl<B: Backend> RopeTable<B> {
    /// The plain table: `inv_freq[i] = theta^(-2i / head_dim)`.
    pub fn new(head_dim: usize, max_seq: usize, theta: f64, device: &B::Device) -> Self {
        let inv_freq: Vec<f64> =
            (0..head_dim / 2).map(|i| theta.powf(-((2 * i) as f64) / head_dim as f64)).collect();
        Self::from_inverse_frequencies(&inv_freq, max_seq, 1.0, device)
    }

    /// A table of given inverse frequencies (scaled variants such as Llama 3's or YaRN), cosines
    /// and sines multiplied by `magnitude` (YaRN's attention factor, otherwise 1).
    pub fn from_inverse_frequencies(
        inv_freq: &[f64],
        max_seq: usize,
        magnitude: f64,
        device: &B::Device,
    ) -> Self {
        let shape = [max_seq, inv_freq.len()];
        let table = |f: fn(f64) -> f64| {
            let values: Vec<f32> = (0..max_seq)
                .flat_map(|p| inv_freq.iter().map(move |w| (f(p as f64 * w) * magnitude) as f32))
                .collect();
            Tensor::from_data(TensorData::new(values, shape), device)
        };
        Self { cos: table(f64::cos), sin: table(f64::sin) }
    }

    /// Number of positions in the table.
    pub fn max_seq(&self) -> usize {
        self.cos.dims()[0]
    }
}

/// Rotates `x [batch, seq, heads, head_dim]` by its positions, `[batch, seq]`; without positions
/// row `t` of every sequence is at position `t`.
///
/// # Panics
///
/// When `head_dim` is not twice the width of the table, when `positions` has another shape than
/// `[batch, seq]`, or when a sequence without positions is longer than the table. A position
/// outside the table panics on the CPU and is undefined on a device.
pub fn rope<B: KernelBackend>(
    x: Tensor<B, 4>,
    table: &RopeTable<B>,
    positions: Option<Tensor<B, 2, Int>>,
) -> Tensor<B, 4> {
    let ([batch, seq, _, head_dim], [max_seq, half]) = (x.dims(), table.cos.dims());
    assert_eq!(head_dim, 2 * half, "rope: heads of {head_dim} features, table for {}", 2 * half);
    match &positions {
        Some(positions) => {
            assert_eq!(positions.dims(), [batch, seq], "rope: positions are not [batch, seq] of x")
        }
        None => assert!(seq <= max_seq, "rope: {seq} positions, table of {max_seq}"),
    }
    let (cos, sin) = (into_float(table.cos.clone()), into_float(table.sin.clone()));
    float(B::rope_forward(
        into_float(x),
        cos,
        sin,
        positions.map(Tensor::into_primitive),
        Turn::Forward,
    ))
}

/// Direction of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// By the angle of the position.
    Forward,
    /// By the opposite angle: the backward pass.
    Inverse,
}

/// Rotation by position. The default is the composed twin.
pub trait RopeKernel: Backend {
    /// `x [batch, seq, heads, head_dim]`, `cos` and `sin [max_seq, head_dim / 2]`, `positions
    /// [batch, seq]` to the shape of `x`.
    fn rope_forward(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        positions: Option<IntTensor<Self>>,
        turn: Turn,
    ) -> FloatTensor<Self> {
        let positions = positions.map(int);
        into_float(composed::rotate::<Self>(float(x), float(cos), float(sin), positions, turn))
    }
}

#[derive(Debug)]
struct RopeBackward;

impl<B: KernelBackend> Backward<B, 1> for RopeBackward {
    /// `cos`, `sin`, positions, direction of the forward pass.
    type State = (FloatTensor<B>, FloatTensor<B>, Option<IntTensor<B>>, Turn);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [node] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let (cos, sin, positions, turn) = ops.state;
        let back = match turn {
            Turn::Forward => Turn::Inverse,
            Turn::Inverse => Turn::Forward,
        };
        if let Some(node) = node {
            grads.register::<B>(node.id, B::rope_forward(grad, cos, sin, positions, back));
        }
    }
}

impl<B: KernelBackend, C: CheckpointStrategy> RopeKernel for Autodiff<B, C> {
    fn rope_forward(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        positions: Option<IntTensor<Self>>,
        turn: Turn,
    ) -> FloatTensor<Self> {
        let (cos, sin) = (cos.primitive, sin.primitive);
        match RopeBackward.prepare::<C>([x.node.clone()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let state = (cos.clone(), sin.clone(), positions.clone(), turn);
                prep.finish(state, B::rope_forward(x.primitive, cos, sin, positions, turn))
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::rope_forward(x.primitive, cos, sin, positions, turn))
            }
        }
    }
}
