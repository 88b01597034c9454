//! Objectives: golden cases, and laws of the seeded forms.

use crate::golden::{json, numbers};
use pretrain_pack::objective::{
    Corrupted, FimConfig, FimIds, FimOrder, Mlm, MlmConfig, SpanConfig, SpanCorruption,
};
use pretrain_pack::{IGNORE_LABEL, Sample};
use proptest::prelude::*;
use serde_json::Value;

fn span(density: f64, mean_span_length: f64) -> SpanCorruption {
    SpanConfig {
        density,
        mean_span_length,
        first_sentinel: 1_000_000,
        n_sentinels: 1_000_000,
        end_of_text: 1,
    }
    .resolve()
    .unwrap()
}

#[test]
fn golden_span_lengths_and_counts() {
    let Some(golden) = json("denoising.json.zst") else { return };
    let row = |row: &Value| row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    for case in golden["t5_lengths"].as_array().unwrap() {
        let case: Vec<f64> = row(case);
        let found = span(case[1], case[2]).lengths(case[0] as usize).unwrap();
        assert_eq!(found, (case[3] as usize, case[4] as usize), "{case:?}");
    }
    for case in golden["t5_counts"].as_array().unwrap() {
        let case: Vec<f64> = row(case);
        let found = span(case[1], case[2]).counts(case[0] as usize);
        let found = [found.noise + found.clean, found.noise, found.clean, found.spans];
        assert_eq!(found.map(|n| n as f64), case[3..], "{case:?}");
    }
}

#[test]
fn golden_span_examples() {
    let Some(golden) = json("denoising.json.zst") else { return };
    for case in golden["t5_examples"].as_array().unwrap() {
        let number = |key: &str| case[key].as_u64().unwrap() as u32;
        let places = |key: &str| -> Vec<usize> {
            numbers(&case[key]).into_iter().map(|n| n as usize).collect()
        };
        let spans = SpanConfig {
            density: case["density"].as_f64().unwrap(),
            mean_span_length: case["mean"].as_f64().unwrap(),
            first_sentinel: number("sentinel0"),
            n_sentinels: number("spans").max(1),
            end_of_text: number("eos"),
        };
        let tokens = numbers(&case["tokens"]);
        let found = spans
            .resolve()
            .unwrap()
            .apply_with(&tokens, &places("noise_cuts"), &places("clean_cuts"))
            .unwrap();
        assert_eq!(found.inputs, numbers(&case["inputs"]), "{case}");
        assert_eq!(found.targets, numbers(&case["targets"]), "{case}");
    }
}

#[test]
fn golden_span_marginals() {
    let Some(golden) = json("denoising.json.zst") else { return };
    for case in golden["t5_marginal"].as_array().unwrap() {
        let spans = span(case["density"].as_f64().unwrap(), case["mean"].as_f64().unwrap());
        let ids: Vec<u32> = (100..100 + case["length"].as_u64().unwrap() as u32).collect();
        let trials = 20_000;
        let mut noise = vec![0_u32; ids.len()];
        for index in 0..trials {
            for id in spans.apply(&ids, 9, index).unwrap().targets {
                if ids.contains(&id) {
                    noise[(id - 100) as usize] += 1;
                }
            }
        }
        let outcomes = case["outcomes"].as_f64().unwrap();
        for (place, &count) in noise.iter().enumerate() {
            let p = case["noise_count_by_position"][place].as_f64().unwrap() / outcomes;
            let deviation = (trials as f64 * p * (1.0 - p)).sqrt();
            let off = f64::from(count) - trials as f64 * p;
            assert!(off.abs() <= 5.0 * deviation, "place {place}: {off} of {case}");
        }
    }
}

/// Puts spans back where their sentinels stand.
fn restore(Corrupted { inputs, targets }: &Corrupted, first_sentinel: u32) -> Vec<u32> {
    let is_sentinel = |id: u32| id > first_sentinel / 2;
    let span_of = |sentinel: u32| {
        let at = targets.iter().position(|&id| id == sentinel).unwrap() + 1;
        targets[at..targets.len() - 1].iter().copied().take_while(|&id| !is_sentinel(id))
    };
    let body = &inputs[..inputs.len() - 1];
    body.iter()
        .flat_map(|&id| if is_sentinel(id) { span_of(id).collect() } else { vec![id] })
        .collect()
}

proptest! {
    #[test]
    fn spans_can_be_put_back(
        ids in prop::collection::vec(2_u32..1000, 0..200),
        density in 0.01_f64..0.99,
        mean in 1.0_f64..20.0,
        seed in any::<u64>(),
    ) {
        let spans = span(density, mean);
        let found = spans.apply(&ids, seed, 3).unwrap();
        prop_assert_eq!(restore(&found, 1_000_000), ids.clone());
        prop_assert_eq!(&found, &spans.apply(&ids, seed, 3).unwrap());
    }

    #[test]
    fn the_middle_can_be_put_back(
        ids in prop::collection::vec(10_u32..1000, 0..100),
        seed in any::<u64>(),
    ) {
        let fim = fim(1.0, 0.5);
        let plan = fim.plan(ids.len(), seed, 1).unwrap();
        let found = fim.apply(&ids, seed, 1);
        prop_assert_eq!(found.len(), ids.len() + 3);
        let at = |marker: u32| found.iter().position(|&id| id == marker).unwrap();
        let back = match plan.order {
            FimOrder::Psm => [&found[1..at(3)], &found[at(2) + 1..], &found[at(3) + 1..at(2)]],
            _ => [&found[at(2) + 1..], &found[2..at(2)], &[]],
        };
        prop_assert_eq!(back.concat(), ids);
    }
}

fn fim(rate: f64, spm_rate: f64) -> pretrain_pack::objective::FillInTheMiddle {
    let ids = FimIds { prefix: 1, middle: 2, suffix: 3 };
    FimConfig { rate, spm_rate, ids }.resolve().unwrap()
}

#[test]
fn fill_in_the_middle_has_its_rates_and_uniform_cuts() {
    let fim = fim(0.5, 0.25);
    let plans: Vec<_> = (0..20_000).filter_map(|i| fim.plan(9, 4, i)).collect();
    assert!((plans.len() as f64 - 10_000.0).abs() < 5.0 * 5000_f64.sqrt(), "{}", plans.len());
    let n = plans.len() as f64;
    let spm = plans.iter().filter(|plan| plan.order == FimOrder::Spm).count() as f64;
    assert!((spm / n - 0.25).abs() < 0.025, "{spm}");
    // Two uniform cuts of 0..=9: the middle is empty in a tenth of the cases, its mean length 3.3.
    let empty = plans.iter().filter(|plan| plan.start == plan.end).count() as f64;
    let mean = plans.iter().map(|plan| (plan.end - plan.start) as f64).sum::<f64>() / n;
    assert!((empty / n - 0.1).abs() < 0.015 && (mean - 3.3).abs() < 0.12, "{empty} {mean}");
    assert_eq!(fim.plan(0, 4, 1).map(|plan| (plan.start, plan.end)).unwrap_or((0, 0)), (0, 0));
}

#[test]
fn golden_fill_in_the_middle() {
    let Some(golden) = json("denoising.json.zst") else { return };
    let id = |name: &str| golden["ids"][name].as_u64().unwrap() as u32;
    let ids =
        FimIds { prefix: id("fim_prefix"), middle: id("fim_middle"), suffix: id("fim_suffix") };
    let fim = FimConfig { rate: 1.0, spm_rate: 0.5, ids }.resolve().unwrap();
    for case in golden["fim_examples"].as_array().unwrap() {
        let part = |key: &str| numbers(&case[key]);
        let [prefix, middle, suffix] = ["prefix", "middle", "suffix"].map(part);
        for (key, order) in
            [("psm", FimOrder::Psm), ("spm", FimOrder::Spm), ("spm_v1", FimOrder::SpmV1)]
        {
            assert_eq!(fim.arrange(&prefix, &middle, &suffix, order), part(key), "{case}");
        }
        let whole = part("whole");
        let cuts = part("token_cuts");
        let (a, b) = (cuts[0] as usize, cuts[1] as usize);
        for (key, order) in [("token_psm", FimOrder::Psm), ("token_spm", FimOrder::Spm)] {
            let found = fim.arrange(&whole[..a], &whole[a..b], &whole[b..], order);
            assert_eq!(found, part(key), "{case}");
        }
    }
}

fn mlm(case: &Value) -> Mlm {
    let share = |key: &str| case[key].as_f64().unwrap();
    MlmConfig {
        probability: share("p"),
        mask: share("p_mask"),
        random: share("p_random"),
        mask_id: case["mask_id"].as_u64().unwrap() as u32,
        vocab_size: case["vocab"].as_u64().unwrap() as u32,
        special_ids: numbers(&case["special"]),
    }
    .resolve()
    .unwrap()
}

#[test]
fn golden_masked_language_model() {
    let Some(golden) = json("denoising.json.zst") else { return };
    for case in golden["mlm_examples"].as_array().unwrap() {
        let columns = ["u_select", "u_kind", "u_word"].map(|key| numbers(&case[key]));
        let draws: Vec<[u32; 3]> =
            (0..columns[0].len()).map(|i| [columns[0][i], columns[1][i], columns[2][i]]).collect();
        let (inputs, labels) = mlm(case).apply_with(&numbers(&case["tokens"]), &draws).unwrap();
        assert_eq!(inputs, numbers(&case["inputs"]), "{case}");
        let expected = case["labels"].as_array().unwrap().iter().map(|v| v.as_i64().unwrap());
        assert!(labels.into_iter().map(i64::from).eq(expected), "{case}");
    }
}

#[test]
fn golden_masked_language_model_rates() {
    let Some(golden) = json("denoising.json.zst") else { return };
    for case in golden["mlm_expect"].as_array().unwrap() {
        let number = |key: &str| case[key].as_f64().unwrap();
        let n = number("positions") as usize;
        let mlm = MlmConfig {
            probability: number("p"),
            mask: 0.8,
            random: 0.1,
            mask_id: 1,
            vocab_size: 1 << 31,
            special_ids: vec![],
        }
        .resolve()
        .unwrap();
        let mut sample = Sample::default();
        sample.push_fragment(&vec![7; n], None);
        mlm.apply(&mut sample, 1, 2);
        let selected = sample.n_targets() as f64;
        let masked = sample.input_ids.iter().filter(|&&id| id == 1).count() as f64;
        let random = sample.input_ids.iter().filter(|&&id| id != 1 && id != 7).count() as f64;
        for (name, found) in [("selected", selected), ("masked", masked), ("random", random)] {
            let off = found - number(&format!("{name}_mean"));
            assert!(off.abs() < 5.0 * number(&format!("{name}_sd")), "{name}: {off} of {case}");
        }
    }
}

#[test]
fn masking_leaves_padding_and_specials_alone_and_keeps_the_truth() {
    let mlm = MlmConfig {
        probability: 1.0,
        mask: 0.5,
        random: 0.25,
        mask_id: 9,
        vocab_size: 9,
        special_ids: vec![5, 0],
    }
    .resolve()
    .unwrap();
    let mut sample = Sample::default();
    sample.push_fragment(&[5, 6, 7, 8], None);
    sample.pad_to(6);
    let before = sample.clone();
    mlm.apply(&mut sample, 3, 4);
    assert_eq!(sample.labels, [IGNORE_LABEL, 6, 7, 8, IGNORE_LABEL, IGNORE_LABEL]);
    assert_eq!((sample.input_ids[0], sample.input_ids[4]), (5, 0));
    assert_eq!(sample.segment_ids, before.segment_ids);
    let mut again = before;
    mlm.apply(&mut again, 3, 4);
    assert_eq!(again, sample);
}

#[test]
fn impossible_settings_are_refused() {
    let ids = FimIds { prefix: 1, middle: 1, suffix: 3 };
    assert!(FimConfig { rate: 2.0, spm_rate: f64::NAN, ids }.resolve().is_err());
    let few = SpanConfig {
        density: 0.5,
        mean_span_length: 1.0,
        first_sentinel: 10,
        n_sentinels: 2,
        end_of_text: 0,
    };
    assert!(SpanConfig { n_sentinels: 12, ..few.clone() }.resolve().is_err());
    assert!(SpanConfig { density: 1.0, ..few.clone() }.resolve().is_err());
    let few = few.resolve().unwrap();
    assert!(few.apply(&[1; 20], 0, 0).is_err());
    assert!(few.apply_with(&[1; 8], &[2, 2], &[1]).is_err());
    assert!(few.lengths(1).is_err());
}
