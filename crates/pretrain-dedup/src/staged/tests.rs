//! The staged run against the collectors in memory, with any budget, shards, threads and interruptions.

use super::*;
use crate::exact::{ExactConfig, ExactDedup};
use crate::minhash::{MinHashConfig, MinHashDedup, MinHashIndex, Signature, jaccard, shingle_set};
use crate::{Cluster, DedupError, DocIndex, Keep, Normalise, Rank, Result};
use proptest::prelude::*;
use std::path::Path;

const SMALL: MinHashConfig = MinHashConfig {
    ngram: 1,
    bands: 4,
    rows: 2,
    hash: crate::minhash::HashFamily::Xxhash,
    bits: 64,
    seed: 1,
    short_documents: crate::minhash::ShortDocuments::Keep,
    keep: Keep::First,
};

/// Signatures of eight small numbers, so that bands are often equal; some documents have none.
fn signatures() -> impl Strategy<Value = Vec<Vec<u64>>> {
    let values = prop_oneof![9 => prop::collection::vec(0u64..4, 8), 1 => Just(Vec::new())];
    prop::collection::vec(values, 0..40)
}

fn signature(values: &[u64]) -> Option<Signature> {
    (!values.is_empty()).then(|| Signature::new(values.to_vec(), values.iter().sum()))
}

fn rank(values: &[u64]) -> Rank {
    Rank(values.first().copied().unwrap_or(0))
}

struct Run<'a> {
    dir: &'a Path,
    minhash: MinHashConfig,
    config: StagedConfig,
    shards: usize,
    memory: u64,
    against: Option<&'a Path>,
}

impl<'a> Run<'a> {
    fn new(dir: &'a Path) -> Self {
        let config = StagedConfig::default();
        Self { dir, minhash: SMALL, config, shards: 3, memory: 1 << 20, against: None }
    }

    fn open(&self) -> Staged<u64> {
        let Self { dir, minhash, config, shards, memory, against } = self;
        Staged::minhash(dir, minhash, config, *shards, &[], *against, *memory).unwrap()
    }

    fn part<'b>(&self, all: &'b [Vec<u64>], i: usize) -> &'b [Vec<u64>] {
        &all[all.len() * i / self.shards..all.len() * (i + 1) / self.shards]
    }

    /// Everything not yet done, the shards in reverse order.
    fn finish(&self, all: &[Vec<u64>]) -> (Staged<u64>, Outcome) {
        let staged = self.open();
        for i in (0..self.shards).rev() {
            let Some(mut shard) = staged.shard(i).unwrap() else { continue };
            for values in self.part(all, i) {
                let hasher = self.minhash.resolve().unwrap();
                shard.push_signature(&hasher, signature(values).as_ref(), rank(values)).unwrap();
            }
            shard.commit().unwrap();
        }
        staged.group().unwrap();
        if let Some(wanted) = staged.pairs().unwrap() {
            for i in 0..self.shards {
                let Some(mut sets) = staged.sets(i).unwrap() else { continue };
                for (document, values) in (0u32..).zip(self.part(all, i)) {
                    if wanted.contains(i, document) {
                        sets.push(document, values.clone()).unwrap();
                    }
                }
                sets.commit().unwrap();
            }
            staged.verify().unwrap();
        }
        let found = staged.finish().unwrap();
        (staged, found)
    }
}

fn clusters(found: &Outcome) -> Vec<Cluster> {
    found.clusters().unwrap().collect::<Result<_>>().unwrap()
}

fn in_memory(minhash: MinHashConfig, all: &[Vec<u64>]) -> MinHashDedup {
    let mut dedup = MinHashDedup::new(minhash).unwrap();
    for values in all {
        dedup.push_ranked(signature(values), rank(values)).unwrap();
    }
    dedup
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn equals_the_collector_in_memory_under_any_budget(
        all in signatures(),
        shards in 1usize..5,
        tiny in any::<bool>(),
        keep in prop::sample::select(vec![Keep::First, Keep::Longest, Keep::Newest, Keep::HighestScore]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let minhash = MinHashConfig { keep, ..SMALL };
        let memory = if tiny { 1 } else { 1 << 24 };
        let run = Run { minhash, shards, memory, ..Run::new(folder.path()) };
        let (_, found) = run.finish(&all);
        let expected = in_memory(minhash, &all).finish_reported().unwrap();
        prop_assert_eq!(clusters(&found), expected.clusters.iter().cloned().collect::<Vec<_>>());
        let report = found.report();
        prop_assert_eq!(report.n_removed, expected.report.n_removed as u64);
        prop_assert_eq!(report.n_key_matches, expected.report.n_band_matches);
        let sizes = |shapes: &[crate::minhash::ClusterShape]| -> Vec<(usize, String)> {
            shapes.iter().map(|s| (s.size, format!("{:.6}", s.edge_density))).collect()
        };
        let (mut a, mut b) = (sizes(&report.largest), sizes(&expected.report.largest));
        a.sort();
        b.sort();
        prop_assert_eq!(a.iter().map(|s| s.0).collect::<Vec<_>>(), b.iter().map(|s| s.0).collect::<Vec<_>>());
        for i in 0..all.len() as u32 {
            prop_assert_eq!(found.is_kept(DocIndex(i)), expected.clusters.is_kept(DocIndex(i)));
        }
    }

    #[test]
    fn verified_pairs_are_all_that_counts(all in signatures(), tiny in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let config = StagedConfig { verify: Some(0.6), ..StagedConfig::default() };
        let memory = if tiny { 1 } else { 1 << 24 };
        let (_, found) = Run { config, memory, ..Run::new(folder.path()) }.finish(&all);
        let sets: Vec<Vec<u64>> = all.iter().map(|values| shingle_set(values.iter().copied())).collect();
        let expected = in_memory(SMALL, &all)
            .finish_verified(&mut |a, b| jaccard(&sets[a.as_usize()], &sets[b.as_usize()]) >= 0.6)
            .unwrap();
        prop_assert_eq!(clusters(&found), expected.clusters.iter().cloned().collect::<Vec<_>>());
    }

    #[test]
    fn an_index_on_disk_equals_the_one_in_memory(earlier in signatures(), later in signatures(), tiny in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let (one, two, both) = (folder.path().join("1"), folder.path().join("2"), folder.path().join("3"));
        let (path, extended) = (folder.path().join("i.run"), folder.path().join("e.run"));
        let memory = if tiny { 1 } else { 1 << 24 };
        let (first, _) = Run { memory, ..Run::new(&one) }.finish(&earlier);
        first.write_index(&path).unwrap();
        let (second, found) = Run { memory, against: Some(&path), ..Run::new(&two) }.finish(&later);
        second.write_index(&extended).unwrap();
        let all: Vec<Vec<u64>> = earlier.iter().chain(&later).cloned().collect();
        let (third, _) = Run::new(&both).finish(&all);
        third.write_index(&path).unwrap();
        prop_assert_eq!(pretrain_store::read(&extended).unwrap(), pretrain_store::read(&path).unwrap());

        let index = MinHashIndex::from_bytes(&in_memory(SMALL, &earlier).to_index().to_bytes()).unwrap();
        let mut dedup = MinHashDedup::new(SMALL).unwrap().against(index).unwrap();
        for values in &later {
            dedup.push(signature(values)).unwrap();
        }
        let expected = dedup.finish().unwrap();
        prop_assert_eq!(clusters(&found), expected.iter().cloned().collect::<Vec<_>>());
        let groups: Vec<Vec<DocIndex>> = found.in_index().unwrap().collect::<Result<_>>().unwrap();
        prop_assert_eq!(groups, expected.in_index().map(<[_]>::to_vec).collect::<Vec<_>>());
    }

    #[test]
    fn split_removes_only_direct_matches_of_what_stays(all in signatures()) {
        let folder = tempfile::tempdir().unwrap();
        let guard = Guard { max_documents: 2, min_density: 1.0, action: GuardAction::Split };
        let config = StagedConfig { guard, ..StagedConfig::default() };
        let (_, found) = Run { config, ..Run::new(folder.path()) }.finish(&all);
        for cluster in clusters(&found) {
            let bands = |d: DocIndex| all[d.as_usize()].chunks(SMALL.rows);
            for member in cluster.members {
                prop_assert!(bands(cluster.kept).zip(bands(member)).any(|(a, b)| a == b));
            }
        }
        let kept: Vec<Vec<u64>> = (0u32..).zip(&all).filter(|(i, _)| found.is_kept(DocIndex(*i))).map(|(_, v)| v.clone()).collect();
        prop_assert_eq!(in_memory(SMALL, &kept).finish().unwrap().n_removed(), 0);
    }

    #[test]
    fn exact_copies_equal_the_collector(texts in prop::collection::vec("[ab]{0,3}", 0..40), shards in 1usize..4) {
        let folder = tempfile::tempdir().unwrap();
        let exact = ExactConfig { normalise: Normalise::Folded };
        let staged = Staged::exact(folder.path(), &exact, Keep::First, shards, &[], None, 1).unwrap();
        let mut expected = ExactDedup::new(exact);
        for i in 0..shards {
            let mut shard = staged.shard(i).unwrap().unwrap();
            for text in &texts[texts.len() * i / shards..texts.len() * (i + 1) / shards] {
                shard.push_key(exact.key(text), Rank::default()).unwrap();
                expected.push(text).unwrap();
            }
            shard.commit().unwrap();
        }
        staged.group().unwrap();
        let found = staged.finish().unwrap();
        prop_assert_eq!(clusters(&found), expected.finish().unwrap().iter().cloned().collect::<Vec<_>>());
    }
}

/// Families of three that share most of their values.
fn many() -> Vec<Vec<u64>> {
    let value =
        |i: u64, v: u64| if (i + v).is_multiple_of(5) { 10_000 + i } else { i / 3 * 10 + v };
    (0..300u64).map(|i| (0..8).map(|v| value(i, v)).collect()).collect()
}

/// Every file of the result, by name.
fn result(dir: &Path) -> Vec<u8> {
    pretrain_store::read(&dir.join("clusters.run")).unwrap()
}

/// The run is dropped after each of its units in turn, as a kill would do, and goes on in a new one.
#[test]
fn interrupted_after_any_unit_it_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let config = StagedConfig { verify: Some(0.45), ..StagedConfig::default() };
    let whole_dir = folder.path().join("whole");
    let whole = Run { config, ..Run::new(&whole_dir) };
    let (_, expected) = whole.finish(&many());
    assert!(expected.report().n_clusters > 3 && expected.report().n_rejected > 0);
    let units: Vec<_> = pretrain_store::list(&whole_dir.join(".units")).unwrap();
    assert_eq!(
        units.len(),
        3 + 4 + 1 + 3 + 1 + 1 + 1,
        "shards, bands, pairs, sets, verified, labels, clusters"
    );
    for unit in &units {
        // Without this unit and those that follow from it, and with half-written files about.
        let dir = folder.path().join("killed");
        let run = Run { config, memory: 1 << 12, ..Run::new(&dir) };
        drop(run.finish(&many()));
        let name = unit.file_name().unwrap();
        let order = ["shard", "band", "pairs", "sets", "verified", "labels", "clusters"];
        let stage = |name: &std::ffi::OsStr| {
            order.iter().position(|stage| name.to_str().unwrap().starts_with(stage)).unwrap()
        };
        for other in pretrain_store::list(&dir.join(".units")).unwrap() {
            let other_name = other.file_name().unwrap();
            if other_name == name || stage(other_name) > stage(name) {
                pretrain_store::remove_file(&other).unwrap();
            }
        }
        pretrain_store::write_atomic(&dir.join("clusters.run.partial"), b"half").unwrap();
        let (_, found) = run.finish(&many());
        assert_eq!(found.report(), expected.report(), "{unit:?}");
        assert_eq!(result(&dir), result(&whole_dir), "{unit:?}");
        pretrain_store::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn threads_change_nothing_and_many_runs_are_merged_first() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<Vec<u64>> =
        (0..600u64).map(|i| (0..8).map(|v| i * 31 % (70 + v)).collect()).collect();
    let mut results = Vec::new();
    for (name, threads, shards) in [("a", 1, 1), ("b", 3, 4), ("c", 2, 300)] {
        let dir = folder.path().join(name);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| drop(Run { shards, ..Run::new(&dir) }.finish(&all)));
        results.push(result(&dir));
    }
    assert!(results.iter().all(|other| *other == results[0]));
}

#[test]
fn a_chain_is_flagged_and_copies_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut all: Vec<Vec<u64>> = Vec::new();
    for i in 0..600u64 {
        let mut values: Vec<u64> = (0..8).map(|v| 1_000_000 + i * 8 + v).collect();
        let [this, other] = [i % 2, (i + 1) % 2].map(|band| band as usize * 2);
        values[this..this + 2].fill(i);
        values[other..other + 2].fill(i.wrapping_sub(1));
        all.push(values);
    }
    all.extend(vec![vec![5_000_000; 8]; 500]);
    let (_, found) = Run::new(folder.path()).finish(&all);
    let report = found.report();
    assert_eq!((report.n_flagged, report.n_removed), (1, 599 + 499));
    let flagged = &report.flagged[0];
    assert_eq!((flagged.shape.size, flagged.too_large, flagged.too_sparse), (600, false, true));
    let dir = folder.path().join("split");
    let guard = Guard { action: GuardAction::Split, ..Guard::default() };
    let config = StagedConfig { guard, ..StagedConfig::default() };
    let (_, found) = Run { config, ..Run::new(&dir) }.finish(&all);
    assert_eq!((found.report().n_removed, found.report().flagged[0].n_removed), (300 + 499, 300));
}

#[test]
fn stages_out_of_order_and_other_settings_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::new(folder.path());
    let staged = run.open();
    assert!(matches!(staged.group(), Err(DedupError::StageOrder { missing: "every shard", .. })));
    assert!(matches!(staged.finish(), Err(DedupError::StageOrder { .. })));
    drop(staged);
    let other = MinHashConfig { bands: 5, ..SMALL };
    let refused = Staged::minhash(folder.path(), &other, &run.config, 3, &[], None, 1);
    assert!(matches!(refused, Err(DedupError::Store(_))), "{refused:?}");
    let guard = Guard { max_documents: 0, min_density: 2.0, ..Guard::default() };
    let faulty = StagedConfig { verify: Some(0.0), guard };
    let Err(DedupError::Config { faults, .. }) = faulty.validate() else { panic!("accepted") };
    assert_eq!(faults.len(), 3);
}
