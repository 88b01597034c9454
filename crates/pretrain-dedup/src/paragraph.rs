//! The first occurrence of every paragraph (or line) in the collection stays, later ones go.
//!
//! A text is cut at every separator, from left to right without overlap, exactly as
//! `str::split` does. A paragraph is removed when an earlier one, in this document or in an earlier
//! one, has the same key: the 128-bit xxh3 hash of its normalised form. Paragraphs whose form is
//! shorter than [`ParagraphConfig::min_chars`] are always kept and never remembered.
//!
//! **Order matters.** Which copy is first depends on the order of the documents, so a collection has
//! to be pushed in one order; [`ParagraphConfig::split`] does the expensive part (cutting, normalising,
//! hashing) and may run on any number of threads, [`ParagraphDedup::push_split`] does the rest.
//!
//! **Idempotence.** Pushing the kept texts again into a fresh [`ParagraphDedup`] removes nothing.
//!
//! **Memory.** One table entry per distinct paragraph: 17 bytes over a load factor between 0.44 and
//! 0.88, so 20 to 39 bytes. Nothing is spilled to disk.

use crate::error::ConfigFault;
use crate::{DedupError, DocIndex, Normalise, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_128;

/// What stands between two paragraphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Separator {
    /// An empty line: two line feeds.
    BlankLine,
    /// One line feed.
    Line,
}

impl Separator {
    fn as_str(self) -> &'static str {
        match self {
            Self::BlankLine => "\n\n",
            Self::Line => "\n",
        }
    }
}

/// What a paragraph is and when two are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParagraphConfig {
    /// Where paragraphs end.
    pub separator: Separator,
    /// What is done to paragraphs before they are compared.
    pub normalise: Normalise,
    /// Code points that the normalised form must have for the paragraph to be compared at all. At
    /// least 1: an empty paragraph is nothing to remove.
    pub min_chars: usize,
}

impl ParagraphConfig {
    /// Checks the configuration.
    ///
    /// # Errors
    /// [`DedupError::Config`] with every fault.
    pub fn validate(&self) -> Result<()> {
        if self.min_chars > 0 {
            return Ok(());
        }
        let faults = vec![ConfigFault::new("min_chars", self.min_chars, "1 or more")];
        Err(DedupError::Config { what: "paragraph", faults })
    }

    /// Cuts `text` into paragraphs and makes their keys. Pure.
    pub fn split<'a>(&self, text: &'a str) -> SplitText<'a> {
        let separator = self.separator.as_str();
        let mut at = 0;
        let paragraphs = text.split(separator).map(|paragraph| {
            let range = at..at + paragraph.len();
            at = range.end + separator.len();
            Paragraph { range, key: self.key(paragraph) }
        });
        SplitText { text, paragraphs: paragraphs.collect() }
    }

    fn key(&self, paragraph: &str) -> Option<u128> {
        let form = self.normalise.apply(paragraph);
        let long_enough = form.chars().nth(self.min_chars.saturating_sub(1)).is_some();
        long_enough.then(|| xxh3_128(form.as_bytes()))
    }
}

/// A text cut into paragraphs, with their keys, made by [`ParagraphConfig::split`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitText<'a> {
    text: &'a str,
    paragraphs: Vec<Paragraph>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Paragraph {
    /// Bytes of the text, the separator not included.
    range: Range<usize>,
    /// `None`: too short to be compared.
    key: Option<u128>,
}

/// A document after its repeated paragraphs were taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten<'a> {
    /// The position of the document.
    pub document: DocIndex,
    /// The kept paragraphs, joined by the separator; borrowed when nothing was removed.
    pub text: Cow<'a, str>,
    /// Removed bytes of the original text, ascending and apart: each run of removed paragraphs with
    /// the separator after it (at the end of the text: before it). Cutting these ranges out of the
    /// original gives `text`.
    pub removed: Vec<Range<usize>>,
    /// Number of paragraphs in the original text.
    pub n_paragraphs: usize,
    /// Positions of the removed paragraphs among all of the text, as ascending ranges.
    pub removed_paragraphs: Vec<Range<usize>>,
}

/// Remembers every paragraph seen.
#[derive(Debug)]
pub struct ParagraphDedup {
    config: ParagraphConfig,
    seen: HashSet<u128, BuildHasherDefault<LowBits>>,
    n_documents: usize,
}

impl ParagraphDedup {
    /// An empty collection.
    ///
    /// # Errors
    /// As [`ParagraphConfig::validate`].
    pub fn new(config: ParagraphConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self { config, seen: HashSet::default(), n_documents: 0 })
    }

    /// Adds the next document and takes out its paragraphs that were seen before.
    ///
    /// # Errors
    /// [`DedupError::TooManyDocuments`].
    pub fn push<'a>(&mut self, text: &'a str) -> Result<Rewritten<'a>> {
        let split = self.config.split(text);
        self.push_split(&split)
    }

    /// As [`ParagraphDedup::push`], for a text that was split (under the same configuration) before.
    ///
    /// # Errors
    /// [`DedupError::TooManyDocuments`].
    pub fn push_split<'a>(&mut self, split: &SplitText<'a>) -> Result<Rewritten<'a>> {
        let document = DocIndex::after(self.n_documents)?;
        self.n_documents += 1;
        let SplitText { text, paragraphs } = split;

        let mut removed_paragraphs: Vec<Range<usize>> = Vec::new();
        for (i, paragraph) in paragraphs.iter().enumerate() {
            if paragraph.key.is_none_or(|key| self.seen.insert(key)) {
                continue;
            }
            match removed_paragraphs.last_mut() {
                Some(run) if run.end == i => run.end = i + 1,
                _ => removed_paragraphs.push(i..i + 1),
            }
        }
        let removed: Vec<Range<usize>> =
            removed_paragraphs.iter().map(|run| bytes_of_run(paragraphs, run)).collect();
        Ok(Rewritten {
            document,
            text: without(text, &removed),
            removed,
            n_paragraphs: paragraphs.len(),
            removed_paragraphs,
        })
    }

    /// Number of distinct paragraphs seen.
    pub fn n_distinct(&self) -> usize {
        self.seen.len()
    }
}

fn bytes_of_run(paragraphs: &[Paragraph], run: &Range<usize>) -> Range<usize> {
    match paragraphs.get(run.end) {
        Some(next) => paragraphs[run.start].range.start..next.range.start,
        None => {
            let start = run.start.checked_sub(1).map_or(0, |before| paragraphs[before].range.end);
            start..paragraphs[run.end - 1].range.end
        }
    }
}

fn without<'a>(text: &'a str, removed: &[Range<usize>]) -> Cow<'a, str> {
    if removed.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    for range in removed {
        kept.push_str(&text[at..range.start]);
        at = range.end;
    }
    kept.push_str(&text[at..]);
    Cow::Owned(kept)
}

/// The keys are hashes already: their low half places them in the table.
#[derive(Default)]
pub(crate) struct LowBits(u64);

impl Hasher for LowBits {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests;
