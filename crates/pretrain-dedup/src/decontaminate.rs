//! Documents that contain a piece of an evaluation set.
//!
//! Words are those of the simplified text (`pretrain_text::simplify`: lower case, numbers to 0, punctuation
//! to spaces, accents dropped) between single spaces, without a tokenizer. A document *matches* an
//! evaluation example if any run of `ngram` words of the example occurs in it. That is the overlap of Brown
//! et al., *Language Models are Few-Shot Learners* (2020), appendix C, with 13 words; 8 find more.
//!
//! [`Evaluations`] holds the n-grams of all examples; [`Evaluations::find`] is pure and may run on any number
//! of threads; [`ContaminationReport`] counts per example.
//!
//! **Short examples** have fewer words than an n-gram and cannot match; [`ShortExamples`] says whether they
//! are left out or matched as a whole.
//!
//! **Memory.** About 30 bytes per distinct n-gram of the evaluation sets. A document takes its simplified
//! copy. **Time.** One hash of `ngram` words per word of the document.
//!
//! **False matches.** N-grams are compared by 64-bit xxh64: with m n-grams a document of w words matches
//! falsely with probability `m * w / 2^64`, one in 10^9 for a million of them and ten thousand words.

use crate::error::ConfigFault;
use crate::{DedupError, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ops::Range;
use xxhash_rust::xxh64::xxh64;

use crate::paragraph::LowBits;

/// What becomes of evaluation examples with fewer words than an n-gram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShortExamples {
    /// They match nothing; the report names them.
    #[default]
    Skip,
    /// All their words together are their only n-gram. Very short ones match by accident.
    Whole,
}

/// When a document counts as contaminated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecontaminateConfig {
    /// Words per n-gram, 1 to 4096. 13 is GPT-3's, 8 is PaLM's.
    pub ngram: usize,
    /// What becomes of shorter examples.
    pub short_examples: ShortExamples,
    /// A match counts only if at least this share of the example's distinct n-grams is in the document;
    /// 0 is any.
    pub min_fraction: f64,
    /// Words that are cut on both sides of a matched run, where documents are cut.
    pub margin_words: usize,
}

impl Default for DecontaminateConfig {
    fn default() -> Self {
        Self { ngram: 13, short_examples: ShortExamples::Skip, min_fraction: 0.0, margin_words: 0 }
    }
}

impl DecontaminateConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`DedupError::Config`] with every fault.
    pub fn validate(&self) -> Result<()> {
        let mut faults = Vec::new();
        if !(1..=4096).contains(&self.ngram) {
            faults.push(ConfigFault::new("ngram", self.ngram, "1 to 4096"));
        }
        if !(0.0..=1.0).contains(&self.min_fraction) {
            faults.push(ConfigFault::new("min_fraction", self.min_fraction, "0 to 1"));
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(DedupError::Config { what: "decontaminate", faults })
    }
}

/// The n-grams of evaluation examples. An example is known by its number in the order of pushing.
#[derive(Debug)]
pub struct Evaluations {
    config: DecontaminateConfig,
    /// Where the examples of an n-gram are listed in `examples_of`.
    ngrams: HashMap<u128, Examples, BuildHasherDefault<LowBits>>,
    /// Distinct n-grams per example.
    sizes: Vec<u32>,
    /// Lengths of n-grams that occur, ascending: usually one.
    lengths: Vec<usize>,
}

/// The examples that hold an n-gram; most have one.
#[derive(Debug, Clone)]
enum Examples {
    One(u32),
    More(Vec<u32>),
}

impl Examples {
    fn add(&mut self, example: u32) {
        match self {
            Self::One(first) if *first == example => {}
            Self::One(first) => *self = Self::More(vec![*first, example]),
            Self::More(examples) if examples.last() == Some(&example) => {}
            Self::More(examples) => examples.push(example),
        }
    }

    fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(example) => std::slice::from_ref(example),
            Self::More(examples) => examples,
        }
    }
}

/// One example that a document matches.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Match {
    /// Number of the example.
    pub example: u32,
    /// Positions of the document at which one of its n-grams starts.
    pub n_positions: u64,
    /// The first of them, in words of the simplified text.
    pub first_word: usize,
    /// Distinct n-grams of the example that the document has.
    pub n_ngrams: u32,
    /// The same as a share of all distinct n-grams of the example.
    pub fraction: f64,
}

/// What a document has in common with the evaluation sets.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Contamination {
    /// The matched examples in ascending order; empty for a clean document.
    pub matches: Vec<Match>,
    /// The words of the simplified text covered by matched n-grams, as ascending ranges apart.
    pub words: Vec<Range<usize>>,
}

impl Evaluations {
    /// No examples.
    ///
    /// # Errors
    /// As [`DecontaminateConfig::validate`].
    pub fn new(config: DecontaminateConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self { config, ngrams: HashMap::default(), sizes: Vec::new(), lengths: Vec::new() })
    }

    /// Adds an example; answers with its number.
    ///
    /// # Errors
    /// [`DedupError::TooManyDocuments`].
    pub fn push(&mut self, text: &str) -> Result<u32> {
        let example = crate::DocIndex::after(self.sizes.len())?.0;
        let simplified = pretrain_text::simplify(text);
        let words = Words::new(&simplified);
        let length = match self.config.short_examples {
            ShortExamples::Whole => self.config.ngram.min(words.len()),
            ShortExamples::Skip => self.config.ngram,
        };
        let mut hashes: Vec<u64> = words.ngrams(length).collect();
        hashes.sort_unstable();
        hashes.dedup();
        if let Err(at) = self.lengths.binary_search(&length)
            && !hashes.is_empty()
        {
            self.lengths.insert(at, length);
        }
        self.sizes.push(hashes.len() as u32);
        for hash in hashes {
            let entry = self.ngrams.entry(key(hash, length));
            entry.and_modify(|examples| examples.add(example)).or_insert(Examples::One(example));
        }
        Ok(example)
    }

    /// The settings.
    pub fn config(&self) -> &DecontaminateConfig {
        &self.config
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// Number of distinct n-grams of all examples.
    pub fn n_ngrams(&self) -> usize {
        self.ngrams.len()
    }

    /// Whether the example has n-grams; one that has none matches nothing.
    pub fn can_match(&self, example: u32) -> bool {
        self.sizes.get(example as usize).is_some_and(|&size| size > 0)
    }

    /// What a document has in common with the examples. Pure.
    pub fn find(&self, text: &str) -> Contamination {
        let simplified = pretrain_text::simplify(text);
        let words = Words::new(&simplified);
        // Example, position, n-gram's hash, its length.
        let mut hits: Vec<(u32, usize, u64, usize)> = Vec::new();
        for &length in &self.lengths {
            for (at, hash) in words.ngrams(length).enumerate() {
                if let Some(examples) = self.ngrams.get(&key(hash, length)) {
                    hits.extend(examples.as_slice().iter().map(|&e| (e, at, hash, length)));
                }
            }
        }
        hits.sort_unstable();
        let mut found = Contamination::default();
        let mut covered: Vec<Range<usize>> = Vec::new();
        for of_example in hits.chunk_by(|a, b| a.0 == b.0) {
            let (example, first_word, _, _) = of_example[0];
            let mut distinct: Vec<u64> = of_example.iter().map(|hit| hit.2).collect();
            distinct.sort_unstable();
            distinct.dedup();
            let n_ngrams = distinct.len() as u32;
            let fraction = f64::from(n_ngrams) / f64::from(self.sizes[example as usize]);
            if fraction < self.config.min_fraction {
                continue;
            }
            let n_positions = of_example.len() as u64;
            found.matches.push(Match { example, n_positions, first_word, n_ngrams, fraction });
            covered.extend(of_example.iter().map(|&(_, at, _, length)| at..at + length));
        }
        found.words = union(covered);
        found
    }

    /// The bytes of `text` to cut so that nothing of `found` (which [`Evaluations::find`] gave for this
    /// text) is left: from the first to the last word of each matched run, with the margin of the
    /// settings. `None` if the words cannot be traced back to bytes, as where white space inside of
    /// a number joins two words; such a document has to be dropped.
    pub fn cuts(&self, text: &str, found: &Contamination) -> Option<Vec<Range<usize>>> {
        if found.words.is_empty() {
            return Some(Vec::new());
        }
        let simplified = pretrain_text::simplify(text);
        let mut expected = simplified.split(' ').filter(|word| !word.is_empty());
        // For every word of the simplified text, the bytes between white space that it came from.
        let mut places: Vec<Range<usize>> = Vec::new();
        let mut at = 0;
        for piece in text.split_inclusive(pretrain_text::is_space) {
            let start = at;
            at += piece.len();
            let raw = piece.trim_end_matches(pretrain_text::is_space);
            for word in pretrain_text::simplify(raw).split(' ').filter(|word| !word.is_empty()) {
                if expected.next() != Some(word) {
                    return None;
                }
                places.push(start..start + raw.len());
            }
        }
        if expected.next().is_some() {
            return None;
        }
        let margin = self.config.margin_words;
        let cut = found.words.iter().map(|words| {
            let first = words.start.saturating_sub(margin);
            let last = (words.end - 1).saturating_add(margin).min(places.len() - 1);
            places[first].start..places[last].end
        });
        Some(union(cut.collect()))
    }
}

/// Ranges in any order as ascending ranges that neither touch nor overlap.
fn union(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut united: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match united.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => united.push(range),
        }
    }
    united
}

/// N-grams of different lengths are different.
fn key(hash: u64, length: usize) -> u128 {
    u128::from(length as u64) << 64 | u128::from(hash)
}

/// A simplified text and where its words are.
struct Words<'a> {
    text: &'a str,
    spans: Vec<(usize, usize)>,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        let mut spans = Vec::new();
        let mut start = 0;
        for word in text.split(' ') {
            if !word.is_empty() {
                spans.push((start, start + word.len()));
            }
            start += word.len() + 1;
        }
        Self { text, spans }
    }

    fn len(&self) -> usize {
        self.spans.len()
    }

    /// xxh64 of every run of `length` words, joined by the single spaces between them.
    fn ngrams(&self, length: usize) -> impl Iterator<Item = u64> {
        let bytes = self.text.as_bytes();
        self.spans.windows(length.max(1)).filter(move |_| length > 0).map(|run| {
            let (start, end) = (run[0].0, run[run.len() - 1].1);
            xxh64(&bytes[start..end], 0)
        })
    }
}

/// Counts per evaluation example over a collection. Order of adding does not matter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ContaminationReport {
    /// Documents looked at.
    pub n_documents: u64,
    /// Documents that match at least one example.
    pub n_contaminated: u64,
    /// Per example, in order.
    pub examples: Vec<ExampleCount>,
}

/// How much of one example is in the collection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExampleCount {
    /// Documents that match it.
    pub n_documents: u64,
    /// Positions over all documents.
    pub n_positions: u64,
    /// The largest share of its n-grams that one document has.
    pub max_fraction: f64,
    /// Whether it has n-grams at all.
    pub can_match: bool,
}

impl ContaminationReport {
    /// Nothing looked at yet.
    pub fn new(evaluations: &Evaluations) -> Self {
        let examples = (0..evaluations.len() as u32).map(|example| ExampleCount {
            can_match: evaluations.can_match(example),
            ..ExampleCount::default()
        });
        Self { n_documents: 0, n_contaminated: 0, examples: examples.collect() }
    }

    /// Counts a document.
    pub fn add(&mut self, found: &Contamination) {
        self.n_documents += 1;
        self.n_contaminated += u64::from(!found.matches.is_empty());
        for matched in &found.matches {
            let count = &mut self.examples[matched.example as usize];
            count.n_documents += 1;
            count.n_positions += matched.n_positions;
            count.max_fraction = count.max_fraction.max(matched.fraction);
        }
    }

    /// Adds what another part of the collection gave.
    pub fn merge(&mut self, other: &Self) {
        self.n_documents += other.n_documents;
        self.n_contaminated += other.n_contaminated;
        for (count, other) in self.examples.iter_mut().zip(&other.examples) {
            count.n_documents += other.n_documents;
            count.n_positions += other.n_positions;
            count.max_fraction = count.max_fraction.max(other.max_fraction);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn evaluations(config: DecontaminateConfig, texts: &[&str]) -> Evaluations {
        let mut evaluations = Evaluations::new(config).unwrap();
        for text in texts {
            evaluations.push(text).unwrap();
        }
        evaluations
    }

    fn config(ngram: usize) -> DecontaminateConfig {
        DecontaminateConfig { ngram, ..DecontaminateConfig::default() }
    }

    #[test]
    fn cutting_takes_out_the_words_and_their_margin() {
        let text = "Intro, then: WHAT is\tthe café's 3.14 answer? and so on.";
        for (margin_words, left) in [(0, "Intro, then:  and so on."), (1, "Intro,  so on.")] {
            let config = DecontaminateConfig { margin_words, ..config(4) };
            let evaluations = evaluations(config, &["what is the cafe s 2 answer"]);
            let found = evaluations.find(text);
            assert_eq!(found.words.as_slice(), std::slice::from_ref(&(2..9)));
            assert_eq!((found.matches[0].n_positions, found.matches[0].fraction), (4, 1.0));
            let cuts = evaluations.cuts(text, &found).unwrap();
            let kept = crate::substring::without(text.as_bytes(), &cuts);
            assert_eq!(String::from_utf8(kept).unwrap(), left);
        }
    }

    #[test]
    fn short_examples_follow_the_policy_and_the_report_counts_each() {
        let whole = DecontaminateConfig { short_examples: ShortExamples::Whole, ..config(5) };
        let examples = ["a b", "c d e f g h", ""];
        for (config, n) in [(config(5), 1), (whole, 2)] {
            let evaluations = evaluations(config, &examples);
            let mut report = ContaminationReport::new(&evaluations);
            for text in ["x a b", "c d e f g", "nothing", "g f e d c b a b"] {
                report.add(&evaluations.find(text));
            }
            let documents: Vec<u64> = report.examples.iter().map(|e| e.n_documents).collect();
            assert_eq!(documents, [if n == 2 { 2 } else { 0 }, 1, 0]);
            assert_eq!(
                (report.n_documents, report.n_contaminated),
                (4, if n == 2 { 3 } else { 1 })
            );
            assert_eq!(report.examples[1].max_fraction, 0.5);
            assert!(!report.examples[2].can_match && report.examples[0].can_match == (n == 2));
            let mut twice = report.clone();
            twice.merge(&report);
            assert_eq!(twice.n_contaminated, 2 * report.n_contaminated);
        }
        let faulty = DecontaminateConfig { min_fraction: 1.5, ..config(0) };
        assert!(
            matches!(Evaluations::new(faulty), Err(DedupError::Config { faults, .. }) if faults.len() == 2)
        );
    }

    proptest! {
        #[test]
        fn equals_comparing_all_runs_of_words(
            examples in prop::collection::vec(prop::collection::vec("[ab]", 0..8), 0..6),
            document in prop::collection::vec("[ab]", 0..20),
            ngram in 1usize..5,
        ) {
            let texts: Vec<String> = examples.iter().map(|words| words.join(" ")).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let evaluations = evaluations(config(ngram), &texts);
            let found = evaluations.find(&document.join(", "));
            let mut expected = Vec::new();
            for (i, example) in examples.iter().enumerate() {
                let grams: std::collections::BTreeSet<&[String]> = example.windows(ngram).collect();
                let at: Vec<usize> = (0..document.len()).filter(|&at| document.get(at..at + ngram).is_some_and(|run| grams.contains(run))).collect();
                if let Some(&first) = at.first() {
                    let distinct: std::collections::BTreeSet<&[String]> = at.iter().map(|&at| &document[at..at + ngram]).collect();
                    expected.push((i as u32, at.len() as u64, first, distinct.len() as u32, distinct.len() as f64 / grams.len() as f64));
                }
            }
            let found: Vec<_> = found.matches.iter().map(|m| (m.example, m.n_positions, m.first_word, m.n_ngrams, m.fraction)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
