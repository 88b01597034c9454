//! Groups of documents that are copies of each other, and which one stays.

use crate::{DedupError, Result};
use serde::{Deserialize, Serialize};

/// The position of a document in input order, counted from 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct DocIndex(pub u32);

impl DocIndex {
    /// The largest number of documents in one collection.
    pub const LIMIT: u32 = u32::MAX;

    /// The position as a number that can index a slice.
    pub fn as_usize(self) -> usize {
        self.0 as usize
    }

    /// The index of the document that follows `n_documents` others.
    ///
    /// # Errors
    /// [`DedupError::TooManyDocuments`] beyond [`DocIndex::LIMIT`].
    pub(crate) fn after(n_documents: usize) -> Result<Self> {
        match u32::try_from(n_documents) {
            Ok(index) if index < Self::LIMIT => Ok(Self(index)),
            _ => Err(DedupError::TooManyDocuments { limit: Self::LIMIT }),
        }
    }
}

/// Which document of a cluster is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// The first in input order.
    #[default]
    First,
    /// The longest; among equally long ones the first in input order.
    Longest,
    /// The one with the latest date, given as its [`Rank`]; among equals the first in input order.
    Newest,
    /// The one with the highest score, given as its [`Rank`]; among equals the first in input order.
    HighestScore,
}

/// What a document counts under [`Keep::Newest`] and [`Keep::HighestScore`]: the larger stays. The default
/// is smaller than any date or score.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rank(pub u64);

impl Rank {
    /// The rank of a date in seconds (or any other unit) since some moment.
    pub fn from_time(time: i64) -> Self {
        Self((time as u64 ^ 1 << 63).max(1))
    }

    /// The rank of a score; not a number counts as no score.
    pub fn from_score(score: f64) -> Self {
        if score.is_nan() {
            return Self::default();
        }
        // The order of floats is that of their bits, with the sign turned around.
        let bits = (score + 0.0).to_bits();
        Self(if bits >> 63 == 1 { !bits } else { bits | 1 << 63 })
    }
}

/// Two or more documents that are copies of each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// The document that stays.
    pub kept: DocIndex,
    /// All documents of the cluster in ascending order, the kept one included.
    pub members: Vec<DocIndex>,
}

/// What deduplication found in one collection.
///
/// Every document is in at most one place: in one [`Cluster`], in one group that an index of earlier
/// data already holds ([`Clusters::in_index`]), or alone. Memory: four bytes per document in a
/// cluster and one bit per document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clusters {
    clusters: Vec<Cluster>,
    in_index: Vec<Vec<DocIndex>>,
    removed: Vec<u64>,
    n_documents: usize,
    n_removed: usize,
}

impl Clusters {
    /// Builds the clusters of a collection of `n_documents` from a partition.
    ///
    /// `kept` chooses from the sorted members of a group. Groups of one are ignored, members may come
    /// in any order; `in_index` lists the groups (of one or more) of which an earlier collection holds
    /// a copy.
    ///
    /// # Panics
    /// If a document is in two groups, is not below `n_documents`, or `kept` answers with a document
    /// that is not a member: then the groups are no partition.
    pub(crate) fn new(
        n_documents: usize,
        groups: Vec<Vec<DocIndex>>,
        in_index: Vec<Vec<DocIndex>>,
        mut kept: impl FnMut(&[DocIndex]) -> DocIndex,
    ) -> Self {
        let mut found =
            Self { n_documents, removed: vec![0; n_documents.div_ceil(64)], ..Self::default() };
        for mut members in groups {
            if members.len() < 2 {
                continue;
            }
            members.sort_unstable();
            let kept = kept(&members);
            assert!(members.binary_search(&kept).is_ok(), "the kept document is a member");
            for &member in members.iter().filter(|&&member| member != kept) {
                found.remove(member);
            }
            found.clusters.push(Cluster { kept, members });
        }
        for mut members in in_index {
            members.sort_unstable();
            for &member in &members {
                found.remove(member);
            }
            if !members.is_empty() {
                found.in_index.push(members);
            }
        }
        found.clusters.sort_unstable_by_key(|cluster| cluster.kept);
        found.in_index.sort_unstable();
        found
    }

    fn remove(&mut self, document: DocIndex) {
        assert!(document.as_usize() < self.n_documents, "the document is in the collection");
        let word = &mut self.removed[document.as_usize() / 64];
        let bit = 1 << (document.0 % 64);
        assert!(*word & bit == 0, "a document is in one group only");
        *word |= bit;
        self.n_removed += 1;
    }

    /// Whether the document stays. False for an index beyond the collection.
    pub fn is_kept(&self, document: DocIndex) -> bool {
        document.as_usize() < self.n_documents
            && self.removed[document.as_usize() / 64] & (1 << (document.0 % 64)) == 0
    }

    /// The clusters, in the order of their kept documents.
    pub fn iter(&self) -> std::slice::Iter<'_, Cluster> {
        self.clusters.iter()
    }

    /// Groups of documents of which an index of earlier data holds a copy; none of them is kept.
    /// Sorted by their first member. Empty unless the run had such an index.
    pub fn in_index(&self) -> impl ExactSizeIterator<Item = &[DocIndex]> {
        self.in_index.iter().map(Vec::as_slice)
    }

    /// Number of clusters of two or more documents, those of [`Clusters::in_index`] not counted.
    pub fn len(&self) -> usize {
        self.clusters.len()
    }

    /// Whether no cluster was found inside the collection.
    pub fn is_empty(&self) -> bool {
        self.clusters.is_empty()
    }

    /// Documents in the collection.
    pub fn n_documents(&self) -> usize {
        self.n_documents
    }

    /// Documents that do not stay.
    pub fn n_removed(&self) -> usize {
        self.n_removed
    }

    /// Documents that stay.
    pub fn n_kept(&self) -> usize {
        self.n_documents - self.n_removed
    }
}

impl<'a> IntoIterator for &'a Clusters {
    type Item = &'a Cluster;
    type IntoIter = std::slice::Iter<'a, Cluster>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The first of the sorted members.
pub(crate) fn first(members: &[DocIndex]) -> DocIndex {
    members[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(indices: &[u32]) -> Vec<DocIndex> {
        indices.iter().copied().map(DocIndex).collect()
    }

    #[test]
    fn members_are_sorted_and_all_but_the_kept_one_are_removed() {
        let groups = vec![documents(&[9, 70, 4]), documents(&[3]), documents(&[2, 1])];
        let clusters = Clusters::new(80, groups, vec![documents(&[6, 5])], |members| {
            *members.iter().max().expect("groups are not empty")
        });
        assert_eq!(clusters.len(), 2);
        assert_eq!(
            clusters.iter().map(|c| (c.kept.0, c.members.clone())).collect::<Vec<_>>(),
            [(2, documents(&[1, 2])), (70, documents(&[4, 9, 70]))]
        );
        assert_eq!(clusters.in_index().collect::<Vec<_>>(), [documents(&[5, 6])]);
        let removed: Vec<u32> = (0..80).filter(|&i| !clusters.is_kept(DocIndex(i))).collect();
        assert_eq!(removed, [1, 4, 5, 6, 9]);
        assert_eq!((clusters.n_removed(), clusters.n_kept()), (5, 75));
        assert!(!clusters.is_kept(DocIndex(80)));
    }

    #[test]
    fn an_empty_collection_has_no_clusters() {
        let clusters = Clusters::new(0, vec![], vec![], first);
        assert!(clusters.is_empty());
        assert_eq!((clusters.n_documents(), clusters.n_removed()), (0, 0));
        assert!(!clusters.is_kept(DocIndex(0)));
    }

    #[test]
    fn ranks_keep_the_order_of_dates_and_scores() {
        let scores = [f64::NEG_INFINITY, -2.5, -0.0, 1e-300, 3.0, f64::INFINITY];
        assert!(scores.map(Rank::from_score).is_sorted_by(|a, b| a < b));
        assert_eq!(Rank::from_score(-0.0), Rank::from_score(0.0));
        assert!(Rank::from_score(f64::NAN) < Rank::from_score(f64::NEG_INFINITY));
        let times = [i64::MIN + 1, -5, 0, 7, i64::MAX].map(Rank::from_time);
        assert!(times.is_sorted_by(|a, b| a < b) && Rank::default() < times[0]);
    }

    #[test]
    fn the_limit_is_a_typed_error() {
        assert_eq!(DocIndex::after(7), Ok(DocIndex(7)));
        let limit = DocIndex::LIMIT;
        assert_eq!(DocIndex::after(limit as usize), Err(DedupError::TooManyDocuments { limit }));
    }
}
