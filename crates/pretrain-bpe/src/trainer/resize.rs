//! Smaller vocabularies out of a trained one, and larger ones on top of it.

use super::training::{Start, Training};
use super::vocab::GrowingVocab;
use super::{Trainer, bytes_to_ids};
use crate::byte_bpe::MergeRule;
use crate::byte_level;
use crate::counts::{CountSource, check_split};
use crate::error::{BpeError, Result};
use crate::model::Model;
use crate::token::{AddedToken, TokenId};
use crate::tokenizer::Tokenizer;
use crate::trainer::Checkpoint;

const NOT_BYTE_LEVEL: &str = "it is not byte-level, or not cut by one pattern";

impl Tokenizer {
    /// The tokenizer of `vocab_size` tokens that the same training run would have given: its merges are
    /// the first of this one's. As there, bytes and special tokens are kept even when they are more.
    ///
    /// So one run for the largest vocabulary gives all smaller ones. (The exception is
    /// [`limit_alphabet`](crate::TrainerConfig::limit_alphabet) and the like, which do not depend on the
    /// size.)
    ///
    /// # Errors
    ///
    /// [`BpeError::NotResizable`] for a tokenizer whose tokens do not come in the order of its merges,
    /// or have control tokens behind them: not one of a [`Trainer`].
    pub fn truncated(&self, vocab_size: usize) -> Result<Self> {
        let refuse = |reason| Err(BpeError::NotResizable { reason });
        if !matches!(self.model(), Model::ByteBpe(_)) {
            return refuse(NOT_BYTE_LEVEL);
        }
        let MergeRule::Pairs { merges, ignore_merges } = self.rule() else {
            return refuse("a rank file has no list of merges");
        };
        let vocabulary = self.vocabulary();
        let products = merges.iter().map(|&(left, right)| {
            let bytes = [left, right].map(|id| vocabulary.bytes(id).unwrap_or_default()).concat();
            vocabulary.id(&bytes)
        });
        let Some(products) = products.collect::<Option<Vec<u32>>>() else {
            return refuse("a merge makes no token");
        };
        let added = self.added_tokens();
        let n_ids = vocabulary.n_ids().max(added.last().map_or(0, |token| token.id.0 as usize + 1));
        // Tokens that no merge makes, and special ones.
        let mut is_base = vec![true; n_ids];
        products.iter().for_each(|&id| is_base[id as usize] = false);
        added.iter().for_each(|token| is_base[token.id.0 as usize] = true);
        let n_base = is_base.iter().position(|is_base| !is_base).unwrap_or(n_ids);
        if is_base[n_base..].contains(&true) {
            return refuse("a special token or byte has an id behind that of a merge");
        }
        let (mut len, mut n_merges) = (n_base, 0);
        for &product in &products {
            if len >= vocab_size {
                break;
            }
            n_merges += 1;
            if product as usize > len {
                return refuse("the ids are not in the order of the merges");
            }
            len += usize::from(product as usize == len);
        }
        // A special token is kept, the learned one that took over its id perhaps not.
        let mut is_lost = vec![false; n_ids];
        products[n_merges..].iter().for_each(|&id| is_lost[id as usize] = true);
        products[..n_merges].iter().for_each(|&id| is_lost[id as usize] = false);
        let is_kept = |id: usize| id < len && !is_lost[id];
        let tokens = vocabulary.iter().filter(|(id, _)| is_kept(*id as usize));
        let tokens = tokens.map(|(id, bytes)| (id, bytes.to_vec())).collect();
        let merges = merges[..n_merges].to_vec();
        let rule = MergeRule::Pairs { merges, ignore_merges: *ignore_merges };
        self.with_bytes(tokens, added.to_vec(), rule)
    }
}

/// Learning on top of a tokenizer, as for a domain that it was not trained for.
impl Trainer {
    /// Prepares a run that adds to `base` until it has the configured number of tokens: its merges are
    /// done on the counts, then more are learned. All its tokens keep their ids, control tokens
    /// included; special tokens of the configuration that it lacks get the first new ids. The alphabet
    /// is that of `base`: bytes without token are left out.
    ///
    /// Text is encoded with the first merge that is possible, so the tokens of a text change only where
    /// a new merge finds its pair.
    ///
    /// # Errors
    ///
    /// [`BpeError::PatternMismatch`] unless `base`, the configuration and the counts have one pattern;
    /// [`BpeError::NotResizable`] when `base` is not byte-level or not cut by one pattern; else as [`train`](Self::train).
    pub fn extend<'c, C: CountSource>(
        &self,
        base: &Tokenizer,
        counts: &'c C,
    ) -> Result<Training<'c>> {
        self.extend_from(base, counts, None)
    }

    /// Takes up such a run from its checkpoint.
    ///
    /// # Errors
    ///
    /// As [`extend`](Self::extend) and [`resume`](Self::resume).
    pub fn resume_extension<'c, C: CountSource>(
        &self,
        base: &Tokenizer,
        counts: &'c C,
        checkpoint: &Checkpoint,
    ) -> Result<Training<'c>> {
        self.extend_from(base, counts, Some(checkpoint))
    }

    fn extend_from<'c>(
        &self,
        base: &Tokenizer,
        counts: &'c dyn CountSource,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Training<'c>> {
        let Some(pattern) = base.pattern() else {
            return Err(BpeError::NotResizable { reason: NOT_BYTE_LEVEL });
        };
        check_split(&self.split(), &pattern.clone().into())?;
        check_split(&self.split(), counts.split())?;
        let mut vocab = vocab_of(base);
        for content in &self.config.special_tokens {
            if base.added_tokens().iter().all(|token| token.content != *content) {
                vocab.push_added(content.clone());
            }
        }
        let vocabulary = base.vocabulary();
        let prefers_whole = !matches!(base.rule(), MergeRule::Pairs { ignore_merges: false, .. });
        let base_merges = base.merge_list();
        let base_merges = base_merges.iter().map(|merge| (merge.left, merge.right, merge.product));
        let base_merges = base_merges.collect();
        let mut to_ids = bytes_to_ids(vocabulary.byte_ids());
        let start = Start {
            counts,
            identity: self.identity(base.fingerprint().to_owned()),
            limits: self.limits(),
            min_count: self.config.min_count,
            vocab,
            base_merges,
            units: &mut |pre_token, sink| {
                // Where a pre-token that is a token is not merged, there is nothing to learn.
                if !prefers_whole || vocabulary.id(pre_token).is_none() {
                    to_ids(pre_token, sink);
                }
            },
        };
        Training::new(start, checkpoint)
    }

    /// The tokenizer of a run that extends `base`, finished or not. It has the rule of `base`: a rank
    /// file stays one.
    ///
    /// # Errors
    ///
    /// [`BpeError::ForeignTraining`] when the run is not one of this trainer, or does not extend `base`.
    pub fn extended(&self, base: &Tokenizer, training: &Training<'_>) -> Result<Tokenizer> {
        self.check_own(training, base.fingerprint())?;
        let mut tokens: Vec<(u32, Vec<u8>)> = Vec::new();
        tokens.extend(base.vocabulary().iter().map(|(id, bytes)| (id, bytes.to_vec())));
        let mut added = base.added_tokens().to_vec();
        let n_old = n_ids(base);
        for (name, id) in training.vocabulary().vocab {
            if (id as usize) < n_old {
                continue;
            }
            match byte_level::from_text(&name).filter(|_| !training.vocab.is_idle(id)) {
                Some(bytes) => tokens.push((id, bytes)),
                None => added.push(AddedToken::special(TokenId(id), name)),
            }
        }
        let rule = match base.rule() {
            MergeRule::Ranks => MergeRule::Ranks,
            MergeRule::Pairs { ignore_merges, .. } => MergeRule::Pairs {
                merges: training.merges().to_vec(),
                ignore_merges: *ignore_merges,
            },
        };
        base.with_bytes(tokens, added, rule)
    }
}

/// The highest id of a tokenizer + 1.
fn n_ids(tokenizer: &Tokenizer) -> usize {
    let added = tokenizer.added_tokens().last().map_or(0, |token| token.id.0 as usize + 1);
    tokenizer.vocabulary().n_ids().max(added)
}

fn vocab_of(tokenizer: &Tokenizer) -> GrowingVocab {
    let mut vocab = GrowingVocab::default();
    let mut added = tokenizer.added_tokens().iter().peekable();
    for id in 0..n_ids(tokenizer) as u32 {
        let added = added.next_if(|token| token.id.0 == id);
        match (tokenizer.vocabulary().bytes(id), added) {
            (Some(bytes), _) => vocab.push_token(byte_level::to_text(bytes)),
            (None, Some(token)) => vocab.push_added(token.content.clone()),
            (None, None) => vocab.push_hole(),
        }
    }
    vocab
}
