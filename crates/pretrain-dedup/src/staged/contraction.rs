//! Connected components by sorting edges, for more documents than fit into memory.

use crate::Result;
use crate::runs::{Sorted, Sorter};
use std::path::Path;

/// An edge from a larger document to a smaller one.
type Edge = (u32, u32);

/// Alternates the large-star and small-star operations of Kiveris, Lattanzi, Mirrokni, Rastogi and
/// Vassilvitskii, *Connected Components in MapReduce and Beyond* (2014), until every document points to
/// the smallest of its component. About log^2 of the number of documents in rounds at worst, few in
/// practice; each sorts the edges twice.
pub(super) struct Contraction<'a> {
    folder: &'a Path,
    memory_bytes: u64,
    edges: Sorter<Edge>,
}

impl<'a> Contraction<'a> {
    pub(super) fn new(folder: &'a Path, memory_bytes: u64) -> Self {
        let edges = Sorter::spilling(folder, "sorting-edges-0", memory_bytes / 2);
        Self { folder, memory_bytes, edges }
    }

    /// Adds an edge between two different documents.
    pub(super) fn push(&mut self, a: u32, b: u32) -> Result<()> {
        // Both directions: a large star looks at all neighbours.
        self.edges.push((a, b))?;
        self.edges.push((b, a))
    }

    fn sorter(&self, name: &str, round: u32) -> Sorter<Edge> {
        // Two sorters are alive at a time.
        Sorter::spilling(self.folder, &format!("sorting-{name}-{round}"), self.memory_bytes / 2)
    }

    /// Every document that is not the smallest of its component, ascending, with that smallest one.
    pub(super) fn finish(mut self) -> Result<Sorted<Edge>> {
        let empty = Sorter::in_memory();
        let mut edges = std::mem::replace(&mut self.edges, empty);
        for round in 1.. {
            let mut large = self.sorter("large", round);
            let mut changed = large_star(edges.finish()?, &mut large)?;
            let mut small = self.sorter("small", round);
            changed |= small_star(large.finish()?, &mut small)?;
            if !changed {
                return small.finish();
            }
            edges = self.sorter("edges", round);
            for edge in small.finish()? {
                let (a, b) = edge?;
                edges.push((a, b))?;
                edges.push((b, a))?;
            }
        }
        unreachable!("every round with a change brings documents closer to the smallest one")
    }
}

/// Connects the larger neighbours of every document with its smallest neighbour (or itself). The edges
/// come in both directions; the new ones go from the larger to the smaller. Whether any differs.
fn large_star(edges: Sorted<Edge>, out: &mut Sorter<Edge>) -> Result<bool> {
    let (mut centre, mut last, mut changed) = (None, None, false);
    for edge in edges {
        let (document, neighbour) = edge?;
        if last.replace((document, neighbour)) == Some((document, neighbour)) {
            continue;
        }
        let smallest = match centre {
            Some((of, smallest)) if of == document => smallest,
            _ => neighbour.min(document),
        };
        centre = Some((document, smallest));
        if neighbour > document {
            changed |= smallest != document;
            out.push((neighbour, smallest))?;
        }
    }
    Ok(changed)
}

/// Connects every document and its smaller neighbours with the smallest of these. The edges go from the
/// larger to the smaller, in and out.
fn small_star(edges: Sorted<Edge>, out: &mut Sorter<Edge>) -> Result<bool> {
    let (mut centre, mut last, mut changed) = (None, None, false);
    for edge in edges {
        let (document, neighbour) = edge?;
        if last.replace((document, neighbour)) == Some((document, neighbour)) {
            continue;
        }
        match centre {
            Some((of, smallest)) if of == document => {
                changed = true;
                out.push((neighbour, smallest))?;
            }
            _ => {
                centre = Some((document, neighbour));
                out.push((document, neighbour))?;
            }
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::union_find::UnionFind;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_union_find(edges in prop::collection::vec((0u32..60, 0u32..60), 0..80)) {
            let folder = tempfile::tempdir().unwrap();
            let mut contraction = Contraction::new(folder.path(), 1 << 16);
            let mut forest = UnionFind::new(60);
            for &(a, b) in edges.iter().filter(|(a, b)| a != b) {
                contraction.push(a, b).unwrap();
                forest.union(a, b);
            }
            let found: Vec<Edge> = contraction.finish().unwrap().map(Result::unwrap).collect();
            let roots = (0..60).map(|x| (x, forest.find(x)));
            let expected: Vec<Edge> = roots.filter(|(x, root)| x != root).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_long_path_is_one_component() {
        let folder = tempfile::tempdir().unwrap();
        let mut contraction = Contraction::new(folder.path(), 0);
        let n = 3000;
        for i in 0..n {
            contraction.push(i * 7 % n, (i + 1) * 7 % n).unwrap();
        }
        let found: Vec<Edge> = contraction.finish().unwrap().map(Result::unwrap).collect();
        assert_eq!(found, (1..n).map(|i| (i, 0)).collect::<Vec<_>>());
    }
}
