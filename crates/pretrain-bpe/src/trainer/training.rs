//! A training run that can be watched, stopped, written down and taken up again.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::learn::{Learner, Limits, Replay, WordsBuilder};
use super::vocab::GrowingVocab;
use crate::counts::CountSource;
use crate::error::{BpeError, Result};

/// Where training stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Tokens in the vocabulary so far.
    pub vocab_size: usize,
    /// Tokens wanted.
    pub target: usize,
    /// How often the pair of the last merge occurred.
    pub frequency: u64,
}

/// A vocabulary and its merges, as a trainer has learned them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrainedBpe {
    /// The tokens with their ids, in order of id. A character-level token is its text; a byte-level
    /// token has one character for each byte, as in `tokenizer.json`.
    pub vocab: Vec<(String, u32)>,
    /// The merges in order, as pairs of ids. The product is the token of both texts one after the
    /// other.
    pub merges: Vec<(u32, u32)>,
    /// The ids of tokens that no merge makes or uses: special tokens and, in a character-level
    /// vocabulary, byte tokens.
    pub idle: Vec<u32>,
}

/// A training run: [`Trainer::start`](crate::Trainer::start) and
/// [`CharTrainer::start`](crate::CharTrainer::start) make one.
pub struct Training<'c> {
    counts: &'c dyn CountSource,
    identity: Identity,
    counts_hash: Option<String>,
    pub(super) vocab: GrowingVocab,
    merges: Vec<(u32, u32)>,
    learner: Learner,
    target: usize,
    /// Merges of the tokenizer that is extended.
    n_base_merges: usize,
}

/// What has to be the same when training is taken up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The configuration without the size of the vocabulary, as JSON.
    pub(super) config: String,
    /// The fingerprint of the tokenizer that is extended, or nothing.
    pub(super) base: String,
}

/// What a training run needs to be taken up again: its configuration, a hash of the counts, and the
/// merges so far. Plain data for any serde format.
///
/// The vocabulary size is not part of it: the merges of a larger vocabulary begin with those of a
/// smaller one, so a run may be taken up with another size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    version: u32,
    config: String,
    base: String,
    counts: String,
    merges: Vec<(u32, u32)>,
    checksum: String,
}

const CHECKPOINT_VERSION: u32 = 1;

impl Checkpoint {
    /// Merges learned so far.
    pub fn n_merges(&self) -> usize {
        self.merges.len()
    }

    fn checksum(&self) -> String {
        let mut hasher = Sha256::new();
        for text in [&self.config, &self.base, &self.counts] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        for (left, right) in &self.merges {
            hasher.update(left.to_le_bytes());
            hasher.update(right.to_le_bytes());
        }
        hex(&hasher.finalize())
    }

    fn check(&self, identity: &Identity, counts: &str) -> Result<()> {
        let version = CHECKPOINT_VERSION.to_string();
        for (part, expected, found) in [
            ("version", version.as_str(), self.version.to_string().as_str()),
            ("content", &self.checksum, &self.checksum()),
            ("configuration", &identity.config, &self.config),
            ("base tokenizer", &identity.base, &self.base),
            ("counts", counts, &self.counts),
        ] {
            if expected != found {
                let (expected, found) = (expected.to_owned(), found.to_owned());
                return Err(BpeError::CheckpointMismatch { part, expected, found });
            }
        }
        Ok(())
    }
}

/// Takes the ids of an unbroken part of a pre-token.
pub(super) type IdSink<'a> = dyn FnMut(&mut Vec<u32>) + 'a;

/// What a training run starts from.
pub(super) struct Start<'c, 'f> {
    pub(super) counts: &'c dyn CountSource,
    pub(super) identity: Identity,
    pub(super) limits: Limits,
    pub(super) min_count: u64,
    /// With all tokens of the beginning.
    pub(super) vocab: GrowingVocab,
    /// Merges to be done before, of a tokenizer that is extended: left, right, product.
    pub(super) base_merges: Vec<(u32, u32, u32)>,
    /// Calls its second argument with the ids of each unbroken part of a pre-token.
    pub(super) units: &'f mut dyn FnMut(&[u8], &mut IdSink<'_>),
}

impl<'c> Training<'c> {
    pub(super) fn new(start: Start<'c, '_>, checkpoint: Option<&Checkpoint>) -> Result<Self> {
        let Start { counts, identity, limits, min_count, mut vocab, base_merges, units } = start;
        let mut counts_hash = None;
        let mut replay = Replay::default();
        let mut merges = Vec::new();
        for &(left, right, product) in &base_merges {
            replay.push(left, right, product);
            merges.push((left, right));
        }
        if let Some(checkpoint) = checkpoint {
            let hash = hash_of(counts)?;
            checkpoint.check(&identity, &hash)?;
            counts_hash = Some(hash);
            for &(left, right) in &checkpoint.merges {
                if vocab.len() >= limits.vocab_size {
                    break;
                }
                if left.max(right) as usize >= vocab.len() {
                    return Err(BpeError::CheckpointMismatch {
                        part: "merges",
                        expected: format!("ids below {}", vocab.len()),
                        found: format!("({left}, {right})"),
                    });
                }
                replay.push(left, right, vocab.add_product(left, right));
                merges.push((left, right));
            }
        }
        let mut words = WordsBuilder::new();
        counts.for_each(&mut |pre_token, count| {
            if count >= min_count {
                units(pre_token, &mut |ids| {
                    replay.merge(ids);
                    words.push(ids, count, &vocab);
                });
            }
        })?;
        Ok(Self {
            counts,
            identity,
            counts_hash,
            vocab,
            merges,
            learner: words.into_learner(limits)?,
            target: limits.vocab_size,
            n_base_merges: base_merges.len(),
        })
    }

    /// Learns merges until the vocabulary is full, no pair is left, or `observer`, called after each
    /// merge, says [`ControlFlow::Break`]; that is returned. After a break the run can be written down
    /// with [`checkpoint`](Self::checkpoint), and it can go on.
    pub fn run(
        &mut self,
        observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        while let Some(learned) = self.learner.step(&mut self.vocab) {
            self.merges.push(learned.pair);
            observer(Progress {
                vocab_size: self.vocab.len(),
                target: self.target,
                frequency: learned.frequency,
            })?;
        }
        ControlFlow::Continue(())
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Tokens so far.
    pub fn vocab_size(&self) -> usize {
        self.vocab.len()
    }

    /// Merges so far, those of an extended tokenizer included.
    pub fn merges(&self) -> &[(u32, u32)] {
        &self.merges
    }

    /// The vocabulary so far.
    pub fn vocabulary(&self) -> TrainedBpe {
        self.vocab.to_trained(&self.merges)
    }

    /// The state of the run. Hashes the counts when called for the first time: a pass over them.
    ///
    /// # Errors
    ///
    /// [`BpeError::Spill`] and [`BpeError::CorruptCounts`] when the counts are read from disk.
    pub fn checkpoint(&mut self) -> Result<Checkpoint> {
        let counts = match &self.counts_hash {
            Some(hash) => hash.clone(),
            None => self.counts_hash.insert(hash_of(self.counts)?).clone(),
        };
        let mut checkpoint = Checkpoint {
            version: CHECKPOINT_VERSION,
            config: self.identity.config.clone(),
            base: self.identity.base.clone(),
            counts,
            merges: self.merges[self.n_base_merges..].to_vec(),
            checksum: String::new(),
        };
        checkpoint.checksum = checkpoint.checksum();
        Ok(checkpoint)
    }
}

impl std::fmt::Debug for Training<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Training")
            .field("vocab_size", &self.vocab.len())
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// A hash of counts that does not depend on their order: the sum, modulo 2^256, of the SHA-256 of each
/// pre-token with its count.
fn hash_of(counts: &dyn CountSource) -> Result<String> {
    let mut sum = [0u64; 4];
    counts.for_each(&mut |pre_token, count| {
        let mut hasher = Sha256::new();
        hasher.update(count.to_le_bytes());
        hasher.update(pre_token);
        let mut carry = 0;
        for (limb, bytes) in sum.iter_mut().zip(hasher.finalize().chunks_exact(8)) {
            let bytes = u64::from_le_bytes(bytes.try_into().expect("chunks of 8 bytes"));
            let total = u128::from(*limb) + u128::from(bytes) + carry;
            (*limb, carry) = (total as u64, total >> 64);
        }
    })?;
    let bytes: Vec<u8> = sum.iter().flat_map(|limb| limb.to_le_bytes()).collect();
    Ok(hex(&bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
