//! Mixing policies against the golden cases.

use crate::golden::{floats, json, numbers};
use pretrain_pack::weights::{capped, largest_remainder, temperature, unimax};
use serde_json::Value;

fn assert_close(found: &[f64], expected: &[f64], case: &Value) {
    assert_eq!(found.len(), expected.len(), "{case}");
    for (found, expected) in found.iter().zip(expected) {
        let scale = expected.abs().max(f64::MIN_POSITIVE);
        assert!((found - expected).abs() <= 1e-12 * scale, "{found} {expected} in {case}");
    }
}

#[test]
fn golden_temperature() {
    let Some(golden) = json("mixing.json.zst") else { return };
    for case in golden["temperature"].as_array().unwrap() {
        let found = temperature(&floats(&case["sizes"]), case["T"].as_f64().unwrap()).unwrap();
        assert_close(&found, &floats(&case["p"]), case);
    }
}

#[test]
fn golden_unimax_and_capped() {
    let Some(golden) = json("mixing.json.zst") else { return };
    for case in golden["unimax"].as_array().unwrap() {
        let number = |key: &str| case[key].as_f64().unwrap();
        let found =
            unimax(&floats(&case["sizes"]), number("budget"), number("max_epochs")).unwrap();
        assert_close(&found, &floats(&case["tokens"]), case);
    }
    for case in golden["capped"].as_array().unwrap() {
        let number = |key: &str| case[key].as_f64().unwrap();
        let (sizes, weights) = (floats(&case["sizes"]), floats(&case["weights"]));
        let found = capped(&sizes, &weights, number("budget"), number("cap_epochs")).unwrap();
        assert_close(&found, &floats(&case["tokens"]), case);
    }
}

#[test]
fn golden_largest_remainder() {
    let Some(golden) = json("mixing.json.zst") else { return };
    for case in golden["largest_remainder"].as_array().unwrap() {
        let weight = |value: &Value| match value.as_str() {
            None => value.as_f64().unwrap(),
            Some(fraction) => {
                let (above, below) = fraction.split_once('/').unwrap_or((fraction, "1"));
                above.parse::<f64>().unwrap() / below.parse::<f64>().unwrap()
            }
        };
        let weights: Vec<f64> = case["weights"].as_array().unwrap().iter().map(weight).collect();
        let found = largest_remainder(&weights, case["n"].as_u64().unwrap()).unwrap();
        let expected: Vec<u64> = numbers(&case["counts"]).into_iter().map(u64::from).collect();
        assert_eq!(found, expected, "{case}");
    }
}
