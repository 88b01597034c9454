//! Positions as numbers on the host: sinusoids, ALiBi's slopes, buckets of distance.

use crate::config::RelativeConfig;

/// `sin(p / 10000^(2i / d))` at column `2i`, the cosine at `2i + 1`; row-major `[rows, d]`.
///
/// # Source
/// Vaswani et al., "Attention Is All You Need", 2017, §3.5.
pub fn sinusoids(rows: usize, d_model: usize) -> Vec<f32> {
    let angle = |p: usize, i: usize| {
        p as f64 * libm::exp((2 * i) as f64 * -(libm::log(10_000.0) / d_model as f64))
    };
    (0..rows)
        .flat_map(|p| (0..d_model).map(move |column| (angle(p, column / 2), column % 2)))
        .map(|(angle, odd)| (if odd == 1 { libm::cos(angle) } else { libm::sin(angle) }) as f32)
        .collect()
}

/// How fast the bias of each head falls.
///
/// # Source
/// Press et al., "Train Short, Test Long: Attention with Linear Biases", 2021: a geometric series
/// that starts at `2^(-8 / n)` for a power of two `n`; other numbers of heads take every second slope
/// of the next power for the rest, as in the paper's code.
pub fn alibi_slopes(n_heads: usize) -> Vec<f32> {
    let series = |n: usize, i: usize| libm::pow(2.0, -8.0 * (i + 1) as f64 / n as f64) as f32;
    let whole = if n_heads == 0 { 1 } else { 1 << n_heads.ilog2() };
    let first = (0..whole.min(n_heads)).map(|i| series(whole, i));
    let rest = (0..n_heads.saturating_sub(whole)).map(|i| series(2 * whole, 2 * i));
    first.chain(rest).collect()
}

/// The bucket of each pair of a query and a key, row-major `[queries, past + queries]`; query `i` is
/// at position `past + i`.
///
/// # Source
/// Raffel et al. 2020, as computed by Hugging Face's `_relative_position_bucket`, with its rounding.
pub(crate) fn relative_buckets(
    config: &RelativeConfig,
    queries: usize,
    past: usize,
    bidirectional: bool,
) -> Vec<i64> {
    let bucket = |query: usize, key: usize| {
        relative_bucket(config, key as i64 - (past + query) as i64, bidirectional)
    };
    (0..queries).flat_map(|q| (0..past + queries).map(move |k| bucket(q, k))).collect()
}

/// The bucket of a key `distance` positions after its query.
pub fn relative_bucket(config: &RelativeConfig, distance: i64, bidirectional: bool) -> i64 {
    let all = config.buckets as i64;
    let (buckets, first, distance) = if bidirectional {
        (all / 2, if distance > 0 { all / 2 } else { 0 }, distance.abs())
    } else {
        (all, 0, (-distance).max(0))
    };
    let exact = buckets / 2;
    if distance < exact {
        return first + distance;
    }
    let ratio = libm::logf(distance as f32 / exact as f32)
        / libm::log(config.max_distance as f64 / exact as f64) as f32;
    let bucket = exact + (ratio * (buckets - exact) as f32) as i64;
    first + bucket.min(buckets - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_halve_for_eight_heads_and_interleave_for_twelve() {
        let eight = alibi_slopes(8);
        assert_eq!(eight, (1..=8).map(|i| 0.5f32.powi(i)).collect::<Vec<_>>());
        let twelve = alibi_slopes(12);
        assert_eq!(twelve[..8], eight[..]);
        assert_eq!(twelve[8], 0.5f32.powf(0.5));
        assert!(alibi_slopes(0).is_empty());
    }

    #[test]
    fn near_distances_have_buckets_of_their_own() {
        let config = RelativeConfig { buckets: 8, max_distance: 16 };
        let causal: Vec<i64> = (0..6).map(|d| relative_bucket(&config, -d, false)).collect();
        assert_eq!(causal, [0, 1, 2, 3, 4, 4]);
        assert_eq!(relative_bucket(&config, 3, false), 0);
        assert_eq!(relative_bucket(&config, 1, true), 5);
        assert_eq!(relative_bucket(&config, -1000, true), 3);
    }
}
