//! Rotary frequencies, tables and rotations against the reference.

use crate::cases::{Arrays, Tolerances, assert_close, golden_models, to_vec};
use burn::tensor::{Tensor, TensorData};
use pretrain_kernels::{Flex, RopeTable, rope};
use pretrain_model::{RopeAngles, RopeConfig, RopeScaling, inverse_frequencies};
use serde_json::Value;

fn scaling(kind: &Value) -> Option<Option<RopeScaling>> {
    let number = |field: &str| kind[field].as_f64();
    let length = |field: &str| Some(kind[field].as_u64()? as usize);
    match kind["rope_type"].as_str()? {
        "default" => Some(None),
        "linear" => Some(Some(RopeScaling::Linear { factor: number("factor")? })),
        "dynamic" => Some(Some(RopeScaling::Dynamic {
            factor: number("factor")?,
            original_max_position_embeddings: length("max_position_embeddings")?,
        })),
        "yarn" => Some(Some(RopeScaling::Yarn {
            factor: number("factor")?,
            original_max_position_embeddings: length("original_max_position_embeddings")?,
            beta_fast: number("beta_fast")?,
            beta_slow: number("beta_slow")?,
            attention_factor: None,
        })),
        "llama3" => Some(Some(RopeScaling::Llama3 {
            factor: number("factor")?,
            low_freq_factor: number("low_freq_factor")?,
            high_freq_factor: number("high_freq_factor")?,
            original_max_position_embeddings: length("original_max_position_embeddings")?,
        })),
        _ => None,
    }
}

#[test]
fn golden_rope_tables() {
    let Some(dir) = golden_models().map(|root| root.join("rope_tables")).filter(|dir| dir.is_dir())
    else {
        println!("skipped: rope_tables is missing");
        return;
    };
    let expected = Arrays::read(&dir.join("expected.safetensors")).unwrap();
    let inputs = Arrays::read(&dir.join("inputs.safetensors")).unwrap();
    let tolerance = Tolerances::of(&dir).get("abs");
    let meta = std::fs::read_to_string(dir.join("meta.json")).unwrap();
    let meta: Value = serde_json::from_str(&meta).unwrap();
    for (name, kind) in meta["types"].as_object().unwrap() {
        let Some(scaling) = scaling(kind) else {
            println!("not covered: rope type {name}");
            continue;
        };
        let theta = kind["rope_theta"].as_f64().unwrap();
        let config = RopeConfig { scaling, ..RopeConfig::new(theta) };
        let [seq, head_dim]: [usize; 2] =
            expected.shape(&format!("{name}.cos")).try_into().unwrap();
        let wide = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
        // The reference stores each angle twice, once for each half of a head.
        let twice = |values: &[f32]| -> Vec<f64> {
            wide(values).chunks(head_dim / 2).flat_map(|row| [row, row].concat()).collect()
        };
        let close = |part: &str, found: &[f64]| {
            let name = format!("{name}.{part}");
            assert_close(&name, found, expected.values(&name), tolerance);
        };
        close("inv_freq", &wide(&inverse_frequencies(&config, head_dim, seq)));
        let angles = RopeAngles::of(&config, head_dim, seq);
        close("cos", &twice(&angles.cos));
        close("sin", &twice(&angles.sin));
        let device = Default::default();
        let half = |values: Vec<f32>| TensorData::new(values, [seq, head_dim / 2]);
        let table = RopeTable::<Flex> {
            cos: Tensor::from_data(half(angles.cos), &device),
            sin: Tensor::from_data(half(angles.sin), &device),
        };
        let shape: [usize; 4] = inputs.shape("x").try_into().unwrap();
        let x: Vec<f32> = inputs.values("x").iter().map(|v| *v as f32).collect();
        let x = Tensor::<Flex, 4>::from_data(TensorData::new(x, shape), &device);
        let rotated = rope(x.swap_dims(1, 2), &table, None).swap_dims(1, 2);
        close("rotated", &to_vec(rotated));
    }
}
