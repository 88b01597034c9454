//! Reading little-endian numbers from a model file that may be cut short or corrupt.

use crate::error::{FilterError, Result};

/// A cursor over the bytes of a model file. Every read is checked.
pub(crate) struct Bytes<'a> {
    data: &'a [u8],
    at: usize,
    format: &'static str,
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(data: &'a [u8], format: &'static str) -> Self {
        Self { data, at: 0, format }
    }

    /// An error at the current position.
    pub(crate) fn fault(&self, problem: impl Into<String>) -> FilterError {
        FilterError::Model { format: self.format, offset: self.at as u64, problem: problem.into() }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// The bytes that are left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.data[self.at..]
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let rest = self.rest();
        if rest.len() < n {
            let problem = format!("{n} more bytes expected, {} found", rest.len());
            return Err(self.fault(problem));
        }
        self.at += n;
        Ok(&rest[..n])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("take returns N bytes"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// A C++ `bool`: one byte, 0 or 1.
    pub(crate) fn flag(&mut self) -> Result<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.fault(format!("0 or 1 expected, {other} found"))),
        }
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub(crate) fn f32(&mut self) -> Result<f32> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    pub(crate) fn f64(&mut self) -> Result<f64> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// A count or size stored in 32 bits.
    pub(crate) fn size32(&mut self, what: &str) -> Result<usize> {
        let value = self.i32()?;
        usize::try_from(value).map_err(|_| self.fault(format!("{what} is negative: {value}")))
    }

    /// A count or size stored in 64 bits.
    pub(crate) fn size64(&mut self, what: &str) -> Result<usize> {
        let value = self.i64()?;
        usize::try_from(value).map_err(|_| self.fault(format!("{what} is negative: {value}")))
    }

    /// `n` single-precision numbers.
    pub(crate) fn floats(&mut self, n: usize) -> Result<Vec<f32>> {
        let bytes = n.checked_mul(4).ok_or_else(|| self.fault("size overflows"))?;
        let bytes = self.take(bytes)?;
        let float = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        Ok(bytes.chunks_exact(4).map(float).collect())
    }

    /// Bytes up to a NUL, which is passed over.
    pub(crate) fn until_nul(&mut self) -> Result<&'a [u8]> {
        let rest = self.rest();
        let Some(end) = rest.iter().position(|&b| b == 0) else {
            return Err(self.fault("a string without its closing NUL"));
        };
        self.at += end + 1;
        Ok(&rest[..end])
    }
}
