//! Reading a run.

use super::{
    BLOCK_BYTES, CHECKSUM_BYTES, END_MARK, HEADER_BYTES, MARK, Record, Section, TABLE_ENTRY_BYTES,
    TRAILER_BYTES, VERSION,
};
use crate::{DedupError, Result};
use pretrain_store::ReadFile;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// An open run. Cheap to clone; its sections can be read by many threads at once.
#[derive(Debug, Clone)]
pub struct RunFile {
    file: Arc<ReadFile>,
    sections: Arc<[Section]>,
    note: Arc<[u8]>,
}

impl RunFile {
    /// Opens a run and checks its table of sections.
    ///
    /// # Errors
    /// The file is missing, of a later version, or damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let file = pretrain_store::open(path)?;
        let corrupt = |offset, reason| Err(corrupt(&file, offset, reason));
        if file.len() < HEADER_BYTES + TRAILER_BYTES {
            return corrupt(0, "the file is shorter than an empty run");
        }
        let header: [u8; 16] = read_array(&file, 0)?;
        if header[..8] != MARK {
            return corrupt(0, "the mark is missing");
        }
        if header[8..12] != VERSION.to_le_bytes() {
            return corrupt(8, "the format version is another");
        }
        let trailer_at = file.len() - TRAILER_BYTES;
        let trailer: [u8; 24] = read_array(&file, trailer_at)?;
        if trailer[16..] != END_MARK {
            return corrupt(trailer_at + 16, "the mark at the end is missing");
        }
        let n_note = u64::from(u32::get(&trailer[..4]));
        let n_sections = u64::from(u32::get(&trailer[4..8]));
        let n_table = n_note + n_sections * TABLE_ENTRY_BYTES as u64;
        let Some(start) = trailer_at.checked_sub(n_table).filter(|&start| start >= HEADER_BYTES)
        else {
            return corrupt(trailer_at, "the table of sections is longer than the file");
        };
        let mut table = vec![0; n_table as usize + 8];
        file.read_exact_at(&mut table, start)?;
        if xxh3_64_with_seed(&table, start) != u64::get(&trailer[8..16]) {
            return corrupt(start, "the checksum of the table of sections is wrong");
        }
        let (note, rest) = table.split_at(n_note as usize);
        let mut sections = Vec::new();
        for entry in rest[..rest.len() - 8].chunks_exact(TABLE_ENTRY_BYTES) {
            let (offset, n_records, width) = <(u64, u64, u64)>::get(entry);
            let width = u32::try_from(width).unwrap_or(0);
            let section = Section { offset, n_records, width };
            let fits = (1..=BLOCK_BYTES as u32).contains(&width)
                && section
                    .n_bytes()
                    .and_then(|n| n.checked_add(offset))
                    .is_some_and(|e| e <= start);
            if !fits {
                return corrupt(start, "a section lies outside of the file");
            }
            sections.push(section);
        }
        let (sections, note) = (sections.into(), note.into());
        Ok(Self { file: Arc::new(file), sections, note })
    }

    /// The writer's note.
    pub fn note(&self) -> &[u8] {
        &self.note
    }

    /// Number of sections.
    pub fn n_sections(&self) -> usize {
        self.sections.len()
    }

    /// Records in a section; 0 if there is no such section.
    pub fn n_records(&self, section: usize) -> u64 {
        self.sections.get(section).map_or(0, |section| section.n_records)
    }

    /// The records of a section in the order in which they were written. Holds one block.
    ///
    /// # Errors
    /// There is no such section, or its records have another length.
    pub fn section<R: Record>(&self, section: usize) -> Result<RunReader<R>> {
        let section = self.of_width::<R>(section)?;
        let next_block = section.offset;
        let left = section.n_records;
        let block = Vec::new();
        Ok(RunReader {
            file: self.file.clone(),
            section,
            next_block,
            left,
            block,
            at: 0,
            kind: PhantomData,
        })
    }

    /// The records `range` of a section; reads the blocks they lie in.
    ///
    /// # Errors
    /// As [`RunFile::section`]; the range is not inside the section; a block is damaged.
    pub fn range<R: Record>(&self, section: usize, range: Range<u64>) -> Result<Vec<R>> {
        let section = self.of_width::<R>(section)?;
        if range.start > range.end || range.end > section.n_records {
            return Err(corrupt(&self.file, section.offset, "a range is outside of its section"));
        }
        let mut found = Vec::with_capacity((range.end - range.start) as usize);
        let (per_block, mut block) = (section.per_block(), Vec::new());
        let whole = per_block * u64::from(section.width) + CHECKSUM_BYTES as u64;
        let mut at = range.start;
        while at < range.end {
            let number = at / per_block;
            let first = number * per_block;
            let n = per_block.min(section.n_records - first);
            let offset = section.offset + number * whole;
            read_block(&self.file, offset, n as usize * R::BYTES, &mut block)?;
            let end = range.end.min(first + n);
            let bytes = &block[(at - first) as usize * R::BYTES..(end - first) as usize * R::BYTES];
            found.extend(bytes.chunks_exact(R::BYTES).map(R::get));
            at = end;
        }
        Ok(found)
    }

    fn of_width<R: Record>(&self, section: usize) -> Result<Section> {
        match self.sections.get(section) {
            Some(&section) if section.width as usize == R::BYTES => Ok(section),
            Some(section) => Err(corrupt(
                &self.file,
                section.offset,
                "records have another length than expected",
            )),
            None => Err(corrupt(&self.file, self.file.len(), "a section is missing")),
        }
    }
}

/// The records of one section, in order.
#[derive(Debug)]
pub struct RunReader<R> {
    file: Arc<ReadFile>,
    section: Section,
    next_block: u64,
    /// Records not yet read from the file.
    left: u64,
    block: Vec<u8>,
    at: usize,
    kind: PhantomData<R>,
}

impl<R: Record> RunReader<R> {
    fn fill(&mut self) -> Result<()> {
        let n = self.section.per_block().min(self.left);
        read_block(&self.file, self.next_block, n as usize * R::BYTES, &mut self.block)?;
        self.next_block += (self.block.len() + CHECKSUM_BYTES) as u64;
        self.left -= n;
        self.at = 0;
        Ok(())
    }
}

impl<R: Record> Iterator for RunReader<R> {
    type Item = Result<R>;

    #[inline]
    fn next(&mut self) -> Option<Result<R>> {
        if self.at == self.block.len() {
            if self.left == 0 {
                return None;
            }
            if let Err(error) = self.fill() {
                self.left = 0;
                self.block.clear();
                self.at = 0;
                return Some(Err(error));
            }
        }
        let record = R::get(&self.block[self.at..self.at + R::BYTES]);
        self.at += R::BYTES;
        Some(Ok(record))
    }
}

fn read_block(file: &ReadFile, offset: u64, n_bytes: usize, block: &mut Vec<u8>) -> Result<()> {
    block.resize(n_bytes + CHECKSUM_BYTES, 0);
    file.read_exact_at(block, offset)?;
    let checksum = u64::get(&block[n_bytes..]);
    block.truncate(n_bytes);
    if xxh3_64_with_seed(block, offset) != checksum {
        return Err(corrupt(file, offset, "the checksum of a block is wrong"));
    }
    Ok(())
}

fn read_array<const N: usize>(file: &ReadFile, offset: u64) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

fn corrupt(file: &ReadFile, offset: u64, reason: &'static str) -> DedupError {
    DedupError::RunCorrupt { path: file.path().to_path_buf(), offset, reason }
}
