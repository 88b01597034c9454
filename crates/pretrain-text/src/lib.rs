//! One text at a time: normalisation, words, sentences, lines and n-grams.
//!
//! A `&str` goes in; pieces of it come out, or positions of pieces, or a normalised copy. The
//! definitions are those of the published filtering and deduplication recipes, so that a recipe run
//! with this crate decides as it did where it was published:
//!
//! - [`words`] are the tokens of spaCy 3.8's blank English pipeline, as datatrove 0.10 takes them
//!   (its default for every language): punctuation marks are words, `don't` is `do` and `n't`;
//! - [`sentences`] are those of spaCy's rule-based sentencizer on these tokens;
//! - [`simplify`] is datatrove's `simplify_text`, the form in which MinHash compares texts;
//! - [`lines`] are Python's `str.splitlines()`, [`paragraphs`] datatrove's `split_into_paragraphs`,
//!   [`strip`] and [`is_space`] Python's `str.strip()` and `str.isspace()`;
//! - [`TextView`] holds one text while many rules look at it, and computes words, lines and counts
//!   once, when first asked; its memory serves the next text.
//!
//! ```
//! use pretrain_text::{TextView, ngrams, sentences, simplify, words};
//!
//! let text = "Dr. Grace Hopper didn't retire until 1986. She was 79!";
//! assert_eq!(words(text).take(5).collect::<Vec<_>>(), ["Dr.", "Grace", "Hopper", "did", "n't"]);
//! assert_eq!(sentences(text).count(), 2);
//!
//! let simple = simplify(text);
//! assert_eq!(simple, "dr grace hopper didn t retire until 0 she was 0");
//! let shingles: Vec<&str> = words(&simple).collect();
//! assert_eq!(ngrams(&shingles, 5).count(), 7);
//!
//! let view = TextView::new(text);
//! assert_eq!((view.n_chars(), view.words().len()), (54, 13));
//! ```
//!
//! # Agreement with the references
//!
//! On the reference set of 1,518 documents (web, books, manuals, code, 40 languages, adversarial
//! texts; spaCy 3.8.18, datatrove 0.10.1, CPython 3.11) words, sentences, simplified texts, words of
//! simplified texts, lines and paragraphs are equal for every document, and so they were for 46,000
//! random strings of special cases, units, URLs, quotes and scripts. The one known difference is a
//! fault of the reference: spaCy can fail on the word `IS_ALPHA`, whereupon datatrove removes it.
//! spaCy's tokenizers for other languages, and NLTK's, which the first FineWeb used, are not here.
//!
//! Character data is that of Unicode 14, from this crate's own tables: a character assigned later has
//! no case, no decomposition and is not a letter, on every compiler. Only number normalisation uses
//! the digits of Unicode 17, as the reference does. Emoji and symbols are spaCy's list.
//!
//! # Determinism, cost and memory
//!
//! Every function is a pure function of its text, total (no text makes it panic) and linear in its
//! length, or n log n for a run of combining marks. Positions are in bytes and lie on character
//! borders; lengths that recipes compare are in code points and say so. Words of English prose come
//! at about 130 MB/s on one 2020s server core, of source code at about 80 MB/s (every bracket is a
//! word), simplified text at 100 MB/s, or 300 if it is ASCII. Tables of about 250 kB are built on first
//! use.
//!
//! # What is not here
//!
//! Documents and files, verdicts (`pretrain-filter`), hashes of n-grams (`pretrain-dedup`), and
//! subword tokenizers (`pretrain-bpe`).
#![forbid(unsafe_code)]

mod class;
mod line;
mod ngram;
mod sentence;
mod simplify;
mod unicode_table;
mod view;
mod word;

/// The README's code runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use class::{is_alphabetic, is_decimal, is_space, is_symbol, is_terminal_punctuation};
pub use line::{is_blank, line_spans, lines, n_chars, paragraphs, strip};
pub use ngram::ngrams;
pub use sentence::{sentence_spans, sentences};
pub use simplify::{SimplifyConfig, lowercase, simplify, simplify_with};
pub use view::{TextView, ViewBuffers, Word};
pub use word::{Span, word_spans, words};
