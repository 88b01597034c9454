//! Policies that turn the sizes of sources into shares. All in `f64`, sizes in any one unit.

use crate::{PackError, Result};

/// Shares `n_i^(1/T) / sum`: T = 1 is proportional, larger T flatter (Devlin et al. 2019,
/// multilingual BERT; Conneau et al. 2020, arXiv 1911.02116). A source of size 0 has share 0.
///
/// # Errors
/// T is not a positive number, or no source has a size above 0.
pub fn temperature(sizes: &[f64], temperature: f64) -> Result<Vec<f64>> {
    let mut faults = Vec::new();
    check_amounts("sizes", sizes, &mut faults);
    if !(temperature.is_finite() && temperature > 0.0) {
        faults.push(format!("temperature: {temperature} is not above 0"));
    }
    finish(faults)?;
    // Divided by the largest first, so that small temperatures do not overflow.
    let largest = sizes.iter().copied().fold(0.0, f64::max);
    let powers: Vec<f64> = sizes.iter().map(|n| (n / largest).powf(1.0 / temperature)).collect();
    // 0^(1/T) is 0 for every T.
    let sum: f64 = powers.iter().sum();
    Ok(powers.into_iter().map(|power| power / sum).collect())
}

/// UniMax (Chung et al. 2023, arXiv 2304.09151): the budget as evenly as can be, but no source more
/// than `max_epochs` times. Returns the amount taken from each; they sum to less than the budget
/// where all sources are at the limit.
///
/// # Errors
/// An amount is negative or not a number, or no source has a size above 0.
pub fn unimax(sizes: &[f64], budget: f64, max_epochs: f64) -> Result<Vec<f64>> {
    capped(sizes, &vec![1.0; sizes.len()], budget, max_epochs)
}

/// The budget in proportion to the weights, but no source more than `max_epochs` times: what a full
/// source cannot take goes to the others in proportion to theirs. Returns the amount taken from
/// each; they sum to less than the budget where all sources with a weight are at the limit.
///
/// # Errors
/// Lengths differ, an amount is negative or not a number, or no source has size and weight above 0.
pub fn capped(sizes: &[f64], weights: &[f64], budget: f64, max_epochs: f64) -> Result<Vec<f64>> {
    let mut faults = Vec::new();
    check_amounts("sizes", sizes, &mut faults);
    check_amounts("weights", weights, &mut faults);
    check_amounts("budget", &[budget], &mut faults);
    check_amounts("max_epochs", &[max_epochs], &mut faults);
    if sizes.len() != weights.len() {
        faults.push(format!("weights: {} for {} sizes", weights.len(), sizes.len()));
    }
    finish(faults)?;
    // The sources that fill up first are those with the lowest limit per weight. Taking them in that
    // order, each either takes its share of what is left, or its limit.
    let limit = |i: usize| sizes[i] * max_epochs;
    let mut order: Vec<usize> = (0..sizes.len()).filter(|&i| weights[i] > 0.0).collect();
    let per_weight = |i: usize| limit(i) / weights[i];
    order.sort_by(|&a, &b| per_weight(a).total_cmp(&per_weight(b)).then(a.cmp(&b)));
    let mut amounts = vec![0.0; sizes.len()];
    let mut left = budget;
    for (at, &i) in order.iter().enumerate() {
        // Summed anew each time: subtracting weights one by one would lose small ones.
        let weight_left: f64 = order[at..].iter().map(|&j| weights[j]).sum();
        amounts[i] = limit(i).min(left * (weights[i] / weight_left));
        left -= amounts[i];
    }
    Ok(amounts)
}

/// Splits `n` whole units in proportion to the weights by the method of largest remainders, ties to
/// the lower index. Exact: weights enter as the rational numbers that they are (of one more than
/// 2^62 times smaller than the largest, the lowest bits are cut).
///
/// # Errors
/// A weight is negative or not a number, or none is above 0.
pub fn largest_remainder(weights: &[f64], n: u64) -> Result<Vec<u64>> {
    let mut faults = Vec::new();
    check_amounts("weights", weights, &mut faults);
    finish(faults)?;
    let largest = weights.iter().copied().fold(0.0, f64::max);
    let exact: Vec<u128> = weights.iter().map(|&weight| scaled(weight, largest)).collect();
    let sum: u128 = exact.iter().sum();
    let mut counts: Vec<u64> =
        exact.iter().map(|weight| (u128::from(n) * weight / sum) as u64).collect();
    let remainder = |i: usize| u128::from(n) * exact[i] % sum;
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| remainder(b).cmp(&remainder(a)).then(a.cmp(&b)));
    let left = n - counts.iter().sum::<u64>();
    for &i in order.iter().take(left as usize) {
        counts[i] += 1;
    }
    Ok(counts)
}

/// `weight` times the power of two that brings `largest` into 2^62..2^63, rounded down. At most
/// 2^63 each, so products with a `u64` fit in a `u128`.
fn scaled(weight: f64, largest: f64) -> u128 {
    let (mantissa, exponent) = decompose(weight);
    let (_, largest_exponent) = decompose(largest);
    // decompose gives mantissas of 53 bits: largest becomes mantissa << 10.
    let shift = exponent - largest_exponent + 10;
    let mantissa = u128::from(mantissa);
    if shift >= 0 { mantissa << shift } else { mantissa.checked_shr(-shift as u32).unwrap_or(0) }
}

/// A non-negative number as `mantissa * 2^exponent`, the mantissa in 2^52..2^53 or 0.
fn decompose(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let (field, fraction) = ((bits >> 52) as i32 & 0x7ff, bits & ((1 << 52) - 1));
    if fraction == 0 && field == 0 {
        return (0, 0);
    }
    if field == 0 {
        let up = fraction.leading_zeros() as i32 - 11;
        return (fraction << up, -1074 - up);
    }
    (fraction | 1 << 52, field - 1075)
}

/// Amounts must be finite and not negative, and one must be above 0.
fn check_amounts(name: &str, amounts: &[f64], faults: &mut Vec<String>) {
    for (i, amount) in amounts.iter().enumerate() {
        if !(amount.is_finite() && *amount >= 0.0) {
            faults.push(format!("{name}: {amount} at {i} is not an amount"));
        }
    }
    if !amounts.iter().any(|&amount| amount > 0.0) {
        faults.push(format!("{name}: none is above 0"));
    }
}

fn finish(faults: Vec<String>) -> Result<()> {
    if faults.is_empty() { Ok(()) } else { Err(PackError::Config { faults }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_of_any_magnitude_are_exact() {
        for scale in [f64::MIN_POSITIVE * 2e-10, 1.0, 1e300] {
            let weights = [1.0, 2.0, 4.0].map(|w| w * scale);
            assert_eq!(largest_remainder(&weights, 70).unwrap(), [10, 20, 40], "{scale}");
        }
        assert_eq!(largest_remainder(&[1.0, 1e-300], 5).unwrap(), [5, 0]);
        assert_eq!(largest_remainder(&[1.0; 3], u64::MAX).unwrap(), [u64::MAX / 3; 3]);
    }

    #[test]
    fn faults_are_all_named() {
        let Err(PackError::Config { faults }) = capped(&[1.0, -1.0], &[0.0], f64::NAN, 1.0) else {
            panic!()
        };
        assert_eq!(faults.len(), 5, "{faults:?}");
        assert!(temperature(&[1.0], 0.0).is_err());
        assert!(largest_remainder(&[], 1).is_err());
    }

    proptest! {
        #[test]
        fn largest_remainder_gives_all_units_and_stays_near_the_quota(
            weights in prop::collection::vec(0.0_f64..1e6, 1..20),
            n in 0_u64..1_000_000,
        ) {
            prop_assume!(weights.iter().any(|&w| w > 0.0));
            let counts = largest_remainder(&weights, n).unwrap();
            prop_assert_eq!(counts.iter().sum::<u64>(), n);
            let sum: f64 = weights.iter().sum();
            for (count, weight) in counts.iter().zip(&weights) {
                let quota = n as f64 * weight / sum;
                prop_assert!((*count as f64 - quota).abs() < 1.0 + 1e-6, "{} {}", count, quota);
                prop_assert!(*weight > 0.0 || *count == 0);
            }
        }

        #[test]
        fn capped_never_passes_a_limit_and_spends_what_it_can(
            sizes in prop::collection::vec(0.0_f64..1e6, 1..10),
            budget in 1.0_f64..1e7,
            epochs in 0.5_f64..8.0,
        ) {
            prop_assume!(sizes.iter().any(|&n| n > 0.0));
            let amounts = unimax(&sizes, budget, epochs).unwrap();
            let most: f64 = sizes.iter().map(|n| n * epochs).sum();
            let spent: f64 = amounts.iter().sum();
            prop_assert!((spent - budget.min(most)).abs() <= 1e-9 * budget.max(most));
            for (amount, size) in amounts.iter().zip(&sizes) {
                prop_assert!(*amount <= size * epochs);
            }
        }
    }
}
