//! The angles of rotary position embedding, on the host.
//!
//! The rounding follows the reference implementation (frequencies and angles are 32-bit numbers),
//! so that a model trained there sees the same angles here even at far positions. The functions of
//! `libm` are used instead of the platform's: their bits do not depend on the machine.

use crate::config::{RopeConfig, RopeScaling};
use std::f64::consts::PI;

/// Frequencies in radians per token, one for each pair of `dim` turning features: `dim / 2` numbers.
/// `length` is that of the sequence; only dynamic scaling looks at it.
///
/// # Source
/// `theta^(-2i / dim)`: Su et al. 2021, §3.2.2. Scalings: see [`RopeScaling`], as computed by Hugging
/// Face's `modeling_rope_utils`.
pub fn inverse_frequencies(rope: &RopeConfig, dim: usize, length: usize) -> Vec<f32> {
    let theta = match rope.scaling {
        Some(RopeScaling::Dynamic { factor, original_max_position_embeddings: original })
            if length > original =>
        {
            let stretch = factor * length as f64 / original as f64 - (factor - 1.0);
            rope.theta * libm::pow(stretch, dim as f64 / (dim as f64 - 2.0))
        }
        _ => rope.theta,
    };
    let plain = |i: usize| 1.0 / libm::pow(theta, (2 * i) as f64 / dim as f64);
    let scaled = |i: usize| match rope.scaling {
        None | Some(RopeScaling::Dynamic { .. }) => plain(i),
        Some(RopeScaling::Linear { factor }) => plain(i) / factor,
        Some(RopeScaling::Yarn {
            factor,
            original_max_position_embeddings: original,
            beta_fast,
            beta_slow,
            ..
        }) => {
            // The pair that makes this many turns over the original length.
            let pair = |turns: f64| {
                let wave = original as f64 / (turns * 2.0 * PI);
                dim as f64 * libm::log(wave) / (2.0 * libm::log(theta))
            };
            let low = pair(beta_fast).floor().max(0.0);
            let high = pair(beta_slow).ceil().min(dim as f64 - 1.0);
            let width = if high == low { 0.001 } else { high - low };
            let long = ((i as f64 - low) / width).clamp(0.0, 1.0);
            plain(i) / factor * long + plain(i) * (1.0 - long)
        }
        Some(RopeScaling::Llama3 {
            factor,
            low_freq_factor: low,
            high_freq_factor: high,
            original_max_position_embeddings: original,
        }) => {
            // Turns that the pair makes over the original length.
            let turns = original as f64 * plain(i) / (2.0 * PI);
            let smooth = ((turns - low) / (high - low)).clamp(0.0, 1.0);
            (1.0 - smooth) * plain(i) / factor + smooth * plain(i)
        }
    };
    (0..dim / 2).map(|i| scaled(i) as f32).collect()
}

/// Cosines and sines of every position, each row-major `[length, dim / 2]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RopeAngles {
    /// Cosines.
    pub cos: Vec<f32>,
    /// Sines.
    pub sin: Vec<f32>,
}

impl RopeAngles {
    /// The table of a sequence of `length` tokens; `4 * length * dim` bytes in all.
    pub fn of(rope: &RopeConfig, dim: usize, length: usize) -> Self {
        Self::of_sequence(rope, dim, length, length)
    }

    /// The first `rows` positions of a sequence of `length` tokens.
    pub(crate) fn of_sequence(rope: &RopeConfig, dim: usize, rows: usize, length: usize) -> Self {
        let frequencies = inverse_frequencies(rope, dim, length);
        let magnitude = match rope.scaling {
            Some(RopeScaling::Yarn { factor, attention_factor, .. }) => {
                attention_factor.unwrap_or_else(|| 0.1 * libm::log(factor) + 1.0)
            }
            _ => 1.0,
        };
        let angles = (0..rows)
            .flat_map(|position| frequencies.iter().map(move |f| f64::from(position as f32 * f)));
        let number = |x: f64| (x * magnitude) as f32;
        let (cos, sin) =
            angles.map(|angle| (number(libm::cos(angle)), number(libm::sin(angle)))).unzip();
        Self { cos, sin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pair_turns_by_one_radian_per_token() {
        let rope = RopeConfig::new(10_000.0);
        let frequencies = inverse_frequencies(&rope, 4, 3);
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
        let rope = RopeConfig { scaling: Some(scaling), ..RopeConfig::new(500_000.0) };
        let plain = inverse_frequencies(&RopeConfig { scaling: None, ..rope }, 128, 1);
        let scaled = inverse_frequencies(&rope, 128, 1);
        assert_eq!(scaled[0], plain[0]);
        assert_eq!(scaled[63], plain[63] / 8.0);
        assert!(scaled.iter().zip(&plain).all(|(s, p)| *s <= *p && *s >= *p / 8.0));
        // Some wave lies between the bounds.
        assert!(scaled.iter().zip(&plain).any(|(s, p)| *s < *p && *s > *p / 7.9));
    }
}
