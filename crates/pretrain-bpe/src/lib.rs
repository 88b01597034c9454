//! Byte pair encoding to embed: exact training, encoding and decoding, tokenizer files.
//!
//! A [`Tokenizer`] turns text into token ids and back. It comes out of a [`Trainer`], or out of a file
//! that somebody else trained: a Hugging Face `tokenizer.json` or a tiktoken rank file. Bytes go in and
//! bytes come out: this crate knows of no corpus, tensor or network, and opens no file but the scratch
//! files of [`DirectoryRuns`], in a directory that the caller names.
//!
//! # How a text travels
//!
//! A text is first searched for added tokens (control tokens only where the caller allows them, see
//! [`AllowedSpecial`]); what stands between them is cut by a [`Pattern`] into pre-tokens, roughly words
//! with the space before them ([`PreTokenizer`]); the bytes of each pre-token are merged pair by pair
//! into tokens. Training is the reverse: the pre-tokens of a corpus are counted ([`PreTokenCounts`],
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
//! [`WordPieceTrainer`] WordPiece by likelihood. All take counts: made in parallel, weighted by source,
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
//! # Exact
//!
//! The merges are those of Hugging Face's `BpeTrainer` on the same counts, to the last tie; the ids are
//! those of tiktoken for a rank file and of Hugging Face for a `tokenizer.json`. Known faults of the
//! references are not copied: counts are 64 bits wide and do not overflow, and ties at the limit of the
//! alphabet have an order. The named patterns are scanned by hand-written code over pinned Unicode
//! classes ([`UNICODE_VERSION`]); tests hold each equal to the regular expression that defines it.
//!
//! # Deterministic, total, bounded
//!
//! Nothing depends on threads, on the order in which texts are counted, on map order or on the
//! machine. Encoding, counting and decoding cannot fail or panic, and take O(n log n) time in the
//! longest pre-token, however adversarial. Tables are immutable and shared; each thread that encodes
//! adds its buffers and a cache of 1 MiB whose keys are exact. Counts keep distinct pre-tokens, not
//! texts; a merge costs the words that hold its pair, in long ones only the places.
//!
//! # Not here
//!
//! Other models than byte-level BPE (character-level BPE, WordPiece, Unigram), normalisation,
//! templates (BOS, EOS), truncation and padding, SentencePiece and tekken files: a file that needs them
//! is refused with the path of what is missing. Unigram models are not
//! trained. Encoding one text is single-threaded: share the tokenizer between threads and give each its own texts.
//!
//! # Features
//!
//! `rayon`: counting (`PreTokenCounts::count_parallel`, `PreTokenCounts::extend_parallel`) and byte-level
//! and character-level training, on the pool of the caller. The results are those of one thread.

#![forbid(unsafe_code)]

mod added_tokens;
mod byte_bpe;
mod byte_level;
mod counts;
mod error;
mod hash;
mod json;
mod merges;
mod pattern;
mod piece_cache;
mod pretokenize;
mod scan;
mod scratch;
mod tiktoken;
mod token;
mod tokenizer;
mod trainer;
mod unicode;
mod vocabulary;

pub use counts::{
    CountRuns, CountSource, DirectoryRuns, MemoryRuns, PreTokenCounts, RunStore, SpillingCounts,
    Split,
};
pub use error::{BpeError, Result};
pub use pattern::Pattern;
pub use pretokenize::PreTokenizer;
pub use token::{AddedToken, AllowedSpecial, TokenId};
pub use tokenizer::Tokenizer;
pub use trainer::{
    Alphabet, CharTrainer, CharTrainerConfig, Checkpoint, LikelihoodMerge, Progress, TieBreak,
    TrainedBpe, TrainedWordPiece, Trainer, TrainerConfig, Training, WordPieceTrainer,
    WordPieceTrainerConfig,
};
pub use unicode::UNICODE_VERSION;

/// The snippet of the README runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
