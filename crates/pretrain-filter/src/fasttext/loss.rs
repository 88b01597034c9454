//! From the hidden vector to labels, for each kind of output layer.

use super::matrix::Matrix;

/// `log(x + 1e-5)`, which every score goes through.
fn log(x: f32) -> f32 {
    (f64::from(x) + 1e-5).ln() as f32
}

#[derive(Clone, Debug)]
pub(super) enum Loss {
    /// A Huffman tree over the labels; `nodes[i]` are the children of the inner node `n_labels + i`.
    Hierarchical {
        nodes: Vec<(usize, usize)>,
    },
    Softmax,
    /// A sigmoid per label, from a table.
    OneVersusAll {
        sigmoid: Vec<f32>,
    },
}

const SIGMOID_STEPS: usize = 512;
const SIGMOID_MAX: f32 = 8.0;

impl Loss {
    pub(super) fn one_versus_all() -> Self {
        let entry = |i| {
            let x = (i as f32 * 2.0 * SIGMOID_MAX) / SIGMOID_STEPS as f32 - SIGMOID_MAX;
            (1.0 / (1.0 + f64::from(-x).exp())) as f32
        };
        Loss::OneVersusAll { sigmoid: (0..=SIGMOID_STEPS).map(entry).collect() }
    }

    /// The tree by the reference's construction from label counts, which fixes every tie.
    pub(super) fn hierarchical(counts: &[i64]) -> Self {
        const UNMADE: i64 = 1_000_000_000_000_000;
        let n = counts.len();
        let mut all = counts.to_vec();
        all.resize(2 * n.max(1) - 1, UNMADE);
        let mut nodes = Vec::new();
        // The next leaf from the end (labels are sorted by falling count) and the next inner node.
        let (mut leaf, mut node) = (n, n);
        for i in n..all.len() {
            let mut next = || {
                if leaf > 0 && (node >= i || all[leaf - 1] < all[node]) {
                    leaf -= 1;
                    leaf
                } else {
                    node += 1;
                    node - 1
                }
            };
            let (left, right) = (next(), next());
            all[i] = all[left].saturating_add(all[right]);
            nodes.push((left, right));
        }
        Loss::Hierarchical { nodes }
    }

    /// `(log(p + 1e-5), label)`, best first, at most `k`.
    pub(super) fn predict(
        &self,
        output: &Matrix,
        hidden: &[f32],
        outputs: &mut Vec<f32>,
        k: usize,
        threshold: f32,
        n_labels: usize,
    ) -> Vec<(f32, usize)> {
        let mut best = Best { k, found: Vec::new() };
        outputs.clear();
        match self {
            Loss::Hierarchical { nodes } => {
                descend(nodes, output, hidden, n_labels, log(threshold), &mut best);
                return best.found;
            }
            Loss::Softmax => {
                outputs.extend((0..n_labels).map(|i| output.dot_row(i, hidden)));
                let max = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                outputs.iter_mut().for_each(|x| *x = (*x - max).exp());
                let sum: f32 = outputs.iter().sum();
                outputs.iter_mut().for_each(|x| *x /= sum);
            }
            Loss::OneVersusAll { sigmoid } => outputs.extend((0..n_labels).map(|i| {
                let x = output.dot_row(i, hidden);
                if x < -SIGMOID_MAX {
                    0.0
                } else if x > SIGMOID_MAX {
                    1.0
                } else {
                    // Not a number becomes 0, within the table.
                    let at = (x + SIGMOID_MAX) * SIGMOID_STEPS as f32 / SIGMOID_MAX / 2.0;
                    sigmoid[at as usize]
                }
            })),
        }
        for (i, &p) in outputs.iter().enumerate() {
            if p >= threshold {
                best.offer(log(p), i);
            }
        }
        best.found
    }
}

/// The k best, in falling order; of equal ones the earlier offered stays first.
struct Best {
    k: usize,
    found: Vec<(f32, usize)>,
}

impl Best {
    fn full_above(&self, score: f32) -> bool {
        self.found.len() == self.k && self.found.last().is_some_and(|worst| score <= worst.0)
    }

    fn offer(&mut self, score: f32, label: usize) {
        if self.full_above(score) {
            return;
        }
        let at = self.found.partition_point(|better| better.0 >= score);
        self.found.insert(at, (score, label));
        self.found.truncate(self.k);
    }
}

/// Depth first from the root, leaving out what cannot be among the best.
fn descend(
    nodes: &[(usize, usize)],
    output: &Matrix,
    hidden: &[f32],
    n_labels: usize,
    threshold: f32,
    best: &mut Best,
) {
    let root = n_labels + nodes.len() - usize::from(!nodes.is_empty());
    // A single label has no inner node: its leaf is the root.
    let root = if nodes.is_empty() { 0 } else { root };
    let mut stack = vec![(root, 0.0f32)];
    while let Some((node, score)) = stack.pop() {
        if score < threshold || best.full_above(score) {
            continue;
        }
        if node < n_labels {
            best.offer(score, node);
            continue;
        }
        let inner = node - n_labels;
        let f = output.dot_row(inner, hidden);
        let f = (1.0 / (1.0 + (-f64::from(f)).exp())) as f32;
        let (left, right) = nodes[inner];
        stack.push((right, score + log(f)));
        stack.push((left, score + log(1.0 - f)));
    }
}
