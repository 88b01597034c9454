//! Log-likelihoods of many continuations, in batches.

use crate::error::{EvalError, Result};
use crate::request::{Request, Score};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};
use pretrain_model::{KernelBackend, ModelError, ModelInput, TokenRows, Transformer};
use std::cmp::Reverse;

/// Rows of `[vocab_size]` scores that exist at the same time.
const CHUNK: usize = 512;

/// A model, and how much of it to run at once.
#[derive(Debug, Clone, Copy)]
pub struct Scorer<'a, B: KernelBackend> {
    model: &'a Transformer<B>,
    batch_tokens: usize,
}

/// One row of a batch: which request, its tokens after truncation, and how many are scored.
struct Row {
    index: usize,
    tokens: Vec<u32>,
    scored: usize,
}

impl Row {
    fn n_inputs(&self) -> usize {
        self.tokens.len() - 1
    }
}

impl<'a, B: KernelBackend> Scorer<'a, B> {
    /// `batch_tokens`: tokens, padding included, that one forward pass takes; a single longer row
    /// is taken alone. It bounds the memory and does not change a score beyond rounding.
    pub fn new(model: &'a Transformer<B>, batch_tokens: usize) -> Self {
        Self { model, batch_tokens }
    }

    pub(crate) fn batch_tokens(&self) -> usize {
        self.batch_tokens
    }

    /// The model's longest sequence in tokens.
    pub fn max_length(&self) -> usize {
        self.model.config().max_seq_len()
    }

    /// Scores each request, in the order given. A context that is too long loses its beginning:
    /// the model reads the last `max_length` tokens of context and continuation before the last.
    ///
    /// Requests of similar length share a batch, padded on the right, where a causal model does not
    /// look; batches are formed from the lengths alone, so a repeated call gives the same bits.
    ///
    /// # Errors
    /// A request has no context or no continuation, a continuation is longer than the model's
    /// longest sequence, a token is outside the vocabulary, or the model is not causal.
    pub fn score(&self, requests: &[Request]) -> Result<Vec<Score>> {
        let config = self.model.config();
        if !config.is_causal() {
            let architecture = config.as_config().architecture;
            return Err(ModelError::NotGenerative { architecture }.into());
        }
        let mut rows =
            requests.iter().enumerate().map(|r| self.row(r)).collect::<Result<Vec<_>>>()?;
        rows.sort_by_key(|row| (Reverse(row.n_inputs()), row.index));
        let mut scores = vec![Score { log_likelihood: 0.0, is_greedy: true }; requests.len()];
        let mut rest = rows.as_slice();
        while let Some(longest) = rest.first() {
            let n_rows = (self.batch_tokens / longest.n_inputs()).clamp(1, rest.len());
            let (batch, tail) = rest.split_at(n_rows);
            self.score_batch(batch, &mut scores)?;
            rest = tail;
        }
        Ok(scores)
    }

    fn row(&self, (index, request): (usize, &Request)) -> Result<Row> {
        let (context, continuation) = (request.context.len(), request.continuation.len());
        if context == 0 || continuation == 0 {
            return Err(EvalError::EmptyRequest { index, context, continuation });
        }
        let max_length = self.max_length();
        if continuation > max_length {
            return Err(EvalError::TooLong { index, continuation, max_length });
        }
        let cut = request.n_inputs().saturating_sub(max_length);
        let tokens = [&request.context[cut..], &request.continuation].concat();
        Ok(Row { index, tokens, scored: continuation })
    }

    fn score_batch(&self, rows: &[Row], scores: &mut [Score]) -> Result<()> {
        let seq = rows[0].n_inputs();
        let mut input_ids = vec![0; rows.len() * seq];
        // Place in the flattened batch, token that follows it, and request.
        let mut places: Vec<(i64, i64, usize)> = Vec::new();
        for (row, (slots, of)) in input_ids.chunks_mut(seq).zip(rows).enumerate() {
            let n = of.n_inputs();
            slots[..n].copy_from_slice(&of.tokens[..n]);
            places.extend(
                (n - of.scored..n)
                    .map(|t| ((row * seq + t) as i64, i64::from(of.tokens[t + 1]), of.index)),
            );
        }
        // The last token of a row is not an input, yet it has to be in the vocabulary too.
        let vocab_size = self.model.config().vocab_size();
        if let Some((_, id, _)) = places.iter().find(|(_, id, _)| *id as usize >= vocab_size) {
            let error = ModelError::TokenId { id: *id as u32, index: 0, vocab_size };
            return Err(error.into());
        }
        let tokens = TokenRows::new(rows.len(), seq, &input_ids);
        let device = self.model.device();
        let input = ModelInput::new(&tokens, self.model.config(), &device)?;
        let hidden = self.model.forward_hidden(input);
        let [batch, seq, d_model] = hidden.dims();
        let hidden = hidden.reshape([batch * seq, d_model]);
        for chunk in places.chunks(CHUNK) {
            let ints = |pick: fn(&(i64, i64, usize)) -> i64| -> Tensor<B, 1, Int> {
                let values: Vec<i64> = chunk.iter().map(pick).collect();
                let data = TensorData::new(values, [chunk.len()]).convert::<B::IntElem>();
                Tensor::from_data(data, &device)
            };
            let picked = hidden.clone().select(0, ints(|place| place.0));
            let logits = self.model.logits(picked.unsqueeze::<3>());
            let logits: Tensor<B, 2> = logits.reshape([chunk.len(), vocab_size]);
            let targets: Tensor<B, 2, Int> = ints(|place| place.1).reshape([chunk.len(), 1]);
            let greedy = logits.clone().argmax(1).equal(targets.clone());
            let likelihoods = log_softmax(logits, 1).gather(1, targets);
            let likelihoods = likelihoods.into_data().convert::<f64>().into_vec::<f64>();
            let likelihoods = likelihoods.expect("the data was converted to f64");
            let greedy = greedy.into_data();
            let greedy = greedy.iter::<bool>();
            for ((place, likelihood), greedy) in chunk.iter().zip(likelihoods).zip(greedy) {
                let score = &mut scores[place.2];
                score.log_likelihood += likelihood;
                score.is_greedy &= greedy;
            }
        }
        Ok(())
    }
}
