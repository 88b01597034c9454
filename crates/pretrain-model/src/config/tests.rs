//! The laws and cases of `config`.

use super::*;
use proptest::prelude::*;

#[test]
fn every_fault_is_reported_at_once() {
    let mut config = ModelConfig::tiny(10);
    config.d_ff = 0;
    config.n_heads = 3;
    config.norm_eps = f64::NAN;
    config.special_tokens.eos = vec![9, 10];
    let Err(ModelError::Config { faults }) = config.resolve() else { panic!("it resolved") };
    assert_eq!(faults.len(), 5, "{faults:?}");
    assert_eq!(faults[0], ConfigFault::Zero { field: "d_ff" });
    assert_eq!(
        faults[1..3],
        [
            ConfigFault::NotDivisible {
                field: "n_heads",
                value: 3,
                divisor_field: "n_kv_heads",
                divisor: 2
            },
            ConfigFault::NotDivisible {
                field: "d_model",
                value: 32,
                divisor_field: "n_heads",
                divisor: 3
            },
        ]
    );
    assert!(matches!(faults[3], ConfigFault::Range { field: "norm_eps", .. }));
    assert_eq!(
        faults[4],
        ConfigFault::SpecialToken { field: "special_tokens.eos", id: 10, vocab_size: 10 }
    );
}

#[test]
fn head_dim_is_derived_or_free_but_even() {
    let resolved = ModelConfig::tiny(10).resolve().unwrap();
    assert_eq!(resolved.head_dim(), 8);
    assert_eq!(resolved.as_config().head_dim, Some(8));
    let mut config = ModelConfig::tiny(10);
    (config.n_heads, config.n_kv_heads, config.head_dim) = (6, 3, Some(10));
    assert_eq!(config.clone().resolve().unwrap().head_dim(), 10);
    config.head_dim = Some(7);
    let error = config.resolve().unwrap_err().to_string();
    assert!(error.contains("head_dim = 7 is odd"), "{error}");
}

#[test]
fn sizes_that_overflow_and_scaling_that_is_upside_down_are_refused() {
    let mut config = ModelConfig::tiny(10);
    config.d_ff = usize::MAX / 2;
    assert!(
        matches!(config.resolve(), Err(ModelError::Config { faults }) if faults == [ConfigFault::TooLarge])
    );
    let mut config = ModelConfig::tiny(10);
    let scaling = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 4.0,
        high_freq_factor: 1.0,
        original_max_position_embeddings: 0,
    };
    config.rope = Some(RopeConfig { scaling: Some(scaling), ..RopeConfig::default() });
    let Err(ModelError::Config { faults }) = config.resolve() else { panic!("it resolved") };
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn parameters_are_counted() {
    // 2 x (q, o: 32x32; k, v: 16x32; three 32x64; two norms of 32) + 10x32 + final norm 32.
    let tied = 2 * (2 * 1024 + 2 * 512 + 3 * 2048 + 64) + 320 + 32;
    let mut config = ModelConfig::tiny(10);
    assert_eq!(config.clone().resolve().unwrap().n_parameters(), tied);
    config.tie_embeddings = false;
    assert_eq!(config.resolve().unwrap().n_parameters(), tied + 320);
}

#[test]
fn unknown_keys_are_refused_and_data_round_trips() {
    let mut config = ModelConfig::tiny(10);
    let scaling = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 16,
    };
    config.rope = Some(RopeConfig { scaling: Some(scaling), ..RopeConfig::default() });
    config.special_tokens.bos = Some(1);
    let mut json = serde_json::to_value(&config).unwrap();
    assert_eq!(serde_json::from_value::<ModelConfig>(json.clone()).unwrap(), config);
    json["rope"]["tetha"] = 1.0.into();
    let error = serde_json::from_value::<ModelConfig>(json).unwrap_err().to_string();
    assert!(error.contains("tetha"), "{error}");
}

#[test]
fn an_option_of_another_family_is_refused_by_name() {
    let mut config = ModelConfig::tiny(10);
    config.options.sliding_window = Some(4);
    let error = config.resolve().unwrap_err().to_string();
    assert!(error.ends_with("llama has no place for sliding_window"), "{error}");
    let mut config = ModelConfig::tiny(10);
    config.architecture = Architecture::named("mixtral").unwrap();
    config.options.experts = Some(ExpertsConfig::new(4, 2, config.d_ff + 1));
    let error = config.resolve().unwrap_err().to_string();
    assert!(error.contains("mixtral has no place for experts other than"), "{error}");
    let mut config = ModelConfig::tiny(10);
    config.architecture = Architecture::named("gpt2").unwrap();
    config.rope = Some(RopeConfig::default());
    let Err(ModelError::Config { faults }) = config.resolve() else { panic!("it resolved") };
    assert_eq!(faults.len(), 2, "rope, and fewer key heads: {faults:?}");
    let text = r#"{"architecture": "lama"}"#;
    let error = serde_json::from_str::<ModelConfig>(text).unwrap_err().to_string();
    assert!(error.starts_with("unknown architecture lama, expected llama"), "{error}");
}

proptest! {
    #[test]
    fn no_sizes_make_it_panic(sizes in prop::collection::vec(prop_oneof![0usize..9, any::<usize>()], 8), given: bool) {
        let mut config = ModelConfig::tiny(sizes[0]);
        (config.d_model, config.n_layers, config.n_heads) = (sizes[1], sizes[2], sizes[3]);
        (config.n_kv_heads, config.d_ff, config.max_seq_len) = (sizes[4], sizes[5], sizes[6]);
        config.head_dim = given.then_some(sizes[7]);
        if let Ok(resolved) = config.resolve() {
            prop_assert!(resolved.n_parameters() > 0);
            prop_assert_eq!(ModelConfig::from_hf_json(&resolved.to_hf_json()).unwrap().resolve().unwrap(), resolved);
        }
    }
}
