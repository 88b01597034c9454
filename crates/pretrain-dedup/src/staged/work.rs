//! The directory of a staged run and what is known of its shards.

use super::StagedConfig;
use super::index::Index;
use crate::exact::ExactConfig;
use crate::minhash::MinHashConfig;
use crate::runs::Record;
use crate::{DedupError, DocIndex, Keep, Result};
use pretrain_store::{Digest, InputRef, OpenStage, Stage, StageSpec, StoreError};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// What two copies have in common: the hash of a band (`u64`), or of a whole text (`u128`).
pub trait Key: Record + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u64 {}
    impl Sealed for u128 {}
}

impl Key for u64 {}
impl Key for u128 {}

/// A staged run in its directory; see the [module](super).
#[derive(Debug)]
pub struct Staged<K> {
    pub(super) stage: OpenStage,
    pub(super) bands: usize,
    pub(super) keep: Keep,
    pub(super) config: StagedConfig,
    /// The method's parameters, which an index has to share.
    pub(super) parameters: Vec<u8>,
    pub(super) n_shards: usize,
    pub(super) against: Option<Index>,
    pub(super) memory_bytes: u64,
    kind: PhantomData<K>,
}

impl Staged<u64> {
    /// Near-duplicates by MinHash: one key per band.
    ///
    /// `inputs` pins what is read, so that the work is not resumed on other data; `against` is a file that
    /// [`Staged::write_index`] made.
    ///
    /// # Errors
    /// Faulty settings; the directory was made under others, is in use or not ours; the index is of
    /// another kind or damaged; the disk refuses.
    pub fn minhash(
        dir: &Path,
        minhash: &MinHashConfig,
        config: &StagedConfig,
        n_shards: usize,
        inputs: &[InputRef],
        against: Option<&Path>,
        memory_bytes: u64,
    ) -> Result<Self> {
        minhash.validate()?;
        config.validate()?;
        let parameters = MinHashConfig { keep: Keep::First, ..*minhash };
        let parameters = serde_json::json!({ "minhash": parameters });
        let settings = (minhash.bands, minhash.keep, *config, parameters);
        Self::open(dir, settings, n_shards, inputs, against, memory_bytes)
    }
}

impl Staged<u128> {
    /// Equal texts: one key per document. Arguments and errors as those of `minhash`.
    /// [`StagedConfig::verify`] means nothing here.
    ///
    /// # Errors
    /// As `minhash`.
    pub fn exact(
        dir: &Path,
        exact: &ExactConfig,
        keep: Keep,
        n_shards: usize,
        inputs: &[InputRef],
        against: Option<&Path>,
        memory_bytes: u64,
    ) -> Result<Self> {
        let parameters = serde_json::json!({ "exact": exact });
        let settings = (1, keep, StagedConfig::default(), parameters);
        Self::open(dir, settings, n_shards, inputs, against, memory_bytes)
    }
}

type Settings = (usize, Keep, StagedConfig, serde_json::Value);

impl<K: Key> Staged<K> {
    fn open(
        dir: &Path,
        (bands, keep, config, parameters): Settings,
        n_shards: usize,
        inputs: &[InputRef],
        against: Option<&Path>,
        memory_bytes: u64,
    ) -> Result<Self> {
        let settings = serde_json::json!({
            "method": &parameters, "keep": keep, "staged": config, "shards": n_shards,
        });
        let parameters = parameters.to_string().into_bytes();
        let against = against.map(|path| Index::open(path, bands, &parameters)).transpose()?;
        let mut spec = StageSpec::new("dedup-work", settings);
        spec.inputs = inputs.to_vec();
        if let Some(index) = &against {
            spec = spec.input(InputRef { name: "against".to_owned(), digest: index.identity() });
        }
        match Stage::open(dir, &spec)? {
            Stage::Unfinished(stage) => {
                let kind = PhantomData;
                Ok(Self {
                    stage,
                    bands,
                    keep,
                    config,
                    parameters,
                    n_shards,
                    against,
                    memory_bytes,
                    kind,
                })
            }
            Stage::Finished(_) => {
                let (dir, expected) = (dir.to_path_buf(), "unfinished work");
                Err(StoreError::Foreign { dir, expected }.into())
            }
        }
    }

    /// Number of shards.
    pub fn n_shards(&self) -> usize {
        self.n_shards
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.stage.dir().join(name)
    }

    /// What the shards hold, in order; an error if one is missing.
    pub(super) fn shards(&self, asked: &'static str) -> Result<Vec<ShardInfo>> {
        let mut first = 0u64;
        let mut shards = Vec::with_capacity(self.n_shards);
        for i in 0..self.n_shards {
            let unit = self.stage.unit(&shard_name(i));
            let unit = unit.ok_or(DedupError::StageOrder { asked, missing: "every shard" })?;
            let count = |name: &str| unit.counts.get(name).copied().unwrap_or(0);
            let n_documents = count("documents");
            shards.push(ShardInfo {
                first: first as u32,
                n_documents: n_documents as u32,
                n_signed: count("signed"),
                n_runs: count("runs"),
            });
            first += n_documents;
            if first > u64::from(DocIndex::LIMIT) {
                return Err(DedupError::TooManyDocuments { limit: DocIndex::LIMIT });
            }
        }
        Ok(shards)
    }

    pub(super) fn require(
        &self,
        unit: &str,
        asked: &'static str,
        missing: &'static str,
    ) -> Result<()> {
        match self.stage.unit(unit) {
            Some(_) => Ok(()),
            None => Err(DedupError::StageOrder { asked, missing }),
        }
    }
}

/// A committed shard.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShardInfo {
    /// The position of its first document in the collection.
    pub(super) first: u32,
    pub(super) n_documents: u32,
    pub(super) n_signed: u64,
    pub(super) n_runs: u64,
}

pub(super) fn n_documents(shards: &[ShardInfo]) -> u32 {
    shards.last().map_or(0, |shard| shard.first + shard.n_documents)
}

pub(super) fn shard_name(i: usize) -> String {
    format!("shard-{i:06}")
}

pub(super) fn run_name(shard: usize, run: u64) -> String {
    format!("keys-{shard:06}-{run:04}.run")
}

pub(super) fn ranks_name(shard: usize) -> String {
    format!("ranks-{shard:06}.run")
}

pub(super) fn band_name(band: usize) -> String {
    format!("band-{band:05}")
}

/// Memory to merge one band: a block per run, at most.
pub(super) const MERGE_BYTES: u64 = (crate::runs::FAN_IN as u64) << 16;

/// One bit per document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn new(n: u32) -> Self {
        Self(vec![0; (n as usize).div_ceil(64)])
    }

    pub(super) fn set(&mut self, at: u32) {
        self.0[at as usize / 64] |= 1 << (at % 64);
    }

    pub(super) fn get(&self, at: u32) -> bool {
        self.0.get(at as usize / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
}

pub(super) fn digest_of(parts: &[&[u8]]) -> Digest {
    Digest::of(&parts.concat())
}
