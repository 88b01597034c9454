//! What holds for every family, whatever its numbers.

use crate::cases::{Training, distance, to_vec};
use burn::tensor::{Int, Tensor, TensorData};
use pretrain_kernels::{CrossEntropyOptions, Flex};
use pretrain_model::{
    Architecture, ConfigFault, ExpertsConfig, LatentConfig, ModelConfig, ModelError, ModelInput,
    ResolvedConfig, Session, SourceRows, TokenRows, Transformer, from_hf_tensors, parameter_shapes,
    to_hf_tensors,
};
use serde_json::json;

/// A small model of a family, as the family is where nothing else is said.
fn tiny(architecture: Architecture) -> ModelConfig {
    let mut config = ModelConfig { architecture, n_kv_heads: 4, ..ModelConfig::tiny(61) };
    config.init_std = 0.3;
    match architecture.name() {
        "mixtral" => {
            let experts = ExpertsConfig::new(4, 2, config.d_ff);
            config.options.experts = Some(ExpertsConfig { normalize: true, ..experts });
        }
        "qwen3_moe" => {
            let losses =
                ExpertsConfig { balance_loss: 0.1, z_loss: 0.01, ..ExpertsConfig::new(4, 2, 24) };
            config.options.experts = Some(losses);
        }
        "deepseek_v3" => {
            let experts =
                ExpertsConfig { shared: 1, dense_layers: 1, ..ExpertsConfig::new(8, 2, 24) };
            config.options.experts = Some(ExpertsConfig { groups: 4, top_groups: 2, ..experts });
            config.options.latent = Some(LatentConfig {
                query_rank: None,
                key_value_rank: 12,
                plain_dim: 4,
                rope_dim: 8,
                value_dim: 16,
            });
        }
        "gemma2" | "gemma3" | "mistral" => config.options.sliding_window = Some(5),
        _ => {}
    }
    config
}

fn models() -> impl Iterator<Item = Transformer<Flex>> {
    Architecture::all().map(|architecture| {
        let config = tiny(architecture).resolve().unwrap();
        Transformer::init(&config, 3, &Default::default())
    })
}

fn is_causal(config: &ResolvedConfig) -> bool {
    !config.design().bidirectional && config.design().encoder_layers.is_none()
}

fn ids(n: usize) -> Vec<u32> {
    (0..n).map(|i| (i * i * 7 + i * 3 + 5) as u32 % 61).collect()
}

fn input(config: &ResolvedConfig, batch: usize, ids: &[u32]) -> ModelInput<Flex> {
    let source = SourceRows { seq: 9, input_ids: &ids[..9 * batch], attention_mask: None };
    let source = config.design().encoder_layers.map(|_| source);
    let rows = TokenRows { source, ..TokenRows::new(batch, ids.len() / batch, ids) };
    ModelInput::new(&rows, config, &Default::default()).unwrap()
}

fn logits(model: &Transformer<Flex>, ids: &[u32]) -> Vec<f64> {
    to_vec(model.logits(model.forward_hidden(input(model.config(), 1, ids))))
}

#[test]
fn a_fresh_model_of_every_family_survives_an_export() {
    for model in models() {
        let tmp = tempfile::tempdir().unwrap();
        model.export_dir(tmp.path()).unwrap();
        let back = Transformer::<Flex>::import_dir(tmp.path(), &Default::default()).unwrap();
        let name = model.config().as_config().architecture;
        assert_eq!(back.config(), model.config(), "{name}");
        assert_eq!(back.to_tensors(), model.to_tensors(), "{name}");
        // What was resolved once is resolved for ever.
        let again = model.config().as_config().clone().resolve().unwrap();
        assert_eq!(&again, model.config(), "{name}");
        let data = serde_json::to_string(model.config().as_config()).unwrap();
        let data: ModelConfig = serde_json::from_str(&data).unwrap();
        assert_eq!(&data, model.config().as_config(), "{name}");
    }
}

/// Each option alone, in every family that has a place for it.
#[test]
fn every_option_of_every_family_survives_an_export() {
    let activations = ["silu", "gelu", "gelu_tanh", "relu", "relu_squared"];
    let mut changes: Vec<serde_json::Value> = vec![
        json!({ "gated_mlp": true }),
        json!({ "attention_bias": true }),
        json!({ "attention_bias": false }),
        json!({ "mlp_bias": true }),
        json!({ "parallel_residual": false }),
        json!({ "sliding_window": 3 }),
        json!({ "sliding_window": 3, "windowed_layers": [false, true] }),
        json!({ "query_scalar": 7.0 }),
        json!({ "attention_softcap": 5.0 }),
        json!({ "logit_softcap": 5.0 }),
        json!({ "token_types": 3 }),
        json!({ "embedding_width": 8 }),
        json!({ "block_positions": 4 }),
        json!({ "encoder_layers": 1 }),
        json!({ "relative_positions": { "buckets": 8, "max_distance": 16 } }),
    ];
    changes.extend(activations.map(|activation| json!({ "activation": activation })));
    for architecture in Architecture::all() {
        let mut tried = 0;
        for (change, tied) in changes.iter().flat_map(|change| [(change, true), (change, false)]) {
            let mut config = tiny(architecture);
            let mut options = serde_json::to_value(&config.options).unwrap();
            for (key, value) in change.as_object().unwrap() {
                options[key] = value.clone();
            }
            config.options = serde_json::from_value(options).unwrap();
            config.tie_embeddings = tied;
            let config = match config.resolve() {
                Ok(config) => config,
                Err(ModelError::Config { faults }) => {
                    let no_place =
                        |fault: &ConfigFault| matches!(fault, ConfigFault::NoPlace { .. });
                    assert!(faults.iter().all(no_place), "{architecture} {change}: {faults:?}");
                    continue;
                }
                Err(error) => panic!("{error}"),
            };
            tried += 1;
            let model = Transformer::<Flex>::init(&config, 3, &Default::default());
            let read = ModelConfig::from_hf_json(&config.to_hf_json()).unwrap().resolve().unwrap();
            assert_eq!(read, config, "{architecture} {change}");
            let tensors = model.to_tensors();
            let ours = from_hf_tensors(&config, to_hf_tensors(&config, &tensors)).unwrap();
            let back = Transformer::<Flex>::from_tensors(&config, ours, &Default::default());
            assert_eq!(back.unwrap().to_tensors(), tensors, "{architecture} {change}");
        }
        assert!(tried > 0 || architecture.name() == "bloom", "{architecture}");
    }
}

#[test]
fn a_later_token_changes_no_earlier_score_of_a_causal_family() {
    for model in models().filter(|model| is_causal(model.config())) {
        let name = model.config().as_config().architecture;
        let before = ids(24);
        let expected = logits(&model, &before);
        for t in [1, 11, 23] {
            let mut after = before.clone();
            after[t] = (after[t] + 1) % 61;
            let found = logits(&model, &after);
            // Products over the tokens of an expert have other heights, hence other last bits.
            let bound = if model.config().design().experts.is_some() { 1e-4 } else { 0.0 };
            assert!(distance(&found[..t * 61], &expected[..t * 61]) <= bound, "{name}");
            let here = distance(&found[t * 61..(t + 1) * 61], &expected[t * 61..(t + 1) * 61]);
            assert!(here > 1e-3, "{name}: {here}");
        }
    }
}

#[test]
fn a_later_token_changes_earlier_scores_of_the_others() {
    for model in models().filter(|model| model.config().design().bidirectional) {
        let (before, mut after) = (ids(24), ids(24));
        after[23] = (after[23] + 1) % 61;
        let (found, expected) = (logits(&model, &after), logits(&model, &before));
        assert!(distance(&found[..5], &expected[..5]) > 1e-6);
        let refused = Session::new(&model).unwrap_err();
        assert!(matches!(refused, ModelError::NotGenerative { .. }), "{refused}");
    }
}

#[test]
fn cached_scores_equal_those_of_the_whole_text_in_every_family() {
    let ids = ids(20);
    for model in models().filter(|model| !model.config().design().bidirectional) {
        let name = model.config().as_config().architecture;
        let whole = logits(&model, &ids);
        let mut session = match model.encoder() {
            Some(_) => Session::with_source(&model, &ids[..9]),
            None => Session::new(&model),
        }
        .unwrap();
        for (end, n) in [(6, 6), (7, 1), (12, 5), (20, 8)] {
            let found = session.feed(&ids[end - n..end]).unwrap();
            let found: Vec<f64> = found.iter().map(|x| f64::from(*x)).collect();
            let distance = distance(&found, &whole[(end - 1) * 61..end * 61]);
            assert!(distance < 2e-4, "{name}: off by {distance:e} after {end}");
        }
    }
}

#[test]
fn a_small_fresh_model_of_every_family_knows_nothing() {
    for architecture in Architecture::all() {
        let mut config = tiny(architecture);
        (config.init_std, config.tie_embeddings) = (0.02, true);
        let config = config.resolve().unwrap();
        let model = Transformer::<Flex>::init(&config, 1, &Default::default());
        let ids = ids(80);
        let discriminator = config.design().head.discriminator;
        let targets =
            ids.iter().map(|id| i64::from(if discriminator { id % 2 } else { (id * 7 + 3) % 61 }));
        let targets = TensorData::new(targets.collect::<Vec<i64>>(), [2, 40]);
        let targets = Tensor::<Flex, 2, Int>::from_data(targets, &Default::default());
        let loss = to_vec(model.loss_sum(input(&config, 2, &ids), targets))[0] / 80.0;
        let expected = if discriminator { 2f64.ln() } else { 61f64.ln() };
        assert!((loss - expected).abs() < 0.3, "{architecture}: {loss}, not {expected}");
    }
}

#[test]
fn every_parameter_of_every_family_learns() {
    for architecture in Architecture::all() {
        let config = tiny(architecture).resolve().unwrap();
        let model = Transformer::<Training>::init(&config, 3, &Default::default());
        let ids = ids(32);
        let input = input(&config, 2, &ids);
        let inner = |t: Tensor<Flex, 2, Int>| Tensor::from_inner(t);
        let source = input.source.map(|source| pretrain_model::SourceInput {
            input_ids: inner(source.input_ids),
            attention_mask: None,
        });
        let ids = inner(input.input_ids);
        let targets = ids.clone().remainder_scalar(2);
        let input = ModelInput { source, ..ModelInput::of_ids(ids) };
        let loss = model.objective_sum(input, targets, &CrossEntropyOptions::default());
        let mut all = loss.backward();
        let found: Vec<String> =
            model.take_gradients(&mut all).into_iter().map(|gradient| gradient.name).collect();
        let learns = |(name, _): (String, _)| (!name.ends_with(".correction")).then_some(name);
        let expected: Vec<String> =
            parameter_shapes(&config).into_iter().filter_map(learns).collect();
        assert_eq!(found, expected, "{architecture}");
    }
}

#[test]
fn an_input_that_the_model_has_no_use_for_is_refused() {
    let model = models().next().unwrap();
    let ids = ids(6);
    let zeros = [0; 6];
    let source = Some(SourceRows { seq: 6, input_ids: &ids, attention_mask: None });
    let rows = TokenRows::new(1, 6, &ids);
    for (field, rows) in [
        ("token_type_ids", TokenRows { token_type_ids: Some(&zeros), ..rows }),
        ("block_position_ids", TokenRows { block_position_ids: Some(&zeros), ..rows }),
        ("source", TokenRows { source, ..rows }),
    ] {
        let error = ModelInput::<Flex>::new(&rows, model.config(), &Default::default());
        let expected = ModelError::InputField { field, expected: "absent" }.to_string();
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
}
