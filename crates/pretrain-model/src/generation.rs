//! Continuing a text: one token after another, with the keys and values of earlier tokens kept.

use crate::blocks::LayerCache;
use crate::decoder::Decoder;
use crate::draws::Draws;
use crate::error::{ModelError, Result};
use crate::input::{DecoderInput, TokenRows};
use crate::parameters::to_f32;
use crate::sampling::{GenerationConfig, sample};
use burn::tensor::backend::Backend;
use pretrain_kernels::KernelBackend;

/// Continues `prompt` and returns the new tokens, without the stop token if one came.
///
/// The same model, prompt and settings give the same tokens. The cost of a token is one pass over
/// the weights plus a look at every earlier token.
///
/// # Errors
/// The prompt is empty or has an id outside the vocabulary; prompt and new tokens together are
/// longer than `max_seq_len`; a setting is outside its range; the model gives scores that are not
/// numbers.
pub fn generate<B: KernelBackend>(
    model: &Decoder<B>,
    prompt: &[u32],
    config: &GenerationConfig,
) -> Result<Vec<u32>> {
    config.check()?;
    let total = prompt.len().saturating_add(config.max_new_tokens);
    // The last new token is never fed back.
    let max_seq_len = model.config().max_seq_len();
    if total.saturating_sub(1) > max_seq_len {
        return Err(ModelError::Position { position: total - 2, max_seq_len });
    }
    let mut session = Session::new(model);
    let mut new_ids: Vec<u32> = Vec::new();
    let mut draws = Draws::new("generate", config.seed, "");
    let mut logits = session.feed(prompt)?;
    while new_ids.len() < config.max_new_tokens {
        draws.seek(new_ids.len() as u64);
        let token = sample(&logits, config, draws.uniform())?;
        if config.stop.contains(&token) {
            break;
        }
        new_ids.push(token);
        if new_ids.len() < config.max_new_tokens {
            logits = session.feed(&[token])?;
        }
    }
    Ok(new_ids)
}

/// One text in the making: the model and what it has read so far.
#[derive(Debug, Clone)]
pub struct Session<'a, B: Backend> {
    model: &'a Decoder<B>,
    caches: Vec<LayerCache<B>>,
    len: usize,
}

impl<'a, B: KernelBackend> Session<'a, B> {
    /// Nothing read yet.
    pub fn new(model: &'a Decoder<B>) -> Self {
        let caches = vec![LayerCache::default(); model.config().n_layers()];
        Self { model, caches, len: 0 }
    }

    /// Tokens read so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was read yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads tokens and returns the scores of the one that follows the last, `[vocab_size]`.
    ///
    /// # Errors
    /// `ids` is empty, an id is outside the vocabulary, or the text becomes longer than
    /// `max_seq_len`; nothing was read then.
    pub fn feed(&mut self, ids: &[u32]) -> Result<Vec<f32>> {
        if ids.is_empty() {
            return Err(ModelError::EmptyPrompt);
        }
        let max_seq_len = self.model.config().max_seq_len();
        let end = self.len.saturating_add(ids.len());
        if end > max_seq_len {
            return Err(ModelError::Position { position: end - 1, max_seq_len });
        }
        let positions: Vec<u32> = (self.len..end).map(|position| position as u32).collect();
        let rows = TokenRows {
            batch: 1,
            seq: ids.len(),
            input_ids: ids,
            position_ids: Some(&positions),
            segment_ids: None,
        };
        let input = DecoderInput::new(&rows, self.model.config(), &self.model.device())?;
        let hidden = self.model.forward_cached(input, &mut self.caches);
        self.len = end;
        let last = hidden.narrow(1, ids.len() - 1, 1);
        Ok(to_f32(self.model.logits(last).into_data()))
    }
}
