//! The laws and cases of `mixture`.

use super::*;
use proptest::prelude::*;

fn config(weights: &[f64]) -> MixtureConfig {
    let source = |(k, &weight): (usize, &f64)| SourceConfig {
        name: format!("s{k}"),
        weight,
        max_epochs: None,
    };
    MixtureConfig { sources: weights.iter().enumerate().map(source).collect() }
}

#[test]
fn the_pattern_of_a_half_and_two_quarters() {
    let mixture = config(&[0.5, 0.25, 0.25]).resolve().unwrap();
    let sources: Vec<usize> = (0..8).map(|s| mixture.index(s).0).collect();
    assert_eq!(sources, [0, 1, 2, 0, 0, 1, 2, 0]);
    assert_eq!(mixture.shares(), [0.5, 0.25, 0.25]);
}

#[test]
fn ordinals_count_each_source_without_a_gap() {
    let mixture = config(&[3.0, 1.0, 0.001]).resolve().unwrap();
    let mut next = [0; 3];
    // Three periods and a part of the fourth.
    for counter in 0..200_000 {
        let (source, ordinal) = mixture.index(counter);
        assert_eq!(ordinal, next[source], "sample {counter}");
        next[source] += 1;
        if counter % 9973 == 0 {
            assert_eq!(mixture.counts(counter + 1), next);
        }
    }
}

#[test]
fn faults_are_all_named() {
    let mut bad = config(&[1.0, 0.0, 1.0]);
    bad.sources[2].name = "s0".into();
    bad.sources[0].max_epochs = Some(f64::NAN);
    let Err(PackError::Config { faults }) = bad.resolve() else { panic!() };
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(config(&[]).resolve().is_err());
    assert!(config(&[1.0, 1e-9]).resolve().is_err());
}

#[test]
fn limits_are_checked_before_the_run() {
    let mut config = config(&[3.0, 1.0]);
    config.sources[1].max_epochs = Some(2.0);
    let mixture = config.resolve().unwrap();
    assert_eq!(mixture.epochs(800, &[100, 100]).unwrap(), [6.0, 2.0]);
    let Err(PackError::TooManyEpochs { sources }) = mixture.epochs(804, &[100, 100]) else {
        panic!()
    };
    let expected = Exhausted { name: "s1".into(), available: 100, needed: 201, max_epochs: 2.0 };
    assert_eq!(sources, [expected]);
    assert!(mixture.epochs(1, &[1, 0]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_prefix_has_its_share(weights in prop::collection::vec(1e-3_f64..1.0, 1..12)) {
        let mixture = config(&weights).resolve().unwrap();
        let shares = mixture.shares();
        // Tijdeman's bound.
        let bound = 1.0 - 1.0 / (2.0 * weights.len() as f64 - 2.0).max(1.0) + 1e-9;
        let mut given = vec![0_u64; weights.len()];
        for counter in 0..u64::from(PERIOD) {
            let (source, ordinal) = mixture.index(counter);
            prop_assert_eq!(ordinal, given[source]);
            given[source] += 1;
            for (&given, share) in given.iter().zip(&shares) {
                let off = given as f64 - (counter + 1) as f64 * share;
                prop_assert!(off.abs() <= bound, "{} after {}", off, counter);
            }
        }
        prop_assert_eq!(&given, &mixture.counts(u64::from(PERIOD)));
        prop_assert_eq!(mixture.counts(3 * u64::from(PERIOD))[0], 3 * given[0]);
    }
}
