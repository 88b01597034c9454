//! From documents to sequences of one length: which tokens go where, and what is lost.

mod best_fit;
mod bitmap;

pub use best_fit::{Bins, best_fit_decreasing, best_fit_decreasing_plain};

use crate::{PackError, Result, Sample, TokenDataset};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// How documents become sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packing {
    /// All documents are laid end to end and cut every `seq_len` tokens. No padding but in the last
    /// sequence; documents are cut wherever a boundary falls.
    Concat,
    /// Documents are kept whole: best-fit decreasing (Ding et al. 2024, arXiv 2404.10830). Only a
    /// document longer than a sequence is cut, into pieces of `seq_len` from its start. No token is
    /// dropped; what does not fill a sequence is padding.
    BestFit,
}

/// What happens to the tokens of [`Packing::Concat`] after the last full sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tail {
    /// They are left out and counted in [`PackReport::dropped_tokens`].
    #[default]
    Drop,
    /// They make one more sequence, filled with padding: what an evaluation wants.
    Pad,
}

/// Settings of [`PackedDataset`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackConfig {
    /// Positions per sequence, 1 to 2^31 - 1; with [`Packing::BestFit`] at most 2^24.
    pub seq_len: usize,
    /// How documents become sequences.
    pub packing: Packing,
    /// The incomplete last sequence of [`Packing::Concat`]; without meaning for
    /// [`Packing::BestFit`].
    #[serde(default)]
    pub tail: Tail,
}

impl PackConfig {
    /// Settings with the incomplete tail dropped.
    pub fn new(seq_len: usize, packing: Packing) -> Self {
        Self { seq_len, packing, tail: Tail::Drop }
    }

    /// The same settings with another tail.
    #[must_use]
    pub fn tail(mut self, tail: Tail) -> Self {
        self.tail = tail;
        self
    }

    fn validate(&self) -> Result<()> {
        let limit = match self.packing {
            Packing::Concat => i32::MAX as usize,
            Packing::BestFit => best_fit::MAX_CAPACITY as usize,
        };
        if self.seq_len == 0 || self.seq_len > limit {
            let faults = vec![format!("seq_len: {} is not in 1..={limit}", self.seq_len)];
            return Err(PackError::Config { faults });
        }
        Ok(())
    }
}

/// Where every token went: `tokens = kept_tokens + dropped_tokens` and
/// `samples * seq_len = kept_tokens + padding`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackReport {
    /// Documents, empty ones included.
    pub documents: u64,
    /// Documents without a token.
    pub empty_documents: u64,
    /// Documents with a sequence boundary between two of their tokens.
    pub cut_documents: u64,
    /// Tokens of the dataset.
    pub tokens: u64,
    /// Tokens that are in some sequence, each in exactly one.
    pub kept_tokens: u64,
    /// Tokens that are in none.
    pub dropped_tokens: u64,
    /// Positions without a token.
    pub padding: u64,
    /// Sequences.
    pub samples: u64,
    /// Positions with a label: all kept tokens but the last of each document.
    pub targets: u64,
}

impl PackReport {
    /// The share of positions that hold a token, 0 to 1.
    pub fn fill(&self) -> f64 {
        self.kept_tokens as f64 / (self.kept_tokens + self.padding) as f64
    }
}

/// A piece of one document inside one sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The document's number in the dataset.
    pub document: u64,
    /// The tokens, as positions in the dataset.
    pub tokens: Range<u64>,
    /// Whether the document goes on after the fragment.
    pub continues: bool,
}

/// A dataset cut into sequences of one length. Sequence `i` is a pure function of the shards, the
/// settings and `i`.
///
/// Memory: [`Packing::Concat`] keeps nothing; [`Packing::BestFit`] 8 bytes per piece and 8 per
/// sequence, about twice that while it packs.
#[derive(Debug)]
pub struct PackedDataset {
    tokens: TokenDataset,
    config: PackConfig,
    plan: Option<Plan>,
    report: PackReport,
}

/// The pieces of all sequences, sequence after sequence.
#[derive(Debug)]
struct Plan {
    /// First piece of each sequence, and one past the last.
    starts: Vec<u64>,
    pieces: Vec<Piece>,
}

/// `seq_len` tokens of a document from `chunk * seq_len` on, or what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    document: u32,
    chunk: u32,
}

impl PackedDataset {
    /// Lays out the sequences. O(1) for [`Packing::Concat`] but for counting, O(n log n) in the
    /// number of documents for [`Packing::BestFit`].
    ///
    /// # Errors
    /// The sequence length is out of its range, there is no full sequence (or, where sequences
    /// may be padded, no token), or best-fit is asked for more than 2^32 - 1 documents or pieces.
    pub fn new(tokens: TokenDataset, config: PackConfig) -> Result<Self> {
        config.validate()?;
        let seq_len = config.seq_len as u64;
        let available = tokens.n_tokens();
        let needed = if config.packing == Packing::Concat && config.tail == Tail::Drop {
            seq_len
        } else {
            1
        };
        if available < needed {
            return Err(PackError::TooFewTokens { available, needed });
        }
        let (plan, samples, kept) = match (config.packing, config.tail) {
            (Packing::Concat, Tail::Drop) => {
                let samples = available / seq_len;
                (None, samples, samples * seq_len)
            }
            (Packing::Concat, Tail::Pad) => (None, available.div_ceil(seq_len), available),
            (Packing::BestFit, _) => {
                let plan = Plan::best_fit(&tokens, config.seq_len)?;
                let samples = plan.starts.len() as u64 - 1;
                (Some(plan), samples, available)
            }
        };
        let mut report = PackReport {
            documents: tokens.n_documents(),
            empty_documents: 0,
            cut_documents: 0,
            tokens: available,
            kept_tokens: kept,
            dropped_tokens: available - kept,
            padding: samples * seq_len - kept,
            samples,
            targets: kept,
        };
        for document in tokens.documents() {
            let Range { start, end } = document.tokens;
            let cut = match config.packing {
                Packing::Concat => start / seq_len != end.saturating_sub(1) / seq_len,
                Packing::BestFit => end - start > seq_len,
            };
            if start == end {
                report.empty_documents += 1;
            } else {
                report.cut_documents += u64::from(cut);
                report.targets -= u64::from(end <= kept);
            }
        }
        Ok(Self { tokens, config, plan, report })
    }

    /// The token dataset underneath.
    pub fn tokens(&self) -> &TokenDataset {
        &self.tokens
    }

    /// The settings.
    pub fn config(&self) -> &PackConfig {
        &self.config
    }

    /// What was kept, dropped and padded.
    pub fn report(&self) -> &PackReport {
        &self.report
    }

    /// Positions per sequence.
    pub fn seq_len(&self) -> usize {
        self.config.seq_len
    }

    /// Sequences; at least one.
    pub fn n_samples(&self) -> u64 {
        self.report.samples
    }

    /// A number that names content and settings, wherever the files lie: two datasets with the same
    /// number give the same sequences.
    pub fn content(&self) -> u64 {
        let Self { config: PackConfig { seq_len, packing, tail }, .. } = self;
        // Numbers that are part of checkpoints: variants may be added, not renumbered.
        let packing = match (packing, tail) {
            (Packing::Concat, Tail::Drop) => 0_u64,
            (Packing::Concat, Tail::Pad) => 1,
            (Packing::BestFit, _) => 2,
        };
        let words = [self.tokens.content(), *seq_len as u64, packing];
        xxh3_64(&words.map(u64::to_le_bytes).concat())
    }

    /// Which pieces of which documents make up sequence `index`, in order.
    ///
    /// # Errors
    /// There is no such sequence.
    pub fn fragments(&self, index: u64) -> Result<Vec<Fragment>> {
        let len = self.n_samples();
        if index >= len {
            return Err(PackError::OutOfRange { what: "sample", index, len });
        }
        Ok(match &self.plan {
            None => self.concat_fragments(index),
            Some(plan) => plan.fragments(&self.tokens, self.config.seq_len, index),
        })
    }

    /// Sequence `index`.
    ///
    /// # Errors
    /// There is no such sequence, or its tokens cannot be read.
    pub fn sample(&self, index: u64) -> Result<Sample> {
        let fragments = self.fragments(index)?;
        let mut sample = Sample::with_capacity(self.config.seq_len);
        let mut ids = Vec::with_capacity(self.config.seq_len + 1);
        // Fragments that follow each other in the dataset are read at once, with the token after.
        for run in fragments.chunk_by(|a, b| a.tokens.end == b.tokens.start) {
            let (first, last) = (&run[0], &run[run.len() - 1]);
            let base = first.tokens.start;
            ids.clear();
            self.tokens.read(base..last.tokens.end + u64::from(last.continues), &mut ids)?;
            for fragment in run {
                let start = (fragment.tokens.start - base) as usize;
                let end = (fragment.tokens.end - base) as usize;
                sample.push_fragment(&ids[start..end], fragment.continues.then(|| ids[end]));
            }
        }
        sample.pad_to(self.config.seq_len);
        Ok(sample)
    }

    fn concat_fragments(&self, index: u64) -> Vec<Fragment> {
        let seq_len = self.config.seq_len as u64;
        let start = index * seq_len;
        let end = (start + seq_len).min(self.report.tokens);
        let mut fragments = Vec::new();
        let mut at = start;
        while at < end {
            let document = self.tokens.document_at(at).expect("at is below the number of tokens");
            let span = self.tokens.document(document).expect("document_at found it");
            let stop = span.tokens.end.min(end);
            let continues = stop < span.tokens.end;
            fragments.push(Fragment { document, tokens: at..stop, continues });
            at = stop;
        }
        fragments
    }
}

impl Plan {
    fn best_fit(tokens: &TokenDataset, seq_len: usize) -> Result<Self> {
        let seq_len = seq_len as u32;
        let mut pieces = Vec::new();
        let mut lengths = Vec::new();
        for (document, span) in tokens.documents().enumerate() {
            let n = span.tokens.end - span.tokens.start;
            for chunk in 0..n.div_ceil(u64::from(seq_len)) {
                let start = chunk * u64::from(seq_len);
                let fits = u32::try_from(document).ok().zip(u32::try_from(chunk).ok());
                let Some((document, chunk)) = fits.filter(|_| pieces.len() < u32::MAX as usize)
                else {
                    let fault = "packing: best-fit takes at most 2^32-1 documents and pieces";
                    return Err(PackError::Config { faults: vec![fault.into()] });
                };
                pieces.push(Piece { document, chunk });
                lengths.push((n - start).min(u64::from(seq_len)) as u32);
            }
        }
        let bins = best_fit_decreasing(&lengths, seq_len)?;
        let (starts, order) = bins.contents(&lengths);
        let pieces = order.into_iter().map(|item| pieces[item as usize]).collect();
        Ok(Self { starts, pieces })
    }

    fn fragments(&self, tokens: &TokenDataset, seq_len: usize, index: u64) -> Vec<Fragment> {
        let index = index as usize;
        let pieces = self.starts[index] as usize..self.starts[index + 1] as usize;
        let fragment = |piece: &Piece| {
            let document = u64::from(piece.document);
            let span = tokens.document(document).expect("the plan names documents that are there");
            let start = span.tokens.start + u64::from(piece.chunk) * seq_len as u64;
            let end = span.tokens.end.min(start + seq_len as u64);
            Fragment { document, tokens: start..end, continues: end < span.tokens.end }
        };
        self.pieces[pieces].iter().map(fragment).collect()
    }
}

#[cfg(test)]
mod tests;
