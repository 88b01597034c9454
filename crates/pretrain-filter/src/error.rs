//! What can be wrong with a configuration. Judging a text cannot fail.

/// Result of this crate.
pub type Result<T, E = FilterError> = std::result::Result<T, E>;

/// Errors of this crate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// No preset of this name.
    #[error("unknown preset {name:?}, known are {}", known.join(", "))]
    UnknownPreset {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// The configuration has faults: all of them, in the order of the rules.
    #[error("invalid filter configuration: {}", join(faults))]
    Invalid {
        /// The faults, at least one.
        faults: Vec<Fault>,
    },
    /// A list of phrases is too large for one automaton.
    #[error("a list of phrases or substrings is too large")]
    ListsTooLarge,
    /// A model file is cut short, inconsistent, or of a kind that is not read.
    #[error("{format} model, offset {offset}: {problem}")]
    Model {
        /// The format that was expected.
        format: &'static str,
        /// Where, in bytes (in lines for text formats).
        offset: u64,
        /// What was expected and what was found.
        problem: String,
    },
    /// No rule has this name.
    #[error("unknown rule name {name:?}")]
    UnknownRule {
        /// What was asked for.
        name: String,
    },
}

/// One fault of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Where: `rules[2].gopher-quality.min_words`.
    pub field: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// Not a number, or infinite.
    NotFinite(f64),
    /// Below zero.
    Negative(f64),
    /// A share above one.
    AboveOne(f64),
    /// The lower limit is above the upper one: no text passes.
    MinAboveMax {
        /// The lower limit.
        min: f64,
        /// The upper limit.
        max: f64,
    },
    /// Has to be at least one.
    Zero,
    /// The same length of n-gram twice.
    Repeated(usize),
    /// An empty string would be found everywhere.
    EmptyString,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.field)?;
        match &self.problem {
            Problem::NotFinite(value) => write!(f, "{value} is not a finite number"),
            Problem::Negative(value) => write!(f, "{value} is negative"),
            Problem::AboveOne(value) => write!(f, "{value} is above 1, the largest share"),
            Problem::MinAboveMax { min, max } => write!(f, "minimum {min} is above maximum {max}"),
            Problem::Zero => write!(f, "has to be at least 1"),
            Problem::Repeated(n) => write!(f, "{n} is listed twice"),
            Problem::EmptyString => write!(f, "has an empty string"),
        }
    }
}

fn join(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}
