//! Rules one by one, and the search against trying all paths.

use proptest::prelude::*;

use crate::model::viterbi::Lattice;

use super::*;

fn model(pieces: &[(&str, f64)], unk_id: Option<usize>, byte_fallback: bool) -> Unigram {
    let pieces = pieces.iter().map(|(piece, score)| ((*piece).to_owned(), *score)).collect();
    Unigram::new(pieces, unk_id, byte_fallback).unwrap()
}

fn cut(model: &Unigram, text: &str) -> Vec<(u32, u32, u32)> {
    let mut out = vec![];
    model.tokenize(text, &mut ModelScratch::default(), &mut out);
    out.iter().map(|span| (span.id, span.start, span.end)).collect()
}

#[test]
fn the_highest_sum_wins() {
    // The example of Hugging Face's documentation.
    let pieces = [
        ("<unk>", 0.0),
        ("a", 0.0),
        ("b", 0.0),
        ("c", 0.0),
        ("d", 0.0),
        ("cd", 1.0),
        ("ab", 2.0),
        ("abc", 5.0),
        ("abcd", 10.0),
    ];
    let model = model(&pieces, Some(0), false);
    assert_eq!(cut(&model, "abcdacdxx"), [(8, 0, 4), (1, 4, 5), (5, 5, 7), (0, 7, 9)]);
    assert_eq!(cut(&model, ""), []);
    let error = Unigram::new(vec![("a".into(), 0.0)], Some(1), false).err().unwrap();
    assert!(matches!(error, BpeError::MissingUnknownToken { .. }));
}

#[test]
fn unknown_characters_become_bytes_one_token_or_nothing() {
    let mut pieces = vec![("<unk>", 0.0), ("a", -1.0), ("<0xC3>", 0.0), ("<0xA9>", 0.0)];
    let bytes = model(&pieces, Some(0), true);
    assert_eq!(cut(&bytes, "aé"), [(1, 0, 1), (2, 1, 3), (3, 1, 3)]);
    assert_eq!(cut(&bytes, "aéx"), [(1, 0, 1), (0, 1, 4)], "the run has a byte without piece");
    let none = model(&pieces, None, true);
    assert_eq!(cut(&none, "éaé"), [(1, 2, 3)]);
    pieces.push(("a", -5.0));
    assert_eq!(cut(&model(&pieces, Some(0), false), "a"), [(4, 0, 1)], "the last of equals");
    // A run of unknown characters that is a piece, though a bad one.
    pieces.push(("éé", -1e9));
    assert_eq!(cut(&model(&pieces, Some(0), true), "éé"), [(5, 0, 4)]);
}

#[test]
fn sums_can_be_kept_in_single_precision() {
    let pieces = [("a", -1e-4), ("aa", -3e-4), ("b", -6e4)];
    let mut model = model(&pieces, Some(2), false);
    assert_eq!(cut(&model, "baa"), [(2, 0, 1), (0, 1, 2), (0, 2, 3)]);
    model.viterbi.single_precision = true;
    assert_eq!(cut(&model, "aa"), [(0, 0, 1), (0, 1, 2)]);
    // After b the difference is lost in rounding, and what was found first stands.
    assert_eq!(cut(&model, "baa"), [(2, 0, 1), (1, 1, 3)]);
    // After two, counting has begun again from zero.
    assert_eq!(cut(&model, "bbaa"), [(2, 0, 2), (0, 2, 3), (0, 3, 4)]);
}

/// The best score over all ways to cut `text`.
fn best_score(model: &Unigram, text: &str) -> f64 {
    let Some(first) = text.chars().next() else { return 0.0 };
    let mut best = f64::NEG_INFINITY;
    let mut has_single = false;
    for (id, (piece, _)) in (0..).zip(model.pieces()) {
        if let Some(rest) = text.strip_prefix(piece).filter(|_| model.id(piece) == Some(id)) {
            has_single |= piece.len() == first.len_utf8();
            best = best.max(model.viterbi.scores[id as usize] + best_score(model, rest));
        }
    }
    if !has_single {
        let rest = &text[first.len_utf8()..];
        best = best.max(model.viterbi.unk_score + best_score(model, rest));
    }
    best
}

proptest! {
    #[test]
    fn no_path_is_better(
        pieces in prop::collection::vec(("[abé]{1,3}", -20i32..0), 1..12),
        text in "[abé]{0,8}",
    ) {
        let pieces: Vec<_> =
            pieces.iter().map(|(piece, score)| (piece.as_str(), f64::from(*score))).collect();
        let model = model(&pieces, Some(0), false);
        let mut sum = 0.0;
        let mut end = 0;
        model.viterbi.for_each(&model.trie, &text, &mut Lattice::default(), |span| {
            assert_eq!(span.start, end);
            end = span.end;
            let piece = &text[span.start as usize..span.end as usize];
            sum += match model.id(piece) {
                Some(id) => model.viterbi.scores[id as usize],
                None => model.viterbi.unk_score,
            };
        });
        prop_assert_eq!(end as usize, text.len());
        prop_assert_eq!(sum, best_score(&model, &text));
    }
}
