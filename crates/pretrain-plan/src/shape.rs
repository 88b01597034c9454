//! The shape of a decoder-only transformer and its parameters.

use crate::{PlanError, Result};
use serde::{Deserialize, Serialize};

/// The numbers that fix a Llama-like decoder: token embedding; blocks of RMSNorm, rotary attention
/// with grouped keys and values, RMSNorm and a feed-forward network; a last RMSNorm; a head. No
/// biases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelShape {
    /// Tokens in the vocabulary.
    pub vocab_size: u64,
    /// Width of the residual stream.
    pub d_model: u64,
    /// Blocks.
    pub n_layers: u64,
    /// Query heads.
    pub n_heads: u64,
    /// Key and value heads; divides the query heads.
    pub n_kv_heads: u64,
    /// Width of one head; even.
    pub head_dim: u64,
    /// Inner width of the feed-forward network.
    pub d_ff: u64,
    /// Whether the head is the token embedding, transposed.
    pub tie_embeddings: bool,
    /// Positions per training sequence.
    pub seq_len: u64,
    /// Whether the feed-forward network has a gate (SwiGLU: three matrices) or not (two).
    pub gated_mlp: bool,
}

impl ModelShape {
    /// Checks the numbers. The upper limits keep every later product inside 64 bits.
    ///
    /// # Errors
    /// All faults at once: a number that is 0 or beyond its limit, key heads that do not divide the
    /// query heads, an odd head.
    pub fn resolve(self) -> Result<Architecture> {
        let mut faults = Vec::new();
        for (name, value, limit) in [
            ("vocab_size", self.vocab_size, 1 << 31),
            ("d_model", self.d_model, 1 << 20),
            ("n_layers", self.n_layers, 1 << 12),
            ("n_heads", self.n_heads, 1 << 12),
            ("n_kv_heads", self.n_kv_heads, 1 << 12),
            ("head_dim", self.head_dim, 1 << 10),
            ("d_ff", self.d_ff, 1 << 22),
            ("seq_len", self.seq_len, 1 << 24),
        ] {
            if value == 0 || value > limit {
                faults.push(format!("{name}: {value} is not in 1..={limit}"));
            }
        }
        let Self { n_heads, n_kv_heads, head_dim, .. } = self;
        if n_kv_heads > 0 && !n_heads.is_multiple_of(n_kv_heads) {
            faults.push(format!("n_kv_heads: {n_kv_heads} does not divide {n_heads} heads"));
        }
        if !head_dim.is_multiple_of(2) {
            faults.push(format!("head_dim: {head_dim} is odd, rotary positions need pairs"));
        }
        if faults.is_empty() {
            Ok(Architecture { shape: self })
        } else {
            Err(PlanError::Shape { faults })
        }
    }
}

/// A shape that was checked; everything else is computed from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Architecture {
    shape: ModelShape,
}

/// Parameters by part; all layers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Token embedding, `[vocab_size, d_model]`.
    pub embedding: u64,
    /// Query, key, value and output matrices.
    pub attention: u64,
    /// Feed-forward matrices.
    pub mlp: u64,
    /// Two norms per block and the last.
    pub norms: u64,
    /// Head, `[vocab_size, d_model]`; 0 where it is the embedding.
    pub head: u64,
}

impl Parameters {
    /// All parameters.
    pub fn total(&self) -> u64 {
        self.embedding + self.attention + self.mlp + self.norms + self.head
    }

    /// All but the token embedding and the head: the N of Kaplan et al. 2020.
    pub fn non_embedding(&self) -> u64 {
        self.attention + self.mlp + self.norms
    }

    /// The matrices inside the blocks.
    pub(crate) fn matrices(&self) -> u64 {
        self.attention + self.mlp
    }
}

impl Architecture {
    /// The numbers.
    pub fn shape(&self) -> &ModelShape {
        &self.shape
    }

    /// Width of all query heads together; often, but not always, the width of the model.
    pub fn q_width(&self) -> u64 {
        self.shape.n_heads * self.shape.head_dim
    }

    /// Width of all key heads together.
    pub fn kv_width(&self) -> u64 {
        self.shape.n_kv_heads * self.shape.head_dim
    }

    /// The parameters by part.
    pub fn parameters(&self) -> Parameters {
        let ModelShape { vocab_size, d_model, n_layers, d_ff, .. } = self.shape;
        let embedding = vocab_size * d_model;
        let mlp_matrices = if self.shape.gated_mlp { 3 } else { 2 };
        Parameters {
            embedding,
            attention: n_layers * d_model * 2 * (self.q_width() + self.kv_width()),
            mlp: n_layers * mlp_matrices * d_model * d_ff,
            norms: (2 * n_layers + 1) * d_model,
            head: if self.shape.tie_embeddings { 0 } else { embedding },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn llama_3_8b() -> ModelShape {
        ModelShape {
            vocab_size: 128_256,
            d_model: 4096,
            n_layers: 32,
            n_heads: 32,
            n_kv_heads: 8,
            head_dim: 128,
            d_ff: 14_336,
            tie_embeddings: false,
            seq_len: 8192,
            gated_mlp: true,
        }
    }

    #[test]
    fn llama_3_8b_has_its_published_size() {
        // 8,030,261,248 in the model card's safetensors index.
        let parameters = llama_3_8b().resolve().unwrap().parameters();
        assert_eq!(parameters.total(), 8_030_261_248);
        assert_eq!(parameters.embedding, 525_336_576);
        assert_eq!(parameters.non_embedding() + 2 * parameters.embedding, 8_030_261_248);
        let tied = ModelShape { tie_embeddings: true, ..llama_3_8b() }.resolve().unwrap();
        assert_eq!(tied.parameters().total(), 8_030_261_248 - 525_336_576);
        let plain = ModelShape { gated_mlp: false, ..llama_3_8b() }.resolve().unwrap();
        assert_eq!(plain.parameters().mlp * 3, parameters.mlp * 2);
    }

    #[test]
    fn every_fault_is_named() {
        let shape = ModelShape {
            vocab_size: 0,
            n_heads: 6,
            n_kv_heads: 4,
            head_dim: 7,
            seq_len: u64::MAX,
            ..llama_3_8b()
        };
        let Err(PlanError::Shape { faults }) = shape.resolve() else { panic!() };
        let fields: Vec<_> = faults.iter().map(|f| f.split(':').next().unwrap()).collect();
        assert_eq!(fields, ["vocab_size", "seq_len", "n_kv_heads", "head_dim"]);
        let zero = ModelShape { n_kv_heads: 0, ..llama_3_8b() };
        assert!(zero.resolve().is_err());
    }

    #[test]
    fn the_largest_shape_fits_in_64_bits() {
        let largest = ModelShape {
            vocab_size: 1 << 31,
            d_model: 1 << 20,
            n_layers: 1 << 12,
            n_heads: 1 << 12,
            n_kv_heads: 1 << 12,
            head_dim: 1 << 10,
            d_ff: 1 << 22,
            tie_embeddings: false,
            seq_len: 1 << 24,
            gated_mlp: true,
        };
        let architecture = largest.resolve().unwrap();
        // A debug build panics on overflow; in release the values are compared with 128 bits.
        let total =
            2 * (1_u128 << 51) + (1_u128 << 12) * ((1 << 44) + 3 * (1 << 42)) + (8193 << 20);
        assert_eq!(u128::from(architecture.parameters().total()), total);
        assert!(u128::from(architecture.flops_per_token().training) > 6 * (total >> 1));
    }
}
