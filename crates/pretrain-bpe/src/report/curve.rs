//! What each vocabulary size up to the trained one would have given.

use serde::{Deserialize, Serialize};

use crate::error::{BpeError, Result};
use crate::merge_list::Merge;
use crate::report::{QualityCounts, ratio};
use crate::token::TokenId;
use crate::tokenizer::Tokenizer;

/// The number of tokens of the same texts at every vocabulary size that is a prefix of the trained one.
///
/// Training adds one token per merge, and merges only what earlier merges made, so the first `k` merges
/// are a vocabulary of their own. A token that is in the texts came about by the merges of its parts and
/// theirs in turn, each of which saved one token. So the counts of the tokens of the whole vocabulary
/// tell, in one pass from the last merge to the first, how many tokens each merge saves, and no text has
/// to be encoded again. The tests compare with tokenizers trained to the smaller sizes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VocabularyCurve {
    /// Bytes of the texts.
    pub bytes: u64,
    /// The vocabulary without merges: bytes and added tokens.
    pub min_size: u64,
    /// By number of merges, from none to all: the tokens of the texts. Never increases.
    pub tokens: Vec<u64>,
}

/// What a token costs a model.
///
/// A transformer of `body_parameters` outside its embeddings spends about `6 (body + size · d_model)`
/// floating-point operations per token of training: the output layer works on the whole vocabulary, the
/// input layer only looks up (Tao et al. 2024, <https://arxiv.org/abs/2407.13623>, equation 2). Texts of
/// a given length take `tokens(size)` of them. So the cost per byte is
/// `6 (body + size · d_model) · tokens per byte`: greater vocabularies have fewer, dearer tokens.
///
/// That is compute at equal text and nothing else. It knows neither memory nor what a model learns of rare
/// tokens ([`TokenUsage::frequency_at_95`](crate::TokenUsage::frequency_at_95) warns of those).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostModel {
    /// Width of the model: parameters per token of the vocabulary.
    pub d_model: u64,
    /// Parameters outside of the embeddings.
    pub body_parameters: u64,
    /// Only sizes that are multiples of this are considered (64 or 128 suit matrix units); 0 is 1.
    #[serde(default)]
    pub multiple_of: u64,
}

/// A vocabulary size and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VocabularyChoice {
    /// Rows of the embedding.
    pub size: u64,
    /// Compression of the texts at that size.
    pub bytes_per_token: f64,
    /// Parameters of one embedding matrix.
    pub embedding_parameters: u64,
    /// Training operations per byte of text.
    pub flops_per_byte: f64,
}

impl QualityCounts<'_> {
    /// The curve of the texts counted.
    ///
    /// # Errors
    ///
    /// [`BpeError::MergeOrder`] when a merge uses what no earlier merge makes, or makes what one has
    /// made; [`BpeError::NotMerges`] when a token in use is made by none: the tokenizer was not trained
    /// merge by merge.
    pub fn curve(&self) -> Result<VocabularyCurve> {
        let bytes = self.labels.values().map(|sums| sums.bytes).sum();
        VocabularyCurve::new(self.tokenizer, &self.tokens, bytes)
    }
}

impl VocabularyCurve {
    fn new(tokenizer: &Tokenizer, counts: &[u64], bytes: u64) -> Result<Self> {
        let merges = tokenizer.merge_list();
        check_order(tokenizer, &merges, counts)?;
        let mut counts = counts.to_vec();
        let mut n_tokens: u64 = counts.iter().sum();
        let mut tokens = vec![n_tokens];
        for &Merge { left, right, product } in merges.iter().rev() {
            let n = std::mem::take(&mut counts[product as usize]);
            counts[left as usize] += n;
            counts[right as usize] += n;
            n_tokens += n;
            tokens.push(n_tokens);
        }
        tokens.reverse();
        let ids = (0..tokenizer.vocab_size() as u32).map(TokenId);
        let n_all = ids.filter(|id| tokenizer.token_bytes(*id).is_some()).count();
        Ok(Self { bytes, min_size: n_all.saturating_sub(merges.len()) as u64, tokens })
    }

    /// The trained size.
    pub fn max_size(&self) -> u64 {
        self.min_size + self.tokens.len() as u64 - 1
    }

    /// The tokens of the texts at a size between [`min_size`](Self::min_size) and
    /// [`max_size`](Self::max_size).
    pub fn tokens_at(&self, size: u64) -> Option<u64> {
        let n_merges = usize::try_from(size.checked_sub(self.min_size)?).ok()?;
        self.tokens.get(n_merges).copied()
    }

    /// A size with its costs.
    pub fn at(&self, size: u64, model: &CostModel) -> Option<VocabularyChoice> {
        let tokens = self.tokens_at(size)?;
        let per_token = 6.0 * (model.body_parameters as f64 + size as f64 * model.d_model as f64);
        Some(VocabularyChoice {
            size,
            bytes_per_token: ratio(self.bytes, tokens),
            embedding_parameters: size.saturating_mul(model.d_model),
            flops_per_byte: per_token * ratio(tokens, self.bytes),
        })
    }

    /// The size with the least cost; the smallest of equals. `None` when no size is a multiple of what the
    /// model wants.
    pub fn best(&self, model: &CostModel) -> Option<VocabularyChoice> {
        let step = model.multiple_of.max(1);
        let sizes = (self.min_size..=self.max_size()).filter(|size| size % step == 0);
        let choices = sizes.filter_map(|size| self.at(size, model));
        choices.min_by(|a, b| a.flops_per_byte.total_cmp(&b.flops_per_byte))
    }
}

fn check_order(tokenizer: &Tokenizer, merges: &[Merge], counts: &[u64]) -> Result<()> {
    let is_byte =
        |id: u32| tokenizer.token_bytes(TokenId(id)).is_some_and(|bytes| bytes.len() == 1);
    let mut is_made: Vec<bool> = (0..counts.len() as u32).map(is_byte).collect();
    for (index, &Merge { left, right, product }) in merges.iter().enumerate() {
        let parts_are_made = is_made[left as usize] && is_made[right as usize];
        if !parts_are_made || std::mem::replace(&mut is_made[product as usize], true) {
            return Err(BpeError::MergeOrder { index });
        }
    }
    for (id, _) in counts.iter().enumerate().filter(|(id, count)| **count > 0 && !is_made[*id]) {
        let id = TokenId(id as u32);
        if super::vocabulary::is_ordinary(tokenizer, id) {
            let bytes = tokenizer.token_bytes(id).unwrap_or_default();
            return Err(BpeError::NotMerges { token: crate::vocabulary::printable(bytes) });
        }
    }
    Ok(())
}
