//! BPE as SentencePiece does it: neighbours merge whenever their text together is a piece, the best
//! score first.

use std::collections::HashMap;

use super::file::{Piece, PieceKind};
use crate::merges::{NO_MERGE, PairTable, RankedMerge, pair, product, ranked};
use crate::model::char_map::{CharMap, single};
use crate::model::merger::Merger;
use crate::model::scratch::ModelScratch;
use crate::model::span::Span;
use crate::model::trie::Trie;
use crate::model::word_cache::WordKey;
use crate::model::word_cuts::WordCuts;
use crate::vocabulary::NO_TOKEN;

/// The pairs that merge. Ids at and above the number of pieces are characters that are no pieces but
/// parts of pieces, so that they may merge; [`NO_TOKEN`] is any other character.
#[derive(Clone)]
pub(super) struct Merges {
    chars: CharMap,
    table: PairTable,
    cuts: WordCuts,
    /// For models with unused pieces: which symbols are, and how many bytes each symbol has.
    unused: Option<Unused>,
}

#[derive(Clone)]
struct Unused {
    is_unused: Vec<bool>,
    lens: Vec<u32>,
}

impl Merges {
    /// All ways to make a piece of two. Linear in the text of the pieces, times the number of pieces
    /// that begin or end at one place.
    pub(super) fn new(pieces: &[Piece]) -> Self {
        let merging = |piece: &Piece| matches!(piece.kind, PieceKind::Normal | PieceKind::Unused);
        let mut symbols: Vec<(u32, &str)> = Vec::new();
        let mut chars = CharMap::new();
        for (id, piece) in (0..).zip(pieces).filter(|(_, piece)| merging(piece)) {
            symbols.push((id, &piece.text));
            if let Some(c) = single(&piece.text) {
                chars.insert(c, id);
            }
        }
        let products: Vec<(u32, &str)> =
            symbols.iter().copied().filter(|(_, text)| single(text).is_none()).collect();
        let mut next_id = pieces.len() as u32;
        for (at, c) in products
            .iter()
            .flat_map(|(_, text)| text.char_indices().map(move |(at, c)| (&text[at..], c)))
        {
            if chars.get(c) == NO_TOKEN {
                chars.insert(c, next_id);
                symbols.push((next_id, &at[..c.len_utf8()]));
                next_id += 1;
            }
        }
        let reversed: Vec<(u32, Vec<u8>)> =
            symbols.iter().map(|(id, text)| (*id, text.bytes().rev().collect())).collect();
        let heads = Trie::new(symbols.iter().map(|(id, text)| (text.as_bytes(), *id)));
        let tails = Trie::new(reversed.iter().map(|(id, text)| (&text[..], *id)));
        let ranks = ranks(pieces);
        let mut merges = Vec::new();
        let mut tail_ids = Vec::new();
        for &(id, text) in &products {
            let reversed: Vec<u8> = text.bytes().rev().collect();
            tail_ids.clear();
            tail_ids.resize(text.len(), NO_TOKEN);
            for (len, tail) in tails.prefixes(&reversed).filter(|(len, _)| *len < text.len()) {
                tail_ids[text.len() - len] = tail;
            }
            for (len, head) in heads.prefixes(text.as_bytes()).filter(|(len, _)| *len < text.len())
            {
                if tail_ids[len] != NO_TOKEN {
                    merges.push((pair(head, tail_ids[len]), ranked(ranks[id as usize], id)));
                }
            }
        }
        let has_unused = pieces.iter().any(|piece| piece.kind == PieceKind::Unused);
        let unused = has_unused.then(|| {
            let mut lens = vec![0; next_id as usize];
            symbols.iter().for_each(|(id, text)| lens[*id as usize] = text.len() as u32);
            let is_unused = pieces.iter().map(|piece| piece.kind == PieceKind::Unused).collect();
            Unused { is_unused, lens }
        });
        let cuts = WordCuts::new(products.iter().map(|(_, text)| *text));
        Self { chars, table: PairTable::new(&merges), cuts, unused }
    }

    /// Appends the symbols of a text without user-defined symbols that begins at `start`; those that
    /// are not pieces have ids that are not those of pieces. O(n log n) in the longest word.
    pub(super) fn tokenize(
        &self,
        text: &str,
        start: u32,
        scratch: &mut ModelScratch,
        splits: &mut Splits,
        out: &mut Vec<Span>,
    ) {
        if let Some(unused) = &self.unused {
            return self.tokenize_observed(text, start, &mut scratch.merger, splits, unused, out);
        }
        let mut rest = text;
        let mut at = start;
        while !rest.is_empty() {
            let (word, after) = rest.split_at(self.cuts.next(rest, |_| true));
            let key = WordKey::new(word.as_bytes());
            match key {
                Some(key) if scratch.cache.get(key, at, out) => {}
                _ => {
                    let before = out.len();
                    self.symbols(word, at, &mut scratch.merger);
                    scratch.merger.merge_by_table(&self.table, out);
                    if let Some(key) = key {
                        scratch.cache.put(key, at, &out[before..]);
                    }
                }
            }
            at += word.len() as u32;
            rest = after;
        }
    }

    fn symbols(&self, text: &str, start: u32, merger: &mut Merger) {
        merger.start(start);
        text.chars().for_each(|c| merger.push(self.chars.get(c), c.len_utf8() as u32));
    }

    /// The same with a record of the pairs that could have made an unused piece.
    fn tokenize_observed(
        &self,
        text: &str,
        start: u32,
        merger: &mut Merger,
        splits: &mut Splits,
        unused: &Unused,
        out: &mut Vec<Span>,
    ) {
        self.symbols(text, start, merger);
        let look_up = |left, right| -> RankedMerge {
            let merge = self.table.get(left, right);
            if merge != NO_MERGE && unused.is_unused[product(merge) as usize] {
                splits.0.insert(product(merge), (left, right));
            }
            merge
        };
        merger.merge(look_up, out);
    }

    /// Puts the parts of unused pieces in their place.
    pub(super) fn split_unused(&self, splits: &Splits, spans: &mut Vec<Span>) {
        let Some(unused) = self.unused.as_ref().filter(|_| !splits.0.is_empty()) else { return };
        let mut open: Vec<Span> = spans.drain(..).rev().collect();
        while let Some(span) = open.pop() {
            match splits.0.get(&span.id) {
                Some(&(left, right)) => {
                    let middle = span.start + unused.lens[left as usize];
                    open.push(Span { id: right, start: middle, end: span.end });
                    open.push(Span { id: left, start: span.start, end: middle });
                }
                None => spans.push(span),
            }
        }
    }
}

/// For each unused piece that a text could have, the pair that was last seen to make it.
#[derive(Default)]
pub(super) struct Splits(HashMap<u32, (u32, u32)>);

/// The rank of each piece: pieces of equal score have the same.
fn ranks(pieces: &[Piece]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by(|&a, &b| pieces[b].score.total_cmp(&pieces[a].score));
    let mut ranks = vec![0; pieces.len()];
    let mut rank = 0;
    for pair in order.windows(2) {
        if pieces[pair[0]].score != pieces[pair[1]].score {
            rank += 1;
        }
        ranks[pair[1]] = rank;
    }
    ranks
}
