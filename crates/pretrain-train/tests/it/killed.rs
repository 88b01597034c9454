//! Processes that die: at every write of a checkpoint, in the middle of a run, on a full disk.

use crate::run::{Workshop, checkpoints, config, result};
use pretrain_store::StoreError;
use pretrain_train::{Snapshot, TrainError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

const STEPS: u64 = 9;
/// Names the workshop to the child process.
const CHILD_DIR: &str = "PRETRAIN_TRAIN_TEST_CHILD";

#[test]
fn a_crash_at_any_write_of_a_checkpoint_costs_at_most_its_steps() {
    let workshop = Workshop::new();
    let config = config(STEPS);
    let expected = result(&workshop.run("straight", &config));
    // What step 8 writes, in the order in which it is written.
    workshop.run_until("whole", &config, 8);
    let whole = workshop.path("whole/checkpoints/step-00000008");
    let order = [
        "model.safetensors",
        "generation_config.json",
        "config.json",
        "optimizer.safetensors",
        "state.json",
        "manifest.json",
    ];
    assert_eq!(std::fs::read_dir(&whole).unwrap().count(), order.len());
    for (written, torn) in order.iter().enumerate() {
        let run = format!("crash-{written}");
        workshop.run_until(&run, &config, 7);
        let dir = workshop.path(&run).join("checkpoints/step-00000008");
        std::fs::create_dir_all(&dir).unwrap();
        for name in &order[..written] {
            std::fs::copy(whole.join(name), dir.join(name)).unwrap();
        }
        let half = std::fs::read(whole.join(torn)).unwrap();
        std::fs::write(dir.join(format!("{torn}.partial")), &half[..half.len() / 2]).unwrap();
        let trainer = workshop.open(&run, &config).unwrap();
        assert_eq!(trainer.step(), 7, "{torn}");
        assert_eq!(trainer.rejected(), [], "{torn}");
        let outcome = trainer.run(&mut |_: &Snapshot| {}, &AtomicBool::new(false)).unwrap();
        assert_eq!(result(&outcome), expected, "{torn}");
        let leavings = std::fs::read_dir(&dir).unwrap().count();
        assert_eq!(leavings, order.len(), "{torn}");
    }
}

/// Not a test of its own: the process that dies. It does nothing where nobody asked for it.
#[test]
fn child_that_aborts() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let workshop = Workshop::at(Path::new(&dir));
    let mut config = config(STEPS);
    config.log.flush_secs = 0.0;
    let mut observer = |snapshot: &Snapshot| {
        if snapshot.metrics.step == 5 {
            std::process::abort();
        }
    };
    let trainer = workshop.open("run", &config).unwrap();
    trainer.run(&mut observer, &AtomicBool::new(false)).unwrap();
}

#[test]
fn a_process_that_dies_between_checkpoints_is_resumed_bit_for_bit() {
    let workshop = Workshop::new();
    let config = config(STEPS);
    let program: PathBuf = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["--exact", "killed::child_that_aborts", "--nocapture"])
        .env(CHILD_DIR, workshop.path(""))
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert_eq!(checkpoints(&workshop.path("run")), ["step-00000002", "step-00000004"]);
    let trainer = workshop.open("run", &config).unwrap();
    assert_eq!(trainer.step(), 4);
    let outcome = trainer.run(&mut |_: &Snapshot| {}, &AtomicBool::new(false)).unwrap();
    assert_eq!(result(&outcome), result(&workshop.run("straight", &config)));
    assert_eq!(workshop.log("run"), workshop.log("straight"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_run_and_not_its_checkpoints() {
    let workshop = Workshop::new();
    let mut config = config(STEPS);
    config.log.flush_secs = 1e9;
    let run = workshop.path("run");
    let trainer = workshop.open("run", &config).unwrap();
    // From step 5 on, the log's temporary file is a device that refuses every byte.
    let mut observer = |snapshot: &Snapshot| {
        if snapshot.metrics.step == 5 {
            let partial = run.join("metrics.jsonl.partial");
            std::os::unix::fs::symlink("/dev/full", partial).unwrap();
        }
    };
    let error = trainer.run(&mut observer, &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, TrainError::Store(StoreError::Io { .. })), "{error}");
    assert_eq!(checkpoints(&run), ["step-00000002", "step-00000004"]);
    let resumed = workshop.run("run", &config);
    assert_eq!(result(&resumed), result(&workshop.run("straight", &config)));
    assert_eq!(workshop.log("run"), workshop.log("straight"));
}
