//! Counting within a memory budget: sorted runs, merged exactly.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Read;

use super::run_file::RunReader;
use super::run_store::RunStore;
use super::{CountSource, PreTokenCounts, Split, Totals, sealed};
use crate::error::{BpeError, Result};

/// Counts that are written to storage whenever they outgrow a budget of memory.
///
/// Nothing is estimated: the runs merge to exactly the counts of all texts. One thread fills one
/// `SpillingCounts`; the runs of several threads can share a store's directory only under different
/// directories, and [`CountRuns::join`] puts them together.
#[derive(Debug)]
pub struct SpillingCounts<S> {
    counts: PreTokenCounts,
    budget: usize,
    runs: CountRuns<S>,
}

impl<S: RunStore> SpillingCounts<S> {
    /// Starts with `counts`, usually empty ones. `budget` is in bytes: counts spill when they hold more
    /// than half of it, since sorting and growing them takes up to as much again. A text is counted
    /// whole, so one with very many new pre-tokens goes past the budget by what they need; and a budget
    /// under about 64 KiB spills after each text.
    pub fn new(counts: PreTokenCounts, budget: usize, store: S) -> Self {
        let split = counts.split().clone();
        let runs = CountRuns { split, store, n_runs: 0, totals: Totals::default() };
        Self { counts, budget, runs }
    }

    /// Counts the pre-tokens of one text.
    ///
    /// # Errors
    ///
    /// [`BpeError::Spill`] when the storage refuses.
    pub fn count(&mut self, text: &str) -> Result<()> {
        self.count_weighted(text, 1)
    }

    /// Counts the pre-tokens of one text as if it occurred `weight` times.
    ///
    /// # Errors
    ///
    /// [`BpeError::Spill`] when the storage refuses.
    pub fn count_weighted(&mut self, text: &str, weight: u64) -> Result<()> {
        self.counts.count_weighted(text, weight);
        self.spill_beyond_budget()
    }

    /// Adds counts made elsewhere, as by `PreTokenCounts::count_parallel` on a part of the texts.
    ///
    /// # Errors
    ///
    /// [`BpeError::PatternMismatch`] when they were cut in another way, [`BpeError::Spill`] when the
    /// storage refuses.
    pub fn merge(&mut self, other: &PreTokenCounts) -> Result<()> {
        self.counts.merge(other)?;
        self.spill_beyond_budget()
    }

    fn spill_beyond_budget(&mut self) -> Result<()> {
        if self.counts.memory() > self.budget / 2 { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> Result<()> {
        if self.counts.totals == Totals::default() {
            return Ok(());
        }
        self.runs.push(&self.counts)?;
        self.counts = PreTokenCounts::of(self.counts.splitter.clone());
        Ok(())
    }

    /// How many runs were written so far.
    pub fn n_runs(&self) -> usize {
        self.runs.n_runs
    }

    /// Writes what is left and gives the runs.
    ///
    /// # Errors
    ///
    /// [`BpeError::Spill`] when the storage refuses.
    pub fn finish(mut self) -> Result<CountRuns<S>> {
        self.spill()?;
        Ok(self.runs)
    }
}

/// Counts in storage. [`Trainer::train`](crate::Trainer::train) takes them as it takes
/// [`PreTokenCounts`].
#[derive(Debug)]
pub struct CountRuns<S> {
    split: Split,
    store: S,
    n_runs: usize,
    totals: Totals,
}

impl<S: RunStore> CountRuns<S> {
    fn push(&mut self, counts: &PreTokenCounts) -> Result<()> {
        let run = self.n_runs;
        self.store
            .put(run, &mut |to| counts.write_sorted(to))
            .map_err(|source| BpeError::Spill { run, source })?;
        self.n_runs += 1;
        self.totals.add(counts.totals);
        Ok(())
    }

    /// Texts counted.
    pub fn n_texts(&self) -> u64 {
        self.totals.n_texts
    }

    /// Bytes of the texts counted.
    pub fn n_bytes(&self) -> u64 {
        self.totals.n_bytes
    }

    /// Pre-tokens, repeated ones counted each time.
    pub fn n_pre_tokens(&self) -> u64 {
        self.totals.n_pre_tokens
    }

    /// Runs stored.
    pub fn n_runs(&self) -> usize {
        self.n_runs
    }

    /// The storage, to delete the runs.
    pub fn into_store(self) -> S {
        self.store
    }

    /// Copies the runs of `other` behind these. Memory: a buffer.
    ///
    /// # Errors
    ///
    /// [`BpeError::PatternMismatch`] when they were cut in another way, [`BpeError::Spill`] when a
    /// storage refuses.
    pub fn join<O: RunStore>(&mut self, other: &CountRuns<O>) -> Result<()> {
        super::check_split(&self.split, &other.split)?;
        for from in 0..other.n_runs {
            let run = self.n_runs;
            let spill = |source| BpeError::Spill { run, source };
            let mut source = other.store.open(from).map_err(spill)?;
            self.store
                .put(run, &mut |to| std::io::copy(&mut source, to).map(|_| ()))
                .map_err(spill)?;
            self.n_runs += 1;
        }
        self.totals.add(other.totals);
        Ok(())
    }

    /// Calls `sink` with each distinct pre-token and its count over all runs, in order of its bytes.
    /// Memory: one pre-token and one read buffer for each run.
    ///
    /// # Errors
    ///
    /// [`BpeError::Spill`] and [`BpeError::CorruptCounts`].
    pub fn for_each_sorted(&self, sink: &mut dyn FnMut(&[u8], u64)) -> Result<()> {
        let mut readers: Vec<RunReader<Box<dyn Read + '_>>> = Vec::with_capacity(self.n_runs);
        for run in 0..self.n_runs {
            let opened = self.store.open(run).map_err(|source| BpeError::Spill { run, source })?;
            let reader = RunReader::open(opened)?;
            super::check_split(&self.split, &reader.split)?;
            readers.push(reader);
        }
        // The next entry of each run, the smallest first.
        let mut heads: BinaryHeap<Reverse<(Vec<u8>, usize, u64)>> = BinaryHeap::new();
        for (run, reader) in readers.iter_mut().enumerate() {
            if let Some((bytes, count)) = reader.next()? {
                heads.push(Reverse((bytes.to_vec(), run, count)));
            }
        }
        let mut current: (Vec<u8>, u64) = Default::default();
        while let Some(mut head) = heads.peek_mut() {
            let Reverse((bytes, run, count)) = &mut *head;
            if *bytes == current.0 {
                current.1 = current.1.saturating_add(*count);
            } else {
                if !current.0.is_empty() {
                    sink(&current.0, current.1);
                }
                current.0.clone_from(bytes);
                current.1 = *count;
            }
            let reader = &mut readers[*run];
            match reader.next()? {
                Some((_, next)) => {
                    *count = next;
                    bytes.clear();
                    bytes.extend_from_slice(reader.current());
                }
                None => _ = std::collections::binary_heap::PeekMut::pop(head),
            }
        }
        if !current.0.is_empty() {
            sink(&current.0, current.1);
        }
        Ok(())
    }

    /// The counts in memory, without the pre-tokens seen less than `min_count` times (0 keeps all).
    ///
    /// # Errors
    ///
    /// As [`for_each_sorted`](Self::for_each_sorted).
    pub fn to_counts(&self, min_count: u64) -> Result<PreTokenCounts> {
        let mut counts = PreTokenCounts::with_split(&self.split)?;
        self.for_each_sorted(&mut |bytes, count| {
            if count >= min_count {
                counts.add(bytes, count);
            }
        })?;
        counts.totals = self.totals;
        Ok(counts)
    }
}

impl<S> sealed::Sealed for CountRuns<S> {}

impl<S: RunStore> CountSource for CountRuns<S> {
    fn split(&self) -> &Split {
        &self.split
    }

    fn for_each(&self, sink: &mut dyn FnMut(&[u8], u64)) -> Result<()> {
        self.for_each_sorted(sink)
    }
}

#[cfg(test)]
mod tests {
    use super::super::run_store::{DirectoryRuns, MemoryRuns};
    use super::*;
    use crate::pattern::Pattern;

    fn texts() -> Vec<String> {
        (0..3000).map(|i| format!("{} and {:020} {}", i % 700, i % 1100, i)).collect()
    }

    #[test]
    fn spilled_counts_are_exact() {
        let mut expected = PreTokenCounts::new(&Pattern::Gpt2).unwrap();
        let empty = expected.clone();
        let mut spilling = SpillingCounts::new(empty.clone(), 100_000, MemoryRuns::default());
        let mut other = SpillingCounts::new(empty.clone(), usize::MAX, MemoryRuns::default());
        for (i, text) in texts().iter().enumerate() {
            expected.count_weighted(text, 2);
            let part = if i % 3 == 0 { &mut other } else { &mut spilling };
            part.count_weighted(text, 2).unwrap();
        }
        assert!(spilling.n_runs() > 3, "{}", spilling.n_runs());
        let mut runs = spilling.finish().unwrap();
        runs.join(&other.finish().unwrap()).unwrap();
        let counts = runs.to_counts(0).unwrap();
        assert_eq!(counts.sorted(), expected.sorted());
        assert_eq!(counts.totals, expected.totals);
        expected.retain_frequent(5);
        assert_eq!(runs.to_counts(5).unwrap().sorted(), expected.sorted());
        let nothing = SpillingCounts::new(empty, 0, MemoryRuns::default()).finish().unwrap();
        assert_eq!((nothing.n_runs(), nothing.to_counts(0).unwrap().n_distinct()), (0, 0));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a scratch directory of the test's own")]
    fn a_directory_holds_runs() {
        let directory = std::env::temp_dir().join(format!("bpe-runs-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let counts = PreTokenCounts::new(&Pattern::Gpt2).unwrap();
        let mut spilling = SpillingCounts::new(counts, 0, DirectoryRuns::new(&directory));
        ["a b", "b c", "c d"].iter().for_each(|text| spilling.count(text).unwrap());
        let runs = spilling.finish().unwrap();
        assert_eq!((runs.n_runs(), runs.n_texts()), (3, 3));
        assert_eq!(runs.to_counts(0).unwrap().get(" c"), 1);
        runs.into_store().remove().unwrap();
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
        std::fs::remove_dir(&directory).unwrap();
    }

    #[test]
    fn files_return_and_damage_is_found() {
        let mut counts = PreTokenCounts::new(&Pattern::Custom("a+".into())).unwrap();
        texts().iter().for_each(|text| counts.count(text));
        let mut file = Vec::new();
        counts.write_to(&mut file).unwrap();
        let again = PreTokenCounts::read_from(&mut &file[..]).unwrap();
        assert_eq!((again.sorted(), again.totals), (counts.sorted(), counts.totals));
        assert_eq!(again.split(), counts.split());
        for at in (0..file.len()).step_by(97).chain([0, 11, file.len() - 1]) {
            let mut damaged = file.clone();
            damaged[at] ^= 0x41;
            assert!(PreTokenCounts::read_from(&mut &damaged[..]).is_err(), "byte {at}");
            let cut = PreTokenCounts::read_from(&mut &file[..at]);
            assert!(matches!(cut, Err(BpeError::CorruptCounts { .. })), "cut at {at}");
        }
    }
}
