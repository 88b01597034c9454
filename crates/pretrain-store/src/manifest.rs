//! The last file a stage writes: what it made, from what, under which settings.

use crate::digest::Digester;
use crate::{Digest, Result, StoreError, file, write_atomic};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// The manifest's file name in a stage's directory.
pub const MANIFEST_NAME: &str = "manifest.json";

const FORMAT_VERSION: u32 = 1;

/// A committed file: where, how long, and its checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Path relative to the stage's directory, with forward slashes.
    pub name: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Checksum of the content.
    pub xxh3: Digest,
}

impl FileEntry {
    /// The same entry seen from the directory above `folder`.
    #[must_use]
    pub fn under(mut self, folder: &str) -> Self {
        self.name = format!("{folder}/{}", self.name);
        self
    }
}

/// A finished directory that a stage read, pinned by its manifest's digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputRef {
    /// What the input is to the stage: `documents`, `tokenizer`, a file name.
    pub name: String,
    /// [`Manifest::digest`] of the input, or the digest of a single file.
    pub digest: Digest,
}

/// What a finished directory holds and how it came to be.
///
/// It has no clock, host name or absolute path in it: two machines that do the same work write the
/// same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this file's layout.
    pub format_version: u32,
    /// The stage's name.
    pub stage: String,
    /// Name and version of the program that wrote it.
    pub software: String,
    /// The resolved configuration.
    pub config: serde_json::Value,
    /// What was read.
    pub inputs: Vec<InputRef>,
    /// Totals: documents, bytes, tokens; sums over the units.
    pub counts: BTreeMap<String, u64>,
    /// Every file of the directory but this one, sorted by name.
    pub files: Vec<FileEntry>,
}

impl Manifest {
    /// Reads the manifest of a finished directory.
    ///
    /// # Errors
    /// It is missing, malformed, or of a later format version.
    pub fn load(dir: &Path) -> Result<Self> {
        let path = dir.join(MANIFEST_NAME);
        let bytes = file::read(&path)?;
        let malformed = |error: serde_json::Error| StoreError::Malformed {
            path: path.clone(),
            kind: "manifest",
            reason: error.to_string(),
        };
        // The version is looked at first, so that a later layout is named as such and not as a fault.
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let Version { format_version } = serde_json::from_slice(&bytes).map_err(malformed)?;
        if format_version > FORMAT_VERSION {
            let (found, supported) = (format_version, FORMAT_VERSION);
            return Err(StoreError::Version { path, found, supported });
        }
        serde_json::from_slice(&bytes).map_err(malformed)
    }

    /// A manifest of `stage` with nothing in it but its settings.
    pub fn new(stage: &str, config: serde_json::Value, inputs: Vec<InputRef>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            stage: stage.to_owned(),
            software: concat!("pretrain ", env!("CARGO_PKG_VERSION")).to_owned(),
            config,
            inputs,
            counts: BTreeMap::new(),
            files: Vec::new(),
        }
    }

    /// Writes `manifest.json` into `dir`: the commit point of the directory.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn save(&self, dir: &Path) -> Result<()> {
        write_atomic(&dir.join(MANIFEST_NAME), &self.to_json()).map(drop)
    }

    /// Identifies the finished directory by content: the checksum of the manifest's bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_json())
    }

    /// This directory as the input of a later stage.
    pub fn as_input(&self, name: &str) -> InputRef {
        InputRef { name: name.to_owned(), digest: self.digest() }
    }

    /// Reads every listed file and compares its length and checksum.
    ///
    /// # Errors
    /// The first file that is missing or differs.
    pub fn verify(&self, dir: &Path) -> Result<()> {
        self.files.iter().try_for_each(|entry| verify_file(dir, entry))
    }

    fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("a manifest has only string keys");
        json.push(b'\n');
        json
    }
}

fn verify_file(dir: &Path, entry: &FileEntry) -> Result<()> {
    let path = dir.join(&entry.name);
    let mut file = file::open(&path)?;
    let (mut digester, mut found_bytes) = (Digester::new(), 0);
    let mut buf = vec![0; 1 << 16];
    loop {
        match file.read(&mut buf).map_err(|source| StoreError::io("read", &path, source))? {
            0 => break,
            n => {
                digester.update(&buf[..n]);
                found_bytes += n as u64;
            }
        }
    }
    let found = digester.finish();
    if (found_bytes, found) == (entry.bytes, entry.xxh3) {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        path,
        expected_bytes: entry.bytes,
        found_bytes,
        expected: entry.xxh3,
        found,
    })
}
