//! Near-duplicates by MinHash signatures and locality-sensitive hashing.
//!
//! The definition is datatrove's, bit for bit. A text is simplified and cut into words; every run of
//! `ngram` words, joined by single spaces, is a *shingle*; a shingle's hash `h` goes through
//! `bands * rows` permutations `((h * a + b) mod 2^64) mod (2^61 - 1)` whose constants come from
//! NumPy's `RandomState(seed)` (all `a` in `[1, p)`, then all `b` in `[0, p)`); the smallest value of
//! each permutation over all shingles is the *signature*. Consecutive `rows` values form a *band*. Two
//! documents with an equal band are a candidate pair, and the clusters are the connected components of
//! those pairs. For two texts whose sets of shingles have Jaccard similarity `j` that happens with
//! probability `1 - (1 - j^rows)^bands` ([`MinHash::s_curve`]; Leskovec, Rajaraman and Ullman, *Mining
//! of Massive Datasets*, section 3.4).
//!
//! [`MinHash`] makes signatures: a pure function, shared by threads. [`MinHashDedup`] takes them in
//! document order and finds the clusters.
//!
//! **Words.** [`MinHash::signature`] uses `pretrain_text::simplify` and `pretrain_text::words`. A caller
//! with another tokenizer gives words ([`MinHash::signature_of_words`]) or hashes
//! ([`MinHash::signature_of_hashes`]); everything after the words is the same code.
//!
//! **Memory.** `8 * bands + 8` bytes per document with a signature (120 for 14 bands), 16 more while
//! [`MinHashDedup::finish`] sorts one band, then what [`Clusters`](crate::Clusters) states. A
//! signature (8 bytes per permutation) lives only until it is pushed. Making one takes about 64 KiB
//! plus twice the longest shingle, however long the text, beside the simplified copy of the text.
//! Nothing is spilled to disk.
//!
//! **False matches.** A band is kept as its 64-bit xxh3 hash, so two different bands meet with
//! probability 2^-64: among n documents `bands * n^2 / 2^65` false edges are expected, one in 26,000
//! runs of ten million documents.
//!
//! **Giant clusters.** Transitive closure can chain documents that have little in common.
//! [`MinHashDedup::finish_reported`] tells how dense the largest clusters are ([`ClusterShape`]), and
//! [`MinHashDedup::finish_verified`] asks the caller about every link, for instance by the true
//! [`jaccard`] similarity of [`shingle_set`]s.

mod calibration;
mod config;
mod index;
mod lsh;
mod mersenne;
mod permutation;
mod report;
mod shingle;
mod signature;
mod tuning;

pub use calibration::{Calibration, CalibrationBin, CalibrationSample};
pub use config::{HashFamily, MinHashConfig, ShortDocuments};
pub use index::MinHashIndex;
pub use lsh::{Found, MinHashDedup, Verify};
pub use report::{ClusterShape, LshReport};
pub use shingle::{jaccard, shingle_set};
pub use signature::{MinHash, Signature};
pub use tuning::Tuning;
