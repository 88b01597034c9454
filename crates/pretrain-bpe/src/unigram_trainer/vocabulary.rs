//! What training gives: pieces with scores, and files made of them.

use std::collections::HashMap;

use serde_json::json;

use super::alphabet::Alphabet;
use super::lattice::Pieces;
use super::{UNKNOWN, UnigramTrainerConfig};
use crate::model::word_cuts::MARK;
use crate::sentencepiece::{PieceKind, write_unigram};

/// A trained Unigram vocabulary: the unknown piece, control pieces, byte pieces, then the learned ones,
/// the most probable first.
#[derive(Clone, Debug, PartialEq)]
pub struct UnigramVocabulary {
    pieces: Vec<(String, f64, PieceKind)>,
    byte_fallback: bool,
}

/// How much less than the one before a character scores that has lost its piece in training.
const MISSING_STEP: f64 = 1e-4;

impl UnigramVocabulary {
    /// All characters of the alphabet, and the best other pieces up to `target`.
    pub(super) fn new(
        config: &UnigramTrainerConfig,
        pieces: &Pieces,
        alphabet: &Alphabet,
        target: usize,
    ) -> Self {
        let scores: HashMap<&str, f64> =
            pieces.list.iter().map(|(piece, score)| (piece.as_str(), *score)).collect();
        let mut floor = scores.values().copied().fold(f64::INFINITY, f64::min);
        if scores.is_empty() {
            floor = 0.0;
        }
        let mut learned: Vec<(String, f64)> = Vec::with_capacity(target);
        for (c, _) in &alphabet.chars {
            let c = c.to_string();
            let score = scores.get(c.as_str()).copied().unwrap_or_else(|| {
                let score = floor;
                floor -= MISSING_STEP;
                score
            });
            learned.push((c, score));
        }
        let fixed: Vec<&str> = config.control_pieces.iter().map(String::as_str).collect();
        let mut others: Vec<&(String, f64)> = pieces.list.iter().collect();
        others.retain(|(piece, _)| {
            crate::model::char_map::single(piece).is_none()
                && !fixed.contains(&piece.as_str())
                && piece != UNKNOWN
        });
        let by_score =
            |a: &(String, f64), b: &(String, f64)| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0));
        others.sort_unstable_by(|a, b| by_score(a, b));
        others.truncate(target.saturating_sub(learned.len()));
        learned.extend(others.into_iter().cloned());
        learned.sort_unstable_by(by_score);
        let meta = |piece: String, kind| (piece, 0.0, kind);
        let mut all = vec![meta(UNKNOWN.to_owned(), PieceKind::Unknown)];
        all.extend(fixed.into_iter().map(|piece| meta(piece.to_owned(), PieceKind::Control)));
        if config.byte_fallback {
            all.extend((0..256).map(|byte| meta(format!("<0x{byte:02X}>"), PieceKind::Byte)));
        }
        let normal = learned.into_iter().map(|(piece, score)| (piece, score, PieceKind::Normal));
        all.extend(normal);
        Self { pieces: all, byte_fallback: config.byte_fallback }
    }

    /// The pieces in order of id, with log probabilities (0 for those that are not learned).
    pub fn pieces(&self) -> impl ExactSizeIterator<Item = (&str, f64, PieceKind)> {
        self.pieces.iter().map(|(piece, score, kind)| (piece.as_str(), *score, *kind))
    }

    /// A SentencePiece `.model` file, for [`SentencePiece::from_bytes`](crate::SentencePiece::from_bytes)
    /// and for others. It normalises nothing but spaces: `▁` stands for them, one is put in front of a
    /// text, and they are removed at both ends and where several follow each other. Scores are rounded
    /// to single precision.
    pub fn to_sentencepiece(&self) -> Vec<u8> {
        write_unigram(self.pieces(), self.byte_fallback)
    }

    /// A Hugging Face `tokenizer.json` with `Metaspace` as pre-tokenizer and decoder. The control pieces
    /// are its special tokens.
    pub fn to_json(&self) -> Vec<u8> {
        let metaspace = json!({
            "type": "Metaspace", "replacement": MARK, "prepend_scheme": "always", "split": true
        });
        let special = |kind| matches!(kind, PieceKind::Unknown | PieceKind::Control);
        let added: Vec<_> = (0..)
            .zip(self.pieces())
            .filter(|(_, (_, _, kind))| special(*kind))
            .map(|(id, (content, ..)): (u32, _)| {
                json!({
                    "id": id, "content": content, "single_word": false, "lstrip": false,
                    "rstrip": false, "normalized": false, "special": true
                })
            })
            .collect();
        let vocab: Vec<_> = self.pieces().map(|(piece, score, _)| json!([piece, score])).collect();
        let decoder = if self.byte_fallback {
            json!({"type": "Sequence", "decoders": [{"type": "ByteFallback"}, metaspace]})
        } else {
            metaspace.clone()
        };
        let file = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
            "normalizer": null, "pre_tokenizer": metaspace, "post_processor": null,
            "decoder": decoder,
            "model": {
                "type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": self.byte_fallback
            }
        });
        file.to_string().into_bytes()
    }
}
