//! The set of texts that an earlier collection holds.

use super::{ExactConfig, ExactKey};
use crate::frame::{FrameReader, FrameWriter, Kind};
use crate::{DedupError, Normalise, Result};

/// The keys of all distinct texts of earlier collections, 16 bytes each.
///
/// As bytes: the envelope common to all indexes (mark `PTDEDUP\0`, format version, kind), then
///
/// | bytes | content |
/// |---|---|
/// | 4 | normalisation, u32: 0 none, 1 whitespace, 2 folded, 3 simplified |
/// | 8 | n, u64: number of keys |
/// | 16 n | keys, u128, ascending |
/// | 16 | xxh3-128 of all bytes before, most significant byte first |
///
/// Numbers are little-endian. The same set of texts gives the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactIndex {
    config: ExactConfig,
    keys: Vec<ExactKey>,
}

impl ExactIndex {
    pub(super) fn new(config: ExactConfig, keys: impl Iterator<Item = ExactKey>) -> Self {
        let mut keys: Vec<ExactKey> = keys.collect();
        keys.sort_unstable();
        keys.dedup();
        Self { config, keys }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = ExactKey> {
        self.keys.iter().copied()
    }

    pub(super) fn check(&self, config: &ExactConfig) -> Result<()> {
        if self.config == *config {
            return Ok(());
        }
        Err(DedupError::IndexParameters {
            field: "normalise",
            expected: name(config.normalise).to_owned(),
            found: name(self.config.normalise).to_owned(),
        })
    }

    /// The configuration the keys were made under.
    pub fn config(&self) -> &ExactConfig {
        &self.config
    }

    /// Number of distinct texts.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no text is held.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a text with this key is held. A binary search.
    pub fn contains(&self, key: ExactKey) -> bool {
        self.keys.binary_search(&key).is_ok()
    }

    /// The index as bytes, in the layout above.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = FrameWriter::new(Kind::Exact);
        writer.u32(number(self.config.normalise));
        writer.u64(self.keys.len() as u64);
        for key in &self.keys {
            writer.u128(key.0);
        }
        writer.finish()
    }

    /// Reads what [`ExactIndex::to_bytes`] wrote.
    ///
    /// # Errors
    /// One of the `Index...` errors of [`DedupError`]; no bytes make it panic.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = FrameReader::open(bytes, Kind::Exact)?;
        let number = reader.u32()?;
        let normalise = FORMS
            .get(number as usize)
            .map(|&(form, _)| form)
            .ok_or_else(|| reader.malformed("unknown normalisation"))?;
        let keys = reader.ascending(|bytes| ExactKey(u128::from_le_bytes(bytes)))?;
        reader.finish()?;
        Ok(Self { config: ExactConfig { normalise }, keys })
    }
}

/// The forms in the order of their numbers in the file.
const FORMS: [(Normalise, &str); 4] = [
    (Normalise::None, "none"),
    (Normalise::Whitespace, "whitespace"),
    (Normalise::Folded, "folded"),
    (Normalise::Simplified, "simplified"),
];

fn number(form: Normalise) -> u32 {
    FORMS.iter().position(|&(other, _)| other == form).expect("every form is listed") as u32
}

fn name(form: Normalise) -> &'static str {
    FORMS[number(form) as usize].1
}
