//! Sorted runs on disk: what the methods spill to when a collection is larger than memory.
//!
//! A *record* is a fixed number of bytes with an order ([`Record`]). A *run* is a file of records in one
//! or more sections ([`RunWriter`], [`RunFile`]), usually ascending. [`Merge`] reads many ascending
//! sources as one; [`Sorter`] takes records in any order, keeps what fits into its budget, spills the
//! rest as runs and gives everything back in order. Whether and where it spilled changes nothing in
//! what comes out, as equal records are indistinguishable.
//!
//! **Crash safety.** A run is written through [`pretrain_store::AtomicFile`]: it is complete under its
//! name or not there. Every block of a run carries a checksum over its bytes and its place, the table of
//! sections another; a damaged or truncated run is a [`DedupError::RunCorrupt`](crate::DedupError), never
//! a wrong record.
//!
//! # Format
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `PTRUNS\0\0` |
//! | 4 | format version, u32 |
//! | 4 | zero |
//! | ... | blocks: at most 65,536 bytes of whole records, then xxh3-64 of them seeded with the block's offset in the file; only the last block of a section is shorter |
//! | n | note: anything the writer wants to be read back |
//! | 24 each | per section: offset u64, number of records u64, bytes per record u32, zero u32 |
//! | 4, 4 | n, number of sections, u32 |
//! | 8 | xxh3-64 of note, table and the eight bytes before, seeded with the note's offset |
//! | 8 | `PTRUNEND` |
//!
//! Numbers are little-endian.

mod file;
mod merge;
mod record;
mod sorter;
mod writer;

pub use file::{RunFile, RunReader};
pub use merge::Merge;
pub use record::Record;
pub use sorter::{Sorted, Sorter};
pub use writer::RunWriter;

const MARK: [u8; 8] = *b"PTRUNS\0\0";
const END_MARK: [u8; 8] = *b"PTRUNEND";
const VERSION: u32 = 1;
const HEADER_BYTES: u64 = 16;
const BLOCK_BYTES: usize = 1 << 16;
const CHECKSUM_BYTES: usize = 8;
const TABLE_ENTRY_BYTES: usize = 24;
const TRAILER_BYTES: u64 = 24;

/// Runs that are merged at once; more are merged in several rounds. Each takes one block of memory.
pub(crate) const FAN_IN: usize = 256;

/// Where one section lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Section {
    offset: u64,
    n_records: u64,
    width: u32,
}

impl Section {
    /// Records in a whole block.
    fn per_block(&self) -> u64 {
        (BLOCK_BYTES / self.width as usize) as u64
    }

    /// Bytes of the section in the file.
    fn n_bytes(&self) -> Option<u64> {
        let blocks = self.n_records.div_ceil(self.per_block());
        let payload = self.n_records.checked_mul(u64::from(self.width))?;
        payload.checked_add(blocks.checked_mul(CHECKSUM_BYTES as u64)?)
    }
}

#[cfg(test)]
mod tests;
