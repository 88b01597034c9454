//! Small corpora, and each part against its slow twin.

use proptest::prelude::*;

use super::expectation::digamma;
use super::lattice::{Pieces, Sums};
use super::*;
use crate::{PieceKind, SentencePiece};

fn train(words: &[(&str, u64)], config: &UnigramTrainerConfig) -> UnigramVocabulary {
    UnigramTrainer::new(config.clone()).unwrap().train(words.iter().copied(), &mut |_| {}).unwrap()
}

const WORDS: [(&str, u64); 8] = [
    ("▁low", 50),
    ("▁lower", 20),
    ("▁lowest", 10),
    ("▁new", 30),
    ("▁newer", 40),
    ("▁newest", 20),
    ("▁wide", 5),
    ("▁widest", 5),
];

#[test]
fn frequent_words_become_pieces() {
    let mut config = UnigramTrainerConfig::new(20);
    config.control_pieces = vec!["<s>".into()];
    let vocabulary = train(&WORDS, &config);
    let pieces: Vec<_> = vocabulary.pieces().collect();
    assert_eq!(pieces.len(), 20);
    assert_eq!(pieces[0], ("<unk>", 0.0, PieceKind::Unknown));
    assert_eq!(pieces[1], ("<s>", 0.0, PieceKind::Control));
    let learned: Vec<&str> = pieces[2..].iter().map(|(piece, ..)| *piece).collect();
    for expected in ["▁low", "▁new", "▁newer"] {
        assert!(learned.contains(&expected), "{expected}: {learned:?}");
    }
    for c in "▁lowernstid".chars() {
        assert!(learned.contains(&c.to_string().as_str()), "{c}: {learned:?}");
    }
    assert!(pieces[2..].is_sorted_by(|a, b| a.1 >= b.1));
    let model = SentencePiece::from_bytes(&vocabulary.to_sentencepiece()).unwrap();
    let ids = model.encode("lows newer");
    let text: Vec<_> = ids.iter().map(|id| model.piece(*id).unwrap()).collect();
    assert_eq!(text, ["▁low", "s", "▁newer"]);
    assert_eq!(model.decode(&ids), "lows newer");
}

#[test]
fn the_order_of_words_does_not_matter_and_counts_add_up() {
    let config = UnigramTrainerConfig::new(20);
    let mut shuffled: Vec<_> = WORDS.iter().rev().copied().collect();
    shuffled[0].1 -= 2;
    shuffled.push((shuffled[0].0, 2));
    assert_eq!(train(&WORDS, &config), train(&shuffled, &config));
}

#[test]
fn rare_characters_are_not_covered_and_bytes_take_their_place() {
    let mut config = UnigramTrainerConfig::new(280);
    config.byte_fallback = true;
    config.character_coverage = 0.99;
    let vocabulary = train(&[("▁aaaa", 100), ("▁ab", 1)], &config);
    let pieces: Vec<_> = vocabulary.pieces().map(|(piece, ..)| piece).collect();
    assert_eq!((pieces[1], pieces[256]), ("<0x00>", "<0xFF>"));
    assert!(!pieces.contains(&"b") && !pieces.contains(&"▁ab"), "{pieces:?}");
    let model = SentencePiece::from_bytes(&vocabulary.to_sentencepiece()).unwrap();
    assert_eq!(model.decode(&model.encode("aé b")), "aé b");
}

#[test]
fn nothing_gives_the_fixed_pieces_and_faults_are_told_at_once() {
    let config = UnigramTrainerConfig::new(20);
    assert_eq!(train(&[], &config).pieces().len(), 1);
    assert_eq!(train(&[("", 3), (" ", 2), ("a", 0)], &config).pieces().len(), 1);
    let mut config = UnigramTrainerConfig::new(1);
    config.character_coverage = f64::NAN;
    config.max_piece_chars = 0;
    config.shrinking_factor = 1.0;
    config.control_pieces = vec!["<unk>".into()];
    match UnigramTrainer::new(config) {
        Err(BpeError::Config { faults }) => assert_eq!(faults.len(), 5, "{faults:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn digamma_is_right() {
    let euler = 0.577_215_664_901_532_9;
    for (x, expected) in [(1.0, -euler), (2.0, 1.0 - euler), (0.5, -euler - 4f64.ln())] {
        assert!((digamma(x) - expected).abs() < 1e-10, "{x}: {}", digamma(x));
    }
}

#[test]
fn long_words_do_not_underflow() {
    let pieces = Pieces::new(vec![("a".into(), -20.0), ("aa".into(), -30.0)]);
    let mut expected = vec![0.0; 2];
    let log = Sums::default().expect(&pieces, &"a".repeat(10_000), 2.0, &mut expected);
    assert!(log < -140_000.0 && log > -150_000.0, "{log}");
    assert!((expected[0] + 2.0 * expected[1] - 20_000.0).abs() < 1e-6, "{expected:?}");
}

/// Sums over all ways to make a word, one by one.
fn enumerate(pieces: &Pieces, word: &str, path: &mut Vec<usize>, sink: &mut impl FnMut(&[usize])) {
    if word.is_empty() {
        return sink(path);
    }
    for (id, (piece, _)) in pieces.list.iter().enumerate() {
        if let Some(rest) = word.strip_prefix(piece.as_str()) {
            path.push(id);
            enumerate(pieces, rest, path, sink);
            path.pop();
        }
    }
}

proptest! {
    #[test]
    fn expectations_are_sums_over_all_paths(
        others in prop::collection::btree_map("[ab]{2,3}", -9f64..0.0, 0..6),
        word in "[ab]{1,8}",
    ) {
        let list = [("a".to_owned(), -1.0), ("b".to_owned(), -2.0)];
        let pieces = Pieces::new(list.into_iter().chain(others).collect());
        let mut total = 0.0;
        let mut expected = vec![0.0; pieces.len()];
        enumerate(&pieces, &word, &mut vec![], &mut |path| {
            let probability = path.iter().map(|&id| pieces.list[id].1).sum::<f64>().exp();
            total += probability;
            path.iter().for_each(|&id| expected[id] += 3.0 * probability);
        });
        let mut found = vec![0.0; pieces.len()];
        let log = Sums::default().expect(&pieces, &word, 3.0, &mut found);
        prop_assert!((log - total.ln()).abs() < 1e-9);
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found - expected / total).abs() < 1e-9);
        }
    }

    #[test]
    fn seeds_are_the_repeated_substrings_that_end_or_branch(
        words in prop::collection::btree_map("▁?[ab]{1,6}", 1u64..4, 0..8),
    ) {
        let words: Vec<(&str, u64)> = words.iter().map(|(word, count)| (word.as_str(), *count)).collect();
        let mut config = UnigramTrainerConfig::new(100);
        config.max_piece_chars = 4;
        let (alphabet, covered) = alphabet::Alphabet::cover(words.iter().copied(), 1.0);
        let mut found: Vec<String> =
            seeds(&covered, &alphabet, &config).list.into_iter().map(|(piece, _)| piece).collect();
        // By the letter: all substrings, how often each occurs and what follows it.
        let mut substrings = std::collections::BTreeMap::<String, (u64, Vec<Option<char>>)>::new();
        for (word, count) in &words {
            let chars: Vec<char> = word.chars().collect();
            for start in 0..chars.len() {
                for len in 2..=4.min(chars.len() - start) {
                    let entry = substrings.entry(chars[start..start + len].iter().collect()).or_default();
                    entry.0 += count;
                    entry.1.push(chars.get(start + len).copied());
                }
            }
        }
        let mut expected: Vec<String> = alphabet.chars.iter().map(|(c, _)| c.to_string()).collect();
        expected.extend(substrings.into_iter().filter_map(|(piece, (count, next))| {
            let branches = next.contains(&None) || next.iter().any(|c| *c != next[0]) || piece.chars().count() == 4;
            let is_valid = piece.rfind('▁').is_none_or(|at| at == 0);
            (count > 1 && branches && is_valid).then_some(piece)
        }));
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }
}
