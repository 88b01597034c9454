//! Sorting with and without spilling, and damage.

#![allow(clippy::disallowed_methods, reason = "tests damage files themselves")]

use super::*;
use crate::DedupError;
use proptest::prelude::*;

fn sorted(mut sorter: Sorter<(u64, u32)>, records: &[(u64, u32)]) -> Vec<(u64, u32)> {
    for &record in records {
        sorter.push(record).unwrap();
    }
    sorter.finish().unwrap().map(Result::unwrap).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn spilling_changes_nothing(
        records in prop::collection::vec((0u64..50, any::<u32>()), 0..9000),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut expected = records.clone();
        expected.sort_unstable();
        prop_assert_eq!(&sorted(Sorter::in_memory(), &records), &expected);
        let small = Sorter::spilling(folder.path(), "x", 1);
        prop_assert_eq!(&sorted(small, &records), &expected);
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn sections_and_ranges_are_read_back(
        (few, many) in (prop::collection::vec(any::<u128>(), 0..5), 0u32..60_000),
        (from, to) in (0u64..60_000, 0u64..60_000),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.run");
        let mut run = RunWriter::create(&path).unwrap();
        run.begin::<u128>().unwrap();
        few.iter().for_each(|record| run.push(record).unwrap());
        run.begin::<u8>().unwrap();
        run.begin::<(u32, u8)>().unwrap();
        (0..many).for_each(|i| run.push(&(i, i as u8)).unwrap());
        run.set_note(b"said".to_vec());
        run.finish().unwrap();
        let run = RunFile::open(&path).unwrap();
        prop_assert_eq!(run.note(), b"said");
        prop_assert_eq!((run.n_sections(), run.n_records(2)), (3, u64::from(many)));
        let read: Vec<u128> = run.section(0).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(read, few);
        prop_assert_eq!(run.section::<u8>(1).unwrap().count(), 0);
        prop_assert!(run.section::<(u32, u8)>(2).unwrap().map(Result::unwrap).eq((0..many).map(|i| (i, i as u8))));
        let (from, to) = (from.min(to), from.max(to));
        match run.range::<(u32, u8)>(2, from..to) {
            Ok(read) => prop_assert!(read.into_iter().eq((from as u32..to as u32).map(|i| (i, i as u8)))),
            Err(_) => prop_assert!(to > u64::from(many)),
        }
        prop_assert!(run.section::<u64>(0).is_err() && run.section::<u64>(9).is_err());
    }
}

#[test]
fn more_runs_than_are_merged_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let n = 1000 * (FAN_IN as u32 + 40);
    let records: Vec<(u64, u32)> =
        (0..n).map(|i| (u64::from(i.wrapping_mul(2_654_435_761)), i)).collect();
    let mut expected = records.clone();
    expected.sort_unstable();
    assert_eq!(sorted(Sorter::spilling(folder.path(), "x", 0), &records), expected);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn every_damage_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.run");
    let mut run = RunWriter::create(&path).unwrap();
    run.begin::<u32>().unwrap();
    (0..20u32).for_each(|i| run.push(&i).unwrap());
    run.finish().unwrap();
    let good = std::fs::read(&path).unwrap();
    let read = || -> crate::Result<Vec<u32>> { RunFile::open(&path)?.section::<u32>(0)?.collect() };
    assert_eq!(read(), Ok((0..20).collect()));
    for at in (0..good.len()).filter(|at| !(12..16).contains(at)) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        assert!(matches!(read(), Err(DedupError::RunCorrupt { .. })), "byte {at}");
        std::fs::write(&path, &good[..at]).unwrap();
        assert!(matches!(read(), Err(DedupError::RunCorrupt { .. })), "cut at {at}");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(read(), Err(DedupError::Store(_))));
}
