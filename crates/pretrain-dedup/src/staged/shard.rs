//! The first stage: the keys of one shard, sorted and spilled.

use super::work::{Key, Staged, ranks_name, run_name, shard_name};
use crate::exact::ExactKey;
use crate::minhash::{MinHash, Signature};
use crate::runs::RunWriter;
use crate::{DedupError, DocIndex, Keep, Rank, Result};
use pretrain_store::{FileEntry, Unit};
use rayon::prelude::*;

/// Takes the keys of one shard's documents in order.
///
/// Memory: its share of the budget, which is the budget over twice the threads of rayon's pool, or 64 KiB
/// if that is more; and 8 bytes per document of the shard unless the first copy is kept.
#[derive(Debug)]
pub struct ShardWriter<'a, K> {
    staged: &'a Staged<K>,
    shard: usize,
    /// Document after document, the keys of all bands; and their positions in the shard.
    keys: Vec<K>,
    documents: Vec<u32>,
    /// Documents that may be held before they are spilled.
    capacity: usize,
    ranks: Vec<u64>,
    n_documents: usize,
    n_signed: u64,
    files: Vec<FileEntry>,
}

impl<K: Key> Staged<K> {
    /// What takes the documents of shard `i`, or `None` if they were committed before.
    ///
    /// # Errors
    /// None in this version.
    ///
    /// # Panics
    /// If there is no such shard.
    pub fn shard(&self, i: usize) -> Result<Option<ShardWriter<'_, K>>> {
        assert!(i < self.n_shards, "shard {i} of {}", self.n_shards);
        if self.stage.unit(&shard_name(i)).is_some() {
            return Ok(None);
        }
        let share = self.memory_bytes / (2 * rayon::current_num_threads() as u64);
        // Keys and positions, and one band of records while it is sorted.
        let each = self.bands * size_of::<K>() + 4 + size_of::<(K, u32)>();
        let capacity = (share.max(1 << 16) as usize / each).max(1);
        Ok(Some(ShardWriter {
            staged: self,
            shard: i,
            keys: Vec::new(),
            documents: Vec::new(),
            capacity,
            ranks: Vec::new(),
            n_documents: 0,
            n_signed: 0,
            files: Vec::new(),
        }))
    }
}

impl ShardWriter<'_, u64> {
    /// Adds the next document by its signature; `None` (too few words) is always kept. `rank` counts
    /// under [`Keep::Newest`] and [`Keep::HighestScore`].
    ///
    /// # Errors
    /// The signature has another length; too many documents; the disk refuses.
    pub fn push_signature(
        &mut self,
        hasher: &MinHash,
        signature: Option<&Signature>,
        rank: Rank,
    ) -> Result<()> {
        let Some(signature) = signature else { return self.push(None, rank) };
        let (expected, found) = (hasher.config().n_permutations(), signature.values().len());
        if found != expected {
            return Err(DedupError::SignatureLength { expected, found });
        }
        let keys: Vec<u64> = hasher.band_keys(signature).collect();
        let longest = self.staged.keep == Keep::Longest;
        self.push(Some(&keys), if longest { Rank(signature.n_shingles()) } else { rank })
    }
}

impl ShardWriter<'_, u128> {
    /// Adds the next document by its key and, for [`Keep::Longest`], its length as `rank`.
    ///
    /// # Errors
    /// Too many documents; the disk refuses.
    pub fn push_key(&mut self, key: Option<ExactKey>, rank: Rank) -> Result<()> {
        self.push(key.map(|key| [key.0]).as_ref().map(|key| &key[..]), rank)
    }
}

impl<K: Key> ShardWriter<'_, K> {
    /// Adds the next document by its keys, one per band, or none if it is to be kept in any case.
    ///
    /// # Errors
    /// Too many documents; another number of keys than bands; the disk refuses.
    pub fn push(&mut self, keys: Option<&[K]>, rank: Rank) -> Result<()> {
        let document = DocIndex::after(self.n_documents)?;
        if let Some(keys) = keys {
            let (expected, found) = (self.staged.bands, keys.len());
            if found != expected {
                return Err(DedupError::SignatureLength { expected, found });
            }
            if self.documents.len() == self.capacity {
                self.spill()?;
            }
            self.keys.extend_from_slice(keys);
            self.documents.push(document.0);
            self.n_signed += 1;
        }
        if self.staged.keep != Keep::First {
            self.ranks.push(rank.0);
        }
        self.n_documents += 1;
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        let name = run_name(self.shard, self.files.len() as u64);
        let mut run = RunWriter::create(&self.staged.path(&name))?;
        let mut records: Vec<(K, u32)> = Vec::with_capacity(self.documents.len());
        for band in 0..self.staged.bands {
            records.clear();
            let keys = self.keys.iter().skip(band).step_by(self.staged.bands).copied();
            records.extend(keys.zip(self.documents.iter().copied()));
            records.par_sort_unstable();
            run.begin::<(K, u32)>()?;
            records.iter().try_for_each(|record| run.push(record))?;
        }
        self.files.push(run.finish()?);
        self.keys.clear();
        self.documents.clear();
        Ok(())
    }

    /// Makes the shard part of the run.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn commit(mut self) -> Result<()> {
        if !self.documents.is_empty() {
            self.spill()?;
        }
        let n_runs = self.files.len() as u64;
        if self.staged.keep != Keep::First {
            let mut run = RunWriter::create(&self.staged.path(&ranks_name(self.shard)))?;
            run.begin::<u64>()?;
            self.ranks.iter().try_for_each(|rank| run.push(rank))?;
            self.files.push(run.finish()?);
        }
        let mut unit = Unit::new(&shard_name(self.shard))
            .count("documents", self.n_documents as u64)
            .count("signed", self.n_signed)
            .count("runs", n_runs);
        unit.files = self.files;
        Ok(self.staged.stage.commit_unit(unit)?)
    }
}

impl<K: Key> Staged<K> {
    /// Documents of a committed shard, in order of shards; `None` for one that is not committed.
    pub fn shard_documents(&self, i: usize) -> Option<u64> {
        let unit = self.stage.unit(&shard_name(i))?;
        Some(unit.counts.get("documents").copied().unwrap_or(0))
    }
}
