//! Matrices: dense, or product-quantised.

use crate::bytes::Bytes;
use crate::error::Result;

/// Number of centroids of each part of a vector: a code is one byte.
const N_CENTROIDS: usize = 256;

#[derive(Clone, Debug)]
pub(super) enum Matrix {
    Dense {
        columns: usize,
        data: Vec<f32>,
    },
    Quantised {
        rows: usize,
        columns: usize,
        codes: Vec<u8>,
        quantiser: Quantiser,
        norms: Option<Norms>,
    },
}

/// Lengths of the rows, quantised apart from their directions.
#[derive(Clone, Debug)]
pub(super) struct Norms {
    codes: Vec<u8>,
    quantiser: Quantiser,
}

/// Centroids of the parts of a vector.
#[derive(Clone, Debug)]
pub(super) struct Quantiser {
    n_parts: usize,
    part: usize,
    last_part: usize,
    centroids: Vec<f32>,
}

impl Quantiser {
    fn read(bytes: &mut Bytes<'_>, columns: usize) -> Result<Self> {
        let dim = bytes.size32("dimension")?;
        let n_parts = bytes.size32("number of parts")?;
        let part = bytes.size32("length of a part")?;
        let last_part = bytes.size32("length of the last part")?;
        let parts = n_parts.saturating_sub(1).checked_mul(part);
        let whole = parts.and_then(|parts| parts.checked_add(last_part));
        if dim != columns || n_parts == 0 || whole != Some(dim) || last_part > part {
            return Err(bytes.fault(format!(
                "{n_parts} parts of {part} (the last of {last_part}) for {dim} of {columns} columns"
            )));
        }
        let n = dim.checked_mul(N_CENTROIDS).ok_or_else(|| bytes.fault("size overflows"))?;
        Ok(Self { n_parts, part, last_part, centroids: bytes.floats(n)? })
    }

    fn centroid(&self, part: usize, code: u8) -> &[f32] {
        let before = part * N_CENTROIDS * self.part;
        let len = if part + 1 == self.n_parts { self.last_part } else { self.part };
        let start = before + usize::from(code) * len;
        &self.centroids[start..start + len]
    }
}

impl Matrix {
    pub(super) fn read(bytes: &mut Bytes<'_>, quantised: bool) -> Result<Self> {
        if !quantised {
            let (rows, columns) = (bytes.size64("rows")?, bytes.size64("columns")?);
            let n = rows.checked_mul(columns).ok_or_else(|| bytes.fault("size overflows"))?;
            return Ok(Self::Dense { columns, data: bytes.floats(n)? });
        }
        let with_norms = bytes.flag()?;
        let (rows, columns) = (bytes.size64("rows")?, bytes.size64("columns")?);
        let n_codes = bytes.size32("number of codes")?;
        let codes = bytes.take(n_codes)?.to_vec();
        let quantiser = Quantiser::read(bytes, columns)?;
        if rows.checked_mul(quantiser.n_parts) != Some(n_codes) {
            let parts = quantiser.n_parts;
            return Err(bytes.fault(format!("{n_codes} codes for {rows} rows of {parts} parts")));
        }
        let norms = if with_norms {
            let codes = bytes.take(rows)?.to_vec();
            Some(Norms { codes, quantiser: Quantiser::read(bytes, 1)? })
        } else {
            None
        };
        Ok(Self::Quantised { rows, columns, codes, quantiser, norms })
    }

    pub(super) fn rows(&self) -> usize {
        match self {
            Matrix::Dense { columns, data } => data.len() / (*columns).max(1),
            Matrix::Quantised { rows, .. } => *rows,
        }
    }

    pub(super) fn columns(&self) -> usize {
        match self {
            Matrix::Dense { columns, .. } | Matrix::Quantised { columns, .. } => *columns,
        }
    }

    pub(super) fn add_row(&self, row: usize, to: &mut [f32]) {
        match self {
            Matrix::Dense { columns, data } => {
                let values = &data[row * columns..(row + 1) * columns];
                to.iter_mut().zip(values).for_each(|(x, v)| *x += v);
            }
            Matrix::Quantised { codes, quantiser, norms, .. } => {
                let norm = norm(norms, row);
                let codes = &codes[row * quantiser.n_parts..(row + 1) * quantiser.n_parts];
                for (part, (&code, to)) in
                    codes.iter().zip(to.chunks_mut(quantiser.part)).enumerate()
                {
                    let centroid = quantiser.centroid(part, code);
                    to.iter_mut().zip(centroid).for_each(|(x, c)| *x += norm * c);
                }
            }
        }
    }

    pub(super) fn dot_row(&self, row: usize, with: &[f32]) -> f32 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b);
        match self {
            Matrix::Dense { columns, data } => dot(&data[row * columns..(row + 1) * columns], with),
            Matrix::Quantised { codes, quantiser, norms, .. } => {
                let codes = &codes[row * quantiser.n_parts..(row + 1) * quantiser.n_parts];
                let mut sum = 0.0;
                for (part, (&code, with)) in
                    codes.iter().zip(with.chunks(quantiser.part)).enumerate()
                {
                    let centroid = quantiser.centroid(part, code);
                    sum = with.iter().zip(centroid).fold(sum, |sum, (x, c)| sum + x * c);
                }
                sum * norm(norms, row)
            }
        }
    }
}

fn norm(norms: &Option<Norms>, row: usize) -> f32 {
    norms.as_ref().map_or(1.0, |norms| norms.quantiser.centroid(0, norms.codes[row])[0])
}
