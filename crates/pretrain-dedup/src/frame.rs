//! The envelope of every index: mark, version, kind, fields, checksum. Bytes in, bytes out.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `PTDEDUP\0` |
//! | 4 | format version, u32 little-endian |
//! | 4 | kind, u32 little-endian: 1 exact, 2 minhash |
//! | ... | parameters and payload of the kind, little-endian |
//! | 16 | xxh3-128 of all bytes before, most significant byte first |

use crate::{DedupError, Result};
use pretrain_store::Digest;

const MARK: [u8; 8] = *b"PTDEDUP\0";
const VERSION: u32 = 1;
const CHECKSUM_BYTES: usize = 16;

/// The method an index belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Exact = 1,
    MinHash = 2,
}

impl Kind {
    fn name(number: u32) -> Option<&'static str> {
        match number {
            1 => Some("exact"),
            2 => Some("minhash"),
            _ => None,
        }
    }
}

/// Writes an index.
pub(crate) struct FrameWriter {
    bytes: Vec<u8>,
}

impl FrameWriter {
    pub(crate) fn new(kind: Kind) -> Self {
        let mut writer = Self { bytes: MARK.to_vec() };
        writer.u32(VERSION);
        writer.u32(kind as u32);
        writer
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u128(&mut self, value: u128) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let checksum = Digest::of(&self.bytes);
        self.bytes.extend_from_slice(checksum.as_bytes());
        self.bytes
    }
}

/// Reads an index whose envelope was found sound.
pub(crate) struct FrameReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> FrameReader<'a> {
    /// Checks mark, version, checksum and kind, in this order.
    pub(crate) fn open(bytes: &'a [u8], kind: Kind) -> Result<Self> {
        if bytes.get(..MARK.len()) != Some(&MARK) {
            return Err(DedupError::NotAnIndex {
                found: bytes[..bytes.len().min(MARK.len())].to_vec(),
            });
        }
        let mut header = FrameReader { bytes, at: MARK.len() };
        let version = header.u32()?;
        if version != VERSION {
            return Err(DedupError::IndexVersion { found: version, supported: VERSION });
        }
        let kind_found = header.u32()?;
        let at = header.at;
        let Some(end) = bytes.len().checked_sub(CHECKSUM_BYTES).filter(|&end| end >= at) else {
            return Err(short(at + CHECKSUM_BYTES, bytes.len()));
        };
        let found = Digest::of(&bytes[..end]);
        if found.as_bytes() != &bytes[end..] {
            let expected = bytes[end..].iter().map(|byte| format!("{byte:02x}")).collect();
            return Err(DedupError::IndexChecksum { expected, found: found.to_string() });
        }
        if kind_found != kind as u32 {
            return Err(DedupError::IndexKind {
                expected: Kind::name(kind as u32).expect("every kind has a name"),
                found: Kind::name(kind_found).map_or(kind_found.to_string(), str::to_owned),
            });
        }
        Ok(Self { bytes: &bytes[..end], at })
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let found = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        let &value = found.ok_or_else(|| short(self.at + N, self.bytes.len()))?;
        self.at += N;
        Ok(value)
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        self.take().map(u64::from_le_bytes)
    }

    /// A count followed by that many ascending values of `N` bytes, without repeats.
    pub(crate) fn ascending<T: Ord + Copy, const N: usize>(
        &mut self,
        from_le_bytes: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>> {
        let count = self.u64()?;
        let left = (self.bytes.len() - self.at) as u64;
        let needed = count.checked_mul(N as u64).filter(|&needed| needed <= left);
        let Some(needed) = needed else {
            let expected = (self.at as u64).saturating_add(count.saturating_mul(N as u64));
            return Err(DedupError::IndexLength { expected, found: self.bytes.len() as u64 });
        };
        let start = self.at;
        let content = &self.bytes[start..start + needed as usize];
        self.at += content.len();
        let values: Vec<T> = content.as_chunks::<N>().0.iter().map(|&c| from_le_bytes(c)).collect();
        match values.windows(2).position(|pair| pair[0] >= pair[1]) {
            None => Ok(values),
            Some(i) => Err(DedupError::IndexMalformed {
                offset: (start + (i + 1) * N) as u64,
                reason: "keys are not in ascending order",
            }),
        }
    }

    /// An error about the four or eight bytes that end here.
    pub(crate) fn malformed(&self, reason: &'static str) -> DedupError {
        DedupError::IndexMalformed { offset: self.at as u64, reason }
    }

    /// Nothing may follow.
    pub(crate) fn finish(self) -> Result<()> {
        if self.at == self.bytes.len() {
            return Ok(());
        }
        Err(short(self.at, self.bytes.len()))
    }
}

fn short(expected: usize, found: usize) -> DedupError {
    DedupError::IndexLength { expected: expected as u64, found: found as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut writer = FrameWriter::new(Kind::Exact);
        writer.u64(2);
        writer.u64(5);
        writer.u64(9);
        writer.finish()
    }

    fn parse(bytes: &[u8]) -> Result<Vec<u64>> {
        let mut reader = FrameReader::open(bytes, Kind::Exact)?;
        let values = reader.ascending(u64::from_le_bytes)?;
        reader.finish()?;
        Ok(values)
    }

    #[test]
    fn what_was_written_is_read_and_every_damage_is_an_error() {
        let bytes = sample();
        assert_eq!(parse(&bytes), Ok(vec![5, 9]));
        for cut in 0..bytes.len() {
            assert!(parse(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert!(parse(&damaged).is_err(), "damaged at {at}");
        }
    }

    #[test]
    fn the_reason_is_named() {
        assert!(
            matches!(parse(b"hello"), Err(DedupError::NotAnIndex { found }) if found == b"hello")
        );
        let other = FrameWriter::new(Kind::MinHash).finish();
        assert!(matches!(
            parse(&other),
            Err(DedupError::IndexKind { expected: "exact", found }) if found == "minhash"
        ));
        let mut later = sample();
        later[8] = 2;
        assert_eq!(parse(&later), Err(DedupError::IndexVersion { found: 2, supported: 1 }));
        let mut writer = FrameWriter::new(Kind::Exact);
        writer.u64(u64::MAX);
        assert!(matches!(parse(&writer.finish()), Err(DedupError::IndexLength { .. })));
        let mut writer = FrameWriter::new(Kind::Exact);
        for value in [2, 9, 5] {
            writer.u64(value);
        }
        assert!(matches!(
            parse(&writer.finish()),
            Err(DedupError::IndexMalformed { offset: 32, .. })
        ));
    }
}
