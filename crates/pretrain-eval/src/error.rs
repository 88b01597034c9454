//! What can go wrong between a benchmark's file and its score.

use pretrain_model::ModelError;

/// The result of every fallible operation here.
pub type Result<T, E = EvalError> = std::result::Result<T, E>;

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// No task has this name.
    #[error("no task is called {name:?} (known: {})", known.join(", "))]
    UnknownTask {
        /// The name that was asked for.
        name: String,
        /// Every name there is.
        known: Vec<&'static str>,
    },
    /// A line of a benchmark's file is not a record of its task.
    #[error("{task}, line {line}")]
    Record {
        /// The task.
        task: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// The parser's reason.
        #[source]
        source: serde_json::Error,
    },
    /// A record names a right answer that is not among its choices, or has no choices.
    #[error("{task}, line {line}: the right answer is number {gold} (from 0) of {choices}")]
    Gold {
        /// The task.
        task: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// Index of the right answer.
        gold: usize,
        /// Number of choices.
        choices: usize,
    },
    /// A request lacks the tokens to condition on or those to score.
    #[error(
        "request {index} has {context} tokens of context and {continuation} to score, both need one"
    )]
    EmptyRequest {
        /// Index of the request.
        index: usize,
        /// Tokens of context.
        context: usize,
        /// Tokens to score.
        continuation: usize,
    },
    /// A continuation does not fit the model's window even without its context.
    #[error("request {index} scores {continuation} tokens, the model reads {max_length}")]
    TooLong {
        /// Index of the request.
        index: usize,
        /// Tokens to score.
        continuation: usize,
        /// The model's longest sequence.
        max_length: usize,
    },
    /// A window setting is outside its range.
    #[error("{field} = {found} is outside 1..={max}")]
    Window {
        /// The setting.
        field: &'static str,
        /// Its value.
        found: usize,
        /// Its upper bound.
        max: usize,
    },
    /// The model refused its input.
    #[error(transparent)]
    Model(#[from] ModelError),
}
