//! `pretrain-dedup` in stages over band keys of a made-up collection: time, memory and disk by its size.
//!
//! `cargo run --release -p benches --bin dedup-scale -- DOCUMENTS [MEGABYTES]`: one line of a table. Seven
//! documents of ten are unique; the other three come from families of three, far apart in the collection, that
//! share their first band and each other one with probability one half. The clusters have to be the families.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use anyhow::{Context, Result, ensure};
use pretrain_dedup::Rank;
use pretrain_dedup::minhash::MinHashConfig;
use pretrain_dedup::staged::{Staged, StagedConfig};
use std::time::Instant;

const BANDS: usize = 14;
const PER_SHARD: u64 = 100_000;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let n: u64 = arguments.next().context("the number of documents is missing")?.parse()?;
    let megabytes: u64 = arguments.next().map_or(Ok(1000), |n| n.parse())?;
    ensure!(n > 0 && n.is_multiple_of(10), "the number of documents has to be a multiple of ten");
    let dir = std::env::temp_dir().join(format!("dedup-scale-{n}"));
    pretrain_store::remove_dir_all(&dir)?;
    let shards = n.div_ceil(PER_SHARD);
    let (minhash, config) = (MinHashConfig::default(), StagedConfig::default());
    ensure!(minhash.bands == BANDS, "the default has {} bands", minhash.bands);
    let memory = megabytes * 1_000_000;
    let staged = Staged::minhash(&dir, &minhash, &config, shards as usize, &[], None, memory)?;

    let mut times = Vec::new();
    let mut timed =
        |started: Instant| times.push(format!("{:.1}", started.elapsed().as_secs_f64()));
    let started = Instant::now();
    for i in 0..shards {
        let mut shard = staged.shard(i as usize)?.context("the folder was empty")?;
        for document in i * PER_SHARD..n.min((i + 1) * PER_SHARD) {
            shard.push(Some(&keys(document, n)), Rank::default())?;
        }
        shard.commit()?;
    }
    timed(started);
    let started = Instant::now();
    staged.group()?;
    timed(started);
    let started = Instant::now();
    let found = staged.finish()?;
    timed(started);

    let report = found.report();
    ensure!(report.n_clusters == n / 10, "{} clusters", report.n_clusters);
    ensure!(report.n_removed == n / 10 * 2, "{} documents removed", report.n_removed);
    ensure!(report.n_flagged == 0, "{} clusters flagged", report.n_flagged);
    let files = pretrain_store::list(&dir)?;
    let mut disk = 0;
    for file in &files {
        disk += pretrain_store::open(file)?.len();
    }
    let peak = peak_memory().map_or("?".to_owned(), |bytes| format!("{}", bytes / 1_000_000));
    println!("| {n} | {megabytes} | {} | {peak} | {} |", times.join(" | "), disk / 1_000_000);
    pretrain_store::remove_dir_all(&dir)?;
    Ok(())
}

fn mixed(mut x: u64) -> u64 {
    // Finaliser of MurmurHash3.
    x = (x ^ x >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x = (x ^ x >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ x >> 33
}

/// The keys of a document's bands.
fn keys(document: u64, n: u64) -> [u64; BANDS] {
    let block = n / 10;
    let family = (document >= 7 * block).then_some(document % block);
    std::array::from_fn(|band| {
        let own = mixed(document * BANDS as u64 + band as u64);
        match family {
            Some(family) if band == 0 || own.is_multiple_of(2) => {
                mixed(1 << 63 | (family * BANDS as u64 + band as u64))
            }
            _ => own,
        }
    })
}

/// The process's largest resident memory so far, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = pretrain_store::read_to_string(std::path::Path::new("/proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}
