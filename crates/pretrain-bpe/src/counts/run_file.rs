//! Counts as a file, in order of the pre-tokens' bytes, so that many files merge in one pass.
//!
//! ```text
//! "bpe-counts\0"  11 bytes
//! version         1 byte, 1
//! split           length, then that many bytes: JSON of `Split`
//! texts, bytes, pre-tokens counted      three numbers
//! entries         a number
//! each entry      bytes shared with the one before, length of the rest, the rest, count
//! SHA-256         32 bytes, over all before
//! ```
//!
//! Numbers and lengths are LEB128.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use super::{PreTokenCounts, Split, Totals};
use crate::error::{BpeError, Result};

const MAGIC: &[u8] = b"bpe-counts\0\x01";

impl PreTokenCounts {
    /// Writes the counts as a file, for a later training run or for [`merge`](Self::merge) elsewhere.
    /// The bytes depend on the counts only. Makes many small writes: hand in a `BufWriter`.
    ///
    /// # Errors
    ///
    /// [`BpeError::WriteCounts`] with what `to` says.
    pub fn write_to(&self, to: &mut dyn Write) -> Result<()> {
        self.write_sorted(to).map_err(BpeError::WriteCounts)
    }

    /// Reads what [`write_to`](Self::write_to) wrote. Makes many small reads: hand in a `BufReader`.
    ///
    /// # Errors
    ///
    /// [`BpeError::ReadCounts`] with what `from` says, [`BpeError::CorruptCounts`] when it is damaged.
    pub fn read_from(from: &mut dyn Read) -> Result<Self> {
        let mut file = RunReader::open(from)?;
        let mut counts = Self::with_split(&file.split)?;
        counts.totals = file.totals;
        while let Some((pre_token, count)) = file.next()? {
            counts.add(pre_token, count);
        }
        Ok(counts)
    }

    pub(super) fn write_sorted(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut order: Vec<(u64, u32, u32)> = Vec::with_capacity(self.n_distinct());
        for (shard, table) in (0..).zip(&self.tables) {
            order.extend(table.indices().map(|index| {
                let mut room = [0; 16];
                let bytes = table.entry(index, &mut room).0;
                let mut first = [0; 8];
                let len = bytes.len().min(8);
                first[..len].copy_from_slice(&bytes[..len]);
                (u64::from_be_bytes(first), shard, index)
            }));
        }
        order.sort_unstable_by(|left, right| {
            left.0.cmp(&right.0).then_with(|| {
                let mut rooms = [[0; 16]; 2];
                let [in_left, in_right] = &mut rooms;
                let left = self.tables[left.1 as usize].entry(left.2, in_left).0;
                left.cmp(self.tables[right.1 as usize].entry(right.2, in_right).0)
            })
        });
        let split = serde_json::to_vec(self.splitter.split())?;
        let mut writer = RunWriter::new(to, &split, self.totals, order.len() as u64)?;
        for (_, shard, index) in order {
            let mut room = [0; 16];
            let (bytes, count) = self.tables[shard as usize].entry(index, &mut room);
            writer.push(bytes, count)?;
        }
        writer.finish()
    }
}

struct RunWriter<'a> {
    to: &'a mut dyn Write,
    hasher: Sha256,
    previous: Vec<u8>,
}

impl<'a> RunWriter<'a> {
    fn new(to: &'a mut dyn Write, split: &[u8], totals: Totals, n: u64) -> io::Result<Self> {
        let mut this = Self { to, hasher: Sha256::new(), previous: Vec::new() };
        this.bytes(MAGIC)?;
        this.number(split.len() as u64)?;
        this.bytes(split)?;
        for number in [totals.n_texts, totals.n_bytes, totals.n_pre_tokens, n] {
            this.number(number)?;
        }
        Ok(this)
    }

    fn push(&mut self, bytes: &[u8], count: u64) -> io::Result<()> {
        let same = |(left, right): &(&u8, &u8)| left == right;
        let shared = self.previous.iter().zip(bytes).take_while(same).count();
        self.number(shared as u64)?;
        self.number((bytes.len() - shared) as u64)?;
        self.bytes(&bytes[shared..])?;
        self.number(count)?;
        self.previous.truncate(shared);
        self.previous.extend_from_slice(&bytes[shared..]);
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        self.to.write_all(&self.hasher.finalize())?;
        self.to.flush()
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.to.write_all(bytes)
    }

    fn number(&mut self, mut number: u64) -> io::Result<()> {
        let mut bytes = [0; 10];
        let mut len = 0;
        loop {
            bytes[len] = number as u8 & 0x7f;
            number >>= 7;
            len += 1;
            if number == 0 {
                return self.bytes(&bytes[..len]);
            }
            bytes[len - 1] |= 0x80;
        }
    }
}

/// Reads a file of counts entry by entry. Memory: one pre-token.
pub(super) struct RunReader<R> {
    from: R,
    hasher: Sha256,
    offset: u64,
    pub(super) split: Split,
    pub(super) totals: Totals,
    n_left: u64,
    is_first: bool,
    bytes: Vec<u8>,
    before: Vec<u8>,
}

impl<R: Read> RunReader<R> {
    pub(super) fn open(from: R) -> Result<Self> {
        let mut this = Self {
            from,
            hasher: Sha256::new(),
            offset: 0,
            split: Split::Metaspace,
            totals: Totals::default(),
            n_left: 0,
            is_first: true,
            bytes: Vec::new(),
            before: Vec::new(),
        };
        let mut magic = [0; MAGIC.len()];
        this.exact(&mut magic)?;
        if magic != MAGIC {
            return Err(this.corrupt("it does not begin like one of this version"));
        }
        let len = this.number()?;
        let mut split = Vec::new();
        this.append(len, &mut split)?;
        this.split = serde_json::from_slice(&split)
            .map_err(|_| this.corrupt("the way of cutting is not understood"))?;
        this.totals.n_texts = this.number()?;
        this.totals.n_bytes = this.number()?;
        this.totals.n_pre_tokens = this.number()?;
        this.n_left = this.number()?;
        Ok(this)
    }

    /// The next entry; after the last, the checksum is compared.
    pub(super) fn next(&mut self) -> Result<Option<(&[u8], u64)>> {
        if self.n_left == 0 {
            let computed = self.hasher.clone().finalize();
            let mut written = [0; 32];
            self.exact(&mut written)?;
            if computed[..] != written {
                return Err(self.corrupt("the checksum differs"));
            }
            return Ok(None);
        }
        self.n_left -= 1;
        let shared = self.number()?;
        let shared = usize::try_from(shared).ok().filter(|&shared| shared <= self.bytes.len());
        let Some(shared) = shared else {
            return Err(self.corrupt("an entry shares more than there is"));
        };
        let len = self.number()?;
        self.before.clone_from(&self.bytes);
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.truncate(shared);
        self.append(len, &mut bytes)?;
        self.bytes = bytes;
        if self.bytes.is_empty() || (!self.is_first && self.bytes <= self.before) {
            return Err(self.corrupt("the entries are not in order"));
        }
        self.is_first = false;
        let count = self.number()?;
        Ok(Some((&self.bytes, count)))
    }

    /// The entry that [`next`](Self::next) gave last.
    pub(super) fn current(&self) -> &[u8] {
        &self.bytes
    }

    fn corrupt(&self, reason: &'static str) -> BpeError {
        BpeError::CorruptCounts { offset: self.offset, reason }
    }

    fn failed(&self, source: io::Error) -> BpeError {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => self.corrupt("it ends too early"),
            _ => BpeError::ReadCounts(source),
        }
    }

    fn exact(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.from.read_exact(bytes).map_err(|source| self.failed(source))?;
        self.hasher.update(&*bytes);
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// Appends `len` bytes. A length that lies takes no more memory than there are bytes.
    fn append(&mut self, len: u64, to: &mut Vec<u8>) -> Result<()> {
        let start = to.len();
        let read = self.from.by_ref().take(len).read_to_end(to);
        let read = read.map_err(|source| self.failed(source))?;
        self.hasher.update(&to[start..]);
        self.offset += read as u64;
        if (read as u64) < len {
            return Err(self.corrupt("it ends too early"));
        }
        Ok(())
    }

    fn number(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.exact(&mut byte)?;
            let bits = u64::from(byte[0] & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte[0] < 0x80 {
                return Ok(number);
            }
        }
        Err(self.corrupt("a number has more than 64 bits"))
    }
}
