//! Figures by which to judge clusters: a giant cluster with few edges is a false one.

use crate::DocIndex;
use serde::{Deserialize, Serialize};

/// Clusters whose shape is measured.
const N_LARGEST: usize = 10;
/// Members of a cluster that are compared with each other; 512 are 130,816 pairs.
const MAX_MEASURED: usize = 512;

/// How the clusters of a collection came about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LshReport {
    /// Documents in the collection.
    pub n_documents: usize,
    /// Documents with a signature; the others had too few words and are kept.
    pub n_signed: usize,
    /// Clusters of two or more documents.
    pub n_clusters: usize,
    /// Documents that do not stay, those in the next field included.
    pub n_removed: usize,
    /// Documents removed because an index of earlier data holds a copy.
    pub n_in_index: usize,
    /// Pairs of documents with an equal band, counted once for every band they share.
    pub n_band_matches: u64,
    /// The most documents with one and the same band.
    pub largest_band_group: usize,
    /// Pairs that the caller was asked about.
    pub n_verified: u64,
    /// Pairs that the caller rejected.
    pub n_rejected: u64,
    /// The largest clusters (at most 10, those in the index included), largest first.
    pub largest: Vec<ClusterShape>,
}

/// How tightly one cluster hangs together.
///
/// Copies of one text share a band pair by pair: density near 1. A chain of documents that are each
/// only similar to the next has a density near 0, and is often not a cluster anybody wants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterShape {
    /// The first document of the cluster.
    pub first: DocIndex,
    /// Number of members.
    pub size: usize,
    /// Share of pairs of members that have a band in common (before any verification); 1 for a
    /// single document.
    pub edge_density: f64,
    /// Members among which all pairs were looked at: all up to 512, else 512 at even distances.
    pub n_measured: usize,
}

impl ClusterShape {
    pub(crate) fn first_of(first: DocIndex, size: usize) -> Self {
        Self { first, size, edge_density: 1.0, n_measured: 0 }
    }
}

/// The largest groups of slots.
pub(super) struct Shapes {
    /// Larger groups first, earlier ones first among equals.
    groups: Vec<Vec<u32>>,
}

impl Shapes {
    pub(super) fn new() -> Self {
        Self { groups: Vec::with_capacity(N_LARGEST + 1) }
    }

    /// Groups must be offered in ascending order of their first slot.
    pub(super) fn offer(&mut self, slots: Vec<u32>) {
        let at = self.groups.partition_point(|group| group.len() >= slots.len());
        if at < N_LARGEST {
            self.groups.insert(at, slots);
            self.groups.truncate(N_LARGEST);
        }
    }

    pub(super) fn measure(
        &self,
        shape: impl Fn(&[u32]) -> ClusterShape,
        share_band: impl Fn(u32, u32) -> bool,
    ) -> Vec<ClusterShape> {
        self.groups
            .iter()
            .map(|slots| {
                let n_measured = slots.len().min(MAX_MEASURED);
                let sample: Vec<u32> =
                    (0..n_measured).map(|i| slots[i * slots.len() / n_measured]).collect();
                let pairs = n_measured * (n_measured - 1) / 2;
                let edges: usize = sample
                    .iter()
                    .enumerate()
                    .map(|(i, &a)| sample[..i].iter().filter(|&&b| share_band(a, b)).count())
                    .sum();
                let edge_density = if pairs == 0 { 1.0 } else { edges as f64 / pairs as f64 };
                ClusterShape { edge_density, n_measured, ..shape(slots) }
            })
            .collect()
    }
}
