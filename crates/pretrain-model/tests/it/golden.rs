//! Hidden states, logits, losses, gradients and one optimizer step against the reference.

use crate::cases::{
    Arrays, Case, Inputs, Tolerances, Training, assert_close, distance, llama_cases, to_vec,
};
use burn::tensor::{Int, Tensor, TensorData};
use pretrain_kernels::Flex;
use pretrain_model::{
    Decoder, ModelConfig, NamedTensor, TokenRows, parameter_shapes, read_safetensors,
};
use std::collections::BTreeMap;

fn load(case: &Case) -> Decoder<Training> {
    let tensors = read_safetensors(&case.dir.join("model.safetensors")).unwrap();
    Decoder::from_tensors(&case.config, tensors, &Default::default()).unwrap()
}

fn mean_loss(model: &Decoder<Training>, inputs: &Inputs) -> Tensor<Training, 1> {
    let data = TensorData::new(inputs.targets.clone(), [inputs.batch, inputs.seq]);
    let targets = Tensor::<Training, 2, Int>::from_data(data, &model.device());
    let sum = model.loss_sum(inputs.on_device(model.config()), targets);
    sum / inputs.n_targets() as f64
}

/// Numbers at positions that matter: segment 0 is padding.
fn kept(inputs: &Inputs, values: &[f64]) -> Vec<f64> {
    let width = values.len() / inputs.ids.len();
    let matters = |t: usize| inputs.segments.as_ref().is_none_or(|segments| segments[t] != 0);
    let rows = values.chunks(width).enumerate().filter(|(t, _)| matters(*t));
    rows.flat_map(|(_, row)| row.iter().copied()).collect()
}

#[test]
fn golden_hidden_states_logits_and_loss() {
    for case in llama_cases() {
        let Some(inputs) = Inputs::of(&case) else { continue };
        let model = load(&case);
        let expected = Arrays::read(&case.dir.join("expected.safetensors")).unwrap();
        let tolerances = Tolerances::of(&case.dir);
        let check = |what: &str, found: Vec<f64>, tolerance: &str| {
            let Some(expected) = expected.get(what) else { return };
            let (found, expected) = (kept(&inputs, &found), kept(&inputs, expected));
            assert_close(
                &format!("{} {what}", case.name),
                &found,
                &expected,
                tolerances.get(tolerance),
            );
        };
        let states = model.hidden_states(inputs.on_device(&case.config));
        assert_eq!(states.residual.len(), case.config.n_layers() + 1);
        for (i, hidden) in states.residual.into_iter().enumerate() {
            check(&format!("hidden.{i}"), to_vec(hidden), "hidden_abs");
        }
        check("final_norm", to_vec(states.final_norm), "hidden_abs");
        let logits = to_vec(model.logits(model.forward_hidden(inputs.on_device(&case.config))));
        // A case of adapters stores the numbers of the model below them under `base.`.
        let adapters = expected.get("base.logits").is_some();
        let prefix = if adapters { "base." } else { "" };
        assert!(expected.get(&format!("{prefix}logits")).is_some(), "{} has no logits", case.name);
        check(&format!("{prefix}logits"), logits, "logits_abs");
        let loss = to_vec(mean_loss(&model, &inputs));
        let expected_loss = expected.values(&format!("{prefix}loss"));
        let what = format!("{} {prefix}loss", case.name);
        assert_close(&what, &loss, expected_loss, tolerances.get("loss_abs"));
        if adapters {
            println!("not covered: the adapters of {}", case.name);
        }
    }
}

#[test]
fn golden_documents_packed_and_alone() {
    for case in llama_cases() {
        let Some(inputs) = Inputs::of(&case) else { continue };
        let (Some(segments), Some(positions)) = (&inputs.segments, &inputs.positions) else {
            continue;
        };
        let expected = Arrays::read(&case.dir.join("expected.safetensors")).unwrap();
        let tolerance = Tolerances::of(&case.dir).get("logits_abs");
        let model = load(&case);
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
            let alone = Inputs {
                batch: 1,
                seq: ids.len(),
                ids,
                positions: None,
                segments: None,
                targets: vec![],
            };
            let found = to_vec(model.logits(model.forward_hidden(alone.on_device(&case.config))));
            assert_close(
                &format!("{} {name} alone", case.name),
                &found,
                expected.values(name),
                tolerance,
            );
            let inside: Vec<f64> = tokens
                .iter()
                .flat_map(|t| packed[t * vocab_size..(t + 1) * vocab_size].to_vec())
                .collect();
            assert_close(
                &format!("{} {name} packed", case.name),
                &inside,
                expected.values(name),
                tolerance,
            );
        }
    }
}

#[test]
fn golden_gradients_and_one_step_of_adamw() {
    for case in llama_cases() {
        let Some(inputs) = Inputs::of(&case) else { continue };
        let expected = Arrays::read(&case.dir.join("expected.safetensors")).unwrap();
        if expected.get("grad_norm").is_none() {
            println!("not covered: gradients of {} are not those of its parameters", case.name);
            continue;
        }
        let tolerances = Tolerances::of(&case.dir);
        let model = load(&case);
        let mut all = mean_loss(&model, &inputs).backward();
        let gradients = model.take_gradients(&mut all);
        let names: Vec<String> =
            parameter_shapes(model.config()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(gradients.iter().map(|g| g.name.clone()).collect::<Vec<_>>(), names);
        let stored = expected.names().filter(|name| name.starts_with("grad.")).count();
        assert_eq!(stored, names.len(), "{}: every parameter has its gradient", case.name);
        let (mut worst, mut squares, mut by_name) = (0f64, 0.0, BTreeMap::new());
        for gradient in gradients {
            let array = format!("grad.{}", gradient.name);
            assert_eq!(gradient.shape, expected.shape(&array));
            let found = to_vec(gradient.gradient.clone());
            let distance = distance(&found, expected.values(&array));
            assert!(
                distance <= tolerances.get("grad_abs"),
                "{} {array}: off by {distance:e}",
                case.name
            );
            worst = worst.max(distance);
            squares += found.iter().map(|g| g * g).sum::<f64>();
            by_name.insert(gradient.name, (gradient.shape.len(), gradient.gradient));
        }
        println!(
            "{} gradients: {worst:.1e} (tolerance {:.0e})",
            case.name,
            tolerances.get("grad_abs")
        );
        let (norm, expected_norm) = (squares.sqrt(), expected.values("grad_norm")[0]);
        assert!(
            (norm / expected_norm - 1.0).abs() < 1e-5,
            "{}: norm {norm}, expected {expected_norm}",
            case.name
        );
        let model = adamw_step(model, &by_name);
        let logits = to_vec(model.logits(model.forward_hidden(inputs.on_device(&case.config))));
        let (logits, expected_logits) =
            (kept(&inputs, &logits), kept(&inputs, expected.values("after_adamw.logits")));
        let what = format!("{} after_adamw.logits", case.name);
        assert_close(&what, &logits, &expected_logits, tolerances.get("after_adamw_logits_abs"));
        let loss = to_vec(mean_loss(&model, &inputs));
        let what = format!("{} after_adamw.loss", case.name);
        assert_close(
            &what,
            &loss,
            expected.values("after_adamw.loss"),
            tolerances.get("after_adamw_loss_abs"),
        );
    }
}

/// The first step of AdamW as the reference's README states it: lr 1e-3, betas 0.9 and 0.95, eps
/// 1e-8, decay 0.1 on matrices. At step 1 the corrected moments are the gradient and its square.
fn adamw_step(
    model: Decoder<Training>,
    gradients: &BTreeMap<String, (usize, Tensor<Flex, 1>)>,
) -> Decoder<Training> {
    let (lr, decay, eps) = (1e-3, 0.1, 1e-8);
    model.update_parameters(|name, parameter| {
        let (ndim, gradient) = &gradients[name];
        let kept = if *ndim >= 2 { 1.0 - lr * decay } else { 1.0 };
        parameter * kept - gradient.clone() / (gradient.clone().abs() + eps) * lr
    })
}

#[test]
fn golden_weights_round_trip_through_an_export() {
    for case in llama_cases() {
        let reference = read_safetensors(&case.dir.join("model.safetensors")).unwrap();
        let model = Decoder::<Flex>::import_dir(&case.dir, &Default::default()).unwrap();
        let tmp = tempfile::tempdir().unwrap();
        model.export_dir(tmp.path()).unwrap();
        let exported = read_safetensors(&tmp.path().join("model.safetensors")).unwrap();
        let shapes = |tensors: &[NamedTensor]| -> Vec<(String, Vec<usize>)> {
            tensors.iter().map(|t| (t.name.clone(), t.shape.clone())).collect()
        };
        assert_eq!(shapes(&exported), shapes(&reference), "{}", case.name);
        assert_eq!(exported, reference, "{}: numbers", case.name);
        assert_eq!(
            model.config().n_parameters(),
            reference.iter().map(|t| t.data.len()).sum::<usize>()
        );
        let again = Decoder::<Flex>::import_dir(tmp.path(), &Default::default()).unwrap();
        assert_eq!(again.config(), model.config());
        assert_eq!(again.weights_sha256(), model.weights_sha256());
        if let Ok(old) = std::fs::read_to_string(case.dir.join("config_legacy.json")) {
            let old = ModelConfig::from_hf_json(&old).unwrap().resolve().unwrap();
            assert_eq!(&old, model.config(), "{}: the older spelling", case.name);
        }
    }
}

#[test]
fn golden_configurations_of_other_families_are_refused_by_field() {
    let Some(root) = crate::cases::golden_models() else { return };
    for dir in pretrain_store::list_dirs(&root).unwrap() {
        let Ok(text) = std::fs::read_to_string(dir.join("config.json")) else { continue };
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        if value["model_type"] != "llama" {
            let error = ModelConfig::from_hf_json(&text).unwrap_err().to_string();
            assert!(error.contains("model_type"), "{}: {error}", dir.display());
        }
    }
}

#[test]
fn golden_cases_have_ids_inside_the_vocabulary() {
    for case in llama_cases() {
        let Some(mut inputs) = Inputs::of(&case) else { continue };
        inputs.ids[0] = case.config.vocab_size() as u32;
        let rows: TokenRows<'_> = inputs.rows();
        let refused =
            pretrain_model::DecoderInput::<Flex>::new(&rows, &case.config, &Default::default());
        assert!(matches!(refused, Err(pretrain_model::ModelError::TokenId { index: 0, .. })));
    }
}
