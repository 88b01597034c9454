//! Hidden states, logits, losses, gradients and one optimizer step of every family against the
//! reference.

use crate::cases::{
    Case, Inputs, Tolerances, Training, assert_close, cases, distance, each_case, golden_models,
    to_vec,
};
use burn::tensor::Tensor;
use pretrain_kernels::Flex;
use pretrain_model::{
    Architecture, ModelConfig, ModelError, NamedTensor, StackStates, Transformer, parameter_shapes,
    read_safetensors, to_hf_tensors,
};
use std::collections::{BTreeMap, BTreeSet};

fn mean_objective(
    model: &Transformer<Training>,
    case: &Case,
    inputs: &Inputs,
) -> Tensor<Training, 1> {
    let input = inputs.on_device(model.config());
    model.objective_sum(input, inputs.targets(), &case.options()) / inputs.n_targets() as f64
}

/// Numbers at positions that matter: segment 0 is padding.
fn kept(inputs: &Inputs, values: &[f64]) -> Vec<f64> {
    let width = values.len() / inputs.ids.len();
    let mask = inputs.segments.as_ref().or(inputs.mask.as_ref());
    let matters = |t: usize| mask.is_none_or(|mask| mask[t] != 0);
    let rows = values.chunks(width).enumerate().filter(|(t, _)| matters(*t));
    rows.flat_map(|(_, row)| row.iter().copied()).collect()
}

#[test]
fn golden_every_family_has_a_case() {
    let found: BTreeSet<&str> = cases().iter().map(Case::architecture).collect();
    if found.is_empty() {
        return;
    }
    for architecture in Architecture::all() {
        assert!(found.contains(architecture.name()), "no case of {architecture}");
    }
}

#[test]
fn golden_hidden_states_logits_and_loss() {
    each_case(|case| {
        let (inputs, expected) = (Inputs::of(case), case.expected());
        let model: Transformer<Training> = case.model();
        let tolerances = Tolerances::of(&case.dir);
        let mut checked = 0;
        let mut check = |inputs: &Inputs, what: &str, found: Vec<f64>, tolerance: &str| {
            let Some(expected) = expected.get(what) else { return };
            let (found, expected) = (kept(inputs, &found), kept(inputs, expected));
            let name = format!("{} {what}", case.name);
            assert_close(&name, &found, &expected, tolerances.get(tolerance));
            checked += 1;
        };
        let mut check_stack = |inputs: &Inputs, prefix: &str, states: StackStates<Training>| {
            for (i, hidden) in states.residual.into_iter().enumerate() {
                check(inputs, &format!("{prefix}hidden.{i}"), to_vec(hidden), "hidden_abs");
            }
            check(inputs, &format!("{prefix}final_norm"), to_vec(states.final_norm), "hidden_abs");
            for (i, routing) in states.routings.into_iter().enumerate() {
                let name = format!("{prefix}router_logits.{i}");
                check(inputs, &name, to_vec(routing.logits), "logits_abs");
            }
        };
        let states = model.hidden_states(inputs.on_device(&case.config));
        if let Some(encoder) = states.encoder {
            let (seq, ids, mask) = inputs.source.clone().unwrap();
            let source = Inputs { batch: inputs.batch, seq, ids, mask, ..Inputs::default() };
            check_stack(&source, "encoder.", encoder);
            check_stack(&inputs, "decoder.", states.stack);
        } else {
            check_stack(&inputs, "", states.stack);
        }
        let logits = to_vec(model.logits(model.forward_hidden(inputs.on_device(&case.config))));
        // A case of adapters stores the numbers of the model below them under `base.`.
        let adapters = expected.get("base.logits").is_some();
        let prefix = if adapters { "base." } else { "" };
        assert!(expected.get(&format!("{prefix}logits")).is_some(), "{} has no logits", case.name);
        check(&inputs, &format!("{prefix}logits"), logits, "logits_abs");
        assert!(adapters || checked > case.config.n_layers() + 1, "{}: {checked}", case.name);
        let close = |what: &str, found: Tensor<Training, 1>| {
            let expected = expected.values(what);
            let what = format!("{} {what}", case.name);
            assert_close(&what, &to_vec(found), expected, tolerances.get("loss_abs"));
        };
        close(&format!("{prefix}loss"), mean_objective(&model, case, &inputs));
        if expected.get("lm_loss_without_aux").is_some() {
            let sum = model.loss_sum(inputs.on_device(&case.config), inputs.targets());
            close("lm_loss_without_aux", sum / inputs.n_targets() as f64);
        }
        if adapters {
            println!("not covered: the adapters of {}", case.name);
        }
    });
}

#[test]
fn golden_documents_packed_and_alone() {
    each_case(|case| {
        let inputs = Inputs::of(case);
        let (Some(segments), Some(positions)) = (&inputs.segments, &inputs.positions) else {
            return;
        };
        let expected = case.expected();
        let tolerance = Tolerances::of(&case.dir).get("logits_abs");
        let model: Transformer<Flex> = case.model();
        let packed = to_vec(model.logits(model.forward_hidden(inputs.on_device(&case.config))));
        let vocab_size = case.config.vocab_size();
        let documents = expected.names().filter(|name| name.starts_with("doc."));
        for name in documents {
            let parts: Vec<&str> = name.split('.').collect();
            let [row, index]: [usize; 2] = [parts[1].parse().unwrap(), parts[2].parse().unwrap()];
            // Documents are numbered from 0, segments from 1.
            let here = |t: &usize| segments[*t] as usize == index + 1;
            let tokens: Vec<usize> =
                (row * inputs.seq..(row + 1) * inputs.seq).filter(here).collect();
            let ids: Vec<u32> = tokens.iter().map(|t| inputs.ids[*t]).collect();
            assert!(tokens.iter().enumerate().all(|(i, t)| positions[*t] as usize == i));
            let alone = Inputs { batch: 1, seq: ids.len(), ids, ..Inputs::default() };
            let found = to_vec(model.logits(model.forward_hidden(alone.on_device(&case.config))));
            let what = format!("{} {name} alone", case.name);
            assert_close(&what, &found, expected.values(name), tolerance);
            let inside: Vec<f64> = tokens
                .iter()
                .flat_map(|t| packed[t * vocab_size..(t + 1) * vocab_size].to_vec())
                .collect();
            let what = format!("{} {name} packed", case.name);
            assert_close(&what, &inside, expected.values(name), tolerance);
        }
    });
}

#[test]
fn golden_gradients_and_one_step_of_adamw() {
    each_case(|case| {
        let (inputs, expected) = (Inputs::of(case), case.expected());
        if expected.get("grad_norm").is_none() {
            println!("not covered: gradients of {} are not those of its parameters", case.name);
            return;
        }
        let tolerances = Tolerances::of(&case.dir);
        let model: Transformer<Training> = case.model();
        let mut all = mean_objective(&model, case, &inputs).backward();
        let gradients = model.take_gradients(&mut all);
        // What only corrects a choice is stored but has no gradient.
        let learns = |name: &String| !name.ends_with(".correction");
        let names: Vec<String> = parameter_shapes(model.config())
            .into_iter()
            .map(|(name, _)| name)
            .filter(learns)
            .collect();
        assert_eq!(gradients.iter().map(|g| g.name.clone()).collect::<Vec<_>>(), names);
        let host = |g: &pretrain_model::NamedGradient<Flex>| NamedTensor {
            name: g.name.clone(),
            shape: g.shape.clone(),
            data: to_vec(g.gradient.clone()).iter().map(|x| *x as f32).collect(),
        };
        let files = to_hf_tensors(&case.config, &gradients.iter().map(host).collect::<Vec<_>>());
        let stored: BTreeSet<String> =
            expected.names().filter(|n| n.starts_with("grad.")).map(str::to_owned).collect();
        let found: BTreeSet<String> = files.iter().map(|f| format!("grad.{}", f.name)).collect();
        assert_eq!(found, stored, "{}: every parameter has its gradient", case.name);
        let (mut worst, mut squares) = (0f64, 0.0);
        for file in files {
            let array = format!("grad.{}", file.name);
            assert_eq!(file.shape, expected.shape(&array));
            let found: Vec<f64> = file.data.iter().map(|x| f64::from(*x)).collect();
            let distance = distance(&found, expected.values(&array));
            let tolerance = tolerances.get("grad_abs");
            assert!(distance <= tolerance, "{} {array}: off by {distance:e}", case.name);
            worst = worst.max(distance);
            squares += found.iter().map(|g| g * g).sum::<f64>();
        }
        let tolerance = tolerances.get("grad_abs");
        println!("{} gradients: {worst:.1e} (tolerance {tolerance:.0e})", case.name);
        let (norm, expected_norm) = (squares.sqrt(), expected.values("grad_norm")[0]);
        let ratio = norm / expected_norm;
        assert!((ratio - 1.0).abs() < 1e-5, "{}: norm {norm}, not {expected_norm}", case.name);
        let by_name =
            gradients.into_iter().map(|g| (g.name, (g.shape.len(), g.gradient))).collect();
        let model = adamw_step(model, &by_name);
        let logits = to_vec(model.logits(model.forward_hidden(inputs.on_device(&case.config))));
        let (logits, expected_logits) =
            (kept(&inputs, &logits), kept(&inputs, expected.values("after_adamw.logits")));
        let what = format!("{} after_adamw.logits", case.name);
        assert_close(&what, &logits, &expected_logits, tolerances.get("after_adamw_logits_abs"));
        let loss = to_vec(mean_objective(&model, case, &inputs));
        let what = format!("{} after_adamw.loss", case.name);
        let (expected, tolerance) =
            (expected.values("after_adamw.loss"), tolerances.get("after_adamw_loss_abs"));
        assert_close(&what, &loss, expected, tolerance);
    });
}

/// The first step of AdamW as the reference's README states it: lr 1e-3, betas 0.9 and 0.95, eps
/// 1e-8, decay 0.1 on matrices. At step 1 the corrected moments are the gradient and its square.
fn adamw_step(
    model: Transformer<Training>,
    gradients: &BTreeMap<String, (usize, Tensor<Flex, 1>)>,
) -> Transformer<Training> {
    let (lr, decay, eps) = (1e-3, 0.1, 1e-8);
    model.update_parameters(|name, parameter| {
        let Some((ndim, gradient)) = gradients.get(name) else { return parameter };
        let kept = if *ndim >= 2 { 1.0 - lr * decay } else { 1.0 };
        parameter * kept - gradient.clone() / (gradient.clone().abs() + eps) * lr
    })
}

#[test]
fn golden_weights_and_configurations_round_trip_through_an_export() {
    each_case(|case| {
        let reference = case.file();
        let model: Transformer<Flex> = case.model();
        let tmp = tempfile::tempdir().unwrap();
        model.export_dir(tmp.path()).unwrap();
        let exported = read_safetensors(&tmp.path().join("model.safetensors")).unwrap();
        let shapes = |tensors: &[NamedTensor]| -> Vec<(String, Vec<usize>)> {
            tensors.iter().map(|t| (t.name.clone(), t.shape.clone())).collect()
        };
        assert_eq!(shapes(&exported), shapes(&reference), "{}", case.name);
        assert_eq!(exported, reference, "{}: numbers", case.name);
        let n_numbers = reference.iter().map(|t| t.data.len()).sum::<usize>();
        assert_eq!(model.config().n_parameters(), n_numbers, "{}", case.name);
        let again = Transformer::<Flex>::import_dir(tmp.path(), &Default::default()).unwrap();
        assert_eq!(again.config(), model.config(), "{}", case.name);
        assert_eq!(again.weights_sha256(), model.weights_sha256());
        for other in ["config_legacy.json", "config_as_transformers5_writes_it.json"] {
            let Ok(other) = std::fs::read_to_string(case.dir.join(other)) else { continue };
            let other = ModelConfig::from_hf_json(&other).unwrap().resolve().unwrap();
            assert_eq!(&other, model.config(), "{}: the other spelling", case.name);
        }
    });
}

#[test]
fn golden_exports_are_read_in_either_spelling_alone() {
    each_case(|case| {
        let text = case.config.to_hf_json();
        let old = ["rope_theta", "rope_scaling", "partial_rotary_factor", "rope_local_base_freq"];
        for removed in [&["rope_parameters"][..], &old] {
            let mut half: serde_json::Value = serde_json::from_str(&text).unwrap();
            let map = half.as_object_mut().unwrap();
            removed.iter().for_each(|key| drop(map.remove(*key)));
            let read = ModelConfig::from_hf_json(&half.to_string()).unwrap().resolve().unwrap();
            assert_eq!(read, case.config, "{} without {removed:?}", case.name);
        }
    });
}

#[test]
fn golden_configurations_with_an_unknown_key_are_refused_by_it() {
    each_case(|case| {
        let mut json = case.json.clone();
        json["quantization_config"] = serde_json::json!({ "bits": 4 });
        let error = ModelConfig::from_hf_json(&json.to_string()).unwrap_err();
        let named = matches!(&error, ModelError::Unsupported { field, .. } if field == "quantization_config");
        assert!(named, "{}: {error}", case.name);
    });
}

#[test]
fn golden_a_tensor_less_or_more_is_refused_by_its_name_in_the_file() {
    each_case(|case| {
        let mut tensors = case.file();
        let missing_one = tensors.pop().unwrap().name;
        let more = NamedTensor { name: "more".to_owned(), shape: vec![1], data: vec![0.0] };
        tensors.push(more);
        let Err(ModelError::Weights { missing, unexpected, misshapen }) =
            pretrain_model::from_hf_tensors(&case.config, tensors)
        else {
            panic!("{}: it fits", case.name);
        };
        assert_eq!((missing, unexpected), (vec![missing_one], vec!["more".to_owned()]));
        assert!(misshapen.is_empty());
    });
}

#[test]
fn golden_unknown_families_are_refused_by_field() {
    let Some(root) = golden_models() else { return };
    for dir in pretrain_store::list_dirs(&root).unwrap() {
        let Ok(text) = std::fs::read_to_string(dir.join("config.json")) else { continue };
        if let Err(error) = ModelConfig::from_hf_json(&text) {
            let error = error.to_string();
            assert!(error.contains("model_type"), "{}: {error}", dir.display());
        }
    }
}

#[test]
fn golden_cases_have_ids_inside_the_vocabulary() {
    each_case(|case| {
        let mut inputs = Inputs::of(case);
        inputs.ids[0] = case.config.vocab_size() as u32;
        let refused = pretrain_model::ModelInput::<Flex>::new(
            &inputs.rows(),
            &case.config,
            &Default::default(),
        );
        assert!(matches!(refused, Err(ModelError::TokenId { index: 0, .. })));
    });
}
