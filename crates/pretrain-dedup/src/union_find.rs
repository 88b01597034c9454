//! Connected components of 32-bit indices.

/// A forest in which the root of every tree is its smallest member, so the components and their
/// names do not depend on the order of the edges.
pub(crate) struct UnionFind {
    parent: Vec<u32>,
}

impl UnionFind {
    /// `n` separate elements. Four bytes each.
    pub(crate) fn new(n: usize) -> Self {
        Self { parent: (0..n as u32).collect() }
    }

    /// The smallest element connected with `x`.
    pub(crate) fn find(&mut self, mut x: u32) -> u32 {
        while self.parent[x as usize] != x {
            let up = self.parent[self.parent[x as usize] as usize];
            self.parent[x as usize] = up;
            x = up;
        }
        x
    }

    /// Connects `a` and `b`; false if they were connected already.
    pub(crate) fn union(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        let (low, high) = (a.min(b), a.max(b));
        self.parent[high as usize] = low;
        low != high
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Components by repeated relabelling: what a student would write.
    fn plain(n: usize, edges: &[(u32, u32)]) -> Vec<u32> {
        let mut label: Vec<u32> = (0..n as u32).collect();
        for _ in 0..=edges.len() {
            for &(a, b) in edges {
                let low = label[a as usize].min(label[b as usize]);
                label[a as usize] = low;
                label[b as usize] = low;
            }
        }
        label
    }

    proptest! {
        #[test]
        fn equals_relabelling_in_any_edge_order(
            edges in prop::collection::vec((0u32..30, 0u32..30), 0..40),
            turn in 0usize..40,
        ) {
            let expected = plain(30, &edges);
            let mut turned = edges.clone();
            turned.rotate_left(turn % edges.len().max(1));
            for order in [edges, turned] {
                let mut components = UnionFind::new(30);
                for (a, b) in order {
                    components.union(a, b);
                }
                let found: Vec<u32> = (0..30).map(|x| components.find(x)).collect();
                prop_assert_eq!(&found, &expected);
            }
        }
    }
}
