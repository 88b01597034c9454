//! Byte-level BPE: the bytes of a pre-token merge pair by pair into tokens.

use std::ops::Range;

use crate::error::{BpeError, Result};
use crate::merges::{MergeTable, pair, ranked};
use crate::piece_cache::PieceKey;
use crate::pretokenize::PreTokenizer;
use crate::scratch::Scratch;
use crate::vocabulary::{NO_TOKEN, Vocabulary, printable};

mod piece;

/// Tokens made of bytes, and what merges into what.
#[derive(Clone)]
pub(crate) struct ByteBpe {
    vocabulary: Vocabulary,
    rule: MergeRule,
    byte_ids: [u32; 256],
    table: MergeTable,
}

/// What decides which pairs merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MergeRule {
    /// tiktoken: two tokens merge when their bytes together are a token; the rank is its id. A
    /// pre-token that is a token is that token.
    Ranks,
    /// Hugging Face: an ordered list of pairs of ids.
    Pairs {
        merges: Vec<(u32, u32)>,
        /// Whether a pre-token that is a token is that token, whatever the merges say.
        ignore_merges: bool,
    },
}

impl ByteBpe {
    /// Builds the tables of `(id, bytes)` pairs in any order.
    pub(crate) fn new(tokens: Vec<(u32, Vec<u8>)>, rule: MergeRule) -> Result<Self> {
        let vocabulary = Vocabulary::new(tokens)?;
        let table = match &rule {
            MergeRule::Ranks => MergeTable::of_ranks(&vocabulary).0,
            MergeRule::Pairs { merges, .. } => {
                MergeTable::new(&ranked_merges(&vocabulary, merges)?)
            }
        };
        Ok(Self { byte_ids: vocabulary.byte_ids(), vocabulary, rule, table })
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    pub(crate) fn rule(&self) -> &MergeRule {
        &self.rule
    }

    /// Whether each of the 256 bytes has a token.
    pub(crate) fn has_all_bytes(&self) -> bool {
        !self.byte_ids.contains(&NO_TOKEN)
    }

    /// Appends the tokens of a text without added tokens.
    #[inline]
    pub(crate) fn encode(
        &self,
        pre_tokenizer: &PreTokenizer,
        text: &str,
        scratch: &mut Scratch,
        out: &mut Vec<u32>,
    ) {
        pre_tokenizer.for_each(text, |piece| {
            self.encode_piece(text.as_bytes(), &piece, scratch, out);
        });
    }

    /// The number of tokens of a text without added tokens.
    pub(crate) fn count(
        &self,
        pre_tokenizer: &PreTokenizer,
        text: &str,
        scratch: &mut Scratch,
    ) -> usize {
        let (mut n, mut ids) = (0, std::mem::take(&mut scratch.ids));
        pre_tokenizer.for_each(text, |piece| {
            ids.clear();
            self.encode_piece(text.as_bytes(), &piece, scratch, &mut ids);
            n += ids.len();
        });
        scratch.ids = ids;
        n
    }

    /// Calls `sink` with each token of a text without added tokens and the bytes it stands for.
    pub(crate) fn encode_with_offsets(
        &self,
        pre_tokenizer: &PreTokenizer,
        text: &str,
        scratch: &mut Scratch,
        mut sink: impl FnMut(u32, Range<usize>),
    ) {
        pre_tokenizer.for_each(text, |piece| {
            self.encode_piece_with_offsets(text.as_bytes(), &piece, scratch, &mut sink);
        });
    }

    /// Calls `sink` with each token of one pre-token and the bytes of the text it stands for.
    pub(crate) fn encode_piece_with_offsets(
        &self,
        text: &[u8],
        piece: &Range<usize>,
        scratch: &mut Scratch,
        sink: &mut impl FnMut(u32, Range<usize>),
    ) {
        let mut ids = std::mem::take(&mut scratch.ids);
        ids.clear();
        self.encode_piece(text, piece, scratch, &mut ids);
        let mut pos = piece.start;
        for &id in &ids {
            let token = self.range_of(text, pos, id);
            pos = token.end;
            sink(id, token);
        }
        scratch.ids = ids;
    }

    /// Appends the tokens of one pre-token.
    #[inline(always)]
    pub(crate) fn encode_piece(
        &self,
        text: &[u8],
        piece: &Range<usize>,
        scratch: &mut Scratch,
        out: &mut Vec<u32>,
    ) {
        let key = PieceKey::new(text, piece.start, piece.end);
        match key {
            Some(key) if scratch.cache.get(key, out) => {}
            _ => self.merge_piece(&text[piece.clone()], key, scratch, out),
        }
    }

    #[inline(never)]
    fn merge_piece(
        &self,
        piece: &[u8],
        key: Option<PieceKey>,
        scratch: &mut Scratch,
        out: &mut Vec<u32>,
    ) {
        let before = out.len();
        let whole = match self.rule {
            MergeRule::Ranks | MergeRule::Pairs { ignore_merges: true, .. } => {
                self.vocabulary.id(piece)
            }
            MergeRule::Pairs { ignore_merges: false, .. } => None,
        };
        match whole {
            Some(id) => out.push(id),
            None => scratch.merges.merge(piece, &self.byte_ids, &self.table, out),
        }
        if let Some(key) = key {
            scratch.cache.put(key, &out[before..]);
        }
    }

    /// The bytes of `text` that a token stands for, at or after `pos`. Bytes without token are skipped.
    fn range_of(&self, text: &[u8], mut pos: usize, id: u32) -> Range<usize> {
        let len = self.vocabulary.len_of(id);
        let has_token = |pos: usize| self.byte_ids[text[pos] as usize] != NO_TOKEN;
        while !has_token(pos) {
            pos += 1;
        }
        let mut end = pos + 1;
        for _ in 1..len {
            while !has_token(end) {
                end += 1;
            }
            end += 1;
        }
        pos..end
    }
}

/// Resolves the product of each merge.
fn ranked_merges(vocabulary: &Vocabulary, merges: &[(u32, u32)]) -> Result<Vec<(u64, u64)>> {
    let mut ranked_merges = Vec::with_capacity(merges.len());
    let mut bytes = Vec::new();
    for (index, &(left, right)) in merges.iter().enumerate() {
        bytes.clear();
        for id in [left, right] {
            let unknown = || BpeError::UnknownMergeToken { index, token: format!("id {id}") };
            bytes.extend_from_slice(vocabulary.bytes(id).ok_or_else(unknown)?);
        }
        let product = vocabulary
            .id(&bytes)
            .ok_or_else(|| BpeError::UnknownMergeToken { index, token: printable(&bytes) })?;
        ranked_merges.push((pair(left, right), ranked(index as u32, product)));
    }
    Ok(ranked_merges)
}
