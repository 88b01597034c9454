//! From likelihoods to accuracies.

/// A mean over examples and how far it may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Sample standard deviation divided by `sqrt(n)`; absent for fewer than two examples.
    pub stderr: Option<f64>,
}

impl Estimate {
    /// The mean of some values; not a number without any.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let stderr = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt() / n.sqrt());
        Self { mean, stderr }
    }
}

/// The choice of the highest likelihood per unit of length; the first of several.
///
/// Lengths of 1 give the plain choice; a length of 0 counts as 1.
pub fn best_choice(log_likelihoods: &[f64], lengths: &[usize]) -> usize {
    let per_unit = |(ll, length): (&f64, &usize)| ll / (*length).max(1) as f64;
    let values = log_likelihoods.iter().zip(lengths).map(per_unit);
    let first_highest = |best: (usize, f64), (index, value)| {
        if value > best.1 { (index, value) } else { best }
    };
    values.enumerate().fold((0, f64::NEG_INFINITY), first_highest).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_decides_only_where_it_is_asked_to() {
        let lls = [-4.0, -6.0, -4.0];
        assert_eq!(best_choice(&lls, &[1, 1, 1]), 0);
        assert_eq!(best_choice(&lls, &[2, 4, 2]), 1);
        assert_eq!(best_choice(&lls, &[0, 1, 8]), 2);
        assert_eq!(best_choice(&[], &[]), 0);
    }

    #[test]
    fn an_estimate_is_a_mean_with_its_error() {
        let found = Estimate::of(&[1.0, 0.0, 0.0, 1.0]);
        assert_eq!(found.mean, 0.5);
        assert!((found.stderr.unwrap() - (1.0f64 / 12.0).sqrt()).abs() < 1e-15);
        assert_eq!(Estimate::of(&[1.0]), Estimate { mean: 1.0, stderr: None });
        assert!(Estimate::of(&[]).mean.is_nan());
    }
}
