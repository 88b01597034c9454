//! The stages in order, each reading what the one before it finished.

use super::{Plan, Settings, page};
use crate::command::{Common, Failure, OrUsage};
use crate::device::{Device, OnDevice};
use crate::model::end_of_text;
use crate::progress::{Progress, Unit};
use crate::stages::dedup::{DedupOptions, dedup};
use crate::stages::evaluate::{Baselines, Results, Validation, evaluate};
use crate::stages::export::export;
use crate::stages::read::{read_built_in, read_files};
use crate::stages::tokenizer::{load_tokenizer, train_tokenizer};
use crate::stages::tokens::tokenise;
use crate::stages::train::{Learn, train};
use crate::stages::{Documents, Done, StageReport, clean::clean, megabytes};
use pretrain_bpe::{TokenId, Tokenizer};
use pretrain_kernels::KernelBackend;
use pretrain_model::{GenerationConfig, Transformer, generate};
use pretrain_store::{Manifest, write_atomic};
use pretrain_train::Outcome;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Tokens of each sampled continuation.
const SAMPLE_TOKENS: usize = 96;

/// What `pretrain --json` prints; `summary.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Whether the run was stopped before its end; the same command goes on from there.
    pub interrupted: bool,
    /// In order.
    pub stages: Vec<StageReport>,
    /// The model on held-out text.
    pub validation: Option<Validation>,
    /// What it is compared with.
    pub baselines: Option<Baselines>,
    /// Of training.
    pub tokens_per_second: f64,
    /// Parameters of the model.
    pub parameters: usize,
    /// Identifies the final weights.
    pub weights_sha256: String,
    /// The final checkpoint.
    pub checkpoint: PathBuf,
    /// The Hugging Face directory.
    pub export: PathBuf,
    /// Prompts with their continuations.
    pub samples: Vec<String>,
}

/// What the data stages made; the report shows their counts.
pub(super) struct Data {
    pub(super) read: Done,
    pub(super) clean: Done,
    pub(super) exact: Done,
    pub(super) minhash: Done,
    pub(super) tokenizer: Done,
    pub(super) tokens: Done,
}

/// Runs every stage that is not finished yet.
///
/// # Errors
/// Impossible settings (a usage error), unreadable or unsuitable input, a disk that refuses.
pub fn run(settings: Settings, common: &Common) -> Result<Summary, Failure> {
    let progress = Progress::new(common.quiet);
    let (plan, settings) = settings.resolve()?;
    let user = (!plan.input.is_empty()).then(|| Documents::open(&plan.input)).transpose();
    let user = user.or_usage()?;
    let resolved = toml::to_string(&settings)?;
    let data = data(&plan, user.as_ref(), progress)?;
    write_atomic(&plan.out.join("config.toml"), resolved.as_bytes())?;

    let dir = |name: &str| plan.out.join(name);
    let started = Instant::now();
    let learn = Learn {
        tokens: &dir("tokens"),
        out: &dir("train"),
        model: &plan.model,
        config: &plan.train,
        progress,
    };
    let outcome = train(&learn, plan.device)?;
    let mut summary = Summary {
        interrupted: true,
        stages: data.reports(),
        validation: None,
        baselines: None,
        tokens_per_second: 0.0,
        parameters: plan.model.n_parameters(),
        weights_sha256: String::new(),
        checkpoint: PathBuf::new(),
        export: dir("export"),
        samples: Vec::new(),
    };
    let (speed, weights, checkpoint) = match outcome {
        Outcome::Finished { tokens_per_second, weights_sha256, checkpoint, .. } => {
            (tokens_per_second, weights_sha256, checkpoint)
        }
        Outcome::Interrupted { checkpoint, .. } => {
            summary.checkpoint = checkpoint;
            return Ok(summary);
        }
        _ => return Err(anyhow::anyhow!("training ended in an unknown way").into()),
    };
    summary.stages.push(StageReport {
        name: "train".to_owned(),
        seconds: started.elapsed().as_secs_f64(),
        ..data.tokens.report.clone()
    });

    let tokenizer = load_tokenizer(&dir("tokenizer"))?;
    let documents = Documents::open(&[dir("dedup")])?;
    let (results, report) = evaluate(
        &documents,
        plan.split,
        &tokenizer,
        &checkpoint,
        &dir("evaluation"),
        plan.device,
        progress,
    )?;
    summary.stages.push(report);

    let bar = progress.stage("export", Unit::Items, 0);
    let exported = export(&checkpoint, Some(&tokenizer), &summary.export)?;
    let bytes = exported.files.iter().map(|file| file.bytes).sum();
    let seconds = bar.finish(&format!("{} in {}", megabytes(bytes), summary.export.display()));
    summary.stages.push(StageReport { name: "export".into(), seconds, documents: 0, bytes });

    summary.samples = samples(&plan, &checkpoint, &tokenizer, &results)?;
    summary.interrupted = false;
    summary.tokens_per_second = speed;
    summary.weights_sha256 = weights;
    summary.checkpoint = checkpoint;
    summary.validation = Some(results.validation);
    summary.baselines = Some(results.baselines);
    let html = page::render(&plan, &data, &summary)?;
    write_atomic(&plan.out.join("report.html"), html.as_bytes())?;
    write_atomic(&plan.out.join("summary.json"), &serde_json::to_vec_pretty(&summary)?)?;
    if !common.json {
        print_summary(&plan.out, &summary);
    }
    Ok(summary)
}

fn data(plan: &Plan, user: Option<&Documents>, progress: Progress) -> anyhow::Result<Data> {
    let dir = |name: &str| plan.out.join(name);
    let open = |name: &str| Documents::open(&[dir(name)]);
    let read = match user {
        Some(documents) => read_files(documents, &dir("corpus"), progress)?,
        None => read_built_in(&plan.sample, &dir("corpus"), progress)?,
    };
    let clean = clean(&open("corpus")?, &dir("clean"), &plan.clean, progress)?;
    refuse_nothing(&clean, "the quality filters (report.json in clean/ has the reasons)")?;
    let dedup_stage = |name: &str, from: &str, to: &str, config| {
        let options = DedupOptions::default();
        dedup(name, &open(from)?, &dir(to), config, &options, None, progress)
            .map(|found| found.done)
    };
    let exact = dedup_stage("dedup-exact", "clean", "dedup-exact", &plan.exact)?;
    let minhash = dedup_stage("dedup-minhash", "dedup-exact", "dedup", &plan.minhash)?;
    let documents = open("dedup")?;
    let tokenizer = train_tokenizer(&documents, &dir("tokenizer"), &plan.tokenizer, progress)?;
    let loaded = load_tokenizer(&dir("tokenizer"))?;
    let tokens = tokenise(&documents, &loaded, &dir("tokens"), plan.split, progress)?;
    Ok(Data { read, clean, exact, minhash, tokenizer, tokens })
}

fn refuse_nothing(done: &Done, by: &str) -> anyhow::Result<()> {
    anyhow::ensure!(done.report.documents > 0, "no document passed {by}");
    Ok(())
}

impl Data {
    fn reports(&self) -> Vec<StageReport> {
        let all =
            [&self.read, &self.clean, &self.exact, &self.minhash, &self.tokenizer, &self.tokens];
        all.map(|done| done.report.clone()).to_vec()
    }
}

fn samples(
    plan: &Plan,
    checkpoint: &Path,
    tokenizer: &Tokenizer,
    results: &Results,
) -> anyhow::Result<Vec<String>> {
    let stop = end_of_text(tokenizer);
    let prompts: Vec<&String> =
        results.prompts.iter().filter(|p| !p.is_empty()).take(plan.samples).collect();
    let max_seq_len = plan.model.max_seq_len();
    let mut requests = Vec::new();
    for (i, prompt) in prompts.iter().enumerate() {
        let mut ids = Vec::new();
        tokenizer.encode_into(prompt, &mut ids);
        ids.truncate(max_seq_len / 2);
        let config = GenerationConfig {
            max_new_tokens: SAMPLE_TOKENS.min(max_seq_len - ids.len()),
            temperature: 0.8,
            top_k: None,
            top_p: Some(0.95),
            seed: plan.split.seed.wrapping_add(i as u64),
            stop: stop.clone(),
        };
        requests.push((ids, config));
    }
    // The CPU is quicker for a few tokens than a device is to warm up.
    let made = Device::Cpu.run(Sample { checkpoint, requests })??;
    let text = |(prompt, ids): (&&String, Vec<u32>)| {
        let ids: Vec<TokenId> = ids.into_iter().map(TokenId).collect();
        format!("{prompt}{}", tokenizer.decode_lossy(&ids))
    };
    Ok(prompts.iter().zip(made).map(text).collect())
}

struct Sample<'a> {
    checkpoint: &'a Path,
    requests: Vec<(Vec<u32>, GenerationConfig)>,
}

impl OnDevice for Sample<'_> {
    type Out = anyhow::Result<Vec<Vec<u32>>>;

    fn run<B: KernelBackend>(self, device: &B::Device) -> Self::Out {
        let model = Transformer::<B>::import_dir(self.checkpoint, device)?;
        self.requests.iter().map(|(ids, config)| Ok(generate(&model, ids, config)?)).collect()
    }
}

/// A count of the manifest, zero where there is none.
pub(super) fn count(manifest: &Manifest, name: &str) -> u64 {
    manifest.counts.get(name).copied().unwrap_or(0)
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn print_summary(out: &Path, summary: &Summary) {
    println!("\n{:<14} {:>9} {:>11} {:>12}", "stage", "seconds", "documents", "text");
    for stage in &summary.stages {
        let (name, seconds) = (&stage.name, stage.seconds);
        println!(
            "{name:<14} {seconds:>9.1} {:>11} {:>12}",
            stage.documents,
            megabytes(stage.bytes)
        );
    }
    if let (Some(validation), Some(baselines)) = (summary.validation, summary.baselines) {
        println!(
            "\nvalidation     loss {:.4}, perplexity {:.2}",
            validation.loss, validation.perplexity
        );
        println!("bits per byte  model {:.4}", validation.bits_per_byte);
        println!("               unigram {:.4}", baselines.unigram_bits_per_byte);
        println!("               gzip -9 {:.4}", baselines.gzip_bits_per_byte);
    }
    println!("\n{} parameters, {:.0} tokens/s", summary.parameters, summary.tokens_per_second);
    for (i, sample) in summary.samples.iter().enumerate() {
        println!("\n--- sample {} ---\n{sample}", i + 1);
    }
    println!("\nreport: {}", out.join("report.html").display());
    println!("model:  {}", summary.export.display());
}
