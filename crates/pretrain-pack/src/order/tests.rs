//! The laws and cases of `order`.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn published_vectors() {
    // Made by another implementation, in another language, from the documentation of the type.
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../testdata/permutation.json")).unwrap();
    for case in &cases {
        let key = ["n", "seed", "stream", "epoch"].map(|name| number(&case[name]));
        let permutation = Permutation::new(key[0], key[1], key[2], key[3]);
        let places = case["places"].as_array().unwrap().iter().map(number);
        let elements = case["elements"].as_array().unwrap().iter().map(number);
        for (place, element) in places.zip(elements) {
            assert_eq!(permutation.index(place), Some(element), "{key:?} at {place}");
            assert_eq!(permutation.position(element), Some(place), "{key:?} of {element}");
        }
    }
    assert!(cases.len() >= 10);
}

#[test]
fn every_element_comes_once() {
    // Sizes around every change of width, where an implementation that counts the bits of n or
    // forgets to walk the cycle fails.
    let around = |n: u64| [n - 1, n, n + 1];
    let sizes = [1, 2, 3, 64, 100].into_iter().chain((8..=18).flat_map(|b| around(1 << b)));
    for n in sizes.chain([1000, 50_000]) {
        let permutation = Permutation::new(n, 11, 0, 3);
        let mut seen = vec![false; n as usize];
        for place in 0..n {
            let element = permutation.index(place).unwrap();
            assert!(!std::mem::replace(&mut seen[element as usize], true), "{n}: {element} twice");
            assert_eq!(permutation.position(element), Some(place));
        }
        assert_eq!((permutation.index(n), permutation.position(n)), (None, None));
    }
    assert!(Permutation::new(0, 1, 1, 1).is_empty());
}

proptest! {
    #[test]
    fn position_inverts_index(n in 1_u64.., place in any::<u64>(), seed in any::<u64>()) {
        let place = place % n;
        let permutation = Permutation::new(n, seed, 1, 2);
        let element = permutation.index(place).unwrap();
        prop_assert!(element < n);
        prop_assert_eq!(permutation.position(element), Some(place));
    }
}

#[test]
fn epochs_follow_each_other_and_differ() {
    let order = DataOrder::new(5, 0, 1000).unwrap();
    let epoch = |e: u64| -> Vec<u64> { (0..1000).map(|i| order.index(e * 1000 + i).1).collect() };
    let (first, second) = (epoch(0), epoch(1));
    assert_eq!(order.index(1999).0, 1);
    let same = first.iter().zip(&second).filter(|(a, b)| a == b).count();
    assert!(same < 10, "{same} of 1000 samples keep their place");
    for (counter, &sample) in (1000..).zip(&second) {
        assert_eq!(order.position(1, sample), Some(counter));
    }
    let other_stream = DataOrder::new(5, 1, 1000).unwrap();
    assert_ne!(first, (0..1000).map(|i| other_stream.index(i).1).collect::<Vec<_>>());
    assert_eq!(order.position(u64::MAX, 3), None);
    assert!(DataOrder::new(5, 0, 0).is_err());
}

/// Sizes that fill their power of two, barely pass one, and lie between; odd and even bits.
const SIZES: [u64; 6] = [1 << 12, (1 << 12) + 1, 10_000, 1 << 17, 1_000_000, 1 << 20];

#[test]
fn neighbours_are_not_correlated() {
    for n in SIZES {
        let permutation = Permutation::new(n, 2024, 0, 0);
        let at = |i: u64| permutation.index(i).unwrap() as f64 / n as f64 - 0.5;
        let count = n.min(200_000);
        for lag in [1, 2, 3, 4, 7, 8, 64, 1000, n / 2] {
            let pairs = count.min(n - lag);
            let sum: f64 = (0..pairs).map(|i| at(i) * at(i + lag)).sum();
            // Uniform on (-1/2, 1/2): variance 1/12; the mean of products has deviation
            // 1/(12 sqrt(pairs)).
            let correlation = 12.0 * sum / pairs as f64;
            let limit = 5.0 / (pairs as f64).sqrt();
            assert!(correlation.abs() < limit, "n {n}, lag {lag}: {correlation} > {limit}");
        }
    }
}

#[test]
fn no_output_bit_is_a_function_of_few_input_bits() {
    for n in SIZES {
        let permutation = Permutation::new(n, 7, 0, 0);
        let at = |i: u64| permutation.index(i).unwrap();
        let count = n.min(100_000);
        for stride in [1, 2, 4, 16, 256] {
            // Changing the place by the stride must flip the lowest bits of the element in about
            // half of the cases; an affine round function flips the lowest always or never.
            for bit in 0..6 {
                let pairs = count - stride;
                let flips =
                    (0..pairs).filter(|&i| (at(i) ^ at(i + stride)) >> bit & 1 == 1).count();
                let z = (flips as f64 - pairs as f64 / 2.0) / (pairs as f64 / 4.0).sqrt();
                assert!(z.abs() < 5.0, "n {n}, stride {stride}, bit {bit}: z = {z}");
            }
        }
    }
}

#[test]
fn every_window_draws_from_everywhere() {
    for n in SIZES {
        let permutation = Permutation::new(n, 99, 0, 4);
        for stride in [1, 2, 3, 5, 16, 64] {
            // Chi-squared over 16 equal ranges of the elements at every `stride`-th place of the
            // first part: 15 degrees of freedom, mean 15, deviation sqrt(30).
            let count = (n / stride).min(20_000).min(n / 8);
            let mut cells = [0_u64; 16];
            for i in 0..count {
                cells[(permutation.index(i * stride).unwrap() * 16 / n) as usize] += 1;
            }
            let expected = count as f64 / 16.0;
            let chi2: f64 = cells.iter().map(|&c| (c as f64 - expected).powi(2) / expected).sum();
            assert!(chi2 < 15.0 + 6.0 * 30_f64.sqrt(), "n {n}, stride {stride}: {chi2}");
        }
    }
}

#[test]
fn a_changed_key_or_place_changes_half_of_the_bits() {
    let n = 1 << 40;
    let mut flipped = 0;
    let mut total = 0;
    for trial in 0..2000_u64 {
        let base = Permutation::new(n, trial, 0, 0);
        let place = trial * 549_755_813 % n;
        let element = base.index(place).unwrap();
        for other in [
            base.index(place ^ 1 << (trial % 40)).unwrap(),
            Permutation::new(n, trial ^ 1 << (trial % 64), 0, 0).index(place).unwrap(),
            Permutation::new(n, trial, 0, 1).index(place).unwrap(),
        ] {
            flipped += (element ^ other).count_ones();
            total += 40;
        }
    }
    let share = f64::from(flipped) / f64::from(total);
    assert!((share - 0.5).abs() < 0.005, "{share}");
}

#[test]
fn short_networks_reach_all_pairs() {
    // Over many keys, the elements at places 0 and 1 of the shortest network take all pairs of
    // sixteenths equally often: 256 cells, 255 degrees of freedom.
    let n = 257;
    let keys = 100_000;
    let mut cells = vec![0_u64; 256];
    for seed in 0..keys {
        let permutation = Permutation::new(n, seed, 0, 0);
        let cell = |i: u64| permutation.index(i).unwrap() * 16 / n;
        cells[(cell(0) * 16 + cell(1)) as usize] += 1;
    }
    let width = |k: u64| ((k + 1) * n).div_ceil(16) - (k * n).div_ceil(16);
    let chi2: f64 = (0..256)
        .map(|cell| {
            let (a, b) = (cell / 16, cell % 16);
            let pairs = width(a) * (width(b) - u64::from(a == b));
            let expected = keys as f64 * pairs as f64 / (n * (n - 1)) as f64;
            (cells[cell as usize] as f64 - expected).powi(2) / expected
        })
        .sum();
    assert!((chi2 - 255.0).abs() < 5.0 * 510_f64.sqrt(), "{chi2}");
}
