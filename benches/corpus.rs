//! `pretrain-corpus`: writing and reading files of documents, in bytes of text per second.
//!
//! Files are in a temporary folder. A written file is complete and on the disk (fsync) when its time ends.

use anyhow::{Context, Result, ensure};
use benches::{CORPUS_BYTES, Corpus, corpora};
use criterion::{BenchmarkId, Criterion, Throughput};
use pretrain_corpus::{
    DocId, Document, InputFile, JsonlWriter, ParquetWriter, ReadOptions, Record, read,
};
use std::path::Path;

const NAMES: &[&str] = &["shard.jsonl", "shard.jsonl.gz", "shard.jsonl.zst", "shard.parquet"];

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let criterion = &mut benches::criterion();
    for corpus in corpora(CORPUS_BYTES)? {
        let n_bytes = corpus.n_bytes();
        let documents = documents(corpus)?;
        for name in NAMES {
            let path = folder.path().join(name);
            write(&path, &documents)?;
            ensure!(read_all(&path)? == documents, "{name}: documents changed on their way");
            measure(criterion, name, n_bytes, &path, &documents);
        }
    }
    criterion.final_summary();
    Ok(())
}

fn measure(c: &mut Criterion, name: &str, n_bytes: u64, path: &Path, documents: &[Document]) {
    let corpus = documents[0].source.as_deref().unwrap_or_default();
    let mut group = c.benchmark_group(format!("corpus/write/{name}"));
    group.throughput(Throughput::Bytes(n_bytes));
    group.bench_function(BenchmarkId::from_parameter(corpus), |bencher| {
        bencher.iter(|| write(path, documents).expect("it was written before"));
    });
    group.finish();

    let mut group = c.benchmark_group(format!("corpus/read/{name}"));
    group.throughput(Throughput::Bytes(n_bytes));
    group.bench_function(BenchmarkId::from_parameter(corpus), |bencher| {
        bencher.iter(|| count(path).expect("it was read before"));
    });
    group.finish();
}

/// With what documents of the web have beside their text.
fn documents(corpus: Corpus) -> Result<Vec<Document>> {
    let name = corpus.name;
    let documents = corpus.texts.into_iter().enumerate().map(|(index, text)| {
        let mut document = Document::new(DocId::new(format!("{name}-{index}"))?, text);
        document.source = Some(name.to_owned());
        document.url = Some(format!("https://example.org/{name}/{index}"));
        document.metadata.insert("language".to_owned(), "en".into());
        document.metadata.insert("score".to_owned(), (index as f64 / 7.0).into());
        Ok(document)
    });
    documents.collect()
}

fn write(path: &Path, documents: &[Document]) -> Result<()> {
    if path.extension().is_some_and(|extension| extension == "parquet") {
        let mut writer = ParquetWriter::create(path)?;
        documents.iter().try_for_each(|document| writer.write(document))?;
        writer.finish()?;
    } else {
        let mut writer = JsonlWriter::create(path)?;
        documents.iter().try_for_each(|document| writer.write(document))?;
        writer.finish()?;
    }
    Ok(())
}

fn read_all(path: &Path) -> Result<Vec<Document>> {
    let records = read(&InputFile::new(path)?, &ReadOptions::default())?;
    records.map(|record| record?.document().context("a bad record")).collect()
}

/// Bytes of text, with one document in memory at a time.
fn count(path: &Path) -> Result<usize> {
    let mut n_bytes = 0;
    for record in read(&InputFile::new(path)?, &ReadOptions::default())? {
        if let Record::Document(document) = record? {
            n_bytes += document.text.len();
        }
    }
    Ok(n_bytes)
}
