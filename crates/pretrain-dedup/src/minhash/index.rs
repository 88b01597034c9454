//! The bands that earlier collections hold.

use super::{HashFamily, MinHashConfig, ShortDocuments};
use crate::frame::{FrameReader, FrameWriter, Kind};
use crate::{DedupError, Keep, Result};

/// The distinct keys of every band of all documents of earlier collections: 8 bytes for each.
///
/// All documents are in it, the removed ones too: their copies are copies of what was kept. An index
/// says *that* a band was seen, not in which document.
///
/// As bytes: the envelope common to all indexes (mark `PTDEDUP\0`, format version, kind), then
///
/// | bytes | content |
/// |---|---|
/// | 8 each | ngram, bands, rows, seed, u64 |
/// | 4 each | hash (0 xxhash, 1 sha1), bits, short documents (0 keep, 1 hash), u32 |
/// | 8 | number of keys of the first band, u64 |
/// | 8 each | its keys, u64, ascending |
/// | ... | the other bands likewise |
/// | 16 | xxh3-128 of all bytes before, most significant byte first |
///
/// Numbers are little-endian. The same set of bands gives the same bytes. A key is the xxh3-64 of the
/// band's values, each as eight bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinHashIndex {
    /// [`MinHashConfig::keep`] plays no part and is always [`Keep::First`].
    config: MinHashConfig,
    bands: Vec<Vec<u64>>,
}

impl MinHashIndex {
    pub(super) fn new(config: MinHashConfig, mut bands: Vec<Vec<u64>>) -> Self {
        for keys in &mut bands {
            keys.sort_unstable();
            keys.dedup();
        }
        Self { config: MinHashConfig { keep: Keep::First, ..config }, bands }
    }

    /// The parameters the keys were made under; [`MinHashConfig::keep`] means nothing here.
    pub fn config(&self) -> &MinHashConfig {
        &self.config
    }

    /// Number of distinct keys over all bands.
    pub fn n_keys(&self) -> usize {
        self.bands.iter().map(Vec::len).sum()
    }

    /// The keys of a band, ascending.
    pub(super) fn band(&self, band: usize) -> &[u64] {
        &self.bands[band]
    }

    pub(super) fn check(&self, config: &MinHashConfig) -> Result<()> {
        let differing = parameters(&self.config)
            .into_iter()
            .zip(parameters(config))
            .find(|((_, found), (_, expected))| found != expected);
        match differing {
            None => Ok(()),
            Some(((field, found), (_, expected))) => {
                Err(DedupError::IndexParameters { field, expected, found })
            }
        }
    }

    /// The index as bytes, in the layout above.
    pub fn to_bytes(&self) -> Vec<u8> {
        let MinHashConfig { ngram, bands, rows, hash, bits, seed, short_documents, keep: _ } =
            self.config;
        let mut writer = FrameWriter::new(Kind::MinHash);
        for value in [ngram as u64, bands as u64, rows as u64, seed] {
            writer.u64(value);
        }
        writer.u32(match hash {
            HashFamily::Xxhash => 0,
            HashFamily::Sha1 => 1,
        });
        writer.u32(bits);
        writer.u32(match short_documents {
            ShortDocuments::Keep => 0,
            ShortDocuments::Hash => 1,
        });
        for keys in &self.bands {
            writer.u64(keys.len() as u64);
            keys.iter().for_each(|&key| writer.u64(key));
        }
        writer.finish()
    }

    /// Reads what [`MinHashIndex::to_bytes`] wrote.
    ///
    /// # Errors
    /// One of the `Index...` errors of [`DedupError`]; no bytes make it panic.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = FrameReader::open(bytes, Kind::MinHash)?;
        let mut number = || reader.u64().map(|value| usize::try_from(value).unwrap_or(usize::MAX));
        let (ngram, bands, rows) = (number()?, number()?, number()?);
        let seed = reader.u64()?;
        let hash = match reader.u32()? {
            0 => HashFamily::Xxhash,
            1 => HashFamily::Sha1,
            _ => return Err(reader.malformed("unknown hash family")),
        };
        let bits = reader.u32()?;
        let short_documents = match reader.u32()? {
            0 => ShortDocuments::Keep,
            1 => ShortDocuments::Hash,
            _ => return Err(reader.malformed("unknown policy for short documents")),
        };
        let keep = Keep::First;
        let config = MinHashConfig { ngram, bands, rows, hash, bits, seed, short_documents, keep };
        if config.validate().is_err() {
            return Err(reader.malformed("parameters out of range"));
        }
        let keys = (0..bands)
            .map(|_| reader.ascending(u64::from_le_bytes))
            .collect::<Result<Vec<Vec<u64>>>>()?;
        reader.finish()?;
        Ok(Self { config, bands: keys })
    }
}

/// What has to be equal for keys to be comparable.
fn parameters(config: &MinHashConfig) -> [(&'static str, String); 7] {
    let MinHashConfig { ngram, bands, rows, hash, bits, seed, short_documents, keep: _ } = config;
    [
        ("ngram", ngram.to_string()),
        ("bands", bands.to_string()),
        ("rows", rows.to_string()),
        ("hash", format!("{hash:?}").to_lowercase()),
        ("bits", bits.to_string()),
        ("seed", seed.to_string()),
        ("short_documents", format!("{short_documents:?}").to_lowercase()),
    ]
}
