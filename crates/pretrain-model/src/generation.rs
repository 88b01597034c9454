//! Continuing a text: one token after another, with the keys and values of earlier tokens kept.

use crate::blocks::{LayerCache, Memory};
use crate::draws::Draws;
use crate::error::{ModelError, Result};
use crate::input::{ModelInput, SourceInput, SourceRows, TokenRows, int_tensor};
use crate::parameters::to_f32;
use crate::sampling::{GenerationConfig, sample};
use crate::transformer::Transformer;
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
    model: &Transformer<B>,
    prompt: &[u32],
    config: &GenerationConfig,
) -> Result<Vec<u32>> {
    continue_text(Session::new(model)?, prompt, config)
}

/// As [`generate`] for a model with an encoder, which reads `source`; `prompt` is what the text
/// begins with (a start token).
///
/// # Errors
/// As [`generate`], for either text; or the model has no encoder.
pub fn generate_from<B: KernelBackend>(
    model: &Transformer<B>,
    source: &[u32],
    prompt: &[u32],
    config: &GenerationConfig,
) -> Result<Vec<u32>> {
    continue_text(Session::with_source(model, source)?, prompt, config)
}

fn continue_text<B: KernelBackend>(
    mut session: Session<'_, B>,
    prompt: &[u32],
    config: &GenerationConfig,
) -> Result<Vec<u32>> {
    config.check()?;
    let total = prompt.len().saturating_add(config.max_new_tokens);
    // The last new token is never fed back.
    let max_seq_len = session.model.config().max_seq_len();
    if total.saturating_sub(1) > max_seq_len {
        return Err(ModelError::Position { position: total - 2, max_seq_len });
    }
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

/// One text in the making: the model, what it has read so far, and what an encoder read.
#[derive(Debug, Clone)]
pub struct Session<'a, B: Backend> {
    model: &'a Transformer<B>,
    caches: Vec<LayerCache<B>>,
    source: Option<SourceInput<B>>,
    memory: Option<Memory<B>>,
    len: usize,
}

impl<'a, B: KernelBackend> Session<'a, B> {
    /// Nothing read yet.
    ///
    /// # Errors
    /// The model sees later tokens, gives no scores of tokens, or needs a source.
    pub fn new(model: &'a Transformer<B>) -> Result<Self> {
        let (config, design) = (model.config().as_config(), model.config().design());
        if design.bidirectional || design.head.discriminator {
            return Err(ModelError::NotGenerative { architecture: config.architecture });
        }
        if design.encoder_layers.is_some() {
            return Err(ModelError::InputField { field: "source", expected: "there" });
        }
        Ok(Self::empty(model))
    }

    /// An encoder has read `source`, nothing else was read yet.
    ///
    /// # Errors
    /// The model has no encoder, or the text is empty, too long, or has an id outside the vocabulary.
    pub fn with_source(model: &'a Transformer<B>, source: &[u32]) -> Result<Self> {
        let rows = SourceRows { seq: source.len(), input_ids: source, attention_mask: None };
        let rows = TokenRows { source: Some(rows), ..TokenRows::new(1, 1, &[0]) };
        let input = ModelInput::new(&rows, model.config(), &model.device())?;
        let memory = model.memory(&input);
        Ok(Self { memory, source: input.source, ..Self::empty(model) })
    }

    fn empty(model: &'a Transformer<B>) -> Self {
        let caches = vec![LayerCache::default(); model.config().n_layers()];
        Self { model, caches, source: None, memory: None, len: 0 }
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
        if let Some(index) =
            ids.iter().position(|id| *id as usize >= self.model.config().vocab_size())
        {
            let vocab_size = self.model.config().vocab_size();
            return Err(ModelError::TokenId { id: ids[index], index, vocab_size });
        }
        let tensor = |ids: &[u32]| int_tensor(ids, [1, ids.len()], &self.model.device());
        let input = ModelInput {
            position_ids: Some(tensor(&positions)),
            source: self.source.clone(),
            ..ModelInput::of_ids(tensor(ids))
        };
        let memory = self.memory.clone();
        let hidden = self.model.forward_cached(&input, self.len, memory, &mut self.caches);
        self.len = end;
        let last = hidden.narrow(1, ids.len() - 1, 1);
        Ok(to_f32(self.model.logits(last).into_data()))
    }
}
