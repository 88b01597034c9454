//! Byte pair encoding to embed: exact training, encoding and decoding, tokenizer files.
//!
//! A [`Tokenizer`] turns text into token ids and back. It comes out of a [`Trainer`], or out of a file
//! that somebody else trained: a Hugging Face `tokenizer.json`, a tiktoken rank file, GPT-2's
//! `vocab.json` and `merges.txt`, Mistral's `tekken.json`, a [`SentencePiece`] model
//! ([`Tokenizer::from_sentencepiece`]). Bytes go in and bytes come out: this crate
//! knows of no corpus, tensor or network, and opens no file but the scratch files of [`DirectoryRuns`],
//! in a directory that the caller names.
//!
//! # How a text travels
//!
//! A text is first searched for added tokens (control tokens only where the caller allows them, see
//! [`AllowedSpecial`]); what stands between them is normalised, if the file has a [`Normalizer`], and cut
//! into pre-tokens, roughly words with the space before them: by a [`Pattern`] ([`PreTokenizer`]), or by
//! the chain of pre-tokenizers of the file. The model makes tokens of each pre-token: the bytes, or the
//! characters, are merged pair by pair (BPE); or the word is cut into the longest tokens (WordPiece), into
//! the most likely ones (Unigram), or is a token as a whole (WordLevel). Training is the reverse: the pre-tokens of a corpus are counted ([`PreTokenCounts`],
//! one per thread, merged at the end), then the most frequent pair of neighbours is made a token, again
//! and again.
//!
//! ```
//! use pretrain_bpe::{Pattern, Tokenizer, Trainer, TrainerConfig};
//!
//! # fn main() -> Result<(), pretrain_bpe::BpeError> {
//! let mut config = TrainerConfig::new(260, Pattern::Llama3);
//! config.special_tokens = vec!["<|endoftext|>".to_owned()];
//! let trainer = Trainer::new(config)?;
//! let counts = trainer.count(["low lower lowest", "slow slower"]);
//! let tokenizer = trainer.train(&counts, &mut |_| {})?;
//!
//! let ids = tokenizer.encode("slow glow");
//! assert_eq!(ids.len(), 5); // s, low, Ġ, g, low
//! assert_eq!(tokenizer.decode(&ids), b"slow glow");
//!
//! let file = tokenizer.to_json(); // as Hugging Face's `tokenizers` reads it
//! assert_eq!(Tokenizer::from_json(&file)?.fingerprint(), tokenizer.fingerprint());
//! # Ok(())
//! # }
//! ```
//!
//! # Training
//!
//! [`Trainer`] learns byte-level BPE, [`CharTrainer`] character-level BPE, with or without byte tokens,
//! [`WordPieceTrainer`] WordPiece by likelihood, [`UnigramTrainer`] Unigram as SentencePiece does (near its
//! vocabularies, not equal to them: sums are in double precision, and seeds come from words). The first
//! three take counts: made in parallel, weighted by source,
//! spilled to storage past a budget of memory ([`SpillingCounts`]), or read from a file
//! ([`PreTokenCounts::write_to`]). A run can be watched, stopped, written down and taken up again
//! ([`Training`], [`Checkpoint`]); [`Tokenizer::truncated`] cuts the smaller vocabularies out of a large
//! one; [`Trainer::extend`] adds to a tokenizer what another domain needs and changes no id.
//!
//! ```
//! use pretrain_bpe::{Pattern, Trainer, TrainerConfig};
//! use std::ops::ControlFlow;
//!
//! # fn main() -> Result<(), pretrain_bpe::BpeError> {
//! let trainer = Trainer::new(TrainerConfig::new(262, Pattern::Gpt2))?;
//! let mut counts = trainer.counts();
//! counts.count_weighted("low lower lowest", 3); // a source worth three times as much
//! counts.count("slow slower");
//!
//! let mut training = trainer.start(&counts)?;
//! let _ = training.run(&mut |_| ControlFlow::Break(())); // after one merge
//! let checkpoint = training.checkpoint()?; // plain data for serde
//! let mut resumed = trainer.resume(&counts, &checkpoint)?;
//! assert!(resumed.run(&mut |_| ControlFlow::Continue(())).is_continue());
//!
//! let tokenizer = trainer.tokenizer(&resumed)?;
//! assert_eq!(tokenizer.fingerprint(), trainer.train(&counts, &mut |_| {})?.fingerprint());
//! assert_eq!(tokenizer.truncated(258)?.vocab_size(), 258);
//! # Ok(())
//! # }
//! ```
//!
//! # All that Hugging Face's `encode` gives
//!
//! [`Tokenizer::encoding`] makes an [`Encoding`]: ids, types, offsets in bytes and characters, words,
//! masks; with the template of the file (`[CLS]`, `<s>` and their like) on request, for one text or a pair,
//! truncated and padded. The plain methods never apply template, truncation or padding.
//!
//! ```
//! use pretrain_bpe::{EncodeOptions, Tokenizer, Truncation};
//!
//! # fn main() -> Result<(), pretrain_bpe::BpeError> {
//! let file = br###"{
//!   "added_tokens": [{ "id": 1, "content": "[CLS]", "special": true }],
//!   "normalizer": { "type": "Lowercase" },
//!   "pre_tokenizer": { "type": "BertPreTokenizer" },
//!   "post_processor": {
//!     "type": "TemplateProcessing",
//!     "single": [{ "SpecialToken": { "id": "[CLS]", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }],
//!     "pair": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "Sequence": { "id": "B", "type_id": 1 } }],
//!     "special_tokens": { "[CLS]": { "id": "[CLS]", "ids": [1], "tokens": ["[CLS]"] } }
//!   },
//!   "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
//!   "model": {
//!     "type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##",
//!     "max_input_chars_per_word": 100,
//!     "vocab": { "?": 0, "[CLS]": 1, "token": 2, "##s": 3, "are": 4, "words": 5, ".": 6 }
//!   }
//! }"###;
//! let tokenizer = Tokenizer::from_json(file)?;
//! let options = EncodeOptions::of_file(&tokenizer).truncated(Truncation::new(4));
//! let encoding = tokenizer.encoding("Tokens ARE words.", &options)?;
//! let ids: Vec<u32> = encoding.ids().iter().map(|id| id.0).collect();
//! assert_eq!(ids, [1, 2, 3, 4]);
//! assert_eq!(encoding.offsets(), [(0, 0), (0, 5), (5, 6), (7, 10)]);
//! assert_eq!(encoding.overflowing()[0].words(), [None, Some(2), Some(3)]);
//! assert_eq!(tokenizer.decode_skip_special(encoding.ids()), "tokens are");
//! # Ok(())
//! # }
//! ```
//!
//! # Text that comes and goes in parts
//!
//! [`IncrementalEncoder`] keeps the tokens of a text to which more is appended, and tells which of them
//! stay; [`StreamEncoder`] gives out the tokens of a text that is never held as a whole;
//! [`Tokenizer::encode_up_to`] stops at a number of tokens; [`StreamDecoder`] turns ids into whole
//! characters one by one; [`Tokenizer::encode_bytes`] takes bytes that are not UTF-8. Each equals the
//! one-shot call on the whole.
//!
//! # Which vocabulary
//!
//! [`QualityCounts`] collects texts by language or source and makes a [`QualityReport`]: compression,
//! fertility, parity, use of tokens, tokens that no text produces; and a [`VocabularyCurve`], the
//! compression at every smaller vocabulary size and the size that costs a model least.
//!
//! # Exact
//!
//! The merges are those of Hugging Face's `BpeTrainer` on the same counts, to the last tie; the ids are
//! those of tiktoken for a rank file and of Hugging Face for a `tokenizer.json`. Known faults of the
//! references are not copied: counts are 64 bits wide and do not overflow, and ties at the limit of the
//! alphabet have an order. The named patterns are scanned by hand-written code over pinned Unicode
//! classes ([`UNICODE_VERSION`]); tests hold each equal to the regular expression that defines it.
//!
//! # Not as Hugging Face, on purpose
//!
//! - Plain text never becomes a control token that is not allowed. Hugging Face lets it pass where the
//!   model itself has the token: with `ignore_merges`, in WordPiece and WordLevel (a pre-token spelled like
//!   it), in Unigram (a piece spelled like it). A control token that is not allowed does not hide another
//!   added token inside of it either.
//! - Decoding without control tokens leaves all of them out, also those that are normalised.
//! - Where Hugging Face panics (a stride that leaves no step, a template larger than the limit, decoders on
//!   no tokens), this is an error or the natural result.
//! - Overflowing parts of a pair have no overflowing parts of their own.
//! - An added token that normalises to nothing is found nowhere (there: between any two bytes), and one
//!   that strips white space takes it from those that follow (there: tokens may overlap).
//! - Bytes without token in a byte-level vocabulary are left out of the offsets of their neighbours
//!   (there: the offsets of all that follow in the pre-token move).
//! - A regular expression means what it means to `fancy-regex`. Python's `tokenizers` asks Oniguruma, whose
//!   `\w` has all numbers (`½`) in it.
//! - `UnicodeScripts`, BPE dropout and a sequence of two templates are refused.
//!
//! # Deterministic, total, bounded
//!
//! Nothing depends on threads, on the order in which texts are counted, on map order or on the
//! machine. Encoding, counting and decoding cannot fail or panic, and take O(n log n) time in the
//! longest pre-token, however adversarial. Tables are immutable and shared; the threads that encode add
//! buffers and caches with exact keys, 32 MiB for all of them together (models that are not byte-level add
//! 1 MiB per thread). Counts keep distinct pre-tokens, not texts; a merge costs the words that hold its
//! pair, in long ones only the places.
//!
//! # Not here
//!
//! BPE dropout, sampling and n-best lists. Offsets of a text that is rewritten cost 16 bytes per byte while
//! it is encoded.
//!
//! # Features
//!
//! `rayon`: counting (`PreTokenCounts::count_parallel`, `PreTokenCounts::extend_parallel`), byte-level,
//! character-level and Unigram training, `Tokenizer::encode_batch` and `Tokenizer::encode_parallel`, on the
//! pool of the caller. The results are those of one thread.

// `scan::window::ascii` calls vector instructions, `prefetch` an instruction; all other code is safe.
#![deny(unsafe_code)]

mod added_tokens;
mod base64;
mod byte_bpe;
mod byte_level;
mod chain;
mod counts;
mod decoder;
mod encode_bytes;
mod encoding;
mod error;
mod hash;
mod incremental;
mod json;
mod limit;
mod merge_list;
mod merges;
mod model;
mod normalize;
#[cfg(feature = "rayon")]
mod parallel;
mod pattern;
mod piece_cache;
mod pipeline;
mod post_processor;
mod prefetch;
mod pretokenize;
mod report;
mod scan;
mod scratch;
mod sentencepiece;
mod stable;
mod stream_decoder;
mod stream_encoder;
mod text_pattern;
mod tiktoken;
mod token;
mod token_ranges;
mod tokenizer;
mod trainer;
mod unicode;
mod unigram_trainer;
mod vocabulary;

pub use counts::{
    CountRuns, CountSource, DirectoryRuns, MemoryRuns, PreTokenCounts, RunStore, SpillingCounts,
    Split,
};
pub use encoding::{
    EncodeOptions, Encoding, Input, PadLength, Padding, Side, Truncation, TruncationStrategy,
};
pub use error::{BpeError, Result};
pub use incremental::IncrementalEncoder;
pub use json::VocabMerges;
pub use normalize::{
    BertNormalizer, NORMALIZATION_UNICODE_VERSION, Normalizer, Precompiled, Replace,
};
pub use pattern::Pattern;
pub use pretokenize::PreTokenizer;
pub use report::{
    CostModel, DigitPolicy, Parity, QualityCounts, QualityReport, TextStats, TokenUsage,
    VocabularyChoice, VocabularyCurve, VocabularyReport,
};
pub use sentencepiece::{PieceKind, SentencePiece};
pub use stream_decoder::{StreamDecoder, StreamPolicy};
pub use stream_encoder::StreamEncoder;
pub use token::{AddedToken, AllowedSpecial, TokenId};
pub use token_ranges::TokenRanges;
pub use tokenizer::Tokenizer;
pub use trainer::{
    Alphabet, CharTrainer, CharTrainerConfig, Checkpoint, LikelihoodMerge, Progress, TieBreak,
    TrainedBpe, TrainedWordPiece, Trainer, TrainerConfig, Training, WordPieceTrainer,
    WordPieceTrainerConfig,
};
pub use unicode::UNICODE_VERSION;
pub use unigram_trainer::{
    UnigramProgress, UnigramTrainer, UnigramTrainerConfig, UnigramVocabulary,
};

/// The snippet of the README runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
