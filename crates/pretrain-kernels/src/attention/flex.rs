//! Attention on `Flex` storage, tile by tile: neither pass holds more than a tile of scores.

use burn_flex::{Flex, FlexTensor};

use super::{AttentionForward, AttentionKernel, AttentionSpec, composed};
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
        segments: Option<FlexTensor>,
        spec: AttentionSpec,
    ) -> AttentionForward<Flex> {
        match Problem::new([&q, &k, &v], segments.as_ref(), spec) {
            Some(problem) => forward::forward(&problem),
            None => composed::forward_primitive(q, k, v, segments, spec),
        }
    }

    fn attention_backward(
        q: FlexTensor,
        k: FlexTensor,
        v: FlexTensor,
        segments: Option<FlexTensor>,
        forward: AttentionForward<Flex>,
        grad: FlexTensor,
        spec: AttentionSpec,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let saved = floats([&forward.output, &forward.log_sum_exp, &grad]);
        match (Problem::new([&q, &k, &v], segments.as_ref(), spec), saved) {
            (Some(problem), Some(saved)) => backward::backward(&problem, &saved),
            _ => composed::backward_primitive(q, k, v, segments, forward, grad, spec),
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
    fn new(
        [q, k, v]: [&FlexTensor; 3],
        segments: Option<&FlexTensor>,
        spec: AttentionSpec,
    ) -> Option<Self> {
        let [q, k, v] = floats([q, k, v])?;
        let segments = match segments {
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
