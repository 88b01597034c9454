//! Many token shards as one array of tokens.

use crate::shard::{DocumentSpan, SHARD_EXTENSION, ShardHeader, TokenShard};
use crate::{PackError, Result};
use pretrain_store::{MANIFEST_NAME, Manifest};
use std::ops::Range;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// The file that marks a directory as a stage's before it is finished.
const STAGE_MARK: &str = "stage.json";

/// Token shards in the order given, addressed as one array of tokens and one list of documents.
///
/// Positions and document numbers run over all shards. Reads take `&self` and are safe from many
/// threads. Memory: the shards' indices, 16 bytes per document.
#[derive(Debug)]
pub struct TokenDataset {
    shards: Vec<TokenShard>,
    /// Tokens before each shard, and after the last.
    token_starts: Vec<u64>,
    /// Documents before each shard, and after the last.
    document_starts: Vec<u64>,
}

impl TokenDataset {
    /// Opens shards. A path is a shard, or a directory: of a finished stage all `.tokens` files that
    /// its manifest names are taken, of any other directory those directly inside; both by name.
    ///
    /// # Errors
    /// A shard does not open (see [`TokenShard::open`]), the shards come from different tokenizers, a
    /// directory is a stage's without a manifest, or there is no shard.
    pub fn open(paths: &[PathBuf]) -> Result<Self> {
        let mut files = Vec::new();
        for path in paths {
            if pretrain_store::is_dir(path) {
                files.extend(shards_in(path)?);
            } else {
                files.push(path.clone());
            }
        }
        let shards = files.iter().map(|path| TokenShard::open(path)).collect::<Result<_>>()?;
        Self::from_shards(shards)
    }

    /// The same from shards that are open already.
    ///
    /// # Errors
    /// The shards come from different tokenizers, or there are none.
    pub fn from_shards(shards: Vec<TokenShard>) -> Result<Self> {
        let Some(first) = shards.first() else {
            return Err(PackError::NoShards { path: PathBuf::new() });
        };
        let header = first.header().clone();
        let (mut token_starts, mut document_starts) = (vec![0], vec![0]);
        let (mut n_tokens, mut n_documents) = (0, 0);
        for shard in &shards {
            same_tokenizer(&header, shard)?;
            n_tokens += shard.n_tokens();
            n_documents += shard.n_documents();
            token_starts.push(n_tokens);
            document_starts.push(n_documents);
        }
        Ok(Self { shards, token_starts, document_starts })
    }

    /// The shards in order.
    pub fn shards(&self) -> &[TokenShard] {
        &self.shards
    }

    /// The tokenizer's fingerprint and vocabulary, the same for all shards.
    pub fn header(&self) -> &ShardHeader {
        self.shards[0].header()
    }

    /// Tokens in all shards.
    pub fn n_tokens(&self) -> u64 {
        self.token_starts[self.shards.len()]
    }

    /// Documents in all shards, empty ones included.
    pub fn n_documents(&self) -> u64 {
        self.document_starts[self.shards.len()]
    }

    /// Bytes of text that the tokens were made from.
    pub fn text_bytes(&self) -> u64 {
        self.shards.iter().fold(0, |sum, shard| sum.saturating_add(shard.text_bytes()))
    }

    /// Where document `index` lies, or `None` past the end.
    pub fn document(&self, index: u64) -> Option<DocumentSpan> {
        let shard = containing(&self.document_starts, index)?;
        let span = self.shards[shard].document(index - self.document_starts[shard])?;
        let start = self.token_starts[shard];
        Some(DocumentSpan { tokens: span.tokens.start + start..span.tokens.end + start, ..span })
    }

    /// All documents in order.
    pub fn documents(&self) -> impl Iterator<Item = DocumentSpan> + '_ {
        self.shards.iter().zip(&self.token_starts).flat_map(|(shard, &start)| {
            (0..shard.n_documents()).map(move |i| {
                let span = shard.document(i).expect("i is below the number of documents");
                let tokens = span.tokens.start + start..span.tokens.end + start;
                DocumentSpan { tokens, ..span }
            })
        })
    }

    /// The document that token `position` belongs to, or `None` past the end. O(log documents).
    pub fn document_at(&self, position: u64) -> Option<u64> {
        let shard = containing(&self.token_starts, position)?;
        let inside = self.shards[shard].document_at(position - self.token_starts[shard])?;
        Some(self.document_starts[shard] + inside)
    }

    /// Appends the tokens of `range` to `out`.
    ///
    /// # Errors
    /// As [`TokenShard::read`]; `out` may then hold a beginning of the range.
    pub fn read(&self, range: Range<u64>, out: &mut Vec<u32>) -> Result<()> {
        if range.start > range.end || range.end > self.n_tokens() {
            let index = range.end.max(range.start);
            return Err(PackError::OutOfRange { what: "token", index, len: self.n_tokens() });
        }
        let mut at = range.start;
        while at < range.end {
            let shard = containing(&self.token_starts, at).expect("checked against the end");
            let start = self.token_starts[shard];
            let end = range.end.min(self.token_starts[shard + 1]);
            self.shards[shard].read(at - start..end - start, out)?;
            at = end;
        }
        Ok(())
    }

    /// Compares every payload with its checksums; see [`TokenShard::verify`].
    ///
    /// # Errors
    /// The first block that does not match.
    pub fn verify(&self) -> Result<()> {
        self.shards.iter().try_for_each(TokenShard::verify)
    }

    /// A number that names the content in its order, wherever the files lie: what a checkpoint
    /// stores to know its data again.
    pub fn content(&self) -> u64 {
        let sums: Vec<u8> = self.shards.iter().flat_map(|s| s.content().to_le_bytes()).collect();
        xxh3_64(&sums)
    }
}

/// The part that holds `index`, where part `k` covers `starts[k]..starts[k + 1]`.
fn containing(starts: &[u64], index: u64) -> Option<usize> {
    let after = starts.partition_point(|&start| start <= index);
    (after < starts.len()).then(|| after - 1)
}

fn shards_in(dir: &Path) -> Result<Vec<PathBuf>> {
    let is_shard = |path: &Path| path.extension().is_some_and(|e| e == SHARD_EXTENSION);
    let mut found: Vec<PathBuf> = if pretrain_store::exists(&dir.join(MANIFEST_NAME)) {
        let files = Manifest::load(dir)?.files;
        files.iter().map(|entry| dir.join(&entry.name)).filter(|path| is_shard(path)).collect()
    } else if pretrain_store::exists(&dir.join(STAGE_MARK)) {
        return Err(PackError::Unfinished { path: dir.to_path_buf() });
    } else {
        pretrain_store::list(dir)?.into_iter().filter(|path| is_shard(path)).collect()
    };
    found.sort();
    if found.is_empty() {
        return Err(PackError::NoShards { path: dir.to_path_buf() });
    }
    Ok(found)
}

fn same_tokenizer(first: &ShardHeader, shard: &TokenShard) -> Result<()> {
    let header = shard.header();
    let mixed = |field, expected: String, found: String| {
        Err(PackError::Mixed { path: shard.path().to_path_buf(), field, expected, found })
    };
    if header.tokenizer != first.tokenizer {
        let (expected, found) = (first.tokenizer.clone(), header.tokenizer.clone());
        return mixed("tokenizer fingerprint", expected, found);
    }
    if header.vocab_size != first.vocab_size {
        let (expected, found) = (first.vocab_size.to_string(), header.vocab_size.to_string());
        return mixed("vocabulary size", expected, found);
    }
    Ok(())
}
