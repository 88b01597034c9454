//! What a crash, a flipped bit or a second process leaves of a run.

use crate::run::{Workshop, checkpoints, config, model, read_log, result};
use pretrain_kernels::Flex;
use pretrain_model::Transformer;
use pretrain_store::StoreError;
use pretrain_train::{Checkpoint, Outcome, Snapshot, TrainConfig, TrainError};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

const STEPS: u64 = 9;

/// A run stopped after step 7, with checkpoints of steps 6 and 7.
fn stopped() -> (Workshop, TrainConfig, PathBuf) {
    let workshop = Workshop::new();
    let config = config(STEPS);
    workshop.run_until("run", &config, 7);
    let run = workshop.path("run");
    assert_eq!(checkpoints(&run), ["step-00000006", "step-00000007"]);
    (workshop, config, run)
}

fn flip_a_bit(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

fn rejected(outcome: &Outcome) -> Vec<PathBuf> {
    match outcome {
        Outcome::Finished { rejected, .. } => rejected.iter().map(|r| r.dir.clone()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_half_written_checkpoint_is_ignored_and_overwritten() {
    let (workshop, config, run) = stopped();
    // A process that dies while it saves step 8: some files whole, one torn, no manifest.
    let torn = run.join("checkpoints/step-00000008");
    std::fs::create_dir_all(&torn).unwrap();
    let weights = std::fs::read(run.join("checkpoints/step-00000007/model.safetensors")).unwrap();
    std::fs::write(torn.join("model.safetensors"), &weights).unwrap();
    std::fs::write(torn.join("optimizer.safetensors.partial"), &weights[..100]).unwrap();
    // Its log went on beyond the last whole checkpoint, and ends in the middle of a line.
    let log = run.join("metrics.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    let more = text.lines().last().unwrap().replace("\"step\":7", "\"step\":8");
    std::fs::write(&log, format!("{text}{more}\n{{\"step\":9")).unwrap();

    let trainer = workshop.open("run", &config).unwrap();
    assert_eq!(trainer.step(), 7);
    assert_eq!(read_log(&run).len(), 7);
    let outcome = trainer.run(&mut |_: &Snapshot| {}, &AtomicBool::new(false)).unwrap();
    let straight = workshop.run("straight", &config);
    assert_eq!(result(&outcome), result(&straight));
    assert_eq!(rejected(&outcome), Vec::<PathBuf>::new());
    assert_eq!(workshop.log("run"), workshop.log("straight"));
    assert_eq!(checkpoints(&run), ["step-00000008", "step-00000009"]);
}

#[test]
fn a_damaged_checkpoint_falls_back_to_the_one_before() {
    for file in ["model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"] {
        let (workshop, config, run) = stopped();
        let newest = run.join("checkpoints/step-00000007");
        flip_a_bit(&newest.join(file));
        let trainer = workshop.open("run", &config).unwrap();
        assert_eq!(trainer.step(), 6, "{file}");
        assert_eq!(trainer.rejected().len(), 1);
        let outcome = trainer.run(&mut |_: &Snapshot| {}, &AtomicBool::new(false)).unwrap();
        assert_eq!(rejected(&outcome), [newest], "{file}");
        assert_eq!(result(&outcome), result(&workshop.run("straight", &config)), "{file}");
    }
}

#[test]
fn a_missing_file_is_damage_too() {
    let (workshop, config, run) = stopped();
    std::fs::remove_file(run.join("checkpoints/step-00000007/state.json")).unwrap();
    let outcome = workshop.run("run", &config);
    let Outcome::Finished { rejected, .. } = outcome else { panic!() };
    assert!(rejected[0].reason.contains("state.json"), "{}", rejected[0]);
}

#[test]
fn work_is_never_thrown_away_silently() {
    let (workshop, config, run) = stopped();
    for name in checkpoints(&run) {
        flip_a_bit(&run.join("checkpoints").join(name).join("model.safetensors"));
    }
    match workshop.open("run", &config) {
        Err(TrainError::NoIntactCheckpoint { rejected }) => {
            let dirs: Vec<&str> =
                rejected.iter().map(|r| r.dir.file_name().unwrap().to_str().unwrap()).collect();
            assert_eq!(dirs, ["step-00000007", "step-00000006"]);
        }
        other => panic!("{:?}", other.map(|trainer| trainer.step())),
    }
}

#[test]
fn old_checkpoints_go_manifest_first_and_leavings_with_them() {
    let (workshop, mut config, run) = stopped();
    // A deletion that was cut short: the manifest is gone, the rest is there.
    std::fs::remove_file(run.join("checkpoints/step-00000006/manifest.json")).unwrap();
    config.checkpoint.keep_last = 3;
    workshop.run("run", &config);
    assert_eq!(checkpoints(&run), ["step-00000007", "step-00000008", "step-00000009"]);
    assert!(!run.join("checkpoints/step-00000006").exists());
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let (workshop, config, run) = stopped();
    let mut other = config.clone();
    other.seed += 1;
    workshop.run_until("other", &other, 8);
    let target = run.join("checkpoints/step-00000008");
    std::fs::create_dir_all(&target).unwrap();
    for entry in std::fs::read_dir(workshop.path("other/checkpoints/step-00000008")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, target.join(path.file_name().unwrap())).unwrap();
    }
    let error = workshop.open("run", &config).map(|trainer| trainer.step()).unwrap_err();
    assert!(matches!(error, TrainError::ForeignCheckpoint { .. }), "{error}");
}

#[test]
fn a_checkpoint_is_a_model_directory() {
    let (_workshop, _, run) = stopped();
    let newest = Checkpoint::newest(&run).unwrap().unwrap();
    assert_eq!(newest.step(), 7);
    assert_eq!(newest.manifest().counts["step"], 7);
    let model_read = Transformer::<Flex>::import_dir(newest.dir(), &Default::default()).unwrap();
    assert_eq!(model_read.config().n_parameters(), model().n_parameters());
    assert!(Checkpoint::newest(&run.join("nowhere")).unwrap().is_none());
}

#[test]
fn two_processes_cannot_fill_one_directory() {
    let workshop = Workshop::new();
    let config = config(STEPS);
    let first = workshop.open("run", &config).unwrap();
    let second = workshop.open("run", &config).map(|trainer| trainer.step());
    assert!(matches!(second, Err(TrainError::Store(StoreError::Locked { .. }))));
    drop(first);
    workshop.open("run", &config).unwrap();
}

#[test]
fn a_run_killed_before_its_manifest_finishes_without_a_step() {
    let workshop = Workshop::new();
    let config = config(STEPS);
    let expected = workshop.run("straight", &config);
    // A run with all steps taken and the final checkpoint written, but no manifest: its manifest and
    // record are put back to what they were before the end.
    let run = workshop.path("run");
    workshop.run_until("run", &config, 8);
    let record = std::fs::read(run.join("stage.json")).unwrap();
    workshop.run("run", &config);
    std::fs::remove_file(run.join("manifest.json")).unwrap();
    std::fs::write(run.join("stage.json"), record).unwrap();
    let mut observed = 0;
    let trainer = workshop.open("run", &config).unwrap();
    let outcome = trainer.run(&mut |_: &Snapshot| observed += 1, &AtomicBool::new(false)).unwrap();
    assert_eq!((observed, result(&outcome)), (0, result(&expected)));
    assert!(run.join("manifest.json").exists());
}
