//! The second stage: documents with equal keys.

use super::work::{Key, Staged, band_name, run_name};
use crate::Result;
use crate::runs::{FAN_IN, Merge, RunFile, RunReader, RunWriter};
use pretrain_store::Unit;
use rayon::prelude::*;

/// Pairs of a group: its first document with each of the others, one after the other. A group that an
/// index of earlier data holds begins with its first document paired with itself.
pub(super) type Pair = (u32, u32);

/// A run of keys whose documents are numbered from `first`.
#[derive(Debug)]
pub(super) struct KeyRun {
    file: RunFile,
    first: u32,
}

/// One band of one run, with positions in the collection.
#[derive(Debug)]
pub(super) struct Shifted<K> {
    records: RunReader<(K, u32)>,
    first: u32,
}

impl<K: Key> Iterator for Shifted<K> {
    type Item = Result<(K, u32)>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        Some(self.records.next()?.map(|(key, document)| (key, document + self.first)))
    }
}

pub(super) fn merged<K: Key>(runs: &[KeyRun], band: usize) -> Result<Merge<(K, u32), Shifted<K>>> {
    let sources: Result<Vec<Shifted<K>>> = runs
        .iter()
        .map(|run| Ok(Shifted { records: run.file.section(band)?, first: run.first }))
        .collect();
    Merge::new(sources?)
}

impl<K: Key> Staged<K> {
    /// Finds the documents with equal keys, band by band. Bands that were done before are skipped;
    /// the others are divided over rayon's pool.
    ///
    /// # Errors
    /// A shard was not committed; a run is damaged; the disk refuses.
    pub fn group(&self) -> Result<()> {
        let names: Vec<usize> =
            (0..self.bands).filter(|&band| self.stage.unit(&band_name(band)).is_none()).collect();
        let runs = if names.is_empty() { Vec::new() } else { self.key_runs("grouping")? };
        names.into_par_iter().try_for_each(|band| {
            let unit = self.group_band(&runs, band)?;
            Ok(self.stage.commit_unit(unit)?)
        })
    }

    /// All runs of keys, merged into at most [`FAN_IN`] where there are more.
    pub(super) fn key_runs(&self, asked: &'static str) -> Result<Vec<KeyRun>> {
        let mut runs = Vec::new();
        for (i, shard) in self.shards(asked)?.iter().enumerate() {
            for run in 0..shard.n_runs {
                runs.push((self.path(&run_name(i, run)), shard.first));
            }
        }
        for level in 0.. {
            if runs.len() <= FAN_IN {
                break;
            }
            let mut fewer = Vec::new();
            for (i, some) in runs.chunks(FAN_IN).enumerate() {
                let name = format!("merged-{level}-{i:05}");
                let path = self.path(&format!("{name}.run"));
                if self.stage.unit(&name).is_none() {
                    let entry = self.merge_runs(some, &path)?;
                    self.stage.commit_unit(Unit::new(&name).file(entry))?;
                }
                fewer.push((path, 0));
            }
            runs = fewer;
        }
        open(&runs)
    }

    fn merge_runs(
        &self,
        runs: &[(std::path::PathBuf, u32)],
        path: &std::path::Path,
    ) -> Result<pretrain_store::FileEntry> {
        let runs = open(runs)?;
        let mut out = RunWriter::create(path)?;
        for band in 0..self.bands {
            out.begin::<(K, u32)>()?;
            for record in merged::<K>(&runs, band)? {
                out.push(&record?)?;
            }
        }
        out.finish()
    }

    fn group_band(&self, runs: &[KeyRun], band: usize) -> Result<Unit> {
        let name = band_name(band);
        let mut out = RunWriter::create(&self.path(&format!("{name}.run")))?;
        out.begin::<Pair>()?;
        let mut index = self.against.as_ref().map(|index| index.band::<K>(band)).transpose()?;
        let (mut n_pairs, mut largest) = (0u64, 0u64);
        let mut open: Option<(K, u32, u64)> = None;
        for record in merged::<K>(runs, band)? {
            let (key, document) = record?;
            match &mut open {
                Some((last, first, size)) if *last == key => {
                    out.push(&(*first, document))?;
                    n_pairs = n_pairs.saturating_add(*size);
                    *size += 1;
                    largest = largest.max(*size);
                }
                _ => {
                    open = Some((key, document, 1));
                    if let Some(index) = &mut index
                        && index.holds(key)?
                    {
                        out.push(&(document, document))?;
                    }
                }
            }
        }
        let entry = out.finish()?;
        let unit = Unit::new(&name).file(entry).count("pairs", n_pairs);
        Ok(unit.detail(serde_json::json!({ "largest": largest })))
    }

    /// The pairs of a band, group after group.
    pub(super) fn band_pairs(&self, band: usize, asked: &'static str) -> Result<RunReader<Pair>> {
        let name = band_name(band);
        self.require(&name, asked, "grouping")?;
        RunFile::open(&self.path(&format!("{name}.run")))?.section(0)
    }
}

fn open(runs: &[(std::path::PathBuf, u32)]) -> Result<Vec<KeyRun>> {
    runs.iter()
        .map(|(path, first)| Ok(KeyRun { file: RunFile::open(path)?, first: *first }))
        .collect()
}
