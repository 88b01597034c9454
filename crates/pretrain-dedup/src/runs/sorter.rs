//! Sorting more records than fit into memory.

use super::{FAN_IN, Merge, Record, RunFile, RunReader, RunWriter};
use crate::Result;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Takes records in any order and gives them back ascending. Uses rayon's pool to sort.
#[derive(Debug)]
pub struct Sorter<R> {
    buffer: Vec<R>,
    /// Records that may be held; `usize::MAX` without a place to spill to.
    capacity: usize,
    spilled: Spilled,
}

/// Runs that live as long as this value.
#[derive(Debug, Default)]
struct Spilled {
    folder: PathBuf,
    name: String,
    runs: Vec<PathBuf>,
    n_made: usize,
}

impl<R: Record> Sorter<R> {
    /// A sorter that never spills.
    pub fn in_memory() -> Self {
        Self { buffer: Vec::new(), capacity: usize::MAX, spilled: Spilled::default() }
    }

    /// A sorter that holds at most about `memory_bytes` (but at least a thousand records) and spills to
    /// files `name-*.run` in `folder`, which are removed when it, or what it became, is dropped.
    pub fn spilling(folder: &Path, name: &str, memory_bytes: u64) -> Self {
        let capacity = memory_bytes / (size_of::<R>() as u64).max(1);
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX).max(1000);
        let (folder, name) = (folder.to_path_buf(), name.to_owned());
        let spilled = Spilled { folder, name, runs: Vec::new(), n_made: 0 };
        Self { buffer: Vec::new(), capacity, spilled }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// A run has to be spilled and the disk refuses.
    pub fn push(&mut self, record: R) -> Result<()> {
        if self.buffer.len() == self.capacity {
            self.spill()?;
        }
        if self.buffer.len() == self.buffer.capacity() {
            // Doubling must not overshoot the budget.
            let more = self.buffer.len().clamp(1000, 1 << 22);
            self.buffer.reserve_exact(more.min(self.capacity - self.buffer.len()));
        }
        self.buffer.push(record);
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        self.buffer.par_sort_unstable();
        let path = self.spilled.next_path();
        let mut run = RunWriter::create(&path)?;
        run.begin::<R>()?;
        for record in &self.buffer {
            run.push(record)?;
        }
        run.finish()?;
        self.spilled.runs.push(path);
        self.buffer.clear();
        Ok(())
    }

    /// All records, ascending.
    ///
    /// # Errors
    /// The disk refuses, or a run was damaged.
    pub fn finish(mut self) -> Result<Sorted<R>> {
        if self.spilled.runs.is_empty() {
            self.buffer.par_sort_unstable();
            return Ok(Sorted {
                source: Source::Memory(self.buffer.into_iter()),
                _spilled: self.spilled,
            });
        }
        if !self.buffer.is_empty() {
            self.spill()?;
        }
        drop(self.buffer);
        while self.spilled.runs.len() > FAN_IN {
            let first: Vec<PathBuf> = self.spilled.runs.drain(..FAN_IN).collect();
            let path = self.spilled.next_path();
            let mut run = RunWriter::create(&path)?;
            run.begin::<R>()?;
            for record in merge::<R>(&first)? {
                run.push(&record?)?;
            }
            run.finish()?;
            self.spilled.runs.push(path);
            for path in &first {
                pretrain_store::remove_file(path)?;
            }
        }
        let source = Source::Disk(merge(&self.spilled.runs)?);
        Ok(Sorted { source, _spilled: self.spilled })
    }
}

fn merge<R: Record>(runs: &[PathBuf]) -> Result<Merge<R, RunReader<R>>> {
    let sources: Result<Vec<RunReader<R>>> =
        runs.iter().map(|path| RunFile::open(path)?.section(0)).collect();
    Merge::new(sources?)
}

impl Spilled {
    fn next_path(&mut self) -> PathBuf {
        self.n_made += 1;
        self.folder.join(format!("{}-{:05}.run", self.name, self.n_made))
    }
}

impl Drop for Spilled {
    fn drop(&mut self) {
        for path in &self.runs {
            // What is left over is removed or written again when the work is resumed.
            if let Err(error) = pretrain_store::remove_file(path) {
                tracing::debug!(%error, "a spilled run stays behind");
            }
        }
    }
}

/// What a [`Sorter`] gives back: the records, ascending.
#[derive(Debug)]
pub struct Sorted<R: Record> {
    source: Source<R>,
    _spilled: Spilled,
}

#[derive(Debug)]
enum Source<R: Record> {
    Memory(std::vec::IntoIter<R>),
    Disk(Merge<R, RunReader<R>>),
}

impl<R: Record> Iterator for Sorted<R> {
    type Item = Result<R>;

    #[inline]
    fn next(&mut self) -> Option<Result<R>> {
        match &mut self.source {
            Source::Memory(records) => records.next().map(Ok),
            Source::Disk(merge) => merge.next(),
        }
    }
}
