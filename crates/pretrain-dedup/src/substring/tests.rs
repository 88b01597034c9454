//! Repeated ranges against a table of all windows.

#![expect(clippy::single_range_in_vec_init, reason = "a document often has one repeated range")]

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

fn config(min_bytes: usize, copies: Copies) -> SubstringConfig {
    SubstringConfig { min_bytes, copies, cut: Cut::Bytes, memory_budget: u64::MAX }
}

/// The definition: every window in a table, then the union of those that count.
fn plain(documents: &[&[u8]], min_bytes: usize, copies: Copies) -> Vec<Vec<Range<usize>>> {
    let mut table: HashMap<&[u8], Vec<(usize, usize)>> = HashMap::new();
    for (i, document) in documents.iter().enumerate() {
        for (at, window) in document.windows(min_bytes).enumerate() {
            table.entry(window).or_default().push((i, at));
        }
    }
    let mut bytes: Vec<Vec<bool>> =
        documents.iter().map(|document| vec![false; document.len()]).collect();
    for places in table.into_values().filter(|places| places.len() > 1) {
        let skip = usize::from(copies == Copies::AllButFirst);
        for &(i, at) in &places[skip..] {
            bytes[i][at..at + min_bytes].fill(true);
        }
    }
    let ranges = |marks: &Vec<bool>| {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for at in (0..marks.len()).filter(|&at| marks[at]) {
            match ranges.last_mut() {
                Some(range) if range.end == at => range.end += 1,
                _ => ranges.push(at..at + 1),
            }
        }
        ranges
    };
    bytes.iter().map(ranges).collect()
}

proptest! {
    #[test]
    fn equals_a_table_of_all_windows(
        documents in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(prop::sample::select(vec![0u8, 97, 255]), 0..40),
                prop::collection::vec(any::<u8>(), 0..10),
            ],
            0..8,
        ),
        min_bytes in 1usize..9,
        all in any::<bool>(),
    ) {
        let documents: Vec<&[u8]> = documents.iter().map(Vec::as_slice).collect();
        let copies = if all { Copies::All } else { Copies::AllButFirst };
        let found = find(&documents, &config(min_bytes, copies)).unwrap();
        prop_assert_eq!(found, plain(&documents, min_bytes, copies));
    }

    /// With and without sifting, and both ways to compare neighbours, on the same documents.
    #[test]
    fn long_windows_equal_the_table_too(
        parts in prop::collection::vec(0usize..3, 0..12),
        borders in prop::collection::vec(0usize..12, 0..4),
        all in any::<bool>(),
    ) {
        let blocks: Vec<Vec<u8>> =
            (1..4u8).map(|seed| (0..300u32).map(|i| ((i * i) >> 3) as u8 / seed).collect()).collect();
        let mut documents: Vec<Vec<u8>> = vec![Vec::new()];
        for (i, &part) in parts.iter().enumerate() {
            if borders.contains(&i) {
                documents.push(Vec::new());
            }
            let last = documents.len() - 1;
            documents[last].extend_from_slice(&blocks[part]);
        }
        let documents: Vec<&[u8]> = documents.iter().map(Vec::as_slice).collect();
        let copies = if all { Copies::All } else { Copies::AllButFirst };
        for min_bytes in [50, 64, 99, DIRECT_BYTES, DIRECT_BYTES + 1, 700] {
            let found = find(&documents, &config(min_bytes, copies)).unwrap();
            prop_assert_eq!(found, plain(&documents, min_bytes, copies));
        }
    }

    #[test]
    fn a_text_cut_at_characters_is_a_text(
        documents in prop::collection::vec("[aéß字🦀]{0,20}", 0..5),
        min_bytes in 1usize..8,
    ) {
        let bytes: Vec<&[u8]> = documents.iter().map(String::as_bytes).collect();
        let at_bytes = config(min_bytes, Copies::All);
        let wide = find(&bytes, &at_bytes).unwrap();
        let narrow = find(&bytes, &SubstringConfig { cut: Cut::Chars, ..at_bytes }).unwrap();
        for ((document, wide), narrow) in documents.iter().zip(&wide).zip(&narrow) {
            prop_assert!(std::str::from_utf8(&without(document.as_bytes(), narrow)).is_ok());
            for range in narrow {
                prop_assert!(!range.is_empty());
                prop_assert!(wide.iter().any(|w| w.start <= range.start && range.end <= w.end));
            }
        }
    }
}

#[test]
fn overlapping_occurrences_count_and_borders_hold() {
    let find = |documents: &[&[u8]], copies| find(documents, &config(3, copies)).unwrap();
    assert_eq!(find(&[b"aaaa"], Copies::All), [vec![0..4]]);
    assert_eq!(find(&[b"aaaa"], Copies::AllButFirst), [vec![1..4]]);
    assert_eq!(
        find(&[b"abc", b"xabcx", b"ab", b"c"], Copies::All),
        [vec![0..3], vec![1..4], vec![], vec![]]
    );
    assert_eq!(find(&[], Copies::All), [] as [Vec<Range<usize>>; 0]);
    assert_eq!(find(&[b"", b"ab"], Copies::All), [vec![], vec![]]);
    let endless = config(usize::MAX, Copies::All);
    assert_eq!(super::find(&[b"abab"], &endless), Ok(vec![vec![]]));
}

#[test]
fn cutting_ignores_ranges_that_are_none() {
    assert_eq!(without(b"abcdef", &[1..2, 4..5]), b"acdf");
    assert_eq!(without(b"abc", &[2..9, 0..1, 7..8]), b"ab");
    assert_eq!(without(b"", &[]), b"");
}

#[test]
fn limits_are_typed_errors() {
    let documents: [&[u8]; 1] = [b"some text"];
    let poor = SubstringConfig { memory_budget: 1000, ..config(4, Copies::All) };
    let needed = memory_bound(9, 4);
    assert_eq!(find(&documents, &poor), Err(DedupError::OverBudget { needed, budget: 1000 }));
    let zero = find(&documents, &config(0, Copies::All));
    assert!(matches!(zero, Err(DedupError::Config { what: "substring", .. })));
    let megabyte = vec![0u8; 1 << 20];
    let huge = vec![megabyte.as_slice(); 1 << 12];
    assert_eq!(
        find(&huge, &config(4, Copies::All)),
        Err(DedupError::TooManyBytes { bytes: 1 << 32, limit: (1 << 32) - 2 })
    );
    let sifting = SubstringConfig { memory_budget: 1 << 32, ..config(100, Copies::All) };
    let (needed, budget) = ((1 << 32) + (1 << 10), 1 << 32);
    assert_eq!(find(&huge, &sifting), Err(DedupError::OverBudget { needed, budget }));
}

fn on_disk(documents: &[&[u8]], config: &SubstringConfig) -> Vec<Vec<Range<usize>>> {
    let folder = tempfile::tempdir().unwrap();
    let bytes = documents.iter().map(|document| document.len() as u64).sum();
    let mut first = FirstPass::new(config, bytes).unwrap();
    documents.iter().for_each(|document| first.push(document));
    let mut second = first.next(folder.path());
    for document in documents {
        second.push(document).unwrap();
    }
    let mut ranges = vec![Vec::new(); documents.len()];
    for found in second.finish().unwrap() {
        let (document, range) = found.unwrap();
        ranges[document.as_usize()].push(range);
    }
    ranges
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn on_disk_equals_a_table_of_all_windows(
        documents in prop::collection::vec(prop::collection::vec(prop::sample::select(vec![0u8, 97, 255]), 0..60), 0..8),
        min_bytes in 1usize..9,
        all in any::<bool>(),
    ) {
        let documents: Vec<&[u8]> = documents.iter().map(Vec::as_slice).collect();
        let copies = if all { Copies::All } else { Copies::AllButFirst };
        let config = SubstringConfig { memory_budget: 1, ..config(min_bytes, copies) };
        prop_assert_eq!(on_disk(&documents, &config), plain(&documents, min_bytes, copies));
    }

    #[test]
    fn on_disk_equals_memory_through_the_sieve(
        pieces in prop::collection::vec((0u64..6, 20usize..400), 1..30),
        min_bytes in 64usize..130,
        budget in prop::sample::select(vec![1u64, 4_000, 1 << 30]),
    ) {
        // Pieces of six pseudo-random texts, put together.
        let byte = |seed: u64, at: u64| (xxhash_rust::xxh3::xxh3_64(&(seed, at).0.wrapping_add(at * 977).to_le_bytes()) >> 7) as u8;
        let text: Vec<Vec<u8>> = pieces.iter().map(|&(seed, n)| (0..n as u64).map(|at| byte(seed << 32, at)).collect()).collect();
        let documents: Vec<Vec<u8>> = text.chunks(3).map(<[Vec<u8>]>::concat).collect();
        let documents: Vec<&[u8]> = documents.iter().map(Vec::as_slice).collect();
        for copies in [Copies::All, Copies::AllButFirst] {
            let config = SubstringConfig { memory_budget: budget, ..config(min_bytes, copies) };
            prop_assert_eq!(on_disk(&documents, &config), plain(&documents, min_bytes, copies));
        }
    }
}

#[test]
fn lines_are_cut_whole() {
    let document = b"one\ntwo\nthree\nfour";
    let cut = |range: Range<usize>| {
        let mut ranges = vec![range];
        Cut::Lines.apply(document, &mut ranges);
        ranges.first().map(|range| String::from_utf8(document[range.clone()].to_vec()).unwrap())
    };
    assert_eq!(cut(0..18).as_deref(), Some("one\ntwo\nthree\nfour"));
    assert_eq!(cut(1..16).as_deref(), Some("two\nthree\n"));
    assert_eq!(cut(4..8).as_deref(), Some("two\n"));
    assert_eq!(cut(9..18).as_deref(), Some("four"));
    assert_eq!(cut(5..7), None);
    assert_eq!(cut(4..7), None);
}
