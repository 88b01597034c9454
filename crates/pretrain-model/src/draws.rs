//! Random numbers that are addressed, not consumed.
//!
//! A [`Draws`] is a function from an index to a number: ChaCha8 under the key
//! `SHA-256(purpose, seed, name)`, where number `i` is made of the stream's 32-bit words `2i` and
//! `2i + 1`. Nothing depends on what was drawn before, so a parameter has the same fresh values
//! whatever is created around it, and a part of it can be made without the rest.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// A stream of numbers for one purpose.
#[derive(Debug, Clone)]
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    /// The stream of `(purpose, seed, name)`.
    pub(crate) fn new(purpose: &str, seed: u64, name: &str) -> Self {
        let mut hash = Sha256::new();
        // A length before each text keeps ("a", "bc") and ("ab", "c") apart.
        for text in [purpose, name] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        hash.update(seed.to_le_bytes());
        Self(ChaCha8Rng::from_seed(hash.finalize().into()))
    }

    /// Moves to number `index`.
    pub(crate) fn seek(&mut self, index: u64) {
        self.0.set_word_pos(2 * u128::from(index));
    }

    /// The next number, uniform in the open interval (0, 1), in steps of 2^-53.
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) * (0.5f64.powi(53))
    }

    /// The next number, normal with mean 0 and variance 1.
    pub(crate) fn normal(&mut self) -> f64 {
        inverse_normal(self.uniform())
    }
}

/// The value below which a standard normal number lies with probability `p`, for `0 < p < 1`.
///
/// # Source
/// Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics
/// 37 (1988) 477-484, routine PPND16; relative error about 1e-16. One uniform number gives one
/// normal number, which is what makes the draws addressable (Box-Muller gives two for two).
fn inverse_normal(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(&CENTRE, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-libm::log(tail)).sqrt();
    let value = if r <= 5.0 { ratio(&MIDDLE, r - 1.6) } else { ratio(&FAR, r - 5.0) };
    if q < 0.0 { -value } else { value }
}

/// Numerator and denominator, lowest power first.
type Rational = ([f64; 8], [f64; 8]);

fn ratio((numerator, denominator): &Rational, x: f64) -> f64 {
    let value = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, c| sum * x + c);
    value(numerator) / value(denominator)
}

#[expect(clippy::excessive_precision, reason = "as printed in the source")]
const CENTRE: Rational = (
    [
        3.387_132_872_796_366_608_0e0,
        1.331_416_678_917_843_774_5e2,
        1.971_590_950_306_551_442_7e3,
        1.373_169_376_550_946_112_5e4,
        4.592_195_393_154_987_145_7e4,
        6.726_577_092_700_870_085_3e4,
        3.343_057_558_358_812_810_5e4,
        2.509_080_928_730_122_672_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091_125_2e1,
        6.871_870_074_920_579_083_0e2,
        5.394_196_021_424_751_107_7e3,
        2.121_379_430_158_659_586_7e4,
        3.930_789_580_009_271_061_0e4,
        2.872_908_573_572_194_267_4e4,
        5.226_495_278_852_854_561_0e3,
    ],
);

#[expect(clippy::excessive_precision, reason = "as printed in the source")]
const MIDDLE: Rational = (
    [
        1.423_437_110_749_683_577_34e0,
        4.630_337_846_156_545_295_90e0,
        5.769_497_221_460_691_405_50e0,
        3.647_848_324_763_204_605_04e0,
        1.270_458_252_452_368_382_58e0,
        2.417_807_251_774_506_117_70e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_40e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87e0,
        1.676_384_830_183_803_849_40e0,
        6.897_673_349_851_000_045_50e-1,
        1.481_039_764_274_800_745_90e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946_00e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
);

#[expect(clippy::excessive_precision, reason = "as printed in the source")]
const FAR: Rational = (
    [
        6.657_904_643_501_103_777_20e0,
        5.463_784_911_164_114_369_90e0,
        1.784_826_539_917_291_335_80e0,
        2.965_605_718_285_048_912_30e-1,
        2.653_218_952_657_612_309_30e-2,
        1.242_660_947_388_078_438_60e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        5.998_322_065_558_879_376_90e-1,
        1.369_298_809_227_358_053_10e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591_00e-4,
        1.846_318_317_510_054_681_80e-5,
        1.421_511_758_316_445_888_70e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_published_table() {
        for (p, z) in [
            (0.5, 0.0),
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_813_5),
            (0.975, 1.959_963_984_540_054),
            (1e-20, -9.262_340_089_798_408),
        ] {
            assert!((inverse_normal(p) - z).abs() <= 4e-15 * (1.0 + z.abs()), "{p}");
        }
    }

    #[test]
    fn a_number_depends_on_its_address_alone() {
        let mut draws = Draws::new("init", 7, "w");
        let all: Vec<f64> = (0..100).map(|_| draws.uniform()).collect();
        for index in [0, 1, 31, 32, 77] {
            let mut other = Draws::new("init", 7, "w");
            other.seek(index);
            assert_eq!(other.uniform(), all[index as usize]);
        }
        for other in [("init", 8, "w"), ("init", 7, "v"), ("ini", 7, "tw"), ("draw", 7, "w")] {
            assert_ne!(Draws::new(other.0, other.1, other.2).uniform(), all[0]);
        }
        assert!(all.iter().all(|u| *u > 0.0 && *u < 1.0));
    }

    #[test]
    fn normal_numbers_have_the_moments_of_the_normal_distribution() {
        let n = 100_000;
        let mut draws = Draws::new("test", 0, "moments");
        let mut sums = [0.0; 4];
        for _ in 0..n {
            let z = draws.normal();
            sums.iter_mut().enumerate().for_each(|(k, sum)| *sum += z.powi(k as i32 + 1));
        }
        let moments = sums.map(|sum| sum / n as f64);
        // Five standard errors: sqrt(1, 2, 15, 96) / sqrt(n).
        for (k, (expected, variance)) in
            [(0.0, 1.0), (1.0, 2.0), (0.0, 15.0), (3.0, 96.0)].iter().enumerate()
        {
            let bound = 5.0 * (variance / n as f64).sqrt();
            assert!((moments[k] - expected).abs() < bound, "moment {}: {}", k + 1, moments[k]);
        }
    }
}
