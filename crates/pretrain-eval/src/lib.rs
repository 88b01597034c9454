//! How good a language model is: perplexity, bits per byte, benchmark tasks.
//!
//! What goes in is a [`Transformer`](pretrain_model::Transformer), tokens or a
//! [`Tokenizer`](pretrain_bpe::Tokenizer), and the text of a benchmark's file; what comes out is
//! numbers. Everything rests on one question, [`Scorer::score`]: how likely is this continuation
//! after this context ([`Request`]), and is it what the model would write ([`Score`])?
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use burn_flex::Flex;
//! use pretrain_bpe::{Pattern, Trainer, TrainerConfig};
//! use pretrain_eval::{RollingConfig, Scorer, Task, TokenDocument, evaluate, unigram};
//! use pretrain_model::{Transformer, ModelConfig};
//!
//! let mut config = TrainerConfig::new(260, Pattern::Gpt2);
//! config.special_tokens = vec!["<|endoftext|>".to_owned()];
//! let trainer = Trainer::new(config)?;
//! let tokenizer = trainer.train(&trainer.count(["low lower lowest"]), &mut |_| {})?;
//! let end = tokenizer.special_id("<|endoftext|>").expect("it was asked for").0;
//! let config = ModelConfig::tiny(tokenizer.vocab_size()).resolve()?;
//! let model = Transformer::<Flex>::init(&config, 1, &Default::default());
//! let scorer = Scorer::new(&model, 4096);
//!
//! // A fresh model needs ln(vocabulary) nats for each token; the frequencies of the tokens do better.
//! let text = "the lowest of the low";
//! let mut ids = Vec::new();
//! tokenizer.encode_into(text, &mut ids);
//! let documents = [TokenDocument { ids: &ids, bytes: text.len() as u64 }];
//! let rolling = RollingConfig { max_length: 64, context_len: 1, prefix: end };
//! let found = scorer.perplexity(documents, &rolling)?;
//! assert!((found.loss() - (tokenizer.vocab_size() as f64).ln()).abs() < 0.2);
//! assert!(unigram(documents).bits_per_byte() < found.bits_per_byte());
//!
//! let question = r#"{"query": "It rained, so", "choices": ["we got wet.", "low"], "gold": 0}"#;
//! let metrics = evaluate(&scorer, &tokenizer, end, Task::Copa, question, None)?;
//! assert_eq!(metrics["examples"], 1.0);
//! # Ok(())
//! # }
//! ```
//!
//! **Documents.** [`Scorer::perplexity`] cuts each document into windows ([`rolling_windows`]) and
//! scores every token once, the first after a prefix token; [`Perplexity`] turns the sum into loss,
//! perplexity and bits per byte. [`unigram`] is the baseline that a model has to beat.
//!
//! **Tasks.** [`Task::examples`] reads a benchmark's lines; [`evaluate`] scores every answer and
//! gives accuracies with their errors. Requests are built, truncated, normalised and averaged as the
//! Language Model Evaluation Harness does (tests hold the formulas to its numbers); prompts are
//! llm-foundry's, without examples in the prompt, so a score is comparable with other scores made
//! here and near, not equal to, those that the harness gets from its own prompts.
//!
//! **Determinism.** Batches are formed from lengths alone and sums have a fixed order: the same
//! model and data give the same bits on the CPU. **Memory.** One batch of `batch_tokens` tokens,
//! 512 rows of vocabulary scores, and the requests of one task or of a few documents.
//!
//! **Not here.** Files (the caller reads them), training, few-shot prompts, tasks that are scored by
//! generating text, and any task outside [`Task::ALL`].

#![forbid(unsafe_code)]

mod error;
mod evaluate;
mod metrics;
mod request;
mod rolling;
mod scorer;
mod task;

pub use error::{EvalError, Result};
pub use evaluate::evaluate;
pub use metrics::{Estimate, best_choice};
pub use request::{Request, Score};
pub use rolling::{Perplexity, RollingConfig, TokenDocument, Window, rolling_windows, unigram};
pub use scorer::Scorer;
pub use task::{Choice, Example, Task};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
