//! Writing a run.

use super::{BLOCK_BYTES, HEADER_BYTES, MARK, Record, Section, VERSION};
use crate::Result;
use pretrain_store::{AtomicFile, FileEntry, StoreError};
use std::io::Write;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A run that is being written: sections one after the other. Dropped before
/// [`RunWriter::finish`], it leaves nothing. Memory: two blocks of 64 KiB or so.
#[derive(Debug)]
pub struct RunWriter {
    file: AtomicFile,
    sections: Vec<Section>,
    block: Vec<u8>,
    note: Vec<u8>,
}

impl RunWriter {
    /// Begins the file at `path`.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn create(path: &Path) -> Result<Self> {
        let file = AtomicFile::create(path)?;
        let block = Vec::with_capacity(BLOCK_BYTES);
        let mut writer = Self { file, sections: Vec::new(), block, note: Vec::new() };
        writer.write(&[&MARK[..], &VERSION.to_le_bytes(), &[0; 4]].concat())?;
        debug_assert_eq!(writer.file.bytes(), HEADER_BYTES);
        Ok(writer)
    }

    /// Begins the next section, whose records are of type `R`.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn begin<R: Record>(&mut self) -> Result<()> {
        const { assert!(R::BYTES > 0 && R::BYTES <= BLOCK_BYTES) };
        self.flush()?;
        let (offset, width) = (self.file.bytes(), R::BYTES as u32);
        self.sections.push(Section { offset, n_records: 0, width });
        Ok(())
    }

    /// Adds a record to the section.
    ///
    /// # Errors
    /// The disk refuses.
    ///
    /// # Panics
    /// If no section of records of this length was begun.
    pub fn push<R: Record>(&mut self, record: &R) -> Result<()> {
        let section = self.sections.last_mut().expect("a section was begun");
        assert_eq!(section.width as usize, R::BYTES, "one kind of record in a section");
        section.n_records += 1;
        let at = self.block.len();
        self.block.resize(at + R::BYTES, 0);
        record.put(&mut self.block[at..]);
        if self.block.len() + R::BYTES > BLOCK_BYTES { self.flush() } else { Ok(()) }
    }

    /// What [`RunFile::note`](super::RunFile::note) will give back.
    pub fn set_note(&mut self, note: Vec<u8>) {
        self.note = note;
    }

    /// Makes the run real.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn finish(mut self) -> Result<FileEntry> {
        self.flush()?;
        let start = self.file.bytes();
        let mut table = std::mem::take(&mut self.note);
        let n_note = table.len() as u32;
        for Section { offset, n_records, width } in &self.sections {
            table.extend_from_slice(&offset.to_le_bytes());
            table.extend_from_slice(&n_records.to_le_bytes());
            table.extend_from_slice(&u64::from(*width).to_le_bytes());
        }
        table.extend_from_slice(&n_note.to_le_bytes());
        table.extend_from_slice(&(self.sections.len() as u32).to_le_bytes());
        let checksum = xxh3_64_with_seed(&table, start);
        table.extend_from_slice(&checksum.to_le_bytes());
        table.extend_from_slice(&super::END_MARK);
        self.write(&table)?;
        Ok(self.file.commit()?)
    }

    fn flush(&mut self) -> Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let checksum = xxh3_64_with_seed(&self.block, self.file.bytes());
        self.block.extend_from_slice(&checksum.to_le_bytes());
        let block = std::mem::take(&mut self.block);
        self.write(&block)?;
        self.block = block;
        self.block.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        Ok(written.map_err(|source| StoreError::io("write", self.file.path(), source))?)
    }
}
