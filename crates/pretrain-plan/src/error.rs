//! What cannot be computed.

/// The result of every operation here.
pub type Result<T, E = PlanError> = std::result::Result<T, E>;

/// Numbers that describe nothing possible, with everything that is wrong with them.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// No model has this shape.
    #[error("impossible model shape: {faults}", faults = faults.join("; "))]
    Shape {
        /// One sentence per fault, each beginning with the field's name.
        faults: Vec<String>,
    },
    /// The settings of a run cannot work.
    #[error("impossible settings: {faults}", faults = faults.join("; "))]
    Settings {
        /// One sentence per fault, each beginning with the field's name.
        faults: Vec<String>,
    },
}

/// Adds a fault unless the number is finite and above 0.
pub(crate) fn positive(name: &str, value: f64, faults: &mut Vec<String>) {
    if !(value.is_finite() && value > 0.0) {
        faults.push(format!("{name}: {value} is not above 0"));
    }
}
