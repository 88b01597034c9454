//! The label of every document: the smallest document it is connected with.

use super::contraction::Contraction;
use super::work::{Bits, Key, Staged, n_documents};
use crate::Result;
use crate::runs::{RunFile, RunWriter};
use crate::union_find::UnionFind;
use pretrain_store::Unit;

const LABELS: &str = "labels";

impl<K: Key> Staged<K> {
    /// Writes the labels unless they are there: section 0 has one per document, section 1 the labels
    /// of components of which an index of earlier data holds a member.
    pub(super) fn label(&self) -> Result<()> {
        if self.stage.unit(LABELS).is_some() {
            return Ok(());
        }
        let n = n_documents(&self.shards("clustering")?);
        let mut known = Bits::new(n);
        let mut out = RunWriter::create(&self.path("labels.run"))?;
        out.begin::<u32>()?;
        if self.fits(n) {
            let mut forest = UnionFind::new(n as usize);
            self.for_each_link(|_, (a, b)| {
                if a == b {
                    known.set(a);
                } else {
                    forest.union(a, b);
                }
                Ok(())
            })?;
            write_labels(n, &mut known, &mut out, |document| Ok(forest.find(document)))?;
        } else {
            let mut contraction = Contraction::new(self.stage.dir(), self.memory_bytes);
            self.for_each_link(|_, (a, b)| {
                if a == b {
                    known.set(a);
                    return Ok(());
                }
                contraction.push(a, b)
            })?;
            let mut edges = contraction.finish()?;
            let mut next = edges.next().transpose()?;
            write_labels(n, &mut known, &mut out, |document| match next {
                Some((of, root)) if of == document => {
                    next = edges.next().transpose()?;
                    Ok(root)
                }
                _ => Ok(document),
            })?;
        }
        Ok(self.stage.commit_unit(Unit::new(LABELS).file(out.finish()?))?)
    }

    /// Whether one number per document may be held.
    pub(super) fn fits(&self, n_documents: u32) -> bool {
        u64::from(n_documents) * 4 <= self.memory_bytes / 2
    }

    pub(super) fn labels(&self) -> Result<RunFile> {
        RunFile::open(&self.path("labels.run"))
    }
}

/// `known` has the documents that an index holds; their labels are added to it.
fn write_labels(
    n: u32,
    known: &mut Bits,
    out: &mut RunWriter,
    mut label: impl FnMut(u32) -> Result<u32>,
) -> Result<()> {
    let mut known_labels = Bits::new(n);
    for document in 0..n {
        let label = label(document)?;
        out.push(&label)?;
        if known.get(document) {
            known_labels.set(label);
        }
    }
    out.begin::<u32>()?;
    (0..n).filter(|&label| known_labels.get(label)).try_for_each(|label| out.push(&label))
}
