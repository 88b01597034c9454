//! The last stage: clusters one by one, watched by the guard.

use super::GuardAction;
use super::outcome::{Flagged, Outcome, StagedReport};
use super::shape::ClusterLinks;
use super::work::{Bits, Key, ShardInfo, Staged, band_name, n_documents, ranks_name};
use crate::runs::{RunFile, RunWriter, Sorted, Sorter};
use crate::{Keep, Result};
use pretrain_store::Unit;
use std::iter::Peekable;

const CLUSTERS: &str = "clusters";
/// Largest clusters that are described, flagged or not, and flagged ones.
const N_LARGEST: usize = 10;
const N_FLAGGED: usize = 100;

/// Label, reversed rank, document: ascending is cluster by cluster, the one to keep first.
type Member = (u32, u64, u32);
/// Label, band, first document of a group, another of it.
type Link = (u32, u32, u32, u32);

impl<K: Key> Staged<K> {
    /// Connects the links, chooses which documents stay, and gives the result; from disk if all was done
    /// before.
    ///
    /// # Errors
    /// A stage before is not complete; a run is damaged; the disk refuses.
    pub fn finish(&self) -> Result<Outcome> {
        self.label()?;
        let path = self.path("clusters.run");
        let unit = match self.stage.unit(CLUSTERS) {
            Some(unit) => unit,
            None => {
                let unit = self.cluster(&path)?;
                self.stage.commit_unit(unit.clone())?;
                unit
            }
        };
        let report = serde_json::from_value(unit.detail).map_err(|error| {
            let (path, kind) = (self.path(CLUSTERS), "unit record");
            pretrain_store::StoreError::Malformed { path, kind, reason: error.to_string() }
        })?;
        Outcome::open(RunFile::open(&path)?, report)
    }

    fn cluster(&self, path: &std::path::Path) -> Result<Unit> {
        let shards = self.shards("clustering")?;
        let mut found = Found::new(self, &shards)?;
        let n = n_documents(&shards);
        let labels = self.labels()?;
        let mut grouped = Bits::new(n);
        for label in labels.section::<u32>(1)? {
            grouped.set(label?);
        }
        let known = grouped.clone();
        for (document, label) in (0..n).zip(labels.section::<u32>(0)?) {
            let label = label?;
            if label != document {
                grouped.set(label);
            }
        }
        let mut members = self.members(&shards, &labels, &grouped)?.peekable();
        let mut links = self.links(n, &labels)?.peekable();
        while let Some(&Ok((label, _, _))) = members.peek() {
            let cluster = ClusterLinks {
                members: take(&mut members, |m| m.0 == label, |m| m.2)?,
                links: take(&mut links, |l| l.0 == label, |l| (l.1, l.2, l.3))?,
            };
            found.add(cluster, known.get(label))?;
        }
        // Whatever is left is an error.
        members.next().transpose()?;
        links.next().transpose()?;
        found.write(path)
    }

    /// All documents of components of two or more, or that an index holds.
    fn members(
        &self,
        shards: &[ShardInfo],
        labels: &RunFile,
        grouped: &Bits,
    ) -> Result<Sorted<Member>> {
        let mut sorter =
            Sorter::spilling(self.stage.dir(), "sorting-members", self.memory_bytes / 4);
        let mut labels = labels.section::<u32>(0)?;
        for (i, shard) in shards.iter().enumerate() {
            let mut ranks = match self.keep {
                Keep::First => None,
                _ => Some(RunFile::open(&self.path(&ranks_name(i)))?.section::<u64>(0)?),
            };
            for document in shard.first..shard.first + shard.n_documents {
                let rank = ranks.as_mut().and_then(Iterator::next).transpose()?.unwrap_or(0);
                let Some(label) = labels.next().transpose()? else { break };
                if grouped.get(label) {
                    sorter.push((label, !rank, document))?;
                }
            }
        }
        sorter.finish()
    }

    /// All links with the label of their component.
    fn links(&self, n: u32, labels: &RunFile) -> Result<Sorted<Link>> {
        let dir = self.stage.dir();
        let share = self.memory_bytes / 4;
        let mut sorter: Sorter<Link> = Sorter::spilling(dir, "sorting-links", share);
        if self.fits(n) {
            let labels = labels.section::<u32>(0)?.collect::<Result<Vec<u32>>>()?;
            self.for_each_link(|band, (a, b)| sorter.push((labels[a as usize], band, a, b)))?;
        } else {
            let mut by_document = Sorter::spilling(dir, "sorting-by-document", share);
            self.for_each_link(|band, (a, b)| by_document.push((a, band, b)))?;
            let mut labelled = (0..n).zip(labels.section::<u32>(0)?);
            let mut label = None;
            for link in by_document.finish()? {
                let (a, band, b) = link?;
                while label.is_none_or(|(document, _)| document < a) {
                    let Some((document, found)) = labelled.next() else { break };
                    label = Some((document, found?));
                }
                let (_, label) = label.expect("documents have labels");
                sorter.push((label, band, a, b))?;
            }
        }
        sorter.finish()
    }
}

/// The next records for which `same` holds.
fn take<R: crate::runs::Record, T>(
    records: &mut Peekable<Sorted<R>>,
    same: impl Fn(&R) -> bool,
    part: impl Fn(R) -> T,
) -> Result<Vec<T>> {
    let mut taken = Vec::new();
    while let Some(record) = records.next_if(|record| record.as_ref().is_ok_and(&same)) {
        taken.push(part(record?));
    }
    Ok(taken)
}

/// Clusters as they are found.
struct Found<'a, K> {
    staged: &'a Staged<K>,
    report: StagedReport,
    clusters: Sorter<(u32, u32)>,
    in_index: Sorter<(u32, u32)>,
}

impl<'a, K: Key> Found<'a, K> {
    fn new(staged: &'a Staged<K>, shards: &[ShardInfo]) -> Result<Self> {
        let mut report = StagedReport {
            n_documents: u64::from(n_documents(shards)),
            n_signed: shards.iter().map(|shard| shard.n_signed).sum(),
            ..StagedReport::default()
        };
        for band in 0..staged.bands {
            if let Some(unit) = staged.stage.unit(&band_name(band)) {
                let pairs = unit.counts.get("pairs").copied().unwrap_or(0);
                report.n_key_matches = report.n_key_matches.saturating_add(pairs);
                let largest = unit.detail["largest"].as_u64().unwrap_or(0);
                report.largest_group = report.largest_group.max(largest);
            }
        }
        if let Some(unit) = staged.stage.unit("verified") {
            report.n_verified = unit.counts.get("verified").copied().unwrap_or(0);
            report.n_rejected = unit.counts.get("rejected").copied().unwrap_or(0);
        }
        let (dir, share) = (staged.stage.dir(), staged.memory_bytes / 8);
        let clusters = Sorter::spilling(dir, "sorting-clusters", share);
        let in_index = Sorter::spilling(dir, "sorting-in-index", share);
        Ok(Self { staged, report, clusters, in_index })
    }

    fn add(&mut self, cluster: ClusterLinks, known: bool) -> Result<()> {
        let verified = self.staged.config.verify.is_some();
        let guard = self.staged.config.guard;
        let shape = cluster.shape(verified);
        let too_large = shape.size > guard.max_documents as usize;
        let too_sparse = shape.edge_density < guard.min_density;
        let flagged = too_large || too_sparse;
        let removed_before = self.report.n_removed;
        if flagged && guard.action == GuardAction::Split {
            let (stars, in_index) = cluster.stars(verified);
            stars.iter().try_for_each(|star| self.keep_first(star))?;
            self.remove_all(&in_index)?;
        } else if known {
            self.remove_all(&cluster.members)?;
        } else {
            self.keep_first(&cluster.members)?;
        }
        insert(&mut self.report.largest, shape, N_LARGEST, |shape| shape.size);
        if flagged {
            self.report.n_flagged += 1;
            let n_removed = self.report.n_removed - removed_before;
            let flagged = Flagged { shape, too_large, too_sparse, n_removed };
            insert(&mut self.report.flagged, flagged, N_FLAGGED, |flagged| flagged.shape.size);
        }
        Ok(())
    }

    fn keep_first(&mut self, members: &[u32]) -> Result<()> {
        if members.len() < 2 {
            return Ok(());
        }
        self.report.n_clusters += 1;
        self.report.n_removed += members.len() as u64 - 1;
        members.iter().try_for_each(|&member| self.clusters.push((members[0], member)))
    }

    fn remove_all(&mut self, members: &[u32]) -> Result<()> {
        let first = members.iter().copied().min().unwrap_or(0);
        self.report.n_in_index += members.len() as u64;
        self.report.n_removed += members.len() as u64;
        members.iter().try_for_each(|&member| self.in_index.push((first, member)))
    }

    fn write(self, path: &std::path::Path) -> Result<Unit> {
        let mut out = RunWriter::create(path)?;
        for sorter in [self.clusters, self.in_index] {
            out.begin::<(u32, u32)>()?;
            for record in sorter.finish()? {
                out.push(&record?)?;
            }
        }
        let report = self.report;
        tracing::debug!(
            documents = report.n_documents,
            clusters = report.n_clusters,
            removed = report.n_removed,
            flagged = report.n_flagged,
            "clusters found"
        );
        let unit = Unit::new(CLUSTERS).file(out.finish()?);
        Ok(unit.detail(serde_json::to_value(report).expect("a report has string keys only")))
    }
}

/// Keeps the `n` largest, earlier ones first among equals.
fn insert<T>(list: &mut Vec<T>, item: T, n: usize, size: impl Fn(&T) -> usize) {
    let at = list.partition_point(|other| size(other) >= size(&item));
    if at < n {
        list.insert(at, item);
        list.truncate(n);
    }
}
