//! Where spilled counts go.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Storage for runs of counts that did not fit the memory budget.
///
/// Runs are numbered from 0, written once from beginning to end, and read from beginning to end.
/// [`DirectoryRuns`] keeps them as files, [`MemoryRuns`] in memory; a program with a storage layer of
/// its own implements the two functions.
pub trait RunStore {
    /// Stores run `run`: what `write` writes.
    ///
    /// # Errors
    ///
    /// Those of the storage, and those of `write`.
    fn put(
        &mut self,
        run: usize,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()>;

    /// Reads run `run`. Many small reads follow: it should be buffered.
    ///
    /// # Errors
    ///
    /// Those of the storage.
    fn open(&self, run: usize) -> io::Result<Box<dyn Read + '_>>;
}

/// Runs in memory, where they take about a third of what counts take.
#[derive(Clone, Debug, Default)]
pub struct MemoryRuns {
    runs: Vec<Vec<u8>>,
}

impl MemoryRuns {
    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.runs.iter().map(Vec::capacity).sum()
    }
}

impl RunStore for MemoryRuns {
    fn put(
        &mut self,
        run: usize,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.runs.len() <= run {
            self.runs.resize(run + 1, Vec::new());
        }
        self.runs[run].clear();
        write(&mut self.runs[run])
    }

    fn open(&self, run: usize) -> io::Result<Box<dyn Read + '_>> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        Ok(Box::new(&self.runs.get(run).ok_or_else(missing)?[..]))
    }
}

/// Runs as files `counts-<run>.run` in a directory of the caller's, which must exist and should be
/// empty.
///
/// This is the one place where this crate opens a file, and only because the caller named the
/// directory. The files are scratch: they are not synced to disk, an old one of the same name is
/// overwritten, and [`remove`](Self::remove) deletes them.
#[derive(Debug)]
pub struct DirectoryRuns {
    directory: PathBuf,
    n_runs: usize,
}

#[expect(clippy::disallowed_methods, reason = "the caller names the directory to spill to")]
impl DirectoryRuns {
    /// In this directory.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), n_runs: 0 }
    }

    fn path(&self, run: usize) -> PathBuf {
        self.directory.join(format!("counts-{run}.run"))
    }

    /// Deletes the runs written through this value.
    ///
    /// # Errors
    ///
    /// The first that cannot be deleted; those before it are gone.
    pub fn remove(self) -> io::Result<()> {
        (0..self.n_runs).try_for_each(|run| std::fs::remove_file(self.path(run)))
    }
}

#[expect(clippy::disallowed_methods, reason = "the caller names the directory to spill to")]
impl RunStore for DirectoryRuns {
    fn put(
        &mut self,
        run: usize,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut file = BufWriter::new(std::fs::File::create(self.path(run))?);
        self.n_runs = self.n_runs.max(run + 1);
        write(&mut file)?;
        file.flush()
    }

    fn open(&self, run: usize) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(BufReader::with_capacity(1 << 16, std::fs::File::open(self.path(run))?)))
    }
}
