//! The merge loops against the version that a student would write.

use proptest::prelude::*;

use super::*;

/// Searches the whole list for the lowest rank at every step.
fn merge_naive(bytes: &[u8], table: &MergeTable) -> Vec<u32> {
    let mut ids: Vec<u32> = bytes.iter().map(|&byte| u32::from(byte)).collect();
    loop {
        let merges = ids.windows(2).enumerate().map(|(i, pair)| (table.get(pair[0], pair[1]), i));
        match merges.min() {
            Some((merge, at)) if merge != NO_MERGE => {
                ids.splice(at..at + 2, [product(merge)]);
            }
            _ => return ids,
        }
    }
}

/// A vocabulary of the bytes and of some strings over `a`, `b` and `c`.
fn vocabulary(strings: &[String]) -> Vocabulary {
    let mut tokens: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
    for string in strings {
        if !tokens.iter().any(|token| token == string.as_bytes()) {
            tokens.push(string.clone().into_bytes());
        }
    }
    Vocabulary::new((0..).zip(tokens).collect()).unwrap()
}

/// All pairs whose bytes together are a token, ranked by its id: the rule of rank files, word for word.
fn all_pairs(vocabulary: &Vocabulary) -> Vec<(u64, RankedMerge)> {
    let mut merges = Vec::new();
    for (id, bytes) in vocabulary.iter() {
        for cut in 1..bytes.len() {
            let parts = [&bytes[..cut], &bytes[cut..]].map(|part| vocabulary.id(part));
            if let [Some(left), Some(right)] = parts {
                merges.push((pair(left, right), ranked(id, id)));
            }
        }
    }
    merges
}

fn byte_ids() -> [u32; 256] {
    std::array::from_fn(|byte| byte as u32)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn short_and_long_equal_naive(
        strings in prop::collection::vec("[abc]{2,5}", 1..60),
        text in "[abc]{0,400}",
    ) {
        let vocabulary = vocabulary(&strings);
        let by_bytes = all_pairs(&vocabulary);
        // The same pairs as a list of merges, each with a rank of its own.
        let by_pair: Vec<_> = (0..).zip(&by_bytes).map(|(rank, &(pair, merge))| (pair, ranked(rank, product(merge)))).collect();
        for merges in [by_bytes, by_pair] {
            let table = MergeTable::new(&byte_ids(), &merges);
            for len in [text.len(), text.len().min(LONG), text.len().min(LONG + 1)] {
                let piece = &text.as_bytes()[..len];
                let mut out = Vec::new();
                MergeScratch::default().merge(piece, &table, &mut out);
                prop_assert_eq!(out, merge_naive(piece, &table));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..Default::default() })]

    #[test]
    fn one_pair_per_token_is_enough(
        strings in prop::collection::vec("[ab]{2,6}|[abc]{2,4}", 1..40),
        texts in prop::collection::vec("[ab]{0,40}|[abc]{0,30}", 1..20),
    ) {
        let vocabulary = vocabulary(&strings);
        let all = MergeTable::new(&byte_ids(), &all_pairs(&vocabulary));
        let (few, mut merges) = MergeTable::of_ranks(&vocabulary);
        merges.sort_unstable_by_key(|(_, merge)| *merge);
        // As a list, each with a rank of its own: how a tokenizer.json holds them.
        let renumbered: Vec<_> = (0..).zip(&merges).map(|(rank, &(pair, merge))| (pair, ranked(rank, product(merge)))).collect();
        let list = MergeTable::new(&byte_ids(), &renumbered);
        for text in &texts {
            let expected = merge_naive(text.as_bytes(), &all);
            prop_assert_eq!(&merge_naive(text.as_bytes(), &few), &expected);
            prop_assert_eq!(&merge_naive(text.as_bytes(), &list), &expected);
        }
    }
}

#[test]
fn later_of_equal_pairs_stands_and_missing_is_no_merge() {
    let table =
        MergeTable::new(&byte_ids(), &[(pair(1, 2), ranked(0, 7)), (pair(1, 2), ranked(1, 8))]);
    assert_eq!(product(table.get(1, 2)), 8);
    assert_eq!(table.get(2, 1), NO_MERGE);
    assert_eq!(MergeTable::new(&byte_ids(), &[]).get(0, 0), NO_MERGE);
}

#[test]
fn bytes_without_token_are_left_out() {
    let mut byte_ids = [NO_TOKEN; 256];
    (byte_ids[b'a' as usize], byte_ids[b'b' as usize]) = (0, 1);
    let table = MergeTable::new(&byte_ids, &[(pair(0, 1), ranked(0, 2))]);
    let mut out = Vec::new();
    MergeScratch::default().merge(b"axb", &table, &mut out);
    assert_eq!(out, [2]);
}
