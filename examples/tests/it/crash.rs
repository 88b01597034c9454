//! A run that is killed in any stage and started again ends with the same weights.

use crate::program::{command, json, write_corpus};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A whole run on a corpus of a few hundred documents: seconds, not minutes.
pub(crate) const TINY: &str = r#"
threads = 2
seed = 7
vocab-size = 512
seq-len = 64
validation-fraction = 0.1
steps = 30
preset = "gopher"
samples = 2

[model]
d_model = 32
n_layers = 2
n_heads = 2
n_kv_heads = 1
d_ff = 64

[training]
micro_batch = 4
grad_accumulation = 2
checkpoint_every = 5
"#;

struct Bench {
    tmp: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let tmp = tempfile::tempdir().unwrap();
        write_corpus(&tmp.path().join("corpus.jsonl"), 3000);
        pretrain_store::write_atomic(&tmp.path().join("run.toml"), TINY.as_bytes()).unwrap();
        Self { tmp }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.tmp.path().join(name)
    }

    fn args(&self, out: &Path) -> Vec<String> {
        let path = |p: &Path| p.to_str().unwrap().to_owned();
        let (config, input) = (self.out("run.toml"), self.out("corpus.jsonl"));
        ["--config", &path(&config), "--input", &path(&input), "--out", &path(out), "--json"]
            .map(str::to_owned)
            .to_vec()
    }

    fn finish(&self, out: &Path) -> serde_json::Value {
        json("pretrain", &self.args(out))
    }

    /// Starts a run and stops when it announces a stage.
    fn start_until(&self, out: &Path, stage: &str) -> Child {
        let mut child = command("pretrain", &self.args(out))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        let announced = format!("{stage}: started");
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        assert!(lines.any(|line| line == announced), "{stage} was never announced");
        // Keep the pipe open, or the program would be told that nobody listens.
        std::thread::spawn(move || lines.for_each(drop));
        child
    }
}

/// (stage, its directory in a run)
const STAGES: [(&str, &str); 6] = [
    ("read", "corpus"),
    ("clean", "clean"),
    ("dedup-minhash", "dedup"),
    ("tokenizer", "tokenizer"),
    ("tokens", "tokens"),
    ("train", "train"),
];

#[test]
fn a_run_killed_in_any_stage_ends_with_the_same_weights() {
    let bench = Bench::new();
    let whole = bench.finish(&bench.out("whole"));
    let expected = whole["weights_sha256"].as_str().unwrap();
    assert_eq!(expected.len(), 64);
    for (stage, dir) in STAGES {
        let out = bench.out(&format!("killed-in-{stage}"));
        let mut caught = false;
        for _ in 0..5 {
            let mut child = bench.start_until(&out, stage);
            child.kill().unwrap();
            child.wait().unwrap();
            // Killed too late to have been in the stage: take the next try from the start.
            caught = !out.join(dir).join("manifest.json").exists();
            if caught {
                break;
            }
            pretrain_store::remove_dir_all(&out).unwrap();
        }
        assert!(caught, "{stage} was over before the kill in every try");
        let resumed = bench.finish(&out);
        assert_eq!(resumed["weights_sha256"], expected, "killed in {stage}");
        assert_eq!(resumed["validation"], whole["validation"], "killed in {stage}");
    }
}

#[test]
fn a_run_killed_twice_between_checkpoints_ends_with_the_same_weights() {
    let bench = Bench::new();
    let expected = bench.finish(&bench.out("whole"))["weights_sha256"].clone();
    let out = bench.out("killed");
    for checkpoint in ["step-00000005", "step-00000015"] {
        let mut child = bench.start_until(&out, "train");
        let manifest = out.join("train/checkpoints").join(checkpoint).join("manifest.json");
        wait_for(|| manifest.exists());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(bench.finish(&out)["weights_sha256"], expected);
}

#[test]
#[cfg(unix)]
fn a_terminated_run_saves_a_checkpoint_and_goes_on_from_it() {
    let bench = Bench::new();
    let expected = bench.finish(&bench.out("whole"))["weights_sha256"].clone();
    let out = bench.out("terminated");
    let mut child = bench.start_until(&out, "train");
    wait_for(|| out.join("train/metrics.jsonl").exists());
    let status = std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(status.success());
    let status = child.wait().unwrap();
    assert!(status.success(), "a termination that was asked for is a clean exit: {status}");
    let checkpoints = pretrain_store::list_dirs(&out.join("train/checkpoints")).unwrap();
    assert!(!checkpoints.is_empty());
    assert!(!out.join("train/manifest.json").exists(), "it was over before the signal");
    assert_eq!(bench.finish(&out)["weights_sha256"], expected);
}

fn wait_for(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(120), "it never happened");
        std::thread::sleep(Duration::from_millis(2));
    }
}
