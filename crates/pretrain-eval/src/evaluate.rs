//! Running a task.

use crate::error::Result;
use crate::metrics::{Estimate, best_choice};
use crate::request::{Request, Score};
use crate::scorer::Scorer;
use crate::task::{Choice, Example, Measure, Task};
use pretrain_bpe::Tokenizer;
use pretrain_model::KernelBackend;
use std::collections::BTreeMap;

/// Scores a task and returns its metrics by name.
///
/// `jsonl` is the task's file; `prefix` stands for an empty context; `limit` takes that many
/// examples from the start. Every task gives `examples` and `skipped` (an answer longer than the
/// model's window, or of no tokens, cannot be scored; such an example counts nowhere else), `acc`
/// and `acc_stderr`. Multiple choice gives also `acc_norm` (likelihood per character of the answer,
/// as the Language Model Evaluation Harness) and `acc_bytes` (per byte), each with its `_stderr`;
/// the last-word task gives `perplexity`. A `_stderr` needs two examples.
///
/// # Errors
/// A record is wrong, or the model refuses a token of the tokenizer.
pub fn evaluate<B: KernelBackend>(
    scorer: &Scorer<'_, B>,
    tokenizer: &Tokenizer,
    prefix: u32,
    task: Task,
    jsonl: &str,
    limit: Option<usize>,
) -> Result<BTreeMap<String, f64>> {
    let encode = |text: &str| {
        let mut ids = Vec::new();
        tokenizer.encode_into(text, &mut ids);
        ids
    };
    let mut examples = task.examples(jsonl)?;
    examples.truncate(limit.unwrap_or(usize::MAX));
    let mut requests = Vec::new();
    let mut kept: Vec<&Example> = Vec::new();
    for example in &examples {
        let of = |choice: &Choice| {
            Request::of_texts(&choice.context, &choice.continuation, prefix, &encode)
        };
        let choices: Vec<Request> = example.choices.iter().map(of).collect();
        let fits = |r: &Request| (1..=scorer.max_length()).contains(&r.continuation.len());
        if choices.iter().all(fits) {
            kept.push(example);
            requests.extend(choices);
        }
    }
    let mut scores = scorer.score(&requests)?.into_iter();
    let outcomes = kept.into_iter().map(|example| Outcome {
        example,
        scores: scores.by_ref().take(example.choices.len()).collect(),
    });
    Ok(summarise(task.measure(), &outcomes.collect::<Vec<_>>(), examples.len()))
}

struct Outcome<'a> {
    example: &'a Example,
    scores: Vec<Score>,
}

impl Outcome<'_> {
    /// Whether the right answer has the highest likelihood per unit of length: 0 or 1.
    fn right(&self, length: impl Fn(&str) -> usize) -> f64 {
        let lls: Vec<f64> = self.scores.iter().map(|score| score.log_likelihood).collect();
        let choices = self.example.choices.iter();
        let lengths: Vec<usize> = choices.map(|choice| length(&choice.continuation)).collect();
        f64::from(u8::from(best_choice(&lls, &lengths) == self.example.gold))
    }
}

fn summarise(measure: Measure, outcomes: &[Outcome<'_>], n: usize) -> BTreeMap<String, f64> {
    let mut metrics = BTreeMap::new();
    metrics.insert("examples".to_owned(), outcomes.len() as f64);
    metrics.insert("skipped".to_owned(), (n - outcomes.len()) as f64);
    let mut add = |name: &str, value: &dyn Fn(&Outcome<'_>) -> f64| {
        let values: Vec<f64> = outcomes.iter().map(value).collect();
        if values.is_empty() {
            return;
        }
        let estimate = Estimate::of(&values);
        metrics.insert(name.to_owned(), estimate.mean);
        if let Some(stderr) = estimate.stderr {
            metrics.insert(format!("{name}_stderr"), stderr);
        }
    };
    match measure {
        Measure::LastWord => {
            add("acc", &|outcome| f64::from(u8::from(outcome.scores[0].is_greedy)));
            add("nll", &|outcome| -outcome.scores[0].log_likelihood);
        }
        Measure::Choice => {
            add("acc", &|outcome| outcome.right(|_| 1));
            add("acc_norm", &|outcome| outcome.right(|text| text.chars().count()));
            add("acc_bytes", &|outcome| outcome.right(str::len));
        }
    }
    if let Some(nll) = metrics.get("nll").copied() {
        metrics.insert("perplexity".to_owned(), libm::exp(nll));
    }
    metrics
}
