//! Plans from configuration to numbers.

use pretrain_plan::{Plan, PlanConfig, PlanError, TokenBudget};
use serde_json::{Value, json};

fn config() -> Value {
    json!({
        "model": {
            "vocab_size": 50_257, "d_model": 768, "n_layers": 12, "n_heads": 12, "n_kv_heads": 12,
            "head_dim": 64, "d_ff": 3072, "tie_embeddings": true, "seq_len": 1024,
            "gated_mlp": false,
        },
        "tokens": {"tokens": 10_000_000_000_u64},
        "memory": {
            "compute": "bf16", "gradients": "f32", "masters": true, "optimizer": "adam-w",
            "micro_batch_size": 8, "recomputation": "none", "logits_chunk": null,
            "materialised_attention": false,
        },
        "hardware": {
            "devices": 8, "peak_flops": 312e12, "mfu": 0.5, "price_per_device_hour": 1.5,
        },
    })
}

fn plan(config: Value) -> Result<Plan, PlanError> {
    serde_json::from_value::<PlanConfig>(config).unwrap().plan()
}

#[test]
fn time_and_cost_by_hand() {
    let plan = plan(config()).unwrap();
    // 12 blocks of 4 d^2 + 2 d f, 25 norms of d, the embedding.
    let parameters = 12 * (4 * 768 * 768 + 2 * 768 * 3072) + 25 * 768 + 50_257 * 768;
    assert_eq!(plan.parameters, parameters);
    let flops = (6 * parameters + 12 * 12 * 768 * 1024) as f64 * 1e10;
    assert_eq!(plan.total_flops, flops);
    let seconds = flops / (8.0 * 0.5 * 312e12);
    assert!((plan.seconds.unwrap() / seconds - 1.0).abs() < 1e-12);
    assert!((plan.tokens_per_second.unwrap() * seconds / 1e10 - 1.0).abs() < 1e-12);
    assert!((plan.cost.unwrap() / (12.0 * seconds / 3600.0) - 1.0).abs() < 1e-12);
    assert!(plan.predicted_loss > 2.8 && plan.predicted_loss < 3.4, "{}", plan.predicted_loss);
}

#[test]
fn budgets_by_ratio_and_by_compute() {
    let mut asked = config();
    asked["tokens"] = json!({"per-parameter": 20.0});
    let by_ratio = plan(asked.clone()).unwrap();
    assert_eq!(by_ratio.tokens, 20 * by_ratio.parameters);
    assert_eq!(by_ratio.optimal_tokens.rule_of_thumb, by_ratio.tokens as f64);
    asked["tokens"] = json!({"flops": by_ratio.total_flops * 1.000_000_001});
    assert_eq!(plan(asked.clone()).unwrap().tokens, by_ratio.tokens + 2);
    asked["hardware"] = Value::Null;
    let bare = plan(asked).unwrap();
    assert_eq!((bare.seconds, bare.cost), (None, None));
}

#[test]
fn the_report_survives_json() {
    let plan = plan(config()).unwrap();
    let text = serde_json::to_value(&plan).unwrap();
    for key in ["parameters", "flops_per_token", "memory_bytes", "tokens"] {
        assert!(!text[key].is_null(), "{key}");
    }
    assert!(text["memory_bytes"]["weights"].is_u64());
    assert_eq!(serde_json::from_value::<Plan>(text).unwrap(), plan);
}

#[test]
fn every_fault_of_the_settings_is_named() {
    let mut bad = config();
    bad["memory"]["micro_batch_size"] = json!(0);
    bad["tokens"] = json!({"tokens": 0});
    bad["hardware"] = json!({
        "devices": 0, "peak_flops": -1.0, "mfu": 1.5, "price_per_device_hour": -2.0,
    });
    let Err(PlanError::Settings { faults }) = plan(bad) else { panic!() };
    assert_eq!(faults.len(), 6, "{faults:?}");
    let mut shape = config();
    shape["model"]["n_kv_heads"] = json!(5);
    assert!(matches!(plan(shape), Err(PlanError::Shape { .. })));
    let mut misspelt = config();
    misspelt["hardware"]["mfuu"] = json!(0.5);
    assert!(serde_json::from_value::<PlanConfig>(misspelt).is_err());
    assert_eq!(
        serde_json::from_value::<TokenBudget>(json!({"flops": 1e20})).unwrap(),
        TokenBudget::Flops(1e20)
    );
}
