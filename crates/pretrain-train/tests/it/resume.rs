//! N steps = k steps, stop, resume, N - k steps, bit for bit.

use crate::run::{Workshop, checkpoints, config, interrupted_at, model, result};
use pretrain_kernels::Flex;
use pretrain_train::{Outcome, Snapshot, Trainer};
use std::path::Path;
use std::sync::atomic::AtomicBool;

const STEPS: u64 = 11;

fn final_files(run: &Path) -> Vec<(String, Vec<u8>)> {
    let dir = run.join("checkpoints").join(format!("step-{STEPS:08}"));
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_run_that_was_stopped_twice_ends_as_one_that_was_not() {
    let workshop = Workshop::new();
    let config = config(STEPS);
    let straight = workshop.run("straight", &config);
    let expected = final_files(&workshop.path("straight"));
    let names: Vec<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["config.json", "manifest.json", "model.safetensors", "optimizer.safetensors"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    for (first, second) in [(3, 7), (1, 2), (4, 10)] {
        let run = format!("stopped-{first}-{second}");
        assert_eq!(interrupted_at(&workshop.run_until(&run, &config, first)), first);
        assert_eq!(workshop.log(&run).len() as u64, first);
        assert_eq!(workshop.open(&run, &config).unwrap().step(), first);
        assert_eq!(interrupted_at(&workshop.run_until(&run, &config, second)), second);
        let resumed = workshop.run(&run, &config);
        assert_eq!(result(&resumed), result(&straight), "{run}");
        assert!(final_files(&workshop.path(&run)) == expected, "{run}: files of the checkpoint");
        assert_eq!(workshop.log(&run), workshop.log("straight"), "{run}");
        let manifest = |run: &str| std::fs::read(workshop.path(run).join("manifest.json")).unwrap();
        assert!(manifest(&run) == manifest("straight"), "{run}: manifest of the run");
    }
}

#[test]
fn a_stop_before_the_first_step_saves_the_fresh_weights() {
    let workshop = Workshop::new();
    let config = config(STEPS);
    let trainer = workshop.open("run", &config).unwrap();
    let outcome = trainer.run(&mut |_: &Snapshot| {}, &AtomicBool::new(true)).unwrap();
    assert_eq!(interrupted_at(&outcome), 0);
    assert_eq!(checkpoints(&workshop.path("run")), ["step-00000000"]);
    let resumed = workshop.run("run", &config);
    assert_eq!(result(&resumed), result(&workshop.run("straight", &config)));
}

#[test]
fn a_finished_run_answers_at_once_with_the_same_result() {
    let workshop = Workshop::new();
    let config = config(4);
    let outcome = workshop.run("run", &config);
    let mut observed = 0;
    let trainer = workshop.open("run", &config).unwrap();
    assert_eq!(trainer.step(), 4);
    let again = trainer.run(&mut |_: &Snapshot| observed += 1, &AtomicBool::new(false)).unwrap();
    assert_eq!(observed, 0);
    assert_eq!(again, outcome);
    let Outcome::Finished { tokens_per_second, weights_sha256, checkpoint, .. } = outcome else {
        panic!()
    };
    assert!(tokens_per_second > 0.0);
    assert_eq!(weights_sha256.len(), 64);
    assert_eq!(checkpoint, workshop.path("run").join("checkpoints/step-00000004"));
}

#[test]
fn two_runs_in_one_process_have_the_same_losses_to_the_last_bit() {
    let workshop = Workshop::new();
    let config = config(STEPS);
    let first = result(&workshop.run("first", &config));
    assert_eq!(result(&workshop.run("second", &config)), first);
    assert_eq!(workshop.log("second"), workshop.log("first"));
    let log = workshop.log("first");
    assert_eq!(log.iter().map(|line| line.step).collect::<Vec<_>>(), Vec::from_iter(1..=STEPS));
    let measured: Vec<u64> =
        log.iter().filter(|line| line.validation_loss.is_some()).map(|line| line.step).collect();
    assert_eq!(measured, [3, 6, 9, 11]);
    let mut other = config.clone();
    other.seed += 1;
    assert_ne!(result(&workshop.run("third", &other)), first);
}

#[test]
fn how_often_to_save_may_change_and_changes_nothing() {
    let workshop = Workshop::new();
    let mut config = config(STEPS);
    let expected = result(&workshop.run("straight", &config));
    workshop.run_until("run", &config, 5);
    config.checkpoint.every_steps = None;
    config.checkpoint.keep_last = 1;
    config.log.flush_secs = 0.0;
    assert_eq!(result(&workshop.run("run", &config)), expected);
    assert_eq!(checkpoints(&workshop.path("run")), ["step-00000011"]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let workshop = Workshop::new();
    let mut config = config(3);
    config.micro_batch = 16;
    // Large enough that the kernels share the work out.
    let mut model = model().as_config().clone();
    (model.vocab_size, model.d_model, model.d_ff) = (1024, 128, 384);
    let model = model.resolve().unwrap();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let dir = workshop.path(&format!("threads-{threads}"));
        let (config, data) = (config.clone().resolve().unwrap(), workshop.data());
        let outcome = pool.install(|| {
            Trainer::<Flex>::open(&dir, config, &model, data, &Default::default())
                .and_then(|trainer| trainer.run(&mut |_: &Snapshot| {}, &AtomicBool::new(false)))
        });
        result(&outcome.unwrap())
    };
    let one = run(1);
    for threads in [2, 3, 8] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}
