//! `pretrain-pack`: best-fit packing, token shards, and the batches of a loader.
//!
//! Packing is measured in documents per second, shards and batches in tokens per second on one thread.
//! The tokens of a batch are its positions, padding included.

use anyhow::{Result, ensure};
use benches::Draws;
use criterion::{BenchmarkId, Criterion, Throughput};
use pretrain_pack::{
    Loader, PackConfig, PackedDataset, Packing, ShardHeader, TokenDataset, TokenShardWriter,
    best_fit_decreasing, best_fit_decreasing_plain,
};
use std::hint::black_box;
use std::path::Path;

const SEQ_LEN: usize = 2048;
const BATCH: usize = 8;
const VOCAB_SIZE: usize = 50_000;

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("shard.tokens");
    let criterion = &mut benches::criterion();
    best_fit(criterion)?;
    shard(criterion, &path)?;
    for packing in [Packing::Concat, Packing::BestFit] {
        load(criterion, &path, packing)?;
    }
    criterion.final_summary();
    Ok(())
}

/// Lengths as of documents of the web: as many of 32 to 64 tokens as of 1024 to 2048.
fn lengths(n: u64) -> Vec<u32> {
    let mut draws = Draws::new("lengths", n);
    (0..n).map(|_| draws.size(5..11) as u32).collect()
}

fn best_fit(criterion: &mut Criterion) -> Result<()> {
    const CAPACITY: u32 = SEQ_LEN as u32;
    let few = lengths(3000);
    let (fast, plain) =
        (best_fit_decreasing(&few, CAPACITY)?, best_fit_decreasing_plain(&few, CAPACITY)?);
    ensure!(fast == plain, "best-fit is not that of its plain twin");

    let mut group = criterion.benchmark_group("pack/best-fit-decreasing");
    for n in [10_000, 1_000_000] {
        let lengths = lengths(n);
        let bins = best_fit_decreasing(&lengths, CAPACITY)?;
        let total: u64 = lengths.iter().map(|&length| u64::from(length)).sum();
        ensure!(bins.loads.iter().all(|&load| load <= CAPACITY), "a bin is too full");
        ensure!(
            bins.loads.iter().map(|&load| u64::from(load)).sum::<u64>() == total,
            "lost tokens"
        );
        group.throughput(Throughput::Elements(n));
        group.bench_function(BenchmarkId::from_parameter(n), |bencher| {
            bencher.iter(|| best_fit_decreasing(black_box(&lengths), CAPACITY));
        });
    }
    group.finish();
    Ok(())
}

fn shard(criterion: &mut Criterion, path: &Path) -> Result<()> {
    let mut draws = Draws::new("tokens", 0);
    let documents: Vec<Vec<u32>> = lengths(10_000)
        .into_iter()
        .map(|length| (0..length).map(|_| draws.below(VOCAB_SIZE as u64) as u32).collect())
        .collect();
    let n_tokens: usize = documents.iter().map(Vec::len).sum();
    let write = || -> pretrain_pack::Result<()> {
        let header = ShardHeader { vocab_size: VOCAB_SIZE, tokenizer: "made up".to_owned() };
        let mut writer = TokenShardWriter::create(path, &header)?;
        for document in &documents {
            writer.push_document(document, document.len() as u64 * 4)?;
        }
        writer.finish().map(drop)
    };
    write()?;
    let dataset = TokenDataset::open(&[path.to_owned()])?;
    dataset.verify()?;
    let mut ids = Vec::new();
    dataset.read(0..dataset.n_tokens(), &mut ids)?;
    ensure!(ids == documents.concat(), "tokens changed on their way");

    let mut group = criterion.benchmark_group("pack/shard");
    group.throughput(Throughput::Elements(n_tokens as u64));
    group.bench_function("write", |bencher| {
        bencher.iter(|| write().expect("it was written before"));
    });
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            ids.clear();
            dataset.read(0..dataset.n_tokens(), &mut ids).expect("it was read before");
        });
    });
    group.bench_function("verify", |bencher| bencher.iter(|| dataset.verify()));
    group.finish();
    Ok(())
}

/// Batches in shuffled order, read from the file (which is in the page cache).
fn load(criterion: &mut Criterion, path: &Path, packing: Packing) -> Result<()> {
    let dataset = TokenDataset::open(&[path.to_owned()])?;
    let packed = PackedDataset::new(dataset, PackConfig::new(SEQ_LEN, packing))?;
    let (n_samples, kept_tokens) = (packed.n_samples(), packed.report().kept_tokens);
    let loader = Loader::new(packed, 7, BATCH)?;
    let mut seen = 0;
    for counter in 0..n_samples {
        let sample = loader.sample(counter)?;
        seen += sample.segment_ids.iter().filter(|&&segment| segment != 0).count() as u64;
    }
    ensure!(seen == kept_tokens, "an epoch has {seen} of {kept_tokens} tokens");

    let mut group = criterion.benchmark_group("pack/loader");
    group.throughput(Throughput::Elements((SEQ_LEN * BATCH) as u64));
    let mut step = 0;
    group.bench_function(format!("{packing:?}").to_lowercase(), |bencher| {
        bencher.iter(|| {
            step += 1;
            loader.batch(step, 0).expect("every step has a batch")
        });
    });
    group.finish();
    Ok(())
}
