//! Finding copies in more documents than fit into memory, in stages that survive a kill.
//!
//! The stages of [`Staged`], each a function of the committed files of the one before:
//!
//! 1. **Keys** ([`Staged::shard`], one unit per shard): the caller hashes every document (one key for
//!    exact copies, one per band for MinHash) and hands the keys over; they are sorted in memory and
//!    spilled as [runs](crate::runs).
//! 2. **Groups** ([`Staged::group`], one unit per band): all runs are merged; documents with equal keys
//!    follow each other. A group of g documents is stored as g - 1 pairs of its first document
//!    with the others, never as g^2 pairs.
//! 3. **Verification**, if [`StagedConfig::verify`] asks for it: candidate pairs without repeats
//!    ([`Staged::pairs`]), the shingles of the documents in them ([`Staged::sets`], one unit per shard), and
//!    the pairs whose true Jaccard similarity reaches the threshold ([`Staged::verify`]).
//! 4. **Clusters** ([`Staged::finish`]): connected components, one label per document; then cluster by
//!    cluster its shape, the [`Guard`], and which document stays.
//!
//! All work lies in one directory, which `minhash` or `exact` makes, resumes, or refuses because it was made
//! under other settings. A killed process loses the units it was in. Nothing in the result depends on the
//! memory budget, the number of threads, or where a run was interrupted. Shards are numbered: their
//! order is the input order and decides which copy is first, but they can be filled in any order.
//!
//! ```
//! use pretrain_dedup::minhash::MinHashConfig;
//! use pretrain_dedup::staged::{Staged, StagedConfig};
//! use pretrain_dedup::{DocIndex, Rank};
//!
//! # let tmp = tempfile::tempdir().unwrap();
//! # let dir = tmp.path().join("work");
//! let shards = [["one text of five words or more", "another text of five words"], ["one text of five words, or more!", "x"]];
//! let (minhash, config) = (MinHashConfig::default(), StagedConfig::default());
//! let hasher = minhash.resolve()?;
//! let staged = Staged::minhash(&dir, &minhash, &config, shards.len(), &[], None, 1 << 20)?;
//! for (i, texts) in shards.iter().enumerate() {
//!     if let Some(mut shard) = staged.shard(i)? {
//!         for text in texts {
//!             shard.push_signature(&hasher, hasher.signature(text).as_ref(), Rank::default())?;
//!         }
//!         shard.commit()?;
//!     }
//! }
//! staged.group()?;
//! let found = staged.finish()?;
//! let kept: Vec<bool> = (0..4).map(|i| found.is_kept(DocIndex(i))).collect();
//! assert_eq!(kept, [true, true, false, true]);
//! # Ok::<(), pretrain_dedup::DedupError>(())
//! ```
//!
//! **Memory.** The budget given at opening bounds the keys of the shards being filled, the
//! sorters, and the union-find (4 bytes per document); where the latter does not fit, components
//! are found by sorting edges (Kiveris et al., *Connected Components in MapReduce and Beyond*,
//! 2014), slower and with the same result. Outside of the budget: 2 bits per document, 64 KiB per run
//! that is merged (at most 256 per band at work), the members and edges of the largest cluster, and with
//! verification 16 bytes per document in a candidate pair. **Disk.** `(4 + K) * bands` bytes
//! per document, where K is 8 for MinHash and 16 for exact keys, and 8 bytes per band and document of a group.
//!
//! **Limits.** 2^32 - 1 documents in one collection; larger ones go dump by dump, each against the
//! index ([`Staged::write_index`]) of those before it.

mod clusters;
mod components;
mod config;
mod contraction;
mod groups;
mod index;
mod outcome;
mod plan;
mod shape;
mod shard;
mod verify;
mod work;

pub use config::{Guard, GuardAction, StagedConfig};
pub use outcome::{Flagged, Outcome, StagedReport};
pub use plan::{PlanInput, PlannedStage, plan};
pub use shard::ShardWriter;
pub use verify::{SetWriter, Wanted};
pub use work::{Key, Staged};

#[cfg(test)]
mod tests;
