//! Byte pair encoding to embed: exact training, encoding and decoding, tokenizer files.
//!
//! A [`Tokenizer`] turns text into token ids and back. It comes out of a [`Trainer`], or out of a file
//! that somebody else trained: a Hugging Face `tokenizer.json` or a tiktoken rank file. Bytes go in and
//! bytes come out: this crate opens no file and knows of no corpus, tensor or network.
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
//! longest pre-token, however adversarial. Tables are immutable and shared; the threads that encode add
//! buffers and caches with exact keys, 32 MiB for all of them together. Counts keep distinct pre-tokens, not
//! texts.
//!
//! # Not here
//!
//! Other models than byte-level BPE (character-level BPE, WordPiece, Unigram), normalisation,
//! templates (BOS, EOS), truncation and padding, SentencePiece and tekken files: a file that needs them
//! is refused with the path of what is missing. Counts are held in memory.
//!
//! # Features
//!
//! `rayon`: `PreTokenCounts::count_parallel`, `Tokenizer::encode_batch` and
//! `Tokenizer::encode_parallel`, on the pool of the caller.

// `scan::window::ascii` alone calls vector instructions; all other code is safe.
#![deny(unsafe_code)]

mod added_tokens;
mod byte_bpe;
mod byte_level;
mod counts;
mod error;
mod hash;
mod json;
mod merges;
#[cfg(feature = "rayon")]
mod parallel;
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

pub use counts::PreTokenCounts;
pub use error::{BpeError, Result};
pub use pattern::Pattern;
pub use pretokenize::PreTokenizer;
pub use token::{AddedToken, AllowedSpecial, TokenId};
pub use tokenizer::Tokenizer;
pub use trainer::{Alphabet, Progress, Trainer, TrainerConfig};
pub use unicode::UNICODE_VERSION;

/// The snippet of the README runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
