//! One cluster with all its links: how tightly it hangs together, and its stars.

use super::work::Bits;
use crate::DocIndex;
use crate::minhash::ClusterShape;

/// Members of a cluster that are compared with each other; 512 are 130,816 pairs.
const MAX_MEASURED: usize = 512;

/// The members and links of one cluster.
#[derive(Debug, Default)]
pub(super) struct ClusterLinks {
    /// In the order of the keep policy: the first is the one to keep.
    pub(super) members: Vec<u32>,
    /// Band, first document of a group, another of it, ascending; with itself if an index holds the group.
    pub(super) links: Vec<(u32, u32, u32)>,
}

impl ClusterLinks {
    /// Documents that have a key in common, group by group; and whether an index has the key.
    /// Where links were verified, each is a group of its own.
    fn groups(&self, verified: bool) -> impl Iterator<Item = (Vec<u32>, bool)> {
        let same =
            move |a: &(u32, u32, u32), b: &(u32, u32, u32)| !verified && (a.0, a.1) == (b.0, b.1);
        self.links.chunk_by(same).map(|links| {
            let first = links[0].1;
            let known = links.iter().any(|link| link.2 == first);
            let others = links.iter().map(|link| link.2).filter(|&other| other != first);
            (std::iter::once(first).chain(others).collect(), known)
        })
    }

    /// The share of pairs of members that are linked, over all members or 512 at even distances.
    pub(super) fn shape(&self, verified: bool) -> ClusterShape {
        let mut members = self.members.clone();
        members.sort_unstable();
        let first = DocIndex(members[0]);
        let size = members.len();
        let n = size.min(MAX_MEASURED);
        if n < 2 {
            return ClusterShape::first_of(first, size);
        }
        let sample: Vec<u32> = (0..n).map(|i| members[i * size / n]).collect();
        let mut linked = Bits::new((n * n) as u32);
        let mut places = Vec::new();
        for (group, _) in self.groups(verified) {
            places.clear();
            places.extend(group.iter().filter_map(|document| sample.binary_search(document).ok()));
            for (i, &a) in places.iter().enumerate() {
                for &b in &places[..i] {
                    linked.set((a.max(b) * n + a.min(b)) as u32);
                }
            }
        }
        let edges = (0..(n * n) as u32).filter(|&pair| linked.get(pair)).count();
        let edge_density = edges as f64 / (n * (n - 1) / 2) as f64;
        ClusterShape { edge_density, n_measured: n, ..ClusterShape::first_of(first, size) }
    }

    /// Cuts the cluster into stars: each document that stays with those removed for it, in the order of
    /// the keep policy, and the documents that an index holds a direct match of.
    pub(super) fn stars(&self, verified: bool) -> (Vec<Vec<u32>>, Vec<u32>) {
        const NOBODY: usize = usize::MAX;
        let mut of_document: Vec<(u32, u32)> = Vec::new();
        // Whose star a group belongs to.
        let mut owners: Vec<usize> = Vec::new();
        let mut known_groups = Vec::new();
        for (i, (group, known)) in self.groups(verified).enumerate() {
            of_document.extend(group.iter().map(|&document| (document, i as u32)));
            owners.push(NOBODY);
            known_groups.push(known);
        }
        of_document.sort_unstable();
        let mut stars: Vec<Vec<u32>> = Vec::new();
        let mut in_index = Vec::new();
        for &document in &self.members {
            let from = of_document.partition_point(|&(other, _)| other < document);
            let to = of_document.partition_point(|&(other, _)| other <= document);
            let groups = of_document[from..to].iter().map(|&(_, group)| group as usize);
            if groups.clone().any(|group| known_groups[group]) {
                in_index.push(document);
                continue;
            }
            let owner = groups.clone().map(|group| owners[group]).min().unwrap_or(NOBODY);
            if owner != NOBODY {
                stars[owner].push(document);
                continue;
            }
            groups.for_each(|group| owners[group] = stars.len());
            stars.push(vec![document]);
        }
        (stars, in_index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Documents 0 to n - 1, each linked with the next.
    fn chain(n: u32) -> ClusterLinks {
        ClusterLinks {
            members: (0..n).collect(),
            links: (1..n).map(|i| (i % 2, i - 1, i)).collect(),
        }
    }

    #[test]
    fn a_chain_is_thin_and_falls_into_stars() {
        let mut links = chain(6);
        links.links.sort_unstable();
        let shape = links.shape(false);
        assert_eq!((shape.size, shape.n_measured, shape.edge_density), (6, 6, 5.0 / 15.0));
        assert_eq!(links.stars(false).0, [vec![0, 1], vec![2, 3], vec![4, 5]]);
        links.members.reverse();
        assert_eq!(links.stars(false).0, [vec![5, 4], vec![3, 2], vec![1, 0]]);
    }

    #[test]
    fn copies_are_one_star_and_groups_are_cliques_unless_verified() {
        let members = vec![2, 0, 1];
        let links = ClusterLinks { members, links: vec![(0, 0, 1), (0, 0, 2)] };
        assert_eq!(links.shape(false).edge_density, 1.0);
        assert_eq!(links.stars(false).0, [vec![2, 0, 1]]);
        assert!((links.shape(true).edge_density - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(links.stars(true).0, [vec![2, 0], vec![1]]);
    }

    #[test]
    fn what_an_index_holds_goes_and_takes_only_its_group_along() {
        let links = vec![(0, 0, 0), (0, 0, 1), (1, 1, 2)];
        let links = ClusterLinks { members: vec![0, 1, 2], links };
        assert_eq!(links.stars(false), (vec![vec![2]], vec![0, 1]));
    }
}
