//! Floating-point operations per token.
//!
//! A multiplication and an addition are two operations. Only matrix products are counted: norms,
//! rotary positions, softmax and the loss are below a per cent of them in any model worth a plan.

use crate::{Architecture, ModelShape};
use serde::{Deserialize, Serialize};

/// Operations per token, averaged over a full sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlopsPerToken {
    /// Forward and backward by the usual convention, the one MFU is quoted with: `6 N + 12 L Q T`
    /// (Chowdhery et al. 2022, PaLM, arXiv 2204.02311, appendix B). N are the parameters that are
    /// multiplied: all but an untied token embedding. Q is the width of all query heads, T the
    /// sequence length; attention is counted in full although half of it is masked.
    pub training: u64,
    /// Forward only, exactly: two operations per weight of each matrix, norms left out.
    pub forward_matrices: u64,
    /// Forward only, exactly: scores and weighted values over the positions a causal mask leaves,
    /// `(T + 1) / 2` on average; rounded down.
    pub forward_attention: u64,
}

impl FlopsPerToken {
    /// Forward only, exactly.
    pub fn forward(&self) -> u64 {
        self.forward_matrices + self.forward_attention
    }
}

impl Architecture {
    /// Operations per token.
    pub fn flops_per_token(&self) -> FlopsPerToken {
        let ModelShape { n_layers, seq_len, vocab_size, d_model, tie_embeddings, .. } =
            *self.shape();
        let parameters = self.parameters();
        let multiplied = parameters.total() - if tie_embeddings { 0 } else { parameters.embedding };
        FlopsPerToken {
            training: 6 * multiplied + 12 * n_layers * self.q_width() * seq_len,
            forward_matrices: 2 * (parameters.matrices() + vocab_size * d_model),
            // Two products of 2 q_width operations per position that is seen.
            forward_attention: 2 * n_layers * self.q_width() * (seq_len + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Architecture, ModelShape};

    fn gpt_2_like() -> Architecture {
        ModelShape {
            vocab_size: 50_257,
            d_model: 768,
            n_layers: 12,
            n_heads: 12,
            n_kv_heads: 12,
            head_dim: 64,
            d_ff: 3072,
            tie_embeddings: true,
            seq_len: 1024,
            gated_mlp: false,
        }
        .resolve()
        .unwrap()
    }

    #[test]
    fn the_convention_gives_the_known_number() {
        // GPT-2 124M at 1024 positions is quoted with 0.860 GFLOP per token; ours lacks its
        // position embedding and biases.
        let training = gpt_2_like().flops_per_token().training;
        assert_eq!(training, 6 * gpt_2_like().parameters().total() + 113_246_208);
        assert!((training as f64 / 0.860e9 - 1.0).abs() < 0.01, "{training}");
    }

    #[test]
    fn the_exact_count_is_the_sum_over_products() {
        // Each product of [m, k] with [k, n] is 2 m k n operations; T rows at once.
        let architecture = gpt_2_like();
        let (t, d, f, v) = (1024_u64, 768, 3072, 50_257);
        let mut sum = 0;
        for _layer in 0..12 {
            sum += 4 * 2 * t * d * d + 2 * 2 * t * d * f;
            for seen in 1..=t {
                sum += 2 * (2 * d * seen);
            }
        }
        sum += 2 * t * d * v;
        assert_eq!(architecture.flops_per_token().forward() * t, sum);
    }

    #[test]
    fn an_untied_embedding_is_looked_up_not_multiplied() {
        let shape = ModelShape { tie_embeddings: false, ..gpt_2_like().shape().clone() };
        let untied = shape.resolve().unwrap();
        assert_eq!(untied.flops_per_token(), gpt_2_like().flops_per_token());
        assert!(untied.parameters().total() > gpt_2_like().parameters().total());
    }
}
