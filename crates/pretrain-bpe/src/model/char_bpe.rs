//! BPE over characters, as Hugging Face's `BPE` does it when no byte-level alphabet is in front: the
//! files of Llama 2, Mistral and Gemma, and of old models with `</w>` or `##`.

use crate::error::{BpeError, Result};
use crate::merges::{PairTable, pair, ranked};
use crate::model::merger::Merger;
use crate::model::scratch::ModelScratch;
use crate::model::span::Span;
use crate::model::word_cache::WordKey;
use crate::model::word_cuts::{MARK, WordCuts};
use crate::vocabulary::{NO_TOKEN, Vocabulary, printable};

mod symbols;

use symbols::CharTable;

/// What a character-level BPE is beside vocabulary and merges. The fields are those of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CharBpeConfig {
    /// Stands for a character without token; without it such characters are left out.
    pub(crate) unk_token: Option<String>,
    /// What characters that continue a pre-token are prefixed with before they are looked up.
    pub(crate) continuing_subword_prefix: Option<String>,
    /// What the last character of a pre-token is suffixed with before it is looked up.
    pub(crate) end_of_word_suffix: Option<String>,
    /// Whether neighbouring unknown characters become one unknown token.
    pub(crate) fuse_unk: bool,
    /// Whether a character without token becomes the tokens `<0x00>` of its bytes, if all of them exist.
    pub(crate) byte_fallback: bool,
    /// Whether a pre-token that is a token is that token, whatever the merges say.
    pub(crate) ignore_merges: bool,
}

/// Tokens made of characters, and what merges into what.
///
/// Three habits of Hugging Face are kept, since ids and offsets depend on them: a character left out
/// leaves no trace, so its neighbours may merge and later spans move up; an unknown character waits
/// until a known one comes, so that byte tokens may overtake it; and byte tokens made of a prefix or
/// suffix count in the spans (which are cut at the end of the pre-token here).
#[derive(Clone)]
pub(crate) struct CharBpe {
    config: CharBpeConfig,
    vocabulary: Vocabulary,
    merges: Vec<(u32, u32)>,
    table: PairTable,
    chars: CharTable,
    unk_id: Option<u32>,
    cuts: Option<WordCuts>,
}

impl CharBpe {
    /// Builds the tables. `merges` are pairs of ids in order of rank; of two equal pairs the later
    /// counts. The unknown token has to be in the vocabulary, unless byte fallback leaves nothing
    /// unknown.
    pub(crate) fn new(
        config: CharBpeConfig,
        vocab: Vec<(String, u32)>,
        merges: Vec<(u32, u32)>,
    ) -> Result<Self> {
        let vocabulary = Vocabulary::new(
            vocab.into_iter().map(|(token, id)| (id, token.into_bytes())).collect(),
        )?;
        let chars = CharTable::new(&config, &vocabulary);
        let unk_id = match &config.unk_token {
            None => None,
            Some(token) => {
                let id = vocabulary.id(token.as_bytes());
                if id.is_none() && !chars.has_all_bytes() {
                    return Err(BpeError::MissingUnknownToken { token: token.clone() });
                }
                id
            }
        };
        let prefix = config.continuing_subword_prefix.as_deref().unwrap_or("");
        let products = products(&vocabulary, prefix, &merges)?;
        let cuts = cuts(&config, &vocabulary, &products, &chars);
        let ranked_merges = merges.iter().zip(&products).zip(0..);
        let ranked_merges: Vec<_> = ranked_merges
            .map(|((&(left, right), &product), rank)| (pair(left, right), ranked(rank, product)))
            .collect();
        let table = PairTable::new(&ranked_merges);
        Ok(Self { config, vocabulary, merges, table, chars, unk_id, cuts })
    }

    /// Appends the tokens of a pre-token: pairs merge in order of rank, the leftmost of equals first.
    /// O(n log n) in the longest word.
    ///
    /// A file without pre-tokenizer hands over whole texts. They are cut again before each `▁` that no
    /// merge can join with what stands before it; words are answered from a cache.
    pub(crate) fn tokenize(&self, piece: &str, scratch: &mut ModelScratch, out: &mut Vec<Span>) {
        if self.config.ignore_merges
            && let Some(id) = self.vocabulary.id(piece.as_bytes())
        {
            out.push(Span { id, start: 0, end: piece.len() as u32 });
            return;
        }
        let before = out.len();
        let Some(cuts) = &self.cuts else {
            self.word(piece, 0, scratch, out);
            self.clamp(piece, &mut out[before..]);
            return;
        };
        let mut rest = piece;
        let mut at = 0;
        while !rest.is_empty() {
            // What stands for an unknown character may merge with anything.
            let is_known = |c| self.chars.get(c, false, false) != NO_TOKEN;
            let (word, after) = rest.split_at(cuts.next(rest, is_known));
            at = self.word(word, at, scratch, out);
            rest = after;
        }
        self.clamp(piece, &mut out[before..]);
    }

    /// Appends the tokens of a word, their spans beginning at `start`; returns where they end.
    fn word(&self, word: &str, start: u32, scratch: &mut ModelScratch, out: &mut Vec<Span>) -> u32 {
        let before = out.len();
        let key = WordKey::new(word.as_bytes());
        match key {
            Some(key) if scratch.cache.get(key, start, out) => {}
            _ => {
                self.symbols(word, start, &mut scratch.merger);
                scratch.merger.merge_by_table(&self.table, out);
                if let Some(key) = key {
                    scratch.cache.put(key, start, &out[before..]);
                }
            }
        }
        out[before..].last().map_or(start, |span| span.end)
    }

    /// The tokens of the characters of a word, before any merge.
    fn symbols(&self, word: &str, start: u32, merger: &mut Merger) {
        merger.start(start);
        let mut unknown_len = 0;
        let mut chars = word.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let (is_first, is_last) = (at == 0, chars.peek().is_none());
            let len = c.len_utf8() as u32;
            let id = self.chars.get(c, is_first, is_last);
            if id != NO_TOKEN {
                self.flush_unknown(&mut unknown_len, merger);
                merger.push(id, len);
                continue;
            }
            if let Some(bytes) = self.chars.bytes_of(&self.config, c, is_first, is_last) {
                bytes.for_each(|id| merger.push(id, 1));
            } else if self.unk_id.is_some() {
                if !self.config.fuse_unk {
                    self.flush_unknown(&mut unknown_len, merger);
                }
                unknown_len += len;
            }
        }
        self.flush_unknown(&mut unknown_len, merger);
    }

    fn flush_unknown(&self, len: &mut u32, merger: &mut Merger) {
        if let Some(id) = self.unk_id.filter(|_| *len > 0) {
            merger.push(id, *len);
        }
        *len = 0;
    }

    fn clamp(&self, piece: &str, spans: &mut [Span]) {
        let len = piece.len() as u32;
        for span in spans.iter_mut().rev().take_while(|span| span.end > len) {
            (span.start, span.end) = (span.start.min(len), len);
        }
    }

    pub(crate) fn config(&self) -> &CharBpeConfig {
        &self.config
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    pub(crate) fn merges(&self) -> &[(u32, u32)] {
        &self.merges
    }
}

/// The product of each merge: the left token and the right one without the prefix.
fn products(vocabulary: &Vocabulary, prefix: &str, merges: &[(u32, u32)]) -> Result<Vec<u32>> {
    let mut product = Vec::new();
    let products = merges.iter().enumerate().map(|(index, &(left, right))| {
        let token = |id| {
            let unknown = || BpeError::UnknownMergeToken { index, token: format!("id {id}") };
            vocabulary.bytes(id).ok_or_else(unknown)
        };
        product.clear();
        product.extend_from_slice(token(left)?);
        let right = token(right)?;
        product.extend_from_slice(right.get(prefix.len()..).unwrap_or(right));
        let unknown = || BpeError::UnknownMergeToken { index, token: printable(&product) };
        vocabulary.id(&product).ok_or_else(unknown)
    });
    products.collect()
}

/// The cuts inside of a pre-token, see [`CharBpe::tokenize`]. `None` where the place of a character in
/// the pre-token decides about its token, and where `▁` has none.
fn cuts(
    config: &CharBpeConfig,
    vocabulary: &Vocabulary,
    products: &[u32],
    chars: &CharTable,
) -> Option<WordCuts> {
    let affixes = [&config.continuing_subword_prefix, &config.end_of_word_suffix];
    let has_affix = affixes.into_iter().flatten().any(|affix| !affix.is_empty());
    if has_affix || chars.get(MARK, false, false) == NO_TOKEN {
        return None;
    }
    let token = |&id| std::str::from_utf8(vocabulary.bytes(id)?).ok();
    Some(WordCuts::new(products.iter().filter_map(token)))
}

#[cfg(test)]
mod tests;
