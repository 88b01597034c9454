//! The values of a fresh model.

use crate::config::ResolvedConfig;
use crate::design::NormWeight;
use crate::draws::Draws;

/// The fresh values of the parameter with this name, row-major.
///
/// What scales a norm is 1 (0 where it is added to one), every other vector 0. Matrices are normal
/// with mean 0 and standard deviation `init_std`, divided by `sqrt(2 n_layers)` for the matrices of
/// each block that write into the residual stream, so that the stream's variance does not grow with
/// depth (Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, §2.3).
///
/// Number `i` is a function of `(seed, name, i)` alone: ChaCha8 keyed by SHA-256 of seed and name,
/// turned into a normal number by the inverse of the distribution function (Wichura's AS 241). The
/// order of creation, the other parameters and the machine do not matter.
pub fn fresh_values(config: &ResolvedConfig, seed: u64, name: &str, shape: &[usize]) -> Vec<f32> {
    let size = shape.iter().product();
    if shape.len() < 2 {
        let scales =
            name.ends_with("norm.weight") && config.design().norm.weight != NormWeight::OnePlus;
        return vec![if scales { 1.0 } else { 0.0 }; size];
    }
    let into_residual = name.ends_with("attention.output.weight") || name.ends_with(".down.weight");
    let depth = if into_residual { (2.0 * config.n_layers() as f64).sqrt() } else { 1.0 };
    let std = config.as_config().init_std / depth;
    let mut draws = Draws::new("init", seed, name);
    (0..size).map(|_| (std * draws.normal()) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelConfig;

    fn config() -> ResolvedConfig {
        let mut config = ModelConfig::tiny(100);
        config.n_layers = 8;
        config.resolve().unwrap()
    }

    fn mean_and_std(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let square = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
        (mean, square.sqrt())
    }

    #[test]
    fn statistics_are_those_that_are_promised() {
        let config = config();
        let shape = [200, 500];
        for (name, expected) in [
            ("embedding.weight", 0.02),
            ("head.weight", 0.02),
            ("model.layers.3.self_attn.q_proj.weight", 0.02),
            ("blocks.3.mlp.up.weight", 0.02),
            ("blocks.3.attention.output.weight", 0.005),
            ("blocks.7.mlp.down.weight", 0.005),
        ] {
            let (mean, std) = mean_and_std(&fresh_values(&config, 1, name, &shape));
            // Five standard errors of 100 000 numbers.
            assert!(mean.abs() < 5.0 * expected / 1e5f64.sqrt(), "{name}: mean {mean}");
            assert!((std / expected - 1.0).abs() < 5.0 / 2e5f64.sqrt(), "{name}: std {std}");
        }
        assert_eq!(fresh_values(&config, 1, "norm.weight", &[4]), [1.0; 4]);
    }

    #[test]
    fn values_depend_on_seed_and_name_and_nothing_else() {
        let config = config();
        let of = |seed, name| fresh_values(&config, seed, name, &[4, 8]);
        let first = of(1, "head.weight");
        of(9, "embedding.weight");
        assert_eq!(of(1, "head.weight"), first);
        assert_ne!(of(2, "head.weight"), first);
        assert_ne!(of(1, "embedding.weight"), first);
        // Pinned: a change of these bits is a change of every run's start.
        assert_eq!(first[..2].iter().map(|v| v.to_bits()).collect::<Vec<_>>(), PINNED);
    }

    const PINNED: [u32; 2] = [3_166_656_050, 1_026_542_184];
}
