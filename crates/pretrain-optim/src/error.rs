//! What can be wrong with settings or with a restored state.

/// The result of every fallible operation here.
pub type Result<T, E = OptimError> = std::result::Result<T, E>;

/// A setting outside its range.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Fault {
    /// The setting, with its parents (`groups.0.lr_scale`).
    pub field: String,
    /// Its value.
    pub found: f64,
    /// Its range.
    pub expected: &'static str,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {} is not {}", self.field, self.found, self.expected)
    }
}

impl Fault {
    /// The same fault seen from the settings that hold these under the name `parent`.
    #[must_use]
    pub fn under(mut self, parent: &str) -> Self {
        self.field = format!("{parent}.{}", self.field);
        self
    }
}

/// A parameter whose moments have another shape.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShapeMismatch {
    /// The parameter.
    pub name: String,
    /// The parameter's shape.
    pub expected: Vec<usize>,
    /// The shape in the state.
    pub found: Vec<usize>,
}

impl std::fmt::Display for ShapeMismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (expected {:?}, found {:?})", self.name, self.expected, self.found)
    }
}

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptimError {
    /// Settings that cannot work, all of them.
    #[error("impossible optimizer settings: {}", join(faults))]
    Config {
        /// The faults, in the order of the fields.
        faults: Vec<Fault>,
    },
    /// Two parameters have one name.
    #[error("two parameters are called {name}")]
    Twice {
        /// The name.
        name: String,
    },
    /// An update was asked for a parameter that the optimizer does not know.
    #[error("the optimizer knows no parameter {name}")]
    Unknown {
        /// The name.
        name: String,
    },
    /// A parameter or gradient does not have as many numbers as the optimizer knows of.
    #[error("{what} {name} has {found} numbers, expected {expected}")]
    Length {
        /// `parameter`, `gradient`, `first moment` or `second moment`.
        what: &'static str,
        /// The parameter's name.
        name: String,
        /// Numbers of the parameter.
        expected: usize,
        /// Numbers given.
        found: usize,
    },
    /// A restored state is not the state of these parameters.
    #[error(
        "the optimizer state does not fit the parameters: missing [{}]; unexpected [{}]; misshapen [{}]",
        missing.join(", "), unexpected.join(", "), join(misshapen)
    )]
    State {
        /// Parameters without moments, sorted.
        missing: Vec<String>,
        /// Moments without a parameter, or given twice, sorted.
        unexpected: Vec<String>,
        /// Moments of another shape, sorted by name.
        misshapen: Vec<ShapeMismatch>,
    },
}

fn join<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
