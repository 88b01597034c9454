//! Signatures against the formula written out, and properties of the curve.

use super::super::permutation::permute;
use super::*;
use crate::minhash::HashFamily;
use proptest::prelude::*;

/// The definition, without blocks, buffers or lanes.
fn plain(hasher: &MinHash, words: &[&str]) -> Option<Vec<u64>> {
    let MinHashConfig { ngram, hash, bits, short_documents, .. } = hasher.config;
    let mut shingles: Vec<String> = words.windows(ngram).map(|run| run.join(" ")).collect();
    if shingles.is_empty() && !words.is_empty() && short_documents == ShortDocuments::Hash {
        shingles.push(words.join(" "));
    }
    let hashes: Vec<u64> =
        shingles.iter().map(|shingle| hash.hash(shingle.as_bytes(), bits)).collect();
    let constants = hasher.permutations.constants();
    let value = |pair| hashes.iter().map(|&hash| permute(hash, pair, bits)).min();
    constants.into_iter().map(value).collect()
}

proptest! {
    #[test]
    fn equals_the_definition(
        words in prop::collection::vec("[a-d]{1,2}", 0..700),
        ngram in 1usize..7,
        (bands, rows) in (1usize..6, 1usize..6),
        sha1 in any::<bool>(),
        wide in any::<bool>(),
        hash_short in any::<bool>(),
    ) {
        let hasher = MinHashConfig {
            ngram,
            bands,
            rows,
            hash: if sha1 { HashFamily::Sha1 } else { HashFamily::Xxhash },
            bits: if wide { 64 } else { 32 },
            short_documents: if hash_short { ShortDocuments::Hash } else { ShortDocuments::Keep },
            ..MinHashConfig::default()
        }
        .resolve()
        .unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let signature = hasher.signature_of_words(words.iter().copied());
        let found = signature.as_ref().map(|signature| signature.values().to_vec());
        prop_assert_eq!(found, plain(&hasher, &words));

        let mut hashes = hasher.shingle_hashes_of_words(words.iter().copied());
        prop_assert_eq!(hashes.len() as u64, signature.as_ref().map_or(0, Signature::n_shingles));
        hashes.reverse();
        prop_assert_eq!(hasher.signature_of_hashes(hashes), signature);
    }
}

#[test]
fn any_text_has_a_defined_result() {
    let hasher = MinHashConfig::default().resolve().unwrap();
    for text in ["", " \n", "\0\0", "a b c d", "...", "１ ２"] {
        assert_eq!(hasher.signature(text), None, "{text:?}");
        assert!(hasher.shingle_hashes(text).is_empty());
    }
    let line = "one two three four five ".repeat(100_000);
    let signature = hasher.signature(&line).unwrap();
    assert_eq!(signature.n_shingles(), 500_000 - 4);
    let once = hasher.signature("one two three four five one two three four").unwrap();
    assert_eq!(signature.values(), once.values());
}

#[test]
fn the_curve_rises_through_one_half_at_the_threshold() {
    let hasher = MinHashConfig::default().resolve().unwrap();
    assert_eq!((hasher.s_curve(0.0), hasher.s_curve(1.0)), (0.0, 1.0));
    // 1 - (1 - 0.8^8)^14, as in the FineWeb paper's table of the same parameters.
    assert!((hasher.s_curve(0.8) - 0.9236).abs() < 1e-4, "{}", hasher.s_curve(0.8));
    assert!((hasher.s_curve(hasher.threshold()) - 0.5).abs() < 1e-12);
    let curve: Vec<f64> = (0..=100).map(|j| hasher.s_curve(f64::from(j) / 100.0)).collect();
    assert!(curve.is_sorted());
}

#[test]
fn similarity_estimates_jaccard() {
    let hasher = MinHashConfig { bands: 128, ..MinHashConfig::default() }.resolve().unwrap();
    // Two sets of 1000 hashes with 500 in common: 500 / 1500.
    let hashes = |range: std::ops::Range<u64>| range.map(|i| xxh3_64(&i.to_le_bytes()));
    let left = hasher.signature_of_hashes(hashes(0..1000)).unwrap();
    let right = hasher.signature_of_hashes(hashes(500..1500)).unwrap();
    // Standard deviation 0.0147; four of them.
    assert!((left.similarity(&right) - 1.0 / 3.0).abs() < 0.06, "{}", left.similarity(&right));
    assert_eq!(left.similarity(&left), 1.0);
    assert_eq!(left.similarity(&Signature::new(vec![], 0)), 0.0);
}

#[test]
fn signatures_can_be_made_on_many_threads() {
    fn shareable<T: Send + Sync + 'static>() {}
    shareable::<MinHash>();
    shareable::<Signature>();
}
