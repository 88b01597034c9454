//! Unigram: of all ways to cut a text into pieces, the one with the highest sum of scores (Kudo 2018,
//! arXiv:1804.10959).

use std::collections::HashSet;

use crate::error::{BpeError, Result};
use crate::model::scratch::ModelScratch;
use crate::model::span::Span;
use crate::model::trie::Trie;
use crate::model::viterbi::Viterbi;
use crate::model::word_cache::WordKey;
use crate::vocabulary::NO_TOKEN;

/// So much less than the worst piece does an unknown character score.
pub(crate) const UNKNOWN_PENALTY: f64 = 10.0;

/// Pieces with scores, as Hugging Face's `Unigram` uses them.
#[derive(Clone)]
pub(crate) struct Unigram {
    pieces: Vec<(String, f64)>,
    unk_id: Option<usize>,
    byte_fallback: bool,
    trie: Trie,
    viterbi: Viterbi,
    /// The pieces `<0x00>` to `<0xFF>`; `None` without byte fallback.
    bytes: Option<Box<[u32; 256]>>,
}

impl Unigram {
    #[cfg(test)]
    pub(crate) fn new(
        pieces: Vec<(String, f64)>,
        unk_id: Option<usize>,
        byte_fallback: bool,
    ) -> Result<Self> {
        Self::new_hiding(pieces, unk_id, byte_fallback, &HashSet::new())
    }

    /// Builds the tables. A piece is an id; of equal pieces the last one is found. No text becomes a
    /// piece that is `hidden`.
    pub(crate) fn new_hiding(
        pieces: Vec<(String, f64)>,
        unk_id: Option<usize>,
        byte_fallback: bool,
        hidden: &HashSet<u32>,
    ) -> Result<Self> {
        if let Some(id) = unk_id.filter(|&id| id >= pieces.len()) {
            return Err(BpeError::MissingUnknownToken { token: format!("id {id}") });
        }
        let n_bytes = pieces.iter().map(|(piece, _)| piece.len()).sum();
        if u32::try_from(n_bytes).is_err() {
            return Err(BpeError::TooLarge { bytes: n_bytes });
        }
        let visible = (0..).zip(&pieces).filter(|(id, _)| !hidden.contains(id));
        let trie = Trie::new(visible.map(|(id, (piece, _))| (piece.as_bytes(), id)));
        let min = pieces.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
        let viterbi = Viterbi {
            scores: pieces.iter().map(|(_, score)| *score).collect(),
            unk_id: unk_id.map_or(NO_TOKEN, |id| id as u32),
            unk_score: min - UNKNOWN_PENALTY,
            single_precision: false,
        };
        let mut this = Self { pieces, unk_id, byte_fallback, trie, viterbi, bytes: None };
        if byte_fallback {
            let id = |byte| this.id(&format!("<0x{byte:02X}>")).unwrap_or(NO_TOKEN);
            this.bytes = Some(Box::new(std::array::from_fn(id)));
        }
        Ok(this)
    }

    /// Appends the tokens of a pre-token. Neighbouring unknown characters are one unknown token, or the
    /// byte tokens of all of them (each with the span of all of them, as in Hugging Face). Characters
    /// are left out where there is no unknown token to stand for them (an error in Hugging Face).
    /// Linear in the text, times the longest piece at worst.
    pub(crate) fn tokenize(&self, piece: &str, scratch: &mut ModelScratch, out: &mut Vec<Span>) {
        let key = WordKey::new(piece.as_bytes());
        if let Some(key) = key
            && scratch.cache.get(key, 0, out)
        {
            return;
        }
        let before = out.len();
        let mut unknown = 0..0;
        self.viterbi.for_each(&self.trie, piece, &mut scratch.lattice, |span| {
            if span.id != self.viterbi.unk_id {
                self.flush_unknown(piece, &mut unknown, out);
                out.push(span);
            } else if unknown.is_empty() {
                unknown = span.start..span.end;
            } else {
                unknown.end = span.end;
            }
        });
        self.flush_unknown(piece, &mut unknown, out);
        if let Some(key) = key {
            scratch.cache.put(key, 0, &out[before..]);
        }
    }

    fn flush_unknown(&self, text: &str, run: &mut std::ops::Range<u32>, out: &mut Vec<Span>) {
        let (start, end) = (run.start, run.end);
        *run = 0..0;
        let Some(unk_id) = self.unk_id.filter(|_| start < end) else { return };
        let unknown = &text[start as usize..end as usize];
        // A run of unknown characters may be a piece nevertheless.
        let id = self.id(unknown);
        let bytes = self.bytes.as_deref().filter(|table| {
            id.is_none() && unknown.bytes().all(|byte| table[byte as usize] != NO_TOKEN)
        });
        match bytes {
            Some(table) => {
                let ids = unknown.bytes().map(|byte| table[byte as usize]);
                out.extend(ids.map(|id| Span { id, start, end }));
            }
            None => out.push(Span { id: id.unwrap_or(unk_id as u32), start, end }),
        }
    }

    pub(crate) fn pieces(&self) -> &[(String, f64)] {
        &self.pieces
    }

    pub(crate) fn unk_id(&self) -> Option<usize> {
        self.unk_id
    }

    pub(crate) fn byte_fallback(&self) -> bool {
        self.byte_fallback
    }

    /// A piece by its id.
    pub(crate) fn token(&self, id: u32) -> Option<&str> {
        self.pieces.get(id as usize).map(|(piece, _)| piece.as_str())
    }

    /// The id of a piece.
    pub(crate) fn id(&self, token: &str) -> Option<u32> {
        self.trie.exact(token.as_bytes())
    }

    /// The number of pieces.
    pub(crate) fn n_ids(&self) -> usize {
        self.pieces.len()
    }
}

#[cfg(test)]
mod tests;
