//! One measurement of `pretrain-bpe` in a process of its own, as one line of JSON; `peers/bpe.py` runs
//! it in turn with other programs.
//!
//! - `encode CORPUS THREADS PATTERN RANKS`: MB/s of the first and of the second pass over the texts
//! - `train CORPUS THREADS PATTERN VOCABULARY`: seconds from opening the corpus to the trained tokenizer
//!
//! CORPUS is a file of texts, each after its length in bytes (32 bits, little endian).

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use anyhow::{Context, Result, bail};
use pretrain_bpe::{Pattern, PreTokenCounts, TokenId, Tokenizer, Trainer, TrainerConfig};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;
use xxhash_rust::xxh64::Xxh64;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, corpus, threads, pattern, last] = &arguments[..] else {
        bail!("usage: bpe-passes encode|train CORPUS THREADS PATTERN RANKS|VOCABULARY");
    };
    let (corpus, pattern) = (Path::new(corpus), pattern.parse()?);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build()?;
    let mut result = pool.install(|| match kind.as_str() {
        "encode" => encode(corpus, pattern, Path::new(last)),
        "train" => train(corpus, pattern, last.parse()?),
        other => bail!("no measurement {other}"),
    })?;
    result["peak_mb"] = peak_mb()?.into();
    println!("{result}");
    Ok(())
}

fn encode(corpus: &Path, pattern: Pattern, ranks: &Path) -> Result<Value> {
    let texts = Texts::open(corpus)?.collect::<Result<Vec<String>>>()?;
    let n_bytes: usize = texts.iter().map(String::len).sum();
    let ranks = pretrain_store::read(ranks)?;
    let no_specials: [(String, TokenId); 0] = [];
    let start = Instant::now();
    let tokenizer = Tokenizer::from_tiktoken(&ranks, pattern, no_specials)?;
    let load_ms = start.elapsed().as_secs_f64() * 1e3;
    let (mut speeds, mut hash) = (Vec::new(), Xxh64::new(0));
    for pass in 0..2 {
        let start = Instant::now();
        let ids = tokenizer.encode_batch(&texts);
        speeds.push(n_bytes as f64 / start.elapsed().as_secs_f64() / 1e6);
        if pass == 0 {
            ids.iter().flatten().for_each(|id| hash.update(&id.0.to_le_bytes()));
        }
    }
    Ok(json!({
        "first": speeds[0], "second": speeds[1], "load_ms": load_ms,
        "hash": format!("{:016x}", hash.digest()),
    }))
}

fn train(corpus: &Path, pattern: Pattern, vocab_size: usize) -> Result<Value> {
    let mut config = TrainerConfig::new(vocab_size, pattern);
    config.special_tokens = vec!["<|endoftext|>".to_owned()];
    let start = Instant::now();
    let trainer = Trainer::new(config)?;
    let mut counts: PreTokenCounts = trainer.counts();
    let mut failed = None;
    // Reading ends at the first failure, which is told after.
    let texts = Texts::open(corpus)?.map_while(|text| text.map_err(|e| failed = Some(e)).ok());
    counts.extend_parallel(texts.map(|text| (text, 1)));
    if let Some(error) = failed {
        return Err(error);
    }
    let tokenizer = trainer.train(&counts, &mut |_| {})?;
    let seconds = start.elapsed().as_secs_f64();
    let merges = tokenizer.to_vocab_merges()?.merges;
    // The first line is a version, the others are the merges as every program writes them.
    let merges = merges.split_inclusive(|&byte| byte == b'\n').skip(1);
    let mut hash = Xxh64::new(0);
    merges.for_each(|line| hash.update(line));
    Ok(json!({ "seconds": seconds, "hash": format!("{:016x}", hash.digest()) }))
}

/// The texts of a corpus, read a few megabytes at a time.
struct Texts {
    file: pretrain_store::ReadFile,
    offset: u64,
    buffer: Vec<u8>,
    /// What of the buffer has been handed out.
    used: usize,
}

impl Texts {
    const BLOCK: usize = 4 << 20;

    fn open(path: &Path) -> Result<Self> {
        let file = pretrain_store::open(path)?;
        Ok(Self { file, offset: 0, buffer: Vec::new(), used: 0 })
    }

    /// The next `n` bytes; `None` at the end of the file.
    fn take(&mut self, n: usize) -> Result<Option<&[u8]>> {
        if self.buffer.len() - self.used < n {
            self.buffer.drain(..self.used);
            self.used = 0;
            let left = usize::try_from(self.file.len() - self.offset)?;
            let (start, wanted) = (self.buffer.len(), n.max(Self::BLOCK) - self.buffer.len());
            self.buffer.resize(start + wanted.min(left), 0);
            self.file.read_exact_at(&mut self.buffer[start..], self.offset)?;
            self.offset += wanted.min(left) as u64;
        }
        if self.buffer.is_empty() {
            return Ok(None);
        }
        let taken = self.buffer.get(self.used..self.used + n).context("the corpus is cut off")?;
        self.used += n;
        Ok(Some(taken))
    }

    fn read(&mut self) -> Result<Option<String>> {
        let Some(head) = self.take(4)? else { return Ok(None) };
        let len = u32::from_le_bytes(head.try_into()?) as usize;
        if len == 0 {
            return Ok(Some(String::new()));
        }
        let text = self.take(len)?.context("the corpus is cut off")?;
        Ok(Some(std::str::from_utf8(text)?.to_owned()))
    }
}

impl Iterator for Texts {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// The most memory this process has had, in MB, where the system tells.
fn peak_mb() -> Result<Option<f64>> {
    let path = Path::new("/proc/self/status");
    if !pretrain_store::exists(path) {
        return Ok(None);
    }
    let status = pretrain_store::read_to_string(path)?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    Ok(kib.map(|kib| kib * 1024.0 / 1e6))
}
