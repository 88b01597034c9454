//! Memory of one training device, by kind.

use crate::{Architecture, ModelShape, PlanError, Result};
use serde::{Deserialize, Serialize};

/// A number format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 4 bytes.
    F32,
    /// 2 bytes.
    Bf16,
    /// 2 bytes.
    F16,
}

impl Precision {
    /// Bytes per number.
    pub fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::Bf16 | Self::F16 => 2,
        }
    }
}

/// What an optimizer keeps, in 4-byte numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Two moments per parameter.
    AdamW,
    /// One momentum per parameter (also Lion).
    Momentum,
    /// Nothing.
    Sgd,
}

impl OptimizerKind {
    fn bytes_per_parameter(self) -> u64 {
        match self {
            Self::AdamW => 8,
            Self::Momentum => 4,
            Self::Sgd => 0,
        }
    }
}

/// What is kept of the forward pass for the backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recomputation {
    /// Everything the backward pass reads.
    None,
    /// The input of each block; one block at a time is computed again.
    Block,
}

/// Settings of a memory estimate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryConfig {
    /// Format of weights and activations in forward and backward.
    pub compute: Precision,
    /// Format in which gradients are summed.
    pub gradients: Precision,
    /// Whether a 4-byte copy of the weights is kept beside 2-byte ones.
    pub masters: bool,
    /// The optimizer.
    pub optimizer: OptimizerKind,
    /// Sequences per forward pass.
    pub micro_batch_size: u64,
    /// What is kept for the backward pass.
    pub recomputation: Recomputation,
    /// Tokens whose logits exist at once; `None` for all of a micro-batch.
    pub logits_chunk: Option<u64>,
    /// Whether attention writes its `[seq, seq]` matrices to memory (fused attention does not).
    pub materialised_attention: bool,
}

/// Bytes by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Weights in the compute format.
    pub weights: u64,
    /// Gradients.
    pub gradients: u64,
    /// Optimizer states.
    pub optimizer: u64,
    /// 4-byte copies of the weights.
    pub masters: u64,
    /// What the forward pass leaves for the backward pass; an estimate.
    pub activations: u64,
    /// Logits and their gradient, 4 bytes each, of one chunk.
    pub logits: u64,
    /// The sum.
    pub total: u64,
}

impl Architecture {
    /// Memory of a device that holds the whole model.
    ///
    /// Weights, gradients, optimizer and masters are exact. Activations are an estimate: per token
    /// and block, the backward pass reads the inputs of both norms and both their outputs (4 d), the
    /// rotated queries, keys and values (q + 2 kv), the output of attention (q) with one 4-byte
    /// number per head for the softmax, and of the feed-forward network both projections and their
    /// product (3 f; 2 f without a gate). Fused operations keep no more; composed ones keep up to
    /// twice as much. Outside the blocks: the inputs and outputs of the last norm (2 d). (For GPT-2's
    /// block with dropout, Korthikanti et al. 2022, arXiv 2205.05198, count 34 d bytes plus the
    /// `[seq, seq]` matrices.) Buffers of an allocator and of communication are not counted.
    ///
    /// # Errors
    /// All faults at once: a micro-batch of no sequences, a chunk of no tokens, masters of weights
    /// that have 4 bytes already, a sum past 64 bits.
    pub fn memory(&self, config: &MemoryConfig) -> Result<Memory> {
        let mut faults = Vec::new();
        if config.micro_batch_size == 0 {
            faults.push("micro_batch_size: is 0".to_owned());
        }
        if config.logits_chunk == Some(0) {
            faults.push("logits_chunk: is 0".to_owned());
        }
        if config.masters && config.compute == Precision::F32 {
            faults.push("masters: the weights have 4 bytes already".to_owned());
        }
        if !faults.is_empty() {
            return Err(PlanError::Settings { faults });
        }

        let ModelShape { vocab_size, d_model, n_layers, n_heads, d_ff, seq_len, .. } =
            *self.shape();
        let parameters = u128::from(self.parameters().total());
        let wide = u128::from;
        let element = wide(config.compute.bytes());
        let tokens = wide(config.micro_batch_size) * wide(seq_len);
        let (d, q, kv) = (wide(d_model), wide(self.q_width()), wide(self.kv_width()));
        let mlp = if self.shape().gated_mlp { 3 } else { 2 } * wide(d_ff);
        let scores =
            if config.materialised_attention { 2 * wide(n_heads) * wide(seq_len) } else { 0 };
        let block = (4 * d + 2 * q + 2 * kv + mlp + scores) * element + 4 * wide(n_heads);
        let blocks = match config.recomputation {
            Recomputation::None => wide(n_layers) * block,
            Recomputation::Block => wide(n_layers) * d * element + block,
        };
        let chunk = config.logits_chunk.map_or(tokens, |chunk| tokens.min(wide(chunk)));
        let kinds = [
            parameters * element,
            parameters * wide(config.gradients.bytes()),
            parameters * wide(config.optimizer.bytes_per_parameter()),
            if config.masters { parameters * 4 } else { 0 },
            tokens.checked_mul(blocks + 2 * d * element).unwrap_or(u128::MAX >> 1),
            chunk.checked_mul(8 * wide(vocab_size)).unwrap_or(u128::MAX >> 1),
        ];
        let total = kinds.iter().fold(0_u128, |sum, &bytes| sum.saturating_add(bytes));
        if u64::try_from(total).is_err() {
            let faults = vec![format!("micro_batch_size: {total} bytes pass 64 bits")];
            return Err(PlanError::Settings { faults });
        }
        // Each is at most the total.
        let [weights, gradients, optimizer, masters, activations, logits] =
            kinds.map(|bytes| bytes as u64);
        let total = total as u64;
        Ok(Memory { weights, gradients, optimizer, masters, activations, logits, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn architecture() -> Architecture {
        ModelShape {
            vocab_size: 1000,
            d_model: 64,
            n_layers: 3,
            n_heads: 4,
            n_kv_heads: 2,
            head_dim: 16,
            d_ff: 100,
            tie_embeddings: true,
            seq_len: 32,
            gated_mlp: true,
        }
        .resolve()
        .unwrap()
    }

    fn config() -> MemoryConfig {
        MemoryConfig {
            compute: Precision::Bf16,
            gradients: Precision::F32,
            masters: true,
            optimizer: OptimizerKind::AdamW,
            micro_batch_size: 2,
            recomputation: Recomputation::None,
            logits_chunk: None,
            materialised_attention: false,
        }
    }

    #[test]
    fn bytes_per_parameter_are_the_known_ones() {
        // Megatron's table: 18 bytes with 2-byte weights and 4-byte gradients, 16 in full precision.
        let n = architecture().parameters().total();
        let memory = architecture().memory(&config()).unwrap();
        let states = memory.weights + memory.gradients + memory.optimizer + memory.masters;
        assert_eq!(states, 18 * n);
        let full = MemoryConfig { compute: Precision::F32, masters: false, ..config() };
        let memory = architecture().memory(&full).unwrap();
        assert_eq!(memory.weights + memory.gradients + memory.optimizer, 16 * n);
        assert_eq!(memory.total, 16 * n + memory.activations + memory.logits);
    }

    #[test]
    fn activations_by_hand() {
        let tokens = 64;
        let block = (4 * 64 + 2 * 64 + 2 * 32 + 3 * 100) * 2 + 4 * 4;
        let memory = architecture().memory(&config()).unwrap();
        assert_eq!(memory.activations, tokens * (3 * block + 2 * 64 * 2));
        assert_eq!(memory.logits, tokens * 1000 * 8);
        let lean = MemoryConfig {
            recomputation: Recomputation::Block,
            logits_chunk: Some(16),
            ..config()
        };
        let memory = architecture().memory(&lean).unwrap();
        assert_eq!(memory.activations, tokens * (3 * 64 * 2 + block + 2 * 64 * 2));
        assert_eq!(memory.logits, 16 * 1000 * 8);
        let written = MemoryConfig { materialised_attention: true, ..config() };
        let more = architecture().memory(&written).unwrap();
        let plain = architecture().memory(&config()).unwrap();
        assert_eq!(more.activations - plain.activations, tokens * 3 * 2 * 4 * 32 * 2);
    }

    #[test]
    fn impossible_settings_are_all_named() {
        let bad = MemoryConfig {
            compute: Precision::F32,
            micro_batch_size: 0,
            logits_chunk: Some(0),
            ..config()
        };
        let Err(PlanError::Settings { faults }) = architecture().memory(&bad) else { panic!() };
        assert_eq!(faults.len(), 3, "{faults:?}");
        let huge = MemoryConfig { micro_batch_size: u64::MAX, ..config() };
        assert!(architecture().memory(&huge).is_err());
    }
}
