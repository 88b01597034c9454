//! Clusters against all pairs compared, index, keep policies and the report.

use super::super::{jaccard, shingle_set};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const SMALL: MinHashConfig = MinHashConfig {
    ngram: 1,
    bands: 4,
    rows: 2,
    hash: super::super::HashFamily::Xxhash,
    bits: 64,
    seed: 1,
    short_documents: super::super::ShortDocuments::Keep,
    keep: Keep::First,
};

fn signature(values: &[u64]) -> Option<Signature> {
    (!values.is_empty()).then(|| Signature::new(values.to_vec(), values.iter().sum()))
}

fn dedup(config: MinHashConfig, signatures: &[Vec<u64>]) -> MinHashDedup {
    let mut dedup = MinHashDedup::new(config).unwrap();
    for (i, values) in signatures.iter().enumerate() {
        assert_eq!(dedup.push(signature(values)), Ok(DocIndex(i as u32)));
    }
    dedup
}

/// The partition as sorted member lists.
fn partition(clusters: &Clusters) -> Vec<Vec<u32>> {
    clusters.iter().map(|c| c.members.iter().map(|m| m.0).collect()).collect()
}

/// All pairs compared band by band, connected by relabelling.
fn plain(signatures: &[Vec<u64>], accept: impl Fn(usize, usize) -> bool) -> Vec<Vec<u32>> {
    let n = signatures.len();
    let share = |a: usize, b: usize| {
        let bands = |i: usize| signatures[i].chunks(SMALL.rows);
        bands(a).zip(bands(b)).any(|(x, y)| x == y)
    };
    let mut label: Vec<usize> = (0..n).collect();
    for _ in 0..n {
        for a in 0..n {
            for b in 0..a {
                if share(b, a) && accept(b, a) {
                    let low = label[a].min(label[b]);
                    (label[a], label[b]) = (low, low);
                }
            }
        }
    }
    let group = |root| (0..n).filter(|&i| label[i] == root).map(|i| i as u32).collect();
    (0..n).map(group).filter(|group: &Vec<u32>| group.len() > 1).collect()
}

/// Signatures of eight small numbers, so that bands are often equal; some documents have none.
fn signatures() -> impl Strategy<Value = Vec<Vec<u64>>> {
    let values = prop_oneof![
        9 => prop::collection::vec(0u64..4, 8),
        1 => Just(Vec::new()),
    ];
    prop::collection::vec(values, 0..24)
}

proptest! {
    #[test]
    fn equals_all_pairs(signatures in signatures()) {
        let found = dedup(SMALL, &signatures).finish().unwrap();
        prop_assert_eq!(partition(&found), plain(&signatures, |_, _| true));
        for cluster in &found {
            prop_assert_eq!(cluster.kept, cluster.members[0]);
        }
    }

    #[test]
    fn verified_equals_all_pairs_that_pass(signatures in signatures(), salt in 0usize..5) {
        let accept = |a: usize, b: usize| !(a * 7 + b + salt).is_multiple_of(3);
        let mut asked = BTreeSet::new();
        let found = dedup(SMALL, &signatures)
            .finish_verified(&mut |a, b| {
                assert!(a < b && asked.insert((a, b)), "once, in order: {a:?} {b:?}");
                accept(a.as_usize(), b.as_usize())
            })
            .unwrap();
        prop_assert_eq!(partition(&found.clusters), plain(&signatures, accept));
        prop_assert_eq!(found.report.n_verified, asked.len() as u64);
    }

    #[test]
    fn the_number_of_threads_changes_nothing(signatures in signatures()) {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| dedup(SMALL, &signatures).finish_reported().unwrap())
        };
        prop_assert_eq!(run(1), run(3));
    }

    #[test]
    fn what_is_kept_is_kept_again(signatures in signatures(), longest in any::<bool>()) {
        // One document of each component stays, so no two of them share a band.
        let keep = if longest { Keep::Longest } else { Keep::First };
        let found = dedup(MinHashConfig { keep, ..SMALL }, &signatures).finish().unwrap();
        let left: Vec<Vec<u64>> = (0u32..)
            .zip(&signatures)
            .filter(|(i, _)| found.is_kept(DocIndex(*i)))
            .map(|(_, values)| values.clone())
            .collect();
        let again = dedup(MinHashConfig { keep, ..SMALL }, &left).finish().unwrap();
        prop_assert_eq!(again.n_removed(), 0);
    }

    #[test]
    fn against_an_index_equals_one_run_over_both(
        earlier in signatures(),
        later in signatures(),
    ) {
        let first = dedup(SMALL, &earlier);
        let index = MinHashIndex::from_bytes(&first.to_index().to_bytes()).unwrap();
        prop_assert_eq!(&index, &first.to_index());
        let mut second = MinHashDedup::new(SMALL).unwrap().against(index).unwrap();
        for values in &later {
            second.push(signature(values)).unwrap();
        }
        let both: Vec<Vec<u64>> = earlier.iter().chain(&later).cloned().collect();
        let (n, all) = (earlier.len() as u32, plain(&both, |_, _| true));
        prop_assert_eq!(&second.to_index(), &dedup(SMALL, &both).to_index());
        let found = second.finish().unwrap();
        for i in 0..later.len() as u32 {
            let cluster = all.iter().find(|members| members.contains(&(n + i)));
            let stays = match cluster {
                None => true,
                Some(members) => members[0] == n + i,
            };
            // A later document may be connected with the earlier ones through several of them that the
            // index cannot name; it is removed all the same.
            prop_assert_eq!(found.is_kept(DocIndex(i)), stays, "document {}", i);
        }
    }
}

#[test]
fn the_longest_is_the_one_with_most_shingles_and_the_first_of_those() {
    let config = MinHashConfig { keep: Keep::Longest, ..SMALL };
    let mut dedup = MinHashDedup::new(config).unwrap();
    for n_shingles in [3, 9, 9, 1] {
        dedup.push(Some(Signature::new(vec![7; 8], n_shingles))).unwrap();
        dedup.push(None).unwrap();
    }
    let clusters = dedup.finish().unwrap();
    assert_eq!(clusters.iter().map(|c| c.kept).collect::<Vec<_>>(), [DocIndex(2)]);
    assert_eq!(clusters.n_removed(), 3);
}

#[test]
fn a_chain_has_a_low_density_and_copies_have_the_highest() {
    // Link i is an equal band of the documents i and i + 1; bands 0 and 1 take turns.
    let mut signatures: Vec<Vec<u64>> = Vec::new();
    for i in 0..600u64 {
        let mut values: Vec<u64> = (0..8).map(|v| 1_000_000 + i * 8 + v).collect();
        let [this, other] = [i % 2, (i + 1) % 2].map(|band| band as usize * 2);
        values[this..this + 2].fill(i);
        values[other..other + 2].fill(i.wrapping_sub(1));
        signatures.push(values);
    }
    signatures.extend(vec![vec![5_000_000; 8]; 5]);
    let found = dedup(SMALL, &signatures).finish_reported().unwrap();
    let [chain, copies] = found.report.largest[..] else { panic!("{:?}", found.report) };
    assert_eq!((chain.first, chain.size, chain.n_measured), (DocIndex(0), 600, 512));
    assert!(chain.edge_density < 0.01, "{chain:?}");
    assert_eq!((copies.first, copies.size, copies.n_measured), (DocIndex(600), 5, 5));
    assert_eq!(copies.edge_density, 1.0);
    assert_eq!(found.report.n_band_matches, 599 + 4 * 10);
    assert_eq!((found.report.n_clusters, found.report.n_removed), (2, 603));
}

#[test]
fn verification_by_true_jaccard_splits_a_false_cluster() {
    let hasher = SMALL.resolve().unwrap();
    let texts = ["a b c d e f g h", "a b c d e f g i", "a b c d x y z w"];
    let sets: Vec<Vec<u64>> =
        texts.iter().map(|text| shingle_set(hasher.shingle_hashes(text))).collect();
    let mut dedup = MinHashDedup::new(SMALL).unwrap();
    for text in texts {
        let mut values = hasher.signature(text).unwrap().values().to_vec();
        values[..2].fill(0);
        dedup.push(Some(Signature::new(values, 8))).unwrap();
    }
    let found = dedup
        .finish_verified(&mut |a, b| jaccard(&sets[a.as_usize()], &sets[b.as_usize()]) > 0.5)
        .unwrap();
    assert_eq!(partition(&found.clusters), [[0, 1]]);
    assert_eq!((found.report.n_verified, found.report.n_rejected), (3, 2));
}

#[test]
fn foreign_signatures_and_indexes_are_refused() {
    let mut dedup = MinHashDedup::new(SMALL).unwrap();
    assert_eq!(
        dedup.push(Some(Signature::new(vec![1, 2], 1))),
        Err(DedupError::SignatureLength { expected: 8, found: 2 })
    );
    assert_eq!(dedup.push(None), Ok(DocIndex(0)));
    let index = dedup.to_index();
    let other = MinHashConfig { seed: 2, ..SMALL };
    assert!(matches!(
        MinHashDedup::new(other).unwrap().against(index.clone()),
        Err(DedupError::IndexParameters { field: "seed", expected, found })
            if expected == "2" && found == "1"
    ));
    let longest = MinHashConfig { keep: Keep::Longest, ..SMALL };
    assert!(MinHashDedup::new(longest).unwrap().against(index).is_ok());
}

#[test]
fn nothing_in_gives_nothing_out() {
    let found = dedup(SMALL, &[]).finish_reported().unwrap();
    assert_eq!(found.clusters, Clusters::default());
    assert!(found.report.largest.is_empty());
    let none = dedup(SMALL, &[vec![], vec![]]).finish().unwrap();
    assert_eq!((none.n_documents(), none.n_removed()), (2, 0));
}

#[test]
fn damaged_index_bytes_are_errors() {
    let bytes = dedup(SMALL, &[vec![1; 8], vec![2; 8]]).to_index().to_bytes();
    for cut in 0..bytes.len() {
        assert!(MinHashIndex::from_bytes(&bytes[..cut]).is_err());
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(MinHashIndex::from_bytes(&damaged).is_err());
    }
}
