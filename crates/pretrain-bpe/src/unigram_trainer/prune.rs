//! Removal of the pieces that are missed least.

use super::alphabet::Words;
use super::lattice::Pieces;
use super::parts::for_each_part;
use crate::model::viterbi::Lattice;

/// What becomes of a piece's text without the piece.
enum Without {
    /// Nothing: it cannot be made of others.
    Nothing,
    /// The others are better in any case.
    Better,
    /// The best way to make it of others.
    Others(Vec<usize>),
}

/// Keeps `wanted` pieces: those that nothing can replace, and the best by how much the likelihood of
/// the best cuts falls without them. Pieces that no best cut has, and that others make better, go.
pub(super) fn prune(pieces: &Pieces, words: &Words, wanted: usize) -> Pieces {
    let counts = best_cuts(pieces, words);
    let sum: f64 = counts.iter().map(|&count| count as f64).sum();
    let log_sum = sum.ln();
    let n_words: f64 = words.iter().map(|(_, count)| *count as f64).sum();
    let mut kept = vec![false; pieces.len()];
    let mut candidates: Vec<(f64, usize)> = Vec::new();
    for id in 0..pieces.len() {
        let count = counts[id] as f64;
        match without(pieces, id) {
            Without::Nothing => kept[id] = true,
            Without::Better => {}
            Without::Others(_) if count == 0.0 => candidates.push((0.0, id)),
            Without::Others(others) => {
                // The piece's uses go to the others, each of them once per use.
                let new_log_sum = (sum + count * (others.len() as f64 - 1.0)).ln();
                let log_others: f64 = others
                    .iter()
                    .map(|&other| (counts[other] as f64 + count).ln() - new_log_sum)
                    .sum();
                let loss = count / n_words * (count.ln() - log_sum - log_others);
                candidates.push((loss, id));
            }
        }
    }
    let room = wanted.saturating_sub(kept.iter().filter(|kept| **kept).count());
    candidates.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    candidates.iter().take(room).for_each(|&(_, id)| kept[id] = true);
    let kept = pieces.list.iter().zip(kept).filter(|(_, kept)| *kept);
    Pieces::new(kept.map(|(piece, _)| piece.clone()).collect())
}

/// How often each piece is in the best cut of a word.
fn best_cuts(pieces: &Pieces, words: &Words) -> Vec<u64> {
    let mut counts = vec![0u64; pieces.len()];
    let work = |part: &[(String, u64)]| {
        let mut lattice = Lattice::default();
        let mut used = vec![0u64; pieces.len()];
        for (word, count) in part {
            pieces.viterbi.for_each(&pieces.trie, word, &mut lattice, |span| {
                let sum = &mut used[span.id as usize];
                *sum = sum.saturating_add(*count);
            });
        }
        used
    };
    for_each_part(words, work, |part| {
        counts.iter_mut().zip(part).for_each(|(sum, count)| *sum = sum.saturating_add(count));
    });
    counts
}

/// The best way to make a piece of others.
fn without(pieces: &Pieces, id: usize) -> Without {
    let (text, score) = &pieces.list[id];
    let bytes = text.as_bytes();
    // The best path to each byte: score, start, piece.
    let mut best: Vec<Option<(f64, usize, usize)>> = vec![None; bytes.len() + 1];
    best[0] = Some((0.0, 0, 0));
    for (start, _) in text.char_indices() {
        let Some((sum, ..)) = best[start] else { continue };
        for (len, other) in pieces.trie.prefixes(&bytes[start..]) {
            let sum = sum + pieces.list[other as usize].1;
            let end = &mut best[start + len];
            if len < bytes.len() && end.is_none_or(|(best, ..)| sum > best) {
                *end = Some((sum, start, other as usize));
            }
        }
    }
    let Some((sum, ..)) = best[bytes.len()] else { return Without::Nothing };
    if sum > *score {
        return Without::Better;
    }
    let mut others = Vec::new();
    let mut end = bytes.len();
    while let Some((_, start, other)) = best[end].filter(|_| end > 0) {
        others.push(other);
        end = start;
    }
    Without::Others(others)
}
