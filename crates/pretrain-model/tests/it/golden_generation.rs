//! Continuations against the reference: greedy and sampled with given uniform numbers.

use crate::cases::{Arrays, Case, Tolerances, cases, distance, golden_models};
use pretrain_kernels::Flex;
use pretrain_model::{
    GenerationConfig, Session, Transformer, filtered_scores, generate, generate_from, sample,
};
use serde_json::Value;

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

/// The cases with a `generation.json`.
fn generating() -> Vec<(Case, Transformer<Flex>, Value)> {
    let with_file = |case: Case| {
        let text = std::fs::read_to_string(case.dir.join("generation.json")).ok()?;
        let model = Transformer::import_dir(&case.dir, &Default::default()).unwrap();
        Some((case, model, serde_json::from_str(&text).unwrap()))
    };
    cases().into_iter().filter_map(with_file).collect()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Greedy tokens after a prompt; a model with an encoder reads the prompt there and starts from 0.
fn greedy(model: &Transformer<Flex>, prompt: &[u32], n: usize) -> Vec<u32> {
    let config = GenerationConfig::greedy(n);
    match model.encoder() {
        Some(_) => generate_from(model, prompt, &[0], &config).unwrap(),
        None => generate(model, prompt, &config).unwrap(),
    }
}

#[test]
fn golden_greedy_continuations() {
    for (case, model, file) in generating() {
        for item in array(&file["greedy"]) {
            let expected = ids(&item["new_ids"]);
            let found = greedy(&model, &ids(&item["prompt"]), expected.len());
            assert_eq!(found, expected, "{}", case.name);
            println!("{}: {} tokens", case.name, expected.len());
        }
        // A row that is padded on the left continues as if it stood alone.
        let batch = &file["greedy_left_padded_batch"];
        let rows = array(&batch["input_ids"]).zip(array(&batch["attention_mask"]));
        for ((row, mask), expected) in rows.zip(array(&batch["new_ids"])) {
            let kept = ids(row).into_iter().zip(ids(mask)).filter(|(_, kept)| *kept == 1);
            let prompt: Vec<u32> = kept.map(|(id, _)| id).collect();
            let expected = ids(expected);
            assert_eq!(greedy(&model, &prompt, expected.len()), expected, "{}", case.name);
        }
        if !file["beam"].is_null() {
            println!("not covered: beam search of {}", case.name);
        }
    }
}

#[test]
fn golden_sampled_continuations() {
    for (case, model, file) in generating() {
        for item in array(&file["sampled_with_uniforms"]) {
            let config = GenerationConfig {
                temperature: item["temperature"].as_f64().unwrap(),
                // The file writes 0 and 1 for "off".
                top_k: item["top_k"].as_u64().filter(|k| *k > 0).map(|k| k as usize),
                top_p: item["top_p"].as_f64().filter(|p| *p < 1.0),
                ..GenerationConfig::greedy(0)
            };
            let mut session = match &item["encoder_input_ids"] {
                Value::Null => Session::new(&model),
                source => Session::with_source(&model, &ids(source)),
            }
            .unwrap();
            let mut logits = session.feed(&ids(&item["prompt"])).unwrap();
            let mut found = Vec::new();
            for u in array(&item["uniforms"]) {
                let token = sample(&logits, &config, u.as_f64().unwrap()).unwrap();
                found.push(token);
                logits = session.feed(&[token]).unwrap();
            }
            assert_eq!(found, ids(&item["new_ids"]), "{}: {config:?}", case.name);
            println!("{}: {} tokens, {config:?}", case.name, found.len());
        }
    }
}

#[test]
fn golden_logits_processors() {
    let Some(dir) =
        golden_models().map(|root| root.join("logits_processors")).filter(|dir| dir.is_dir())
    else {
        println!("skipped: logits_processors is missing");
        return;
    };
    let inputs = Arrays::read(&dir.join("inputs.safetensors")).unwrap();
    let expected = Arrays::read(&dir.join("expected.safetensors")).unwrap();
    let tolerance = Tolerances::of(&dir).get("abs");
    let meta = std::fs::read_to_string(dir.join("meta.json")).unwrap();
    let meta: Value = serde_json::from_str(&meta).unwrap();
    let vocab_size = inputs.shape("logits")[1];
    let logits: Vec<f32> = inputs.values("logits").iter().map(|v| *v as f32).collect();
    for (name, settings) in meta["processors"].as_object().unwrap() {
        let mut config = GenerationConfig { temperature: 1.0, ..GenerationConfig::greedy(0) };
        match name.as_str() {
            "temperature" => config.temperature = settings["temperature"].as_f64().unwrap(),
            "top_k" => config.top_k = settings["top_k"].as_u64().map(|k| k as usize),
            "top_p" => config.top_p = settings["top_p"].as_f64(),
            other => {
                println!("not covered: logits processor {other}");
                continue;
            }
        }
        for (row, expected) in
            logits.chunks(vocab_size).zip(expected.values(name).chunks(vocab_size))
        {
            let found = filtered_scores(row, &config).unwrap();
            // The file writes -1e30 for minus infinity.
            let left_out = |values: &[f64]| values.iter().map(|v| *v <= -1e30).collect::<Vec<_>>();
            assert_eq!(left_out(&found), left_out(expected), "{name}");
            let finite = |values: &[f64]| values.iter().map(|v| v.max(-1e9)).collect::<Vec<_>>();
            assert!(distance(&finite(&found), &finite(expected)) <= tolerance, "{name}");
        }
    }
}
