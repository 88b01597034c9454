//! What a staged run found.

use super::work::Bits;
use crate::minhash::ClusterShape;
use crate::runs::{RunFile, RunReader};
use crate::{Cluster, DocIndex, Result};
use serde::{Deserialize, Serialize};

/// Figures of a whole run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StagedReport {
    /// Documents in the collection.
    pub n_documents: u64,
    /// Documents with keys; the others are kept.
    pub n_signed: u64,
    /// Clusters of two or more documents.
    pub n_clusters: u64,
    /// Documents that do not stay, those in the next field included.
    pub n_removed: u64,
    /// Documents removed because an index of earlier data holds a copy.
    pub n_in_index: u64,
    /// Pairs of documents with an equal key, counted once for every key they share.
    pub n_key_matches: u64,
    /// The most documents with one and the same key.
    pub largest_group: u64,
    /// Candidate pairs that verification accepted and rejected; 0 without it.
    pub n_verified: u64,
    /// See [`StagedReport::n_verified`].
    pub n_rejected: u64,
    /// The ten largest connected components, largest first, before any was cut into stars.
    pub largest: Vec<ClusterShape>,
    /// Number of components that the guard flagged.
    pub n_flagged: u64,
    /// The hundred largest of them, largest first.
    pub flagged: Vec<Flagged>,
}

/// A component that the guard flagged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Flagged {
    /// Its size and density.
    pub shape: ClusterShape,
    /// Whether it has too many documents.
    pub too_large: bool,
    /// Whether too few of its pairs are linked.
    pub too_sparse: bool,
    /// Documents removed from it; `size - 1` unless it was cut into stars (or an index held it).
    pub n_removed: u64,
}

/// The result of [`Staged::finish`](super::Staged::finish): one bit per document in memory, clusters on disk.
#[derive(Debug)]
pub struct Outcome {
    pub(super) file: RunFile,
    pub(super) removed: Bits,
    pub(super) report: StagedReport,
}

impl Outcome {
    pub(super) fn open(file: RunFile, report: StagedReport) -> Result<Self> {
        let mut removed = Bits::new(report.n_documents as u32);
        for record in file.section::<(u32, u32)>(0)? {
            let (kept, member) = record?;
            if kept != member {
                removed.set(member);
            }
        }
        for record in file.section::<(u32, u32)>(1)? {
            removed.set(record?.1);
        }
        Ok(Self { file, removed, report })
    }

    /// Whether the document stays. False for an index beyond the collection.
    pub fn is_kept(&self, document: DocIndex) -> bool {
        u64::from(document.0) < self.report.n_documents && !self.removed.get(document.0)
    }

    /// The clusters in the order of their kept documents, read from disk one by one.
    ///
    /// # Errors
    /// The file cannot be read. Each cluster may be an error too: its part of the file is damaged.
    pub fn clusters(&self) -> Result<impl Iterator<Item = Result<Cluster>>> {
        let groups = Groups { records: self.file.section(0)?, next: None };
        Ok(groups.map(|group| {
            let (kept, members) = group?;
            Ok(Cluster { kept: DocIndex(kept), members })
        }))
    }

    /// Groups of connected documents of which an index of earlier data holds a copy.
    ///
    /// # Errors
    /// As [`Outcome::clusters`].
    pub fn in_index(&self) -> Result<impl Iterator<Item = Result<Vec<DocIndex>>>> {
        let groups = Groups { records: self.file.section(1)?, next: None };
        Ok(groups.map(|group| Ok(group?.1)))
    }

    /// The figures.
    pub fn report(&self) -> &StagedReport {
        &self.report
    }
}

/// Records with equal first parts, together.
struct Groups {
    records: RunReader<(u32, u32)>,
    next: Option<(u32, u32)>,
}

impl Iterator for Groups {
    type Item = Result<(u32, Vec<DocIndex>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let (name, first) = match self.next.take() {
            Some(record) => record,
            None => match self.records.next()? {
                Ok(record) => record,
                Err(error) => return Some(Err(error)),
            },
        };
        let mut members = vec![DocIndex(first)];
        for record in self.records.by_ref() {
            match record {
                Ok((other, member)) if other == name => members.push(DocIndex(member)),
                Ok(record) => {
                    self.next = Some(record);
                    break;
                }
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok((name, members)))
    }
}
