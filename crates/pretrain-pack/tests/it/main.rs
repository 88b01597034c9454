//! The crate from the outside: files, datasets, packing, loading, and the golden cases.
#![allow(clippy::disallowed_methods, reason = "tests damage files on purpose")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic and say why it was skipped"
)]

mod golden;
mod golden_foreign;
mod golden_mixing;
mod golden_packing;
mod loader;
mod objective;
mod packed;
mod shard;

use pretrain_pack::{ShardHeader, TokenDataset, TokenShardWriter};
use std::path::{Path, PathBuf};

/// Writes one shard per list of documents; a document's text is taken to have four bytes per token.
fn shards(dir: &Path, vocab_size: usize, lists: &[Vec<Vec<u32>>]) -> Vec<PathBuf> {
    let header = ShardHeader { vocab_size, tokenizer: "test".into() };
    let write = |(k, documents): (usize, &Vec<Vec<u32>>)| {
        let path = dir.join(format!("shard-{k:05}.tokens"));
        let mut writer = TokenShardWriter::create(&path, &header).unwrap();
        for ids in documents {
            writer.push_document(ids, 4 * ids.len() as u64).unwrap();
        }
        writer.finish().unwrap();
        path
    };
    lists.iter().enumerate().map(write).collect()
}

/// A dataset of documents whose tokens are all different: token `k` of the dataset has id `k + 1`.
fn numbered(dir: &Path, lengths: &[u64], shards_wanted: usize) -> TokenDataset {
    let mut next = 1;
    let mut documents = lengths.iter().map(|&n| {
        let ids: Vec<u32> = (next..next + n as u32).collect();
        next += n as u32;
        ids
    });
    let per_shard = lengths.len().div_ceil(shards_wanted).max(1);
    let lists: Vec<Vec<Vec<u32>>> =
        (0..shards_wanted).map(|_| documents.by_ref().take(per_shard).collect()).collect();
    let total: u64 = lengths.iter().sum();
    TokenDataset::open(&shards(dir, total as usize + 1, &lists)).unwrap()
}
