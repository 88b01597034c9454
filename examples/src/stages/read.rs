//! The first stage: whatever the user has, or the built-in corpus, as document shards of ours.

use super::{Documents, Done, StageReport, part_name, run_stage};
use crate::progress::{Bar, Progress};
use pretrain_corpus::rust_sources::{RustSources, SampleConfig, SourceFile};
use pretrain_corpus::{BadRecord, JsonlWriter, Record};
use pretrain_store::{InputRef, OpenStage, Stage, StageSpec, Unit};
use rayon::prelude::*;
use std::path::Path;

/// Text per shard of the built-in corpus, in bytes: small enough that a killed run loses little.
const SHARD_BYTES: u64 = 4 << 20;

/// Copies the user's documents into shards; records that are none go to `bad/`.
///
/// # Errors
/// The input cannot be read, has no document at all, or the disk refuses.
pub fn read_files(documents: &Documents, out: &Path, progress: Progress) -> anyhow::Result<Done> {
    let spec = documents.spec("read", &documents.options)?;
    let done = run_stage(out, &spec, progress, documents.bytes, |stage, bar| {
        documents.each_unit(&stage, bar, |name, file| {
            let mut shard = Shard::create(&stage, name)?;
            for record in pretrain_corpus::read(file, &documents.options)? {
                shard.write(record?)?;
            }
            shard.finish()
        })?;
        Ok(stage.finish([])?)
    })?;
    refuse_empty(done)
}

/// Writes a seeded sample of the sources that Cargo has on the disk.
///
/// # Errors
/// Cargo does not answer, there is nothing to read, or the disk refuses.
pub fn read_built_in(
    config: &SampleConfig,
    out: &Path,
    progress: Progress,
) -> anyhow::Result<Done> {
    // The files' names and lengths are the input: the lockfile pins what is in them.
    let spec = StageSpec::new("read", serde_json::to_value(config)?);
    if let Ok(Stage::Finished(manifest)) = Stage::open(out, &spec) {
        let count = |name: &str| manifest.counts.get(name).copied().unwrap_or(0);
        let (documents, bytes) = (count("documents"), count("bytes"));
        let report = StageReport { name: "read".into(), seconds: 0.0, documents, bytes };
        return Ok(Done { manifest, report });
    }
    let sources = RustSources::discover(Path::new("Cargo.toml"))?;
    let sample = sources.sample(config)?;
    let total = sample.iter().map(file_bytes).sum();
    let done = run_stage(out, &spec, progress, total, |stage, bar| {
        shards(&sample)
            .into_par_iter()
            .enumerate()
            .try_for_each(|(i, files)| built_in_unit(&stage, bar, &part_name(i), files))?;
        Ok(stage.finish([])?)
    })?;
    refuse_empty(done)
}

fn file_bytes(file: &SourceFile) -> u64 {
    file.prose_bytes() + file.code_bytes()
}

fn shards(sample: &[SourceFile]) -> Vec<&[SourceFile]> {
    let mut shards = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (i, file) in sample.iter().enumerate() {
        bytes += file_bytes(file);
        if bytes >= SHARD_BYTES || i + 1 == sample.len() {
            shards.push(&sample[start..=i]);
            (start, bytes) = (i + 1, 0);
        }
    }
    shards
}

fn built_in_unit(
    stage: &OpenStage,
    bar: &Bar,
    name: &str,
    files: &[SourceFile],
) -> anyhow::Result<()> {
    if stage.unit(name).is_none() {
        let mut shard = Shard::create(stage, name)?;
        for file in files {
            for record in file.read()? {
                shard.write(record)?;
            }
        }
        stage.commit_unit(shard.finish()?)?;
    }
    bar.advance(files.iter().map(file_bytes).sum());
    Ok(())
}

/// A shard of documents and what was set aside while it was filled.
struct Shard {
    unit: Unit,
    kept: JsonlWriter,
    bad: JsonlWriter,
}

impl Shard {
    fn create(stage: &OpenStage, name: &str) -> anyhow::Result<Self> {
        Ok(Self {
            unit: Unit::new(name),
            kept: JsonlWriter::create(&stage.dir().join(format!("{name}.jsonl.zst")))?,
            bad: JsonlWriter::create(&stage.dir().join(format!("bad/{name}.jsonl")))?,
        })
    }

    fn write(&mut self, record: Record) -> anyhow::Result<()> {
        let mut count = |name: &str, n| *self.unit.counts.entry(name.to_owned()).or_default() += n;
        match record {
            Record::Document(document) => {
                count("documents", 1);
                count("bytes", document.text.len() as u64);
                self.kept.write(&document)?;
            }
            Record::Bad(record) => {
                count("bad_records", 1);
                self.bad.write_json::<BadRecord>(&record)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<Unit> {
        Ok(self.unit.file(self.kept.finish()?).file(self.bad.finish()?.under("bad")))
    }
}

fn refuse_empty(done: Done) -> anyhow::Result<Done> {
    let inputs: Vec<&str> =
        done.manifest.inputs.iter().map(|InputRef { name, .. }| &name[..]).collect();
    let bad = done.manifest.counts.get("bad_records").copied().unwrap_or(0);
    anyhow::ensure!(
        done.report.documents > 0,
        "the corpus is empty: no document in {} ({bad} bad records, listed under bad/)",
        inputs.join(", ")
    );
    Ok(done)
}
