//! Whole runs on texts made here: order of work, order of input, and repetition.

use pretrain_dedup::exact::{ExactConfig, ExactDedup};
use pretrain_dedup::minhash::{MinHashConfig, MinHashDedup, Signature};
use pretrain_dedup::{Clusters, DocIndex, Normalise};
use proptest::prelude::*;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Texts of a few dozen words, many of them small edits of others.
fn collection() -> impl Strategy<Value = Vec<String>> {
    let edit = (0usize..6, 0usize..60, "[a-z]{1,8}");
    prop::collection::vec(edit, 0..25).prop_map(|edits| {
        edits
            .into_iter()
            .map(|(base, at, word)| {
                let mut words: Vec<String> =
                    (0..60).map(|i| format!("w{}", (i * (base + 3) + base) % 97)).collect();
                words[at] = word;
                words.join(" ")
            })
            .collect()
    })
}

fn clusters(texts: &[String], threads: usize) -> Clusters {
    let mut dedup = MinHashDedup::new(MinHashConfig::default()).expect("the default is valid");
    let hasher = dedup.hasher().clone();
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be made");
    pool.install(|| {
        let signatures: Vec<Option<Signature>> =
            texts.par_iter().map(|text| hasher.signature(text)).collect();
        for signature in signatures {
            dedup.push(signature).expect("there is room");
        }
        dedup.finish().expect("clusters are found")
    })
}

fn partition(clusters: &Clusters, name: impl Fn(usize) -> usize) -> BTreeSet<BTreeSet<usize>> {
    let members = |members: &[DocIndex]| members.iter().map(|m| name(m.as_usize())).collect();
    clusters.iter().map(|cluster| members(&cluster.members)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn threads_and_input_order_do_not_change_the_partition(texts in collection()) {
        let one = clusters(&texts, 1);
        prop_assert_eq!(&clusters(&texts, 4), &one);
        let reversed: Vec<String> = texts.iter().rev().cloned().collect();
        let last = texts.len().wrapping_sub(1);
        prop_assert_eq!(
            partition(&clusters(&reversed, 2), |i| last - i),
            partition(&one, |i| i)
        );
    }

    #[test]
    fn a_second_pass_over_what_was_kept_removes_nothing(texts in collection()) {
        let found = clusters(&texts, 2);
        let kept: Vec<String> = (0u32..)
            .zip(&texts)
            .filter(|(i, _)| found.is_kept(DocIndex(*i)))
            .map(|(_, text)| text.clone())
            .collect();
        prop_assert_eq!(clusters(&kept, 2).n_removed(), 0);
        for cluster in &found {
            prop_assert!(found.is_kept(cluster.kept));
        }
    }

    #[test]
    fn equal_texts_are_near_duplicates(texts in collection()) {
        let near = clusters(&texts, 1);
        let mut exact = ExactDedup::new(ExactConfig { normalise: Normalise::Simplified });
        for text in &texts {
            exact.push(text).expect("there is room");
        }
        for group in &exact.finish().expect("groups are found") {
            let holds = near.iter().any(|c| group.members.iter().all(|m| c.members.contains(m)));
            prop_assert!(holds, "{:?}", group.members);
        }
    }
}
