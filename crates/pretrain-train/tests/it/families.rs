//! Every family of one causal stack learns by configuration alone; the others are refused.

use crate::run::{VOCAB, Workshop, config};
use pretrain_kernels::Flex;
use pretrain_model::{Architecture, ExpertsConfig, ModelConfig, ResolvedConfig, Transformer};
use pretrain_train::{Outcome, Snapshot, TrainError, Trainer};
use std::sync::atomic::AtomicBool;

fn model(architecture: Architecture) -> ResolvedConfig {
    let mut model = ModelConfig { architecture, n_kv_heads: 4, ..ModelConfig::tiny(VOCAB) };
    (model.d_model, model.d_ff, model.n_layers) = (32, 32, 1);
    let experts =
        ExpertsConfig { normalize: true, balance_loss: 0.01, ..ExpertsConfig::new(4, 2, 32) };
    let has_experts = ["mixtral", "qwen3_moe", "deepseek_v3"].contains(&architecture.name());
    model.options.experts = has_experts.then_some(experts);
    model.resolve().unwrap()
}

#[test]
fn every_causal_family_trains_and_its_checkpoint_is_a_model() {
    let workshop = Workshop::new();
    let config = config(4);
    for architecture in Architecture::all() {
        let model = model(architecture);
        let run = workshop.path(architecture.name());
        let resolved = config.clone().resolve().unwrap();
        let trainer: Result<Trainer<Flex>, _> =
            Trainer::open(&run, resolved, &model, workshop.data(), &Default::default());
        if !model.is_causal() {
            let Err(error) = trainer else { panic!("{architecture} is not refused") };
            assert!(matches!(error, TrainError::Config { .. }), "{error}");
            assert!(error.to_string().contains("model.architecture"), "{error}");
            continue;
        }
        let outcome =
            trainer.unwrap().run(&mut |_: &Snapshot| {}, &AtomicBool::new(false)).unwrap();
        let Outcome::Finished { loss, weights_sha256, .. } = outcome else { panic!("{outcome:?}") };
        assert!(loss.is_some_and(f64::is_finite), "{architecture}: {loss:?}");
        let dir = run.join("checkpoints/step-00000004");
        let back = Transformer::<Flex>::import_dir(&dir, &Default::default()).unwrap();
        assert_eq!(back.weights_sha256(), weights_sha256, "{architecture}");
    }
}
