//! Byte-level BPE: the bytes of a pre-token merge pair by pair into tokens.

use std::ops::Range;

use crate::error::{BpeError, Result};
use crate::merges::{MergeScratch, MergeTable, pair, ranked};
use crate::piece_cache::{HashedKey, MAX_IDS, PieceCache};
use crate::pretokenize::{MAX_BATCH, PreTokenizer};
use crate::scratch::Scratch;
use crate::token::TokenId;
use crate::token_ranges::TokenRanges;
use crate::vocabulary::{NO_TOKEN, TokenList, Vocabulary, printable};

use spelling::Spelling;

mod spelling;

/// Tokens made of bytes, and what merges into what.
#[derive(Clone)]
pub(crate) struct ByteBpe {
    vocabulary: Vocabulary,
    spelling: Spelling,
    rule: MergeRule,
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
    /// Builds the tables.
    pub(crate) fn new(tokens: TokenList, rule: MergeRule) -> Result<Self> {
        let vocabulary = Vocabulary::of_list(tokens)?;
        let table = match &rule {
            MergeRule::Ranks => MergeTable::of_ranks(&vocabulary).0,
            MergeRule::Pairs { merges, .. } => {
                MergeTable::new(&vocabulary.byte_ids(), &ranked_merges(&vocabulary, merges)?)
            }
        };
        let spelling = Spelling::new(&vocabulary);
        Ok(Self { vocabulary, spelling, rule, table })
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    pub(crate) fn rule(&self) -> &MergeRule {
        &self.rule
    }

    /// Whether each of the 256 bytes has a token.
    pub(crate) fn has_all_bytes(&self) -> bool {
        !self.table.byte_ids().contains(&NO_TOKEN)
    }

    /// Appends the tokens of a text without added tokens.
    pub(crate) fn encode(
        &self,
        pre_tokenizer: &PreTokenizer,
        text: &str,
        scratch: &mut Scratch,
        out: &mut Vec<u32>,
    ) {
        self.encode_to(pre_tokenizer, text, scratch, &mut Ids::new(out));
    }

    /// The number of tokens of a text without added tokens.
    pub(crate) fn count(
        &self,
        pre_tokenizer: &PreTokenizer,
        text: &str,
        scratch: &mut Scratch,
    ) -> usize {
        let mut count = Count(0);
        self.encode_to(pre_tokenizer, text, scratch, &mut count);
        count.0
    }

    /// Appends the bytes of the tokens; `added` gives those of an id that the vocabulary has not.
    pub(crate) fn decode<'t>(
        &'t self,
        ids: &[TokenId],
        added: impl Fn(u32) -> Option<&'t str>,
        out: &mut Vec<u8>,
    ) {
        let in_added = |id| added(id).map(str::as_bytes).unwrap_or_default();
        let other = |id| self.vocabulary.bytes(id).unwrap_or_else(|| in_added(id));
        let n_bytes = ids.iter().map(|id| self.spelling.len_of(&self.vocabulary, id.0)).sum();
        out.reserve(n_bytes);
        self.spelling.decode(ids.iter().map(|id| id.0), out, other);
    }

    /// Appends the tokens of a text without added tokens, which stands at `base`, and the bytes they stand
    /// for. With a token for each byte they cover the text, so their lengths say all.
    pub(crate) fn encode_with_ranges(
        &self,
        pre_tokenizer: &PreTokenizer,
        text: &str,
        base: usize,
        scratch: &mut Scratch,
        ids: &mut Vec<u32>,
        ranges: &mut TokenRanges,
    ) {
        if self.has_all_bytes() {
            let n_before = ids.len();
            self.encode(pre_tokenizer, text, scratch, ids);
            let len_of = |&id: &u32| self.spelling.len_of(&self.vocabulary, id);
            return ranges.extend_lens(base, ids[n_before..].iter().map(len_of));
        }
        let mut offsets = self.offsets(text, |id, range: Range<usize>| {
            ids.push(id);
            ranges.push(base + range.start..base + range.end);
        });
        self.encode_to(pre_tokenizer, text, scratch, &mut offsets);
    }

    #[inline(always)]
    fn encode_to(
        &self,
        pre_tokenizer: &PreTokenizer,
        text: &str,
        scratch: &mut Scratch,
        sink: &mut impl Sink,
    ) {
        pre_tokenizer.for_each_batch(text, |start, ends| {
            self.encode_batch(text.as_bytes(), start, ends, scratch, sink);
        });
    }

    /// Appends the tokens of pre-tokens that something else than a pattern has cut.
    pub(crate) fn encode_pieces(
        &self,
        text: &str,
        pieces: &[Range<usize>],
        scratch: &mut Scratch,
        out: &mut Vec<u32>,
    ) {
        let mut ids = Ids::new(out);
        for piece in pieces {
            self.encode_batch(text.as_bytes(), piece.start, &[piece.end], scratch, &mut ids);
        }
    }

    /// Calls `sink` with each token of one pre-token and the bytes of the text it stands for.
    pub(crate) fn encode_piece_with_offsets(
        &self,
        text: &str,
        piece: &Range<usize>,
        scratch: &mut Scratch,
        sink: impl FnMut(u32, Range<usize>),
    ) {
        let mut offsets = self.offsets(text, sink);
        self.encode_batch(text.as_bytes(), piece.start, &[piece.end], scratch, &mut offsets);
    }

    fn offsets<'t, S>(&'t self, text: &'t str, sink: S) -> Offsets<'t, S> {
        Offsets { bpe: self, has_all_bytes: self.has_all_bytes(), text: text.as_bytes(), sink }
    }

    /// Consecutive pre-tokens: the first from `start` to the first of `ends`, and so on.
    #[inline(always)]
    fn encode_batch(
        &self,
        text: &[u8],
        mut start: usize,
        mut ends: &[usize],
        scratch: &mut Scratch,
        sink: &mut impl Sink,
    ) {
        let mut n = 0;
        let Scratch { cache, keys, merges, ids, .. } = scratch;
        let mut keys = keys.fill(cache, text, start, ends);
        loop {
            // Most pre-tokens pass through this loop.
            let slots = cache.first_slots();
            while let ([end, rest @ ..], [key, rest_keys @ ..]) = (ends, keys) {
                let Some(slot) = slots.get(key) else { break };
                sink.few(&mut n, start..*end, &slot.ids, slot.n_ids());
                (start, ends, keys) = (*end, rest, rest_keys);
            }
            let ([end, rest @ ..], [key, rest_keys @ ..]) = (ends, keys) else { break };
            self.miss(&text[start..*end], key, cache, merges, ids);
            sink.many(&mut n, start..*end, ids);
            (start, ends, keys) = (*end, rest, rest_keys);
        }
        sink.flush(&mut n);
    }

    /// The tokens of one pre-token, wherever they are, in `ids`.
    #[inline(never)]
    fn miss(
        &self,
        piece: &[u8],
        key: &HashedKey,
        cache: &mut PieceCache,
        merges: &mut MergeScratch,
        ids: &mut Vec<u32>,
    ) {
        ids.clear();
        if let Some(slot) = cache.other_slot(key) {
            return ids.extend_from_slice(&slot.ids[..slot.n_ids()]);
        }
        if cache.get_long(key, piece, ids) {
            return;
        }
        self.merge_bytes(piece, merges, ids);
        cache.put(key, piece, ids);
    }

    /// Appends the tokens of one pre-token, which need not be UTF-8. No cache is asked.
    pub(crate) fn merge_bytes(&self, piece: &[u8], merges: &mut MergeScratch, out: &mut Vec<u32>) {
        let whole = match self.rule {
            MergeRule::Ranks | MergeRule::Pairs { ignore_merges: true, .. } => {
                self.vocabulary.id(piece)
            }
            MergeRule::Pairs { ignore_merges: false, .. } => None,
        };
        match whole {
            Some(id) => out.push(id),
            None => merges.merge(piece, &self.table, out),
        }
    }

    /// The bytes of `text` that a token stands for, at or after `pos`. Bytes without token are skipped.
    fn range_of(&self, text: &[u8], mut pos: usize, id: u32) -> Range<usize> {
        let len = self.vocabulary.len_of(id);
        let has_token = |pos: usize| self.table.byte_ids()[text[pos] as usize] != NO_TOKEN;
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

/// What becomes of the tokens. `n` is a number of the sink's own, 0 at the start of a batch.
trait Sink {
    /// The first `n_ids` of `ids` are those of a pre-token.
    fn few(&mut self, n: &mut usize, piece: Range<usize>, ids: &[u32; MAX_IDS], n_ids: usize);
    /// `ids` are those of a pre-token.
    fn many(&mut self, n: &mut usize, piece: Range<usize>, ids: &[u32]);
    /// A batch of pre-tokens is at its end.
    fn flush(&mut self, n: &mut usize);
}

/// Writes the tokens to a vector, by way of a block that needs no check of its capacity. `n` of the
/// block are in use.
struct Ids<'o> {
    out: &'o mut Vec<u32>,
    block: [u32; MAX_IDS * (MAX_BATCH + 1)],
}

impl<'o> Ids<'o> {
    #[inline(always)]
    fn new(out: &'o mut Vec<u32>) -> Self {
        Self { out, block: [0; MAX_IDS * (MAX_BATCH + 1)] }
    }
}

impl Sink for Ids<'_> {
    /// Copies all of `ids`: that needs no branch, and the next copy covers what is too much.
    #[inline(always)]
    fn few(&mut self, n: &mut usize, _: Range<usize>, ids: &[u32; MAX_IDS], n_ids: usize) {
        if let Some(to) = self.block.get_mut(*n..*n + MAX_IDS) {
            to.copy_from_slice(ids);
        }
        *n += n_ids;
    }

    #[inline(always)]
    fn many(&mut self, n: &mut usize, _: Range<usize>, ids: &[u32]) {
        self.flush(n);
        self.out.extend_from_slice(ids);
    }

    #[inline(always)]
    fn flush(&mut self, n: &mut usize) {
        self.out.extend_from_slice(&self.block[..*n]);
        *n = 0;
    }
}

/// Counts.
struct Count(usize);

impl Sink for Count {
    #[inline(always)]
    fn few(&mut self, n: &mut usize, _: Range<usize>, _: &[u32; MAX_IDS], n_ids: usize) {
        *n += n_ids;
    }

    #[inline(always)]
    fn many(&mut self, n: &mut usize, _: Range<usize>, ids: &[u32]) {
        *n += ids.len();
    }

    #[inline(always)]
    fn flush(&mut self, n: &mut usize) {
        self.0 += *n;
    }
}

/// Hands on each token with the bytes it stands for.
struct Offsets<'t, S> {
    bpe: &'t ByteBpe,
    has_all_bytes: bool,
    text: &'t [u8],
    sink: S,
}

impl<S: FnMut(u32, Range<usize>)> Sink for Offsets<'_, S> {
    #[inline(always)]
    fn few(&mut self, n: &mut usize, piece: Range<usize>, ids: &[u32; MAX_IDS], n_ids: usize) {
        if n_ids == 1 && self.has_all_bytes {
            (self.sink)(ids[0], piece);
        } else {
            self.many(n, piece, &ids[..n_ids]);
        }
    }

    fn many(&mut self, _: &mut usize, piece: Range<usize>, ids: &[u32]) {
        let mut pos = piece.start;
        for &id in ids {
            let token = if self.has_all_bytes {
                pos..pos + self.bpe.vocabulary.len_of(id)
            } else {
                self.bpe.range_of(self.text, pos, id)
            };
            pos = token.end;
            (self.sink)(id, token);
        }
    }

    #[inline(always)]
    fn flush(&mut self, _: &mut usize) {}
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
