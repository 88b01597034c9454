//! The benchmark tasks: which records each has, and what of them is scored.
//!
//! The set is closed and zero-shot. Records are lines of JSON in the form of llm-foundry's files;
//! prompts are that project's: the query as it stands, a delimiter, the choice. A record of another
//! form is an error with its line, never skipped.

use crate::error::{EvalError, Result};
use serde::Deserialize;
use std::str::FromStr;

/// A benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Task {
    /// ARC-Challenge: school science questions that retrieval gets wrong.
    ArcChallenge,
    /// ARC-Easy: the other school science questions.
    ArcEasy,
    /// BoolQ: yes or no after a passage.
    BoolQ,
    /// CommonsenseQA, the options listed in the query.
    CommonsenseQa,
    /// COPA: cause or effect.
    Copa,
    /// HellaSwag: how the scene goes on.
    HellaSwag,
    /// LAMBADA (OpenAI's text): the last word of a passage.
    Lambada,
    /// OpenBookQA: elementary science.
    OpenBookQa,
    /// PIQA: how to do things.
    Piqa,
    /// Social IQa, the options listed in the query.
    Siqa,
    /// Winograd schemas: whom the pronoun means.
    Winograd,
    /// WinoGrande: the same, many more.
    WinoGrande,
}

/// What a task measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Whether the continuation is the most likely one, and its perplexity.
    LastWord,
    /// Which of several answers is the most likely.
    Choice,
}

impl Task {
    /// Every task, by name.
    pub const ALL: [Task; 12] = [
        Self::ArcChallenge,
        Self::ArcEasy,
        Self::BoolQ,
        Self::CommonsenseQa,
        Self::Copa,
        Self::HellaSwag,
        Self::Lambada,
        Self::OpenBookQa,
        Self::Piqa,
        Self::Siqa,
        Self::Winograd,
        Self::WinoGrande,
    ];

    /// The name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::ArcChallenge => "arc_challenge",
            Self::ArcEasy => "arc_easy",
            Self::BoolQ => "boolq",
            Self::CommonsenseQa => "commonsense_qa",
            Self::Copa => "copa",
            Self::HellaSwag => "hellaswag",
            Self::Lambada => "lambada",
            Self::OpenBookQa => "openbook_qa",
            Self::Piqa => "piqa",
            Self::Siqa => "siqa",
            Self::Winograd => "winograd",
            Self::WinoGrande => "winogrande",
        }
    }

    /// Names without an ending that its file has in llm-foundry's collection.
    pub fn file_stem(self) -> &'static str {
        match self {
            Self::HellaSwag => "hellaswag_val",
            Self::Lambada => "lambada_openai",
            Self::Winograd => "winograd_wsc",
            other => other.name(),
        }
    }

    pub(crate) fn measure(self) -> Measure {
        if self == Self::Lambada { Measure::LastWord } else { Measure::Choice }
    }

    /// Stands between query and answer; the space belongs to the answer.
    fn delimiter(self) -> &'static str {
        match self {
            Self::ArcChallenge | Self::ArcEasy | Self::BoolQ | Self::Piqa => "\nAnswer: ",
            _ => " ",
        }
    }

    /// Reads the records of a file: one JSON object per line, empty lines left out.
    ///
    /// # Errors
    /// A line is not a record of this task, or names a right answer that is not there.
    pub fn examples(self, jsonl: &str) -> Result<Vec<Example>> {
        let lines = jsonl.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines.map(|(index, line)| self.example(index + 1, line)).collect()
    }

    fn example(self, line: usize, text: &str) -> Result<Example> {
        let task = self.name();
        let wrong = |source| EvalError::Record { task, line, source };
        let delimiter = self.delimiter();
        let choice = |context: &str, answer: &str| Choice {
            context: format!("{}{delimiter}", context.trim()),
            continuation: answer.trim().to_owned(),
        };
        let (choices, gold) = match self {
            Self::Lambada => {
                let record: Continuation = serde_json::from_str(text).map_err(wrong)?;
                (vec![choice(&record.context, &record.continuation)], 0)
            }
            Self::Winograd | Self::WinoGrande => {
                let record: Schema = serde_json::from_str(text).map_err(wrong)?;
                let contexts = record.context_options.iter();
                (contexts.map(|c| choice(c, &record.continuation)).collect(), record.gold)
            }
            _ => {
                let record: Question = serde_json::from_str(text).map_err(wrong)?;
                let answers = record.choices.iter();
                (answers.map(|answer| choice(&record.query, answer)).collect(), record.gold)
            }
        };
        if gold >= choices.len() {
            return Err(EvalError::Gold { task, line, gold, choices: choices.len() });
        }
        Ok(Example { choices, gold })
    }
}

impl FromStr for Task {
    type Err = EvalError;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|task| task.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).to_vec();
            EvalError::UnknownTask { name: name.to_owned(), known }
        })
    }
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Possible answers; a last-word task has one.
    pub choices: Vec<Choice>,
    /// Index of the right one.
    pub gold: usize,
}

/// One answer in its context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The text before, delimiter included.
    pub context: String,
    /// The text that is scored.
    pub continuation: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Continuation {
    context: String,
    continuation: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    query: String,
    choices: Vec<String>,
    gold: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schema {
    context_options: Vec<String>,
    continuation: String,
    gold: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_contexts_and_continuations() {
        let text = "{\"query\": \"Why?\\n\", \"choices\": [\"a\", \"b c\"], \"gold\": 1}\n\n";
        let choice = |context: &str, continuation: &str| Choice {
            context: context.to_owned(),
            continuation: continuation.to_owned(),
        };
        let answers = |delimiter: &str| {
            let context = format!("Why?{delimiter}");
            vec![choice(&context, "a"), choice(&context, "b c")]
        };
        let example = |task: Task| task.examples(text).unwrap();
        assert_eq!(example(Task::Piqa), [Example { choices: answers("\nAnswer: "), gold: 1 }]);
        assert_eq!(example(Task::Copa), [Example { choices: answers(" "), gold: 1 }]);
        let schema = r#"{"context_options": ["so A", "so B"], "continuation": "won.", "gold": 0}"#;
        let expected = vec![choice("so A ", "won."), choice("so B ", "won.")];
        assert_eq!(Task::WinoGrande.examples(schema).unwrap()[0].choices, expected);
        let last = r#"{"context": "once upon a", "continuation": "time"}"#;
        let expected = vec![choice("once upon a ", "time")];
        assert_eq!(Task::Lambada.examples(last).unwrap()[0].choices, expected);
    }

    #[test]
    fn bad_records_name_task_and_line() {
        let bad = |text: &str| Task::Copa.examples(text).unwrap_err();
        let unknown = "\n{\"query\": \"\", \"choices\": [], \"gold\": 0, \"more\": 1}";
        assert!(matches!(bad(unknown), EvalError::Record { task: "copa", line: 2, .. }));
        let none = r#"{"query": "", "choices": ["a"], "gold": 1}"#;
        assert!(matches!(bad(none), EvalError::Gold { line: 1, gold: 1, choices: 1, .. }));
        assert!(matches!(bad("[1"), EvalError::Record { .. }));
        assert!(Task::Copa.examples("").unwrap().is_empty());
    }

    #[test]
    fn names_round_trip() {
        for task in Task::ALL {
            assert_eq!(task.name().parse::<Task>().unwrap(), task);
        }
        assert!("squad".parse::<Task>().unwrap_err().to_string().contains("winogrande"));
    }
}
