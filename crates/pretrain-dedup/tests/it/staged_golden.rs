//! The staged pipeline on whole shards: datatrove's partition, the guard, verification and recall.

use crate::minhash_golden::{hasher, partition_rows, rows_of};
use crate::reference::{cases, data, golden, json, lines, numbers, string, texts};
use pretrain_dedup::minhash::{HashFamily, MinHash};
use pretrain_dedup::staged::{Guard, GuardAction, Outcome, Staged, StagedConfig};
use pretrain_dedup::{Cluster, DedupError, Rank};
use std::path::Path;

fn run(
    dir: &Path,
    hasher: &MinHash,
    config: StagedConfig,
    texts: &[String],
    n_shards: usize,
    memory: u64,
) -> Outcome {
    let go = || -> Result<Outcome, DedupError> {
        let staged = Staged::minhash(dir, hasher.config(), &config, n_shards, &[], None, memory)?;
        let part = |i: usize| &texts[texts.len() * i / n_shards..texts.len() * (i + 1) / n_shards];
        for i in 0..n_shards {
            let Some(mut shard) = staged.shard(i)? else { continue };
            for text in part(i) {
                shard.push_signature(hasher, hasher.signature(text).as_ref(), Rank::default())?;
            }
            shard.commit()?;
        }
        staged.group()?;
        if let Some(wanted) = staged.pairs()? {
            for i in 0..n_shards {
                let Some(mut sets) = staged.sets(i)? else { continue };
                for (document, text) in
                    (0u32..).zip(part(i)).filter(|(d, _)| wanted.contains(i, *d))
                {
                    sets.push(document, hasher.shingle_hashes(text))?;
                }
                sets.commit()?;
            }
            staged.verify()?;
        }
        staged.finish()
    };
    go().expect("the stages follow each other")
}

#[test]
fn golden_staged_pipeline() {
    let Some(folder) = golden("minhash") else { return };
    for case in cases(&folder, "clusters.jsonl.zst") {
        let summary = json(&case.join("summary.json"));
        let Some(shard) = data(string(&summary["shard"])) else { continue };
        let texts = texts(&shard);
        let hasher = hasher(&folder, HashFamily::Xxhash, 64);
        let tmp = tempfile::tempdir().expect("a folder can be made");

        // A budget of a few hundred documents: everything spills, components are found by sorting.
        let config = StagedConfig::default();
        let found = run(&tmp.path().join("small"), &hasher, config, &texts, 5, 40_000);
        let clusters: Vec<Cluster> =
            found.clusters().expect("they can be read").map(|c| c.expect("sound")).collect();
        assert_eq!(partition_rows(&clusters), rows_of(&case.join("clusters.jsonl.zst")));
        let report = found.report();
        for shape in &report.largest {
            println!(
                "{}: {} documents, density {:.3}",
                case.display(),
                shape.size,
                shape.edge_density
            );
        }
        println!("{} of {} clusters flagged", report.n_flagged, report.n_clusters);

        // What the guard splits off and verification rejects is kept: never more is removed.
        let guard = Guard { action: GuardAction::Split, ..Guard::default() };
        let config = StagedConfig { guard, verify: None };
        let split = run(&tmp.path().join("split"), &hasher, config, &texts, 2, 1 << 30);
        println!("removed {}, split {}", report.n_removed, split.report().n_removed);
        assert!(split.report().n_removed <= report.n_removed);

        let pairs: Vec<Vec<usize>> =
            lines(&case.join("jaccard-pairs.jsonl.zst")).iter().map(numbers).collect();
        for threshold in [0.7, 0.8] {
            let config = StagedConfig { verify: Some(threshold), ..StagedConfig::default() };
            let found =
                run(&tmp.path().join(format!("v{threshold}")), &hasher, config, &texts, 3, 1 << 30);
            let mut cluster_of = vec![usize::MAX; texts.len()];
            for (i, cluster) in found.clusters().expect("they can be read").enumerate() {
                for member in cluster.expect("sound").members {
                    cluster_of[member.as_usize()] = i;
                }
            }
            // Every true pair that shares a band is in one cluster.
            let mut n_true = 0;
            for pair in pairs.iter().filter(|p| p[4] == 1 && p[2] as f64 / p[3] as f64 >= threshold)
            {
                assert_eq!(cluster_of[pair[0]], cluster_of[pair[1]], "{pair:?} at {threshold}");
                n_true += 1;
            }
            println!(
                "at {threshold}: {n_true} true pairs together, {} verified, {} rejected, {} removed, {} flagged",
                found.report().n_verified,
                found.report().n_rejected,
                found.report().n_removed,
                found.report().n_flagged,
            );
            assert!(found.report().n_rejected > 0 || n_true == 0);
        }
    }
}
