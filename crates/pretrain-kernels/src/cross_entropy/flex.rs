//! Linear and cross-entropy on `Flex` storage.
//!
//! A chunk of kept tokens at a time: each thread takes an equal part of its tokens, computes their
//! logits, turns them into losses and gradients in place, and multiplies by the weight for the
//! gradient of the hidden states; then the whole chunk is added to the gradient of the weight.
//! Ignored tokens cost nothing.

use burn_flex::{Flex, FlexTensor};
use rayon::prelude::*;

use super::{
    CrossEntropyForward, CrossEntropyKernel, CrossEntropyNeeds, CrossEntropyOptions, composed,
};
use crate::buffer::Buffer;
use crate::grad_norm::scaled;
use crate::matmul::{Matrix, MatrixMut, Old, matmul, par_matmul, task_rows};
use crate::primitive::{float, int, into_float};
use crate::simd::{Kernel, dispatch, exp_in_place, max, scale_in_place};
use crate::storage::{Floats, floats, ints, tensor};

/// Tokens of one task at least: fewer spend their time packing the weight for the products.
const TASK_TOKENS: usize = 80;

impl CrossEntropyKernel for Flex {
    fn cross_entropy_losses(
        hidden: FlexTensor,
        weight: FlexTensor,
        targets: FlexTensor,
        options: CrossEntropyOptions,
    ) -> FlexTensor {
        let needs = CrossEntropyNeeds { hidden: false, weight: false };
        match Problem::new(&hidden, &weight, &targets, options) {
            Some(problem) => {
                let losses = problem.solve(needs).losses;
                let tokens = losses.len();
                tensor(losses, [tokens])
            }
            None => into_float(composed::losses::<Flex>(
                float(hidden),
                float(weight),
                int(targets),
                &options,
            )),
        }
    }

    fn cross_entropy_forward(
        hidden: FlexTensor,
        weight: FlexTensor,
        targets: FlexTensor,
        options: CrossEntropyOptions,
        needs: CrossEntropyNeeds,
    ) -> CrossEntropyForward<Flex> {
        let Some(problem) = Problem::new(&hidden, &weight, &targets, options) else {
            return composed::forward(float(hidden), float(weight), int(targets), &options, needs);
        };
        let solution = problem.solve(needs);
        let loss: f64 = solution.losses.iter().map(|&x| f64::from(x)).sum();
        CrossEntropyForward {
            loss: tensor(Buffer::copy_of(&[loss as f32]), [1]),
            d_hidden: solution.d_hidden.map(|x| tensor(x, problem.hidden.dims::<2>())),
            d_weight: solution.d_weight.map(|x| tensor(x, problem.weight.dims::<2>())),
        }
    }

    fn cross_entropy_backward(gradient: FlexTensor, upstream: FlexTensor) -> FlexTensor {
        match (Floats::new(&gradient), Floats::new(&upstream)) {
            (Some(_), Some(factor)) => scaled(gradient, factor.as_slice()[0]),
            _ => {
                let factor = float::<Flex, 1>(upstream).reshape([1, 1]);
                into_float(float::<Flex, 2>(gradient) * factor)
            }
        }
    }
}

struct Problem {
    hidden: Floats,
    weight: Floats,
    targets: Vec<i64>,
    options: CrossEntropyOptions,
}

struct Solution {
    losses: Buffer,
    d_hidden: Option<Buffer>,
    d_weight: Option<Buffer>,
}

impl Problem {
    fn new(
        hidden: &FlexTensor,
        weight: &FlexTensor,
        targets: &FlexTensor,
        options: CrossEntropyOptions,
    ) -> Option<Self> {
        let [hidden, weight] = floats([hidden, weight])?;
        Some(Self { hidden, weight, targets: ints(targets)?, options })
    }

    fn solve(&self, needs: CrossEntropyNeeds) -> Solution {
        let ([tokens, d_model], [vocab, _]) = (self.hidden.dims(), self.weight.dims());
        let mut losses = Buffer::zeroed(tokens);
        let mut d_hidden = needs.hidden.then(|| Buffer::zeroed(tokens * d_model));
        let mut d_weight = needs.weight.then(|| Buffer::zeroed(vocab * d_model));
        let kept: Vec<usize> =
            (0..tokens).filter(|&t| self.targets[t] != self.options.ignore_index).collect();
        let size = self.options.chunk.clamp(1, kept.len().max(1));
        let mut logits = Buffer::stale(size * vocab);
        for kept in kept.chunks(size) {
            let mut chunk = Chunk::new(self, kept, &mut logits[..kept.len() * vocab]);
            chunk.solve(needs);
            chunk.scatter(&mut losses, d_hidden.as_deref_mut());
            if let Some(d_weight) = &mut d_weight {
                let d_logits = Matrix::new(chunk.logits, kept.len(), vocab);
                let hidden = Matrix::new(&chunk.hidden, kept.len(), d_model);
                par_matmul(d_weight, Old::AddTo, d_logits.t(), hidden);
            }
        }
        Solution { losses, d_hidden, d_weight }
    }
}

/// The kept tokens of one chunk.
struct Chunk<'a> {
    problem: &'a Problem,
    tokens: &'a [usize],
    hidden: Vec<f32>,
    logits: &'a mut [f32],
    losses: Vec<f32>,
    d_hidden: Buffer,
}

impl<'a> Chunk<'a> {
    fn new(problem: &'a Problem, tokens: &'a [usize], logits: &'a mut [f32]) -> Self {
        let [_, d_model] = problem.hidden.dims();
        let mut hidden = Vec::with_capacity(tokens.len() * d_model);
        for &t in tokens {
            hidden.extend_from_slice(&problem.hidden.as_slice()[t * d_model..(t + 1) * d_model]);
        }
        let losses = vec![f32::NAN; tokens.len()];
        Self { problem, tokens, hidden, logits, losses, d_hidden: Buffer::stale(0) }
    }

    /// Losses, gradients of the logits in their place, gradients of the hidden states.
    fn solve(&mut self, needs: CrossEntropyNeeds) {
        let [vocab, d_model] = self.problem.weight.dims();
        if vocab == 0 || d_model == 0 {
            return;
        }
        let options = self.problem.options;
        let gradient = needs.hidden || needs.weight;
        let weight = Matrix::new(self.problem.weight.as_slice(), vocab, d_model);
        if needs.hidden {
            self.d_hidden = Buffer::stale(self.hidden.len());
        }
        // Without the gradient of the hidden states the tasks get an empty part of it.
        let task = task_rows(self.tokens.len(), TASK_TOKENS, vocab.min(d_model));
        let width = if needs.hidden { task * d_model } else { 0 };
        let mut d_hidden = Parts { rest: &mut self.d_hidden, width };
        let d_hidden: Vec<&mut [f32]> = self.tokens.chunks(task).map(|_| d_hidden.take()).collect();
        self.logits
            .par_chunks_mut(task * vocab)
            .zip(self.hidden.par_chunks(task * d_model))
            .zip(self.tokens.par_chunks(task))
            .zip(self.losses.par_chunks_mut(task))
            .zip(d_hidden)
            .for_each(|((((logits, hidden), tokens), losses), d_hidden)| {
                let n = tokens.len();
                let hidden = Matrix::new(hidden, n, d_model);
                let dst = MatrixMut::new(logits, n, vocab);
                matmul(dst, Old::Overwrite, 1.0, hidden, weight.t());
                for ((row, &t), loss) in logits.chunks_exact_mut(vocab).zip(tokens).zip(losses) {
                    let target = self.problem.targets[t];
                    *loss = dispatch(Row { logits: row, target, options, gradient });
                }
                if !d_hidden.is_empty() {
                    let dst = MatrixMut::new(d_hidden, n, d_model);
                    matmul(dst, Old::Overwrite, 1.0, Matrix::new(logits, n, vocab), weight);
                }
            });
    }

    /// Puts losses and gradients where the tokens were.
    fn scatter(&self, losses: &mut [f32], d_hidden: Option<&mut [f32]>) {
        for (&t, &loss) in self.tokens.iter().zip(&self.losses) {
            losses[t] = loss;
        }
        let [_, d_model] = self.problem.hidden.dims();
        if let (Some(d_hidden), true) = (d_hidden, d_model > 0) {
            for (&t, row) in self.tokens.iter().zip(self.d_hidden.chunks_exact(d_model)) {
                d_hidden[t * d_model..(t + 1) * d_model].copy_from_slice(row);
            }
        }
    }
}

/// Consecutive parts of a slice, the last one shorter.
struct Parts<'a> {
    rest: &'a mut [f32],
    width: usize,
}

impl<'a> Parts<'a> {
    fn take(&mut self) -> &'a mut [f32] {
        let rest = std::mem::take(&mut self.rest);
        let (part, rest) = rest.split_at_mut(self.width.min(rest.len()));
        self.rest = rest;
        part
    }
}

/// One token: its loss, and its logits replaced by their gradient where one is wanted.
struct Row<'a> {
    logits: &'a mut [f32],
    target: i64,
    options: CrossEntropyOptions,
    gradient: bool,
}

impl Kernel for Row<'_> {
    type Output = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        let Self { logits, target, options, gradient } = self;
        let Some(target) = usize::try_from(target).ok().filter(|&t| t < logits.len()) else {
            logits.fill(f32::NAN);
            return f32::NAN;
        };
        let smoothing = options.label_smoothing;
        let mut loss = -(1.0 - smoothing) * f64::from(logits[target]);
        if smoothing != 0.0 {
            let sum: f64 = logits.iter().map(|&x| f64::from(x)).sum();
            loss -= smoothing * sum / logits.len() as f64;
        }
        let max = max(logits);
        let sum = exp_in_place(logits, max);
        let log_sum_exp = f64::from(max) + f64::from(sum).ln();
        loss += log_sum_exp + options.z_loss * log_sum_exp * log_sum_exp;
        if gradient {
            let factor = (1.0 + 2.0 * options.z_loss * log_sum_exp) / f64::from(sum);
            scale_in_place(logits, factor as f32);
            if smoothing != 0.0 {
                let share = (smoothing / logits.len() as f64) as f32;
                for x in logits.iter_mut() {
                    *x -= share;
                }
            }
            logits[target] -= (1.0 - smoothing) as f32;
        }
        loss as f32
    }
}
