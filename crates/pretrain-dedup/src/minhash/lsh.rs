//! From signatures to clusters.

use super::report::{ClusterShape, LshReport, Shapes};
use super::{MinHash, MinHashConfig, MinHashIndex, Signature};
use crate::cluster::first;
use crate::union_find::UnionFind;
use crate::{Clusters, DedupError, DocIndex, Keep, Rank, Result};
use rayon::prelude::*;

/// Decides whether two documents that share a band are copies of each other, for instance by the true
/// [`jaccard`](super::jaccard) similarity of their shingle sets. The first document comes earlier.
pub type Verify<'a> = dyn FnMut(DocIndex, DocIndex) -> bool + 'a;

/// Collects signatures in document order and finds the clusters.
///
/// The result depends on the signatures and their order alone. With [`Keep::Longest`] the longest
/// document is the one with most shingles.
#[derive(Debug)]
pub struct MinHashDedup {
    hasher: MinHash,
    /// Per band, the key of every document with a signature.
    keys: Vec<Vec<u64>>,
    /// The documents with a signature, ascending: a *slot* is a position here.
    signed: Vec<u32>,
    /// What each slot counts; empty if the first is kept.
    ranks: Vec<Rank>,
    n_documents: usize,
    index: Option<MinHashIndex>,
}

/// Clusters and the figures by which to judge them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The clusters.
    pub clusters: Clusters,
    /// How the clusters came about and how tightly the largest of them hang together.
    pub report: LshReport,
}

impl MinHashDedup {
    /// An empty collection.
    ///
    /// # Errors
    /// As [`MinHashConfig::resolve`].
    pub fn new(config: MinHashConfig) -> Result<Self> {
        Ok(Self {
            hasher: config.resolve()?,
            keys: vec![Vec::new(); config.bands],
            signed: Vec::new(),
            ranks: Vec::new(),
            n_documents: 0,
            index: None,
        })
    }

    /// Also removes every document in a cluster of which one member shares a band with `index`.
    ///
    /// # Errors
    /// [`DedupError::IndexParameters`] if the index was made under other parameters.
    pub fn against(mut self, index: MinHashIndex) -> Result<Self> {
        index.check(self.hasher.config())?;
        self.index = Some(index);
        Ok(self)
    }

    /// What makes signatures for this collection; clone it to send it to other threads.
    pub fn hasher(&self) -> &MinHash {
        &self.hasher
    }

    /// Adds the next document by its signature; `None` (too few words) is always kept.
    ///
    /// # Errors
    /// [`DedupError::TooManyDocuments`]; [`DedupError::SignatureLength`] for a signature of another
    /// configuration. The collection is then as before.
    pub fn push(&mut self, signature: Option<Signature>) -> Result<DocIndex> {
        self.push_ranked(signature, Rank::default())
    }

    /// As [`MinHashDedup::push`], with what the document counts under [`Keep::Newest`] and
    /// [`Keep::HighestScore`].
    ///
    /// # Errors
    /// As [`MinHashDedup::push`].
    pub fn push_ranked(&mut self, signature: Option<Signature>, rank: Rank) -> Result<DocIndex> {
        let document = DocIndex::after(self.n_documents)?;
        if let Some(signature) = signature {
            let expected = self.hasher.config().n_permutations();
            let found = signature.values().len();
            if found != expected {
                return Err(DedupError::SignatureLength { expected, found });
            }
            for (band, key) in self.keys.iter_mut().zip(self.hasher.band_keys(&signature)) {
                band.push(key);
            }
            self.signed.push(document.0);
            match self.hasher.config().keep {
                Keep::First => {}
                Keep::Longest => self.ranks.push(Rank(signature.n_shingles())),
                Keep::Newest | Keep::HighestScore => self.ranks.push(rank),
            }
        }
        self.n_documents += 1;
        Ok(document)
    }

    /// The index of all documents seen, kept or not, for later collections: what the index given to
    /// [`MinHashDedup::against`] holds and what was pushed. Copies the keys.
    pub fn to_index(&self) -> MinHashIndex {
        let bands = self.keys.iter().enumerate().map(|(band, keys)| {
            let earlier = self.index.as_ref().map_or(&[][..], |index| index.band(band));
            earlier.iter().chain(keys).copied().collect()
        });
        MinHashIndex::new(*self.hasher.config(), bands.collect())
    }

    /// The connected components of all pairs that share a band.
    ///
    /// # Errors
    /// None in this version; the type leaves room for a store on disk.
    pub fn finish(self) -> Result<Clusters> {
        self.finish_reported().map(|found| found.clusters)
    }

    /// As [`MinHashDedup::finish`], with the figures.
    ///
    /// # Errors
    /// As [`MinHashDedup::finish`].
    pub fn finish_reported(self) -> Result<Found> {
        let mut components = Components::new(self.signed.len());
        for band in 0..self.keys.len() {
            let order = self.order(band);
            for run in runs(&order) {
                components.count(run);
                let (_, head) = run[0];
                for &(_, slot) in &run[1..] {
                    components.forest.union(head, slot);
                }
            }
            self.mark_known(band, &order, &mut components);
        }
        Ok(self.collect(components))
    }

    /// The connected components of those pairs that share a band and that `verify` accepts.
    ///
    /// The result does not depend on the order in which pairs are asked about. A pair is asked about at
    /// most once, and not at all once both documents are connected through others; at worst every
    /// pair in a group of equal bands is asked about. Matches with an index of earlier data cannot be
    /// verified and count as they are.
    ///
    /// # Errors
    /// As [`MinHashDedup::finish`].
    pub fn finish_verified(self, verify: &mut Verify<'_>) -> Result<Found> {
        let mut components = Components::new(self.signed.len());
        for band in 0..self.keys.len() {
            let order = self.order(band);
            for run in runs(&order) {
                components.count(run);
                for (i, &(_, later)) in run.iter().enumerate() {
                    for &(_, earlier) in &run[..i] {
                        let forest = &mut components.forest;
                        if forest.find(earlier) == forest.find(later)
                            || self.share_band(0..band, earlier, later)
                        {
                            continue;
                        }
                        components.n_verified += 1;
                        if verify(self.document(earlier), self.document(later)) {
                            components.forest.union(earlier, later);
                        } else {
                            components.n_rejected += 1;
                        }
                    }
                }
            }
            self.mark_known(band, &order, &mut components);
        }
        Ok(self.collect(components))
    }

    fn document(&self, slot: u32) -> DocIndex {
        DocIndex(self.signed[slot as usize])
    }

    /// Slots by their key in a band, and then by position.
    fn order(&self, band: usize) -> Vec<(u64, u32)> {
        let mut order: Vec<(u64, u32)> = self.keys[band].iter().copied().zip(0u32..).collect();
        order.par_sort_unstable();
        order
    }

    fn share_band(&self, bands: std::ops::Range<usize>, a: u32, b: u32) -> bool {
        self.keys[bands].iter().any(|keys| keys[a as usize] == keys[b as usize])
    }

    /// Notes which slots have a key that the index of earlier data has in this band.
    fn mark_known(&self, band: usize, order: &[(u64, u32)], components: &mut Components) {
        let Some(index) = &self.index else { return };
        let mut earlier = index.band(band);
        for &(key, slot) in order {
            earlier = &earlier[earlier.partition_point(|&other| other < key)..];
            if earlier.first() == Some(&key) {
                components.known[slot as usize] = true;
            }
        }
    }

    fn collect(self, mut components: Components) -> Found {
        let n_slots = self.signed.len() as u32;
        for slot in 0..n_slots {
            if components.known[slot as usize] {
                let root = components.forest.find(slot);
                components.known[root as usize] = true;
            }
        }
        // Slots grouped by root; roots are smallest members, so groups come out in order.
        let mut members: Vec<(u32, u32)> =
            (0..n_slots).map(|slot| (components.forest.find(slot), slot)).collect();
        members.par_sort_unstable();
        let mut shapes = Shapes::new();
        let (mut groups, mut in_index) = (Vec::new(), Vec::new());
        for group in members.chunk_by(|a, b| a.0 == b.0) {
            let known = components.known[group[0].0 as usize];
            if group.len() < 2 && !known {
                continue;
            }
            let slots: Vec<u32> = group.iter().map(|&(_, slot)| slot).collect();
            let documents = slots.iter().map(|&slot| self.document(slot)).collect();
            shapes.offer(slots);
            if known { in_index.push(documents) } else { groups.push(documents) }
        }
        let clusters =
            Clusters::new(self.n_documents, groups, in_index, |members| self.keep(members));
        let report = LshReport {
            n_documents: self.n_documents,
            n_signed: self.signed.len(),
            n_clusters: clusters.len(),
            n_removed: clusters.n_removed(),
            n_in_index: clusters.in_index().map(<[DocIndex]>::len).sum(),
            n_band_matches: components.n_band_matches,
            largest_band_group: components.largest_band_group,
            n_verified: components.n_verified,
            n_rejected: components.n_rejected,
            largest: shapes.measure(
                |slots| ClusterShape::first_of(self.document(slots[0]), slots.len()),
                |a, b| self.share_band(0..self.keys.len(), a, b),
            ),
        };
        tracing::debug!(
            documents = report.n_documents,
            clusters = report.n_clusters,
            removed = report.n_removed,
            largest = report.largest.first().map_or(0, |shape| shape.size),
            "near-duplicates found"
        );
        Found { clusters, report }
    }

    fn keep(&self, members: &[DocIndex]) -> DocIndex {
        if self.ranks.is_empty() {
            return first(members);
        }
        let rank = |document: &DocIndex| {
            let slot = self.signed.binary_search(&document.0).expect("members have signatures");
            self.ranks[slot]
        };
        *members
            .iter()
            .min_by_key(|document| (std::cmp::Reverse(rank(document)), **document))
            .expect("clusters are not empty")
    }
}

/// Groups of two or more equal keys.
fn runs(order: &[(u64, u32)]) -> impl Iterator<Item = &[(u64, u32)]> {
    order.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1)
}

/// What is known about the slots so far.
struct Components {
    forest: UnionFind,
    known: Vec<bool>,
    n_band_matches: u64,
    largest_band_group: usize,
    n_verified: u64,
    n_rejected: u64,
}

impl Components {
    fn new(n_slots: usize) -> Self {
        Self {
            forest: UnionFind::new(n_slots),
            known: vec![false; n_slots],
            n_band_matches: 0,
            largest_band_group: 0,
            n_verified: 0,
            n_rejected: 0,
        }
    }

    fn count(&mut self, run: &[(u64, u32)]) {
        let n = run.len() as u64;
        self.n_band_matches = self.n_band_matches.saturating_add(n * (n - 1) / 2);
        self.largest_band_group = self.largest_band_group.max(run.len());
    }
}

#[cfg(test)]
mod tests;
