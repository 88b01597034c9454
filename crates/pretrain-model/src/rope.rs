//! The angles of rotary position embedding, on the host.
//!
//! The rounding follows the reference implementation (frequencies and angles are 32-bit numbers),
//! so that a model trained there sees the same angles here even at far positions. The functions of
//! `libm` are used instead of the platform's: their bits do not depend on the machine.

use crate::config::{ResolvedConfig, RopeConfig, RopeScaling};
use std::f64::consts::PI;

/// Frequencies in radians per token, one for each pair of a head: `head_dim / 2` numbers.
///
/// # Source
/// `theta^(-2i / head_dim)`: Su et al. 2021, §3.2.2. Llama 3 scaling: Dubey et al., "The Llama 3
/// Herd of Models", 2024, as computed by Hugging Face's `_compute_llama3_parameters`.
pub fn inverse_frequencies(rope: &RopeConfig, head_dim: usize) -> Vec<f32> {
    let plain = |i: usize| 1.0 / libm::pow(rope.theta, (2 * i) as f64 / head_dim as f64);
    (0..head_dim / 2).map(|i| scale(plain(i), rope.scaling.as_ref()) as f32).collect()
}

fn scale(frequency: f64, scaling: Option<&RopeScaling>) -> f64 {
    let Some(RopeScaling::Llama3 {
        factor,
        low_freq_factor: low,
        high_freq_factor: high,
        original_max_position_embeddings: original,
    }) = scaling
    else {
        return frequency;
    };
    // Turns that the pair makes over the original length.
    let turns = *original as f64 * frequency / (2.0 * PI);
    let smooth = ((turns - low) / (high - low)).clamp(0.0, 1.0);
    (1.0 - smooth) * frequency / factor + smooth * frequency
}

/// Cosines and sines of every position, each row-major `[max_seq_len, head_dim / 2]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RopeAngles {
    /// Cosines.
    pub cos: Vec<f32>,
    /// Sines.
    pub sin: Vec<f32>,
}

impl RopeAngles {
    /// The table of a model; `4 * max_seq_len * head_dim` bytes in all.
    pub fn new(config: &ResolvedConfig) -> Self {
        Self::of(&config.as_config().rope, config.head_dim(), config.max_seq_len())
    }

    /// The table of any length.
    pub fn of(rope: &RopeConfig, head_dim: usize, max_seq_len: usize) -> Self {
        let frequencies = inverse_frequencies(rope, head_dim);
        let angles = (0..max_seq_len)
            .flat_map(|position| frequencies.iter().map(move |f| f64::from(position as f32 * f)));
        let (cos, sin) =
            angles.map(|angle| (libm::cos(angle) as f32, libm::sin(angle) as f32)).unzip();
        Self { cos, sin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pair_turns_by_one_radian_per_token() {
        let rope = RopeConfig { theta: 10_000.0, scaling: None };
        let frequencies = inverse_frequencies(&rope, 4);
        assert_eq!(frequencies, [1.0, 0.01]);
        let angles = RopeAngles::of(&rope, 4, 3);
        assert_eq!(angles.cos[0..2], [1.0, 1.0]);
        assert_eq!(angles.sin[2], 1f64.sin() as f32);
        assert_eq!(angles.cos[4], 2f64.cos() as f32);
        assert_eq!(angles.sin.len(), 6);
    }

    #[test]
    fn llama3_keeps_short_waves_and_divides_long_ones() {
        let scaling = RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 8192,
        };
        let rope = RopeConfig { theta: 500_000.0, scaling: Some(scaling) };
        let plain = inverse_frequencies(&RopeConfig { scaling: None, ..rope }, 128);
        let scaled = inverse_frequencies(&rope, 128);
        assert_eq!(scaled[0], plain[0]);
        assert_eq!(scaled[63], plain[63] / 8.0);
        assert!(scaled.iter().zip(&plain).all(|(s, p)| *s <= *p && *s >= *p / 8.0));
        // Some wave lies between the bounds.
        assert!(scaled.iter().zip(&plain).any(|(s, p)| *s < *p && *s > *p / 7.9));
    }
}
