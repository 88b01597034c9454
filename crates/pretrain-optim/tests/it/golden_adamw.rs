//! AdamW and clipping against PyTorch: its gradients are replayed, its parameters and moments compared.

use crate::{golden, json, numbers};
use burn::tensor::{Tensor, TensorData};
use pretrain_kernels::Flex;
use pretrain_optim::{AdamW, AdamWConfig, DecayRule, Schedule, clip_factor, global_norm};
use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

type Arrays = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn arrays(path: &Path) -> Arrays {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |view: &safetensors::tensor::TensorView<'_>| {
        view.data().as_chunks().0.iter().copied().map(f32::from_le_bytes).collect()
    };
    file.iter()
        .filter(|(_, view)| view.dtype() == safetensors::Dtype::F32)
        .map(|(name, view)| (name.to_owned(), (view.shape().to_vec(), floats(&view))))
        .collect()
}

fn tensor(numbers: &[f32]) -> Tensor<Flex, 1> {
    let data = TensorData::new(numbers.to_vec(), [numbers.len()]);
    Tensor::from_data(data, &Default::default())
}

fn host(tensor: Tensor<Flex, 1>) -> Vec<f32> {
    tensor.into_data().into_vec().unwrap()
}

/// The settings of a case, or why it is not AdamW.
fn settings(case: &Value) -> Result<AdamWConfig, String> {
    let class = case["cls"].as_str().unwrap();
    let number = |key: &str| case[key].as_f64();
    let plain_adam = class == "torch.optim.Adam" && number("weight_decay") == Some(0.0);
    if class != "torch.optim.AdamW" && !plain_adam {
        return Err(class.to_owned());
    }
    if case["amsgrad"].as_bool() == Some(true) {
        return Err(format!("{class} with amsgrad"));
    }
    let betas = numbers(&case["betas"]);
    let mut config = AdamWConfig::new(0.0);
    (config.beta1, config.beta2, config.eps) = (betas[0], betas[1], number("eps").unwrap());
    match (number("weight_decay"), number("weight_decay_2d"), number("weight_decay_1d")) {
        (Some(all), None, None) => (config.weight_decay, config.decay) = (all, DecayRule::All),
        (None, Some(matrices), Some(0.0)) => config.weight_decay = matrices,
        other => return Err(format!("{class} with the decays {other:?}")),
    }
    Ok(config)
}

/// The learning rate of each step: given, or from our schedule.
fn rate(case: &Value) -> Box<dyn Fn(u64) -> f64> {
    let base = case["lr"].as_f64().unwrap();
    if let Some(given) = case["lr_per_step"].as_array() {
        let given: Vec<f64> = given.iter().map(|rate| rate.as_f64().unwrap()).collect();
        if case["schedule"]["kind"] == "get_cosine_schedule_with_warmup" {
            let count = |key: &str| case["schedule"][key].as_u64().unwrap();
            let schedule = Schedule::Cosine {
                peak_lr: base,
                warmup_steps: count("num_warmup_steps"),
                total_steps: count("num_training_steps"),
                min_ratio: 0.0,
            };
            for (step, &expected) in (0..).zip(&given) {
                assert!((schedule.lr(step) - expected).abs() <= 1e-9 * base, "step {step}");
            }
            return Box::new(move |step| schedule.lr(step));
        }
        return Box::new(move |step| given[step as usize]);
    }
    Box::new(move |_| base)
}

#[test]
fn golden_adamw_gives_the_reference_parameters_and_moments() {
    let Some(folder) = golden("optimizers") else { return };
    let meta = json(&folder.join("meta.json"));
    let problem = arrays(&folder.join("problem.safetensors"));
    let steps = meta["steps"].as_u64().unwrap();
    let kept: Vec<u64> = numbers(&meta["kept_after_steps"]).iter().map(|n| *n as u64).collect();
    let init: BTreeMap<&str, &(Vec<usize>, Vec<f32>)> = problem
        .iter()
        .filter_map(|(name, array)| Some((name.strip_prefix("init.")?, array)))
        .collect();
    let shapes: Vec<(String, Vec<usize>)> =
        init.iter().map(|(name, (shape, _))| ((*name).to_owned(), shape.clone())).collect();
    let mut covered = 0;
    for (name, case) in meta["optimizers"].as_object().unwrap() {
        let config = match settings(case) {
            Ok(config) => config,
            Err(reason) => {
                println!("not covered: {name}: {reason}");
                continue;
            }
        };
        let expected = arrays(&folder.join(case["file"].as_str().unwrap()));
        let rate = rate(case);
        let mut optimizer = AdamW::<Flex>::new(config, &shapes, &Default::default()).unwrap();
        let mut parameters: BTreeMap<&str, Vec<f32>> =
            init.iter().map(|(name, (_, numbers))| (*name, numbers.clone())).collect();
        let mut clipped = 0;
        for t in 0..steps {
            let row = |name: &str| {
                let (_, rows) = &expected[&format!("grad.{name}")];
                let size = parameters[name].len();
                tensor(&rows[t as usize * size..][..size])
            };
            let gradients: Vec<Tensor<Flex, 1>> = init.keys().map(|name| row(name)).collect();
            let norm = global_norm(&gradients);
            let reference = f64::from(expected["grad_norm_before_clipping"].1[t as usize]);
            assert!((norm - reference).abs() <= 1e-5 * reference, "{name} norm {norm} {reference}");
            let scale =
                case["clip_global_norm"].as_f64().map_or(1.0, |bound| clip_factor(norm, bound));
            clipped += u64::from(scale < 1.0);
            let mut step = optimizer.begin_step(rate(t), scale);
            for (name, gradient) in init.keys().zip(gradients) {
                let parameter = parameters.get_mut(name).unwrap();
                *parameter = host(step.update(name, tensor(parameter), gradient).unwrap());
            }
            if kept.contains(&(t + 1)) {
                compare(name, t + 1, steps, &parameters, &optimizer, &expected);
            }
        }
        if let Some(expected) = case["steps_clipped"].as_u64() {
            assert_eq!(clipped, expected, "{name}: steps that were clipped");
        }
        println!("covered: {name}: {steps} steps");
        covered += 1;
    }
    assert!(covered > 0, "no case of an optimizer that is here");
}

/// The tolerance is the one the reference suggests.
fn compare(
    case: &str,
    t: u64,
    steps: u64,
    parameters: &BTreeMap<&str, Vec<f32>>,
    optimizer: &AdamW<Flex>,
    expected: &Arrays,
) {
    let (abs, rel) = if t == steps { (5e-6, 5e-5) } else { (1e-6, 1e-5) };
    let close = |what: &str, found: &[f32]| {
        let (_, reference) = &expected[what];
        let largest = reference.iter().fold(0f32, |most, x| most.max(x.abs()));
        for (found, reference) in found.iter().zip(reference) {
            let off = (found - reference).abs();
            assert!(off <= abs + rel * largest, "{case} {what}: {found} {reference}");
        }
        assert_eq!(found.len(), reference.len(), "{case} {what}");
    };
    for (name, parameter) in parameters {
        close(&format!("param.{t}.{name}"), parameter);
    }
    let state = optimizer.state();
    assert_eq!(state.step, t);
    for moments in &state.moments {
        close(&format!("state.{t}.{}.exp_avg", moments.name), &moments.m);
        close(&format!("state.{t}.{}.exp_avg_sq", moments.name), &moments.v);
    }
}
