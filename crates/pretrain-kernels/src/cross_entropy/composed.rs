//! Linear and cross-entropy in plain Burn operations, chunk by chunk: the reference of every
//! fused version.

use burn::tensor::backend::Backend;
use burn::tensor::{Bool, IndexingUpdateOp, Int, Tensor};

use super::{CrossEntropyForward, CrossEntropyNeeds, CrossEntropyOptions};
use crate::primitive::into_float;

/// Loss of each token, `[tokens]`. Differentiable by Burn's own rules, which keep the logits.
pub fn losses<B: Backend>(
    hidden: Tensor<B, 2>,
    weight: Tensor<B, 2>,
    targets: Tensor<B, 1, Int>,
    options: &CrossEntropyOptions,
) -> Tensor<B, 1> {
    let chunks = chunks(&hidden, &targets, options)
        .map(|(hidden, targets)| Chunk::new(hidden, &weight, targets, options).losses(options))
        .collect();
    Tensor::cat(chunks, 0)
}

/// Loss of each token, `[tokens]`, from its logits. Differentiable by Burn's own rules.
pub fn losses_of_logits<B: Backend>(
    logits: Tensor<B, 2>,
    targets: Tensor<B, 1, Int>,
    options: &CrossEntropyOptions,
) -> Tensor<B, 1> {
    Chunk::of_logits(logits, targets, options).losses(options)
}

/// Summed loss and gradients, by the formulas of the module above.
pub(super) fn forward<B: Backend>(
    hidden: Tensor<B, 2>,
    weight: Tensor<B, 2>,
    targets: Tensor<B, 1, Int>,
    options: &CrossEntropyOptions,
    needs: CrossEntropyNeeds,
) -> CrossEntropyForward<B> {
    let (mut loss, mut d_hidden, mut d_weight) = (None, Vec::new(), None);
    for (hidden, targets) in chunks(&hidden, &targets, options) {
        let chunk = Chunk::new(hidden.clone(), &weight, targets, options);
        loss = Some(add(loss, chunk.losses(options).sum()));
        if needs.hidden || needs.weight {
            let d_logits = chunk.gradient(options);
            if needs.hidden {
                d_hidden.push(d_logits.clone().matmul(weight.clone()));
            }
            if needs.weight {
                d_weight = Some(add(d_weight, d_logits.transpose().matmul(hidden)));
            }
        }
    }
    let zero = || Tensor::zeros([1], (&hidden.device(), hidden.dtype()));
    CrossEntropyForward {
        loss: into_float(loss.unwrap_or_else(zero)),
        d_hidden: needs.hidden.then(|| {
            if d_hidden.is_empty() {
                into_float(hidden.zeros_like())
            } else {
                into_float(Tensor::cat(d_hidden, 0))
            }
        }),
        d_weight: needs.weight.then(|| into_float(d_weight.unwrap_or_else(|| weight.zeros_like()))),
    }
}

fn add<B: Backend, const D: usize>(sum: Option<Tensor<B, D>>, x: Tensor<B, D>) -> Tensor<B, D> {
    match sum {
        Some(sum) => sum + x,
        None => x,
    }
}

fn chunks<B: Backend>(
    hidden: &Tensor<B, 2>,
    targets: &Tensor<B, 1, Int>,
    options: &CrossEntropyOptions,
) -> impl Iterator<Item = (Tensor<B, 2>, Tensor<B, 1, Int>)> {
    let tokens = targets.dims()[0];
    let size = options.chunk.max(1);
    (0..tokens).step_by(size).map(move |start| {
        let len = size.min(tokens - start);
        (hidden.clone().narrow(0, start, len), targets.clone().narrow(0, start, len))
    })
}

/// Logits of one chunk and what is derived from them.
struct Chunk<B: Backend> {
    logits: Tensor<B, 2>,
    log_sum_exp: Tensor<B, 2>,
    /// Targets inside the vocabulary, `[tokens, 1]`; zero where the target is not.
    targets: Tensor<B, 2, Int>,
    ignored: Tensor<B, 1, Bool>,
    /// Kept, but outside the vocabulary.
    invalid: Tensor<B, 1, Bool>,
}

impl<B: Backend> Chunk<B> {
    fn new(
        hidden: Tensor<B, 2>,
        weight: &Tensor<B, 2>,
        targets: Tensor<B, 1, Int>,
        options: &CrossEntropyOptions,
    ) -> Self {
        Self::of_logits(hidden.matmul(weight.clone().transpose()), targets, options)
    }

    fn of_logits(
        logits: Tensor<B, 2>,
        targets: Tensor<B, 1, Int>,
        options: &CrossEntropyOptions,
    ) -> Self {
        let [tokens, vocab] = logits.dims();
        // Its derivative cancels, so none has to be computed.
        let max = logits.clone().max_dim(1).detach();
        let log_sum_exp = (logits.clone() - max.clone()).exp().sum_dim(1).log() + max;
        let ignored = targets.clone().equal_elem(options.ignore_index);
        let outside =
            targets.clone().lower_elem(0).bool_or(targets.clone().greater_equal_elem(vocab as i64));
        let invalid = outside.clone().bool_and(ignored.clone().bool_not());
        let targets = targets.mask_fill(outside, 0).reshape([tokens, 1]);
        Self { logits, log_sum_exp, targets, ignored, invalid }
    }

    fn losses(&self, options: &CrossEntropyOptions) -> Tensor<B, 1> {
        let [tokens, _] = self.logits.dims();
        let smoothing = options.label_smoothing;
        let target = self.logits.clone().gather(1, self.targets.clone());
        let mut loss = self.log_sum_exp.clone() - target * (1.0 - smoothing);
        if smoothing != 0.0 {
            loss = loss - self.logits.clone().mean_dim(1) * smoothing;
        }
        if options.z_loss != 0.0 {
            loss = loss + self.log_sum_exp.clone().powi_scalar(2) * options.z_loss;
        }
        loss.reshape([tokens])
            .mask_fill(self.invalid.clone(), f32::NAN)
            .mask_fill(self.ignored.clone(), 0.0)
    }

    /// `dloss/dlogits` of each token.
    fn gradient(&self, options: &CrossEntropyOptions) -> Tensor<B, 2> {
        let [tokens, vocab] = self.logits.dims();
        let smoothing = options.label_smoothing;
        let mut p = (self.logits.clone() - self.log_sum_exp.clone()).exp();
        if options.z_loss != 0.0 {
            p = p * (self.log_sum_exp.clone() * (2.0 * options.z_loss) + 1.0);
        }
        if smoothing != 0.0 {
            p = p - smoothing / vocab as f64;
        }
        let one = Tensor::full([tokens, 1], smoothing - 1.0, (&p.device(), p.dtype()));
        let rows =
            |mask: &Tensor<B, 1, Bool>| mask.clone().reshape([tokens, 1]).expand([tokens, vocab]);
        p.scatter(1, self.targets.clone(), one, IndexingUpdateOp::Add)
            .mask_fill(rows(&self.invalid), f32::NAN)
            .mask_fill(rows(&self.ignored), 0.0)
    }
}
