//! Packing conserves tokens: each is in one place, or counted as dropped.

use crate::numbered;
use pretrain_pack::{IGNORE_LABEL, PackConfig, PackError, PackedDataset, Packing, Tail};
use proptest::prelude::*;

/// Every law of a packed dataset of `numbered` documents.
fn check(packed: &PackedDataset, lengths: &[u64]) -> Result<(), TestCaseError> {
    let report = packed.report();
    let seq_len = packed.seq_len();
    let total: u64 = lengths.iter().sum();
    prop_assert_eq!(report.tokens, total);
    prop_assert_eq!(report.documents, lengths.len() as u64);
    prop_assert_eq!(report.empty_documents, lengths.iter().filter(|&&n| n == 0).count() as u64);
    prop_assert_eq!(report.kept_tokens + report.dropped_tokens, total);
    prop_assert_eq!(report.samples * seq_len as u64, report.kept_tokens + report.padding);
    prop_assert!(packed.sample(report.samples).is_err());

    // Last token (id) of each document.
    let mut last = vec![false; total as usize + 1];
    let mut end = 0;
    for &n in lengths.iter().filter(|&&n| n > 0) {
        end += n;
        last[end as usize] = true;
    }
    let mut seen = vec![false; total as usize + 1];
    let (mut targets, mut padding) = (0, 0);
    for i in 0..packed.n_samples() {
        let sample = packed.sample(i).unwrap();
        prop_assert_eq!(sample.len(), seq_len);
        prop_assert_eq!(sample.labels.len(), seq_len);
        let mut expected_segment = 0;
        for t in 0..seq_len {
            let (id, label) = (sample.input_ids[t], sample.labels[t]);
            let (segment, position) = (sample.segment_ids[t], sample.position_ids[t]);
            let starts = t == 0 || segment != sample.segment_ids[t - 1];
            prop_assert_eq!(position == 0, starts);
            if segment == 0 {
                prop_assert_eq!((id, label), (0, IGNORE_LABEL));
                padding += 1;
                continue;
            }
            expected_segment += u32::from(starts);
            prop_assert_eq!(segment, expected_segment, "segments count from 1 without a gap");
            prop_assert!(!std::mem::replace(&mut seen[id as usize], true), "token {} twice", id);
            // Ids are consecutive in the dataset, so the next token of the document is id + 1.
            let next = if last[id as usize] { IGNORE_LABEL } else { id as i32 + 1 };
            prop_assert_eq!(label, next);
            if !starts {
                prop_assert_eq!(id, sample.input_ids[t - 1] + 1);
                prop_assert_eq!(position, sample.position_ids[t - 1] + 1);
            }
        }
        targets += sample.n_targets() as u64;
    }
    prop_assert_eq!(seen.iter().filter(|&&s| s).count() as u64, report.kept_tokens);
    prop_assert_eq!((targets, padding), (report.targets, report.padding));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn tokens_are_conserved(
        lengths in prop::collection::vec(prop_oneof![Just(0_u64), 1_u64..12, 1_u64..90], 1..40),
        seq_len in 1_usize..40,
        shards in 1_usize..4,
        kind in 0..3,
    ) {
        let tmp = tempfile::tempdir().unwrap();
        let tokens = numbered(tmp.path(), &lengths, shards);
        let total = tokens.n_tokens();
        let config = match kind {
            0 => PackConfig::new(seq_len, Packing::Concat),
            1 => PackConfig::new(seq_len, Packing::Concat).tail(Tail::Pad),
            _ => PackConfig::new(seq_len, Packing::BestFit),
        };
        let needed = if kind == 0 { seq_len as u64 } else { 1 };
        match PackedDataset::new(tokens, config) {
            Ok(packed) => {
                prop_assert!(total >= needed);
                check(&packed, &lengths)?;
                let cut = packed.report().cut_documents;
                if kind == 2 {
                    let long = lengths.iter().filter(|&&n| n > seq_len as u64).count() as u64;
                    prop_assert_eq!(cut, long, "only long documents are cut");
                } else {
                    prop_assert!(packed.report().padding < seq_len as u64);
                }
                if kind > 0 {
                    prop_assert_eq!(packed.report().dropped_tokens, 0);
                }
            }
            Err(PackError::TooFewTokens { available, needed: n }) => {
                prop_assert_eq!((available, n), (total, needed));
                prop_assert!(total < needed);
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}

#[test]
fn a_document_that_goes_on_in_the_next_sequence_loses_no_target() {
    let tmp = tempfile::tempdir().unwrap();
    let packed = PackedDataset::new(
        numbered(tmp.path(), &[3, 6, 2], 2),
        PackConfig::new(5, Packing::Concat),
    )
    .unwrap();
    let first = packed.sample(0).unwrap();
    assert_eq!(first.input_ids, [1, 2, 3, 4, 5]);
    assert_eq!(first.labels, [2, 3, -100, 5, 6]);
    assert_eq!(first.segment_ids, [1, 1, 1, 2, 2]);
    assert_eq!(first.position_ids, [0, 1, 2, 0, 1]);
    let second = packed.sample(1).unwrap();
    assert_eq!(second.input_ids, [6, 7, 8, 9, 10]);
    assert_eq!(second.labels, [7, 8, 9, -100, 11]);
    assert_eq!(second.segment_ids, [1, 1, 1, 1, 2]);
    let report = packed.report();
    assert_eq!((report.samples, report.dropped_tokens, report.targets), (2, 1, 8));
    assert_eq!((report.cut_documents, report.fill()), (2, 1.0));
    let pieces: Vec<_> = packed.fragments(1).unwrap().into_iter().map(|f| f.document).collect();
    assert_eq!(pieces, [1, 2]);
}

#[test]
fn too_small_a_corpus_says_what_is_there_and_what_is_needed() {
    let tmp = tempfile::tempdir().unwrap();
    let config = PackConfig::new(8, Packing::Concat);
    let error = PackedDataset::new(numbered(tmp.path(), &[4, 3], 1), config).unwrap_err();
    assert_eq!(error.to_string(), "the dataset has 7 tokens, one sequence needs 8");
    for seq_len in [0, 1 << 31] {
        let config = PackConfig::new(seq_len, Packing::BestFit);
        assert!(PackedDataset::new(numbered(tmp.path(), &[4], 1), config).is_err());
    }
}

#[test]
fn content_depends_on_data_and_settings() {
    let tmp = tempfile::tempdir().unwrap();
    let content = |lengths: &[u64], config| {
        PackedDataset::new(numbered(tmp.path(), lengths, 1), config).unwrap().content()
    };
    let config = PackConfig::new(4, Packing::Concat);
    let base = content(&[5, 5], config.clone());
    assert_eq!(content(&[5, 5], config.clone()), base);
    let others = [
        content(&[6, 4], config.clone()),
        content(&[5, 5], PackConfig::new(5, Packing::Concat)),
        content(&[5, 5], PackConfig::new(4, Packing::BestFit)),
        content(&[5, 5], config.tail(Tail::Pad)),
    ];
    assert!(others.iter().all(|&other| other != base));
}

#[test]
fn settings_are_strict() {
    let parse = serde_json::from_str::<PackConfig>;
    let config = parse(r#"{"seq_len": 8, "packing": "best-fit"}"#).unwrap();
    assert_eq!(config, PackConfig::new(8, Packing::BestFit));
    for bad in [
        r#"{"seq_len": 8, "packing": "concat", "tial": "pad"}"#,
        r#"{"seq_len": 8}"#,
        r#"{"seq_len": 8, "packing": "best"}"#,
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}
