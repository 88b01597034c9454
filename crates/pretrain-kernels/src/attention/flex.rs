//! Attention on `Flex` storage, tile by tile: neither pass holds more than a tile of scores.
//!
//! Causal and document masks only; windows, prefixes, padding, soft-caps and biases take the
//! composed twin.

use burn_flex::{Flex, FlexTensor};

use super::{
    AttentionForward, AttentionGradients, AttentionKernel, AttentionSight, AttentionSpec, composed,
};
use crate::storage::{Floats, floats, ints};

mod backward;
mod forward;
mod tile;

/// Queries of one tile.
const Q_BLOCK: usize = 64;
/// Keys of one tile.
const KV_BLOCK: usize = 256;

impl AttentionKernel for Flex {
    fn attention_forward(
        q: FlexTensor,
        k: FlexTensor,
        v: FlexTensor,
        bias: Option<FlexTensor>,
        sight: AttentionSight<Flex>,
        spec: AttentionSpec,
    ) -> AttentionForward<Flex> {
        match Problem::new([&q, &k, &v], bias.as_ref(), &sight, spec) {
            Some(problem) => forward::forward(&problem),
            None => composed::forward_primitive(q, k, v, bias, sight, spec),
        }
    }

    fn attention_backward(
        q: FlexTensor,
        k: FlexTensor,
        v: FlexTensor,
        bias: Option<FlexTensor>,
        sight: AttentionSight<Flex>,
        forward: AttentionForward<Flex>,
        grad: FlexTensor,
        spec: AttentionSpec,
    ) -> AttentionGradients<Flex> {
        let saved = floats([&forward.output, &forward.log_sum_exp, &grad]);
        match (Problem::new([&q, &k, &v], bias.as_ref(), &sight, spec), saved) {
            (Some(problem), Some(saved)) => {
                let (q, k, v) = backward::backward(&problem, &saved);
                AttentionGradients { q, k, v, bias: None }
            }
            _ => composed::backward_primitive(q, k, v, bias, sight, forward, grad, spec),
        }
    }
}

/// The operands and their sizes.
struct Problem {
    q: Floats,
    k: Floats,
    v: Floats,
    segments: Option<Vec<i64>>,
    spec: AttentionSpec,
    batch: usize,
    q_len: usize,
    kv_len: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
}

impl Problem {
    /// `None` where the tiles do not know the element type or the mask.
    fn new(
        [q, k, v]: [&FlexTensor; 3],
        bias: Option<&FlexTensor>,
        sight: &AttentionSight<Flex>,
        spec: AttentionSpec,
    ) -> Option<Self> {
        let scores_are_plain = bias.is_none() && spec.softcap.is_none();
        let keys_are_plain =
            spec.window.is_none() && sight.prefix.is_none() && sight.keys.is_none();
        if !(scores_are_plain && keys_are_plain) {
            return None;
        }
        let [q, k, v] = floats([q, k, v])?;
        let segments = match &sight.segments {
            Some(segments) => Some(ints(segments)?),
            None => None,
        };
        let ([batch, q_len, heads, head_dim], [_, kv_len, kv_heads, _]) = (q.dims(), k.dims());
        Some(Self { q, k, v, segments, spec, batch, q_len, kv_len, heads, kv_heads, head_dim })
    }

    /// Query heads of one key/value head.
    fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// Number of the elements of one sequence of `q`.
    fn q_size(&self) -> usize {
        self.q_len * self.heads * self.head_dim
    }

    /// Number of the elements of one sequence of `k`.
    fn kv_size(&self) -> usize {
        self.kv_len * self.kv_heads * self.head_dim
    }
}
