//! Learning rates against `transformers.optimization` and PyTorch.

use crate::{golden, json, numbers};
use pretrain_optim::{Schedule, Shape};
use serde_json::Value;

/// Our schedule for a reference case, and the step after which the reference is another function
/// than ours by intent; or why there is none.
fn ours(case: &Value) -> Result<(Schedule, u64), String> {
    let function = case["function"].as_str().unwrap();
    let peak_lr = case["base_lr"].as_f64().unwrap();
    let parameters = &case["parameters"];
    let count = |key: &str| parameters[key].as_u64().unwrap();
    let number = |key: &str| parameters[key].as_f64();
    let warmup_steps = parameters["num_warmup_steps"].as_u64().unwrap_or(0);
    let half_wave = || match number("num_cycles") {
        None | Some(0.5) => Ok(()),
        Some(cycles) => Err(format!("{function} with {cycles} cycles")),
    };
    let shape = |key: &str| match parameters[key].as_str().unwrap() {
        "linear" => Ok(Shape::Linear),
        "cosine" => Ok(Shape::Cosine),
        "1-sqrt" => Ok(Shape::OneMinusSqrt),
        other => Err(format!("{function} with {key} {other}")),
    };
    let for_ever = u64::MAX;
    match function {
        "transformers.get_constant_schedule_with_warmup" => {
            Ok((Schedule::Constant { peak_lr, warmup_steps }, for_ever))
        }
        "transformers.get_linear_schedule_with_warmup" => {
            let total_steps = count("num_training_steps");
            let schedule = Schedule::Linear { peak_lr, warmup_steps, total_steps, min_ratio: 0.0 };
            Ok((schedule, for_ever))
        }
        "transformers.get_polynomial_decay_schedule_with_warmup" => {
            if number("power") != Some(1.0) {
                return Err(format!("{function} with another power than 1"));
            }
            let total_steps = count("num_training_steps");
            let min_ratio = number("lr_end").unwrap() / peak_lr;
            Ok((Schedule::Linear { peak_lr, warmup_steps, total_steps, min_ratio }, for_ever))
        }
        "transformers.get_cosine_schedule_with_warmup"
        | "transformers.get_cosine_with_min_lr_schedule_with_warmup" => {
            half_wave()?;
            let total_steps = count("num_training_steps");
            let min_lr = number("min_lr").map(|min_lr| min_lr / peak_lr);
            let min_ratio = min_lr.or_else(|| number("min_lr_rate")).unwrap_or(0.0);
            // The reference rises again after its last step.
            let schedule = Schedule::Cosine { peak_lr, warmup_steps, total_steps, min_ratio };
            Ok((schedule, total_steps))
        }
        "torch CosineAnnealingLR" => {
            let total_steps = count("T_max");
            let min_ratio = number("eta_min").unwrap() / peak_lr;
            let schedule = Schedule::Cosine { peak_lr, warmup_steps: 0, total_steps, min_ratio };
            Ok((schedule, total_steps))
        }
        "transformers.get_inverse_sqrt_schedule" => {
            let timescale = parameters["timescale"].as_u64();
            Ok((Schedule::InverseSqrt { peak_lr, warmup_steps, timescale }, for_ever))
        }
        "transformers.get_wsd_schedule" => {
            half_wave()?;
            let schedule = Schedule::Wsd {
                peak_lr,
                warmup_steps,
                stable_steps: count("num_stable_steps"),
                decay_steps: count("num_decay_steps"),
                min_ratio: number("min_lr_ratio").unwrap(),
                decay: shape("decay_type")?,
                warmup: shape("warmup_type")?,
            };
            Ok((schedule, for_ever))
        }
        other => Err(other.to_owned()),
    }
}

#[test]
fn golden_schedules_give_the_reference_rates() {
    let Some(folder) = golden("schedules") else { return };
    let file = json(&folder.join("schedules.json"));
    let tolerance = &file["suggested_tolerance"];
    let (rel, abs) = (tolerance["rel"].as_f64().unwrap(), tolerance["abs"].as_f64().unwrap());
    let mut covered = 0;
    for (name, case) in file["schedules"].as_object().unwrap() {
        let (schedule, last) = match ours(case) {
            Ok(found) => found,
            Err(reason) => {
                println!("not covered: {name}: {reason}");
                continue;
            }
        };
        schedule.validate().unwrap();
        let values = numbers(&case["values"]);
        for (step, &expected) in (0..).zip(&values) {
            if step > last {
                assert_eq!(schedule.lr(step), schedule.lr(last), "{name} at step {step}");
                continue;
            }
            let found = schedule.lr(step);
            let off = (found - expected).abs();
            assert!(off <= abs + rel * expected.abs(), "{name} step {step}: {found} {expected}");
        }
        println!("covered: {name}: {} steps", values.len());
        covered += 1;
    }
    assert!(covered > 0, "no case of a function that is here");
}
