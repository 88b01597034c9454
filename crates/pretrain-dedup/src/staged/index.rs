//! The keys of earlier collections, on disk.

use super::groups::merged;
use super::work::{Key, Staged, digest_of};
use crate::runs::{RunFile, RunReader, RunWriter};
use crate::{DedupError, Result};
use pretrain_store::{Digest, FileEntry};
use std::path::Path;

/// An index: a run with one section of ascending keys per band, the method's parameters as its note.
#[derive(Debug)]
pub(super) struct Index {
    file: RunFile,
}

impl Index {
    pub(super) fn open(path: &Path, bands: usize, parameters: &[u8]) -> Result<Self> {
        let file = RunFile::open(path)?;
        if file.note() != parameters || file.n_sections() != bands {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            return Err(DedupError::IndexParameters {
                field: "method",
                expected: text(parameters),
                found: text(file.note()),
            });
        }
        Ok(Self { file })
    }

    /// Tells indexes apart by their parameters and numbers of keys.
    pub(super) fn identity(&self) -> Digest {
        let counts = (0..self.file.n_sections()).flat_map(|i| self.file.n_records(i).to_le_bytes());
        digest_of(&[self.file.note(), &counts.collect::<Vec<u8>>()])
    }

    pub(super) fn band<K: Key>(&self, band: usize) -> Result<IndexBand<K>> {
        Ok(IndexBand { keys: self.file.section(band)?, next: None })
    }
}

/// The keys of one band, asked about in ascending order.
#[derive(Debug)]
pub(super) struct IndexBand<K> {
    keys: RunReader<K>,
    next: Option<K>,
}

impl<K: Key> IndexBand<K> {
    /// Whether the index has `key`. Must be called with ascending keys.
    pub(super) fn holds(&mut self, key: K) -> Result<bool> {
        while self.next.is_none_or(|next| next < key) {
            match self.keys.next() {
                Some(next) => self.next = Some(next?),
                None => return Ok(false),
            }
        }
        Ok(self.next == Some(key))
    }
}

impl<K: Key> Staged<K> {
    /// Writes the keys of all documents, kept or not, and those of the index this run was compared with,
    /// as an index for later collections. The same set of keys gives the same bytes.
    ///
    /// # Errors
    /// A shard was not committed; a run is damaged; the disk refuses.
    pub fn write_index(&self, path: &Path) -> Result<FileEntry> {
        let runs = self.key_runs("writing the index")?;
        let mut out = RunWriter::create(path)?;
        out.set_note(self.parameters.clone());
        for band in 0..self.bands {
            out.begin::<K>()?;
            let mut earlier = match &self.against {
                Some(index) => Some(index.file.section::<K>(band)?),
                None => None,
            };
            let mut next_earlier = || earlier.as_mut().and_then(Iterator::next).transpose();
            let mut old = next_earlier()?;
            let mut last: Option<K> = None;
            let mut write = |key: K| match last == Some(key) {
                true => Ok(()),
                false => {
                    last = Some(key);
                    out.push(&key)
                }
            };
            for record in merged::<K>(&runs, band)? {
                let (key, _) = record?;
                while let Some(other) = old.filter(|other| *other <= key) {
                    write(other)?;
                    old = next_earlier()?;
                }
                write(key)?;
            }
            while let Some(other) = old {
                write(other)?;
                old = next_earlier()?;
            }
        }
        out.finish()
    }
}
