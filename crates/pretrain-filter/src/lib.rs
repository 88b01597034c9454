//! Quality filters for pretraining text: rules with thresholds, named presets, and verdicts that say
//! which check failed, with what value, against what threshold; and the models and scanners that such
//! rules need.
//!
//! A [`FilterConfig`] (plain data: from a [preset](FilterConfig::preset), from TOML or JSON, or made
//! in code) becomes a [`Filter`], which takes a text and gives a [`Verdict`]: keep, keep in another
//! form, or drop for a [`Reason`]. A [`Funnel`] counts verdicts over a collection.
//! [`Filter::measure`] gives every check with its value instead, for annotating and for choosing
//! thresholds.
//!
//! ```
//! use pretrain_filter::{Filter, FilterConfig, Funnel, RuleConfig, Verdict};
//!
//! let mut config = FilterConfig::preset("gopher")?;
//! for rule in &mut config.rules {
//!     if let RuleConfig::GopherQuality(quality) = rule {
//!         quality.min_words = Some(5);
//!     }
//! }
//! let filter = Filter::new(config)?;
//! let mut funnel = Funnel::default();
//!
//! let good = "The people who wrote that text have something to say, and they say it with care. \
//!             Somebody read their first draft before anyone else could, crossed out what was of no \
//!             use to a stranger, and asked what the rest should mean.";
//! let verdict = filter.judge(good);
//! assert_eq!(verdict, Verdict::Keep);
//! funnel.add(good.len() as u64, &verdict);
//!
//! let bad = "buy now, buy now, buy now, buy now, buy now";
//! let verdict = filter.judge(bad);
//! let Verdict::Drop(reason) = &verdict else { panic!("is kept") };
//! assert_eq!(reason.rule.to_string(), "gopher-repetition.top-2-gram");
//! assert!(reason.value > reason.threshold);
//! funnel.add(bad.len() as u64, &verdict);
//!
//! assert_eq!((funnel.input.documents, funnel.output().documents), (2, 1));
//! # Ok::<(), pretrain_filter::FilterError>(())
//! ```
//!
//! # Presets
//!
//! | name | rules |
//! |---|---|
//! | `gopher` | Gopher's repetition and quality rules |
//! | `c4` | C4's line and document rules |
//! | `fineweb-0.10` | `gopher`, C4 without its rule on terminal punctuation, FineWeb's rules |
//! | `fineweb` | the newest of its kind: now `fineweb-0.10` |
//! | `pii` | every kind of personal data masked |
//! | `residue` | HTML, placeholder text, wrong decoding, almost no entropy |
//! | `prose` | ours, for Markdown and doc comments: length, share of letters, code blocks, tables, links, stop words, loose repetition limits |
//! | `code` | ours, for source files: length, generated-file markers, line lengths, numbers and escapes, lines and runs of lines that look alike |
//!
//! The first three are the filters of datatrove 0.10 with their default thresholds. On its reference
//! set of 3,234 documents every verdict (of each filter alone and of the `fineweb` chain), every
//! reason, every rewritten text and every measured value is equal to datatrove 0.10.1's. The words
//! are spaCy's, as there; the first FineWeb dataset was made with NLTK's words, which is another
//! preset than this one. Two differences from the reference are deliberate: a text without words,
//! where it divides by zero when `min_words` is off, is dropped as `gopher-quality.empty`, and a word
//! that makes its tokenizer fail (`IS_ALPHA`) does not.
//!
//! # Rules with lists, and rooms of their own
//!
//! [`Phrases`] are C4's bad words and other lists by language, [`UrlLists`] FineWeb's URL filter with
//! a public suffix list that is compiled in; the lists themselves are the user's (their licences are
//! share-alike or ask for attribution). A text comes with its URL and language as an [`Input`].
//!
//! - [`langid`]: a [`LanguageId`](langid::LanguageId) trait and an embedded model of 142 languages;
//! - [`fasttext`]: fastText classifiers, `.bin` and `.ftz`: lid.176, GlotLID, quality models;
//! - [`ngram_model`]: ARPA and KenLM files, word scores, CCNet's perplexity;
//! - [`pii`]: spans of personal data and secrets; masks and keyed pseudonyms;
//! - [`url`]: hosts and registered domains.
//!
//! [`Filter::explain`] shows one text with every check; [`Comparison`] counts what another
//! configuration changes.
//!
//! The thresholds of `prose` and `code` were chosen on the sources of 673 published crates, which a
//! workspace like this one depends on: 20,669 Rust files, 422 MB. Of these `code` keeps 84 % of the
//! files and 43 % of the bytes. By bytes it drops 18.9 % for the mean length of lines, 13.2 % for a
//! marker of generated code, 11.2 % for runs of lines that look alike, 10.5 % for size, 1.8 % for lines
//! that begin alike, 0.9 % for a single long line, 0.8 % for numbers, 0.2 % for few letters or many
//! escapes, and 0.01 % for being short. 180 MB are bindings to Windows, browsers and CUDA without a
//! marker, of which 22 MB stay; of the other 186 MB without a marker 157 MB stay, and what goes is
//! mostly tables, lists of constants, other bindings, and test or operator files that repeat one
//! pattern. Of the documentation in the same tree (12,266 Markdown files and doc comments by file,
//! 38 MB) `prose` keeps 60 % of the documents and 73 % of the bytes: two thirds of the documents that
//! go have fewer than 40 words, and 12 % of the bytes go for repeated 10-grams (method after method
//! with the same description).
//!
//! # Determinism, cost and memory
//!
//! A verdict is a pure function of configuration and text. Judging is total (any text, however long or
//! odd, gives a verdict) and takes time linear in the text; nothing is compiled per text. All of
//! Gopher's checks together run at 14 to 28 MB/s on one 2020s server core, and a text that fails
//! early costs less; C4's rules run at 90 to 230 MB/s, those of `code` at 70 to 100. Memory is a few
//! times that of the text; [`Scratch`] keeps it for the next one.
//!
//! # What is not here
//!
//! Rules on perplexity and on scores of fastText models (the models are here, the caller compares);
//! an estimator of n-gram models; tokens of NLTK and of spaCy's other languages, and with them the
//! first FineWeb and FineWeb-2; the rules of DCLM, RedPajama-V2 (but its word entropy) and NeMo
//! Curator where they differ from datatrove's; rules that look at other documents
//! (`pretrain-dedup`); reading and writing documents.
#![forbid(unsafe_code)]

mod bytes;
mod checks;
mod config;
mod duplicate;
mod error;
mod explain;
pub mod fasttext;
mod filter;
mod funnel;
pub mod langid;
mod name;
pub mod ngram_model;
pub mod pii;
mod preset;
mod rule;
pub mod url;
mod verdict;

/// The README's code runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use config::{FilterConfig, RuleConfig};
pub use error::{Fault, FilterError, Problem, Result};
pub use explain::{Comparison, Explanation};
pub use filter::{Filter, Input, Scratch};
pub use funnel::{Count, Funnel};
pub use name::RuleName;
pub use rule::{
    C4, C4Paragraphs, Code, Entropy, FinewebQuality, GopherQuality, GopherRepetition, LanguageRule,
    Length, NgramLimit, Phrases, PiiRule, Prose, Residue, UrlLists, WordEntropy, char_entropy_bits,
};
pub use verdict::{Measurement, Reason, Verdict};
