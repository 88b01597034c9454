//! The tokenizer: encoding, counting, decoding and looking things up.

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::added_tokens::{AddedTokens, Segment};
use crate::byte_bpe::{ByteBpe, MergeRule};
use crate::error::{BpeError, Result};
use crate::pattern::Pattern;
use crate::pretokenize::PreTokenizer;
use crate::scratch::ScratchPool;
use crate::token::{AddedToken, AllowedSpecial, TokenId};
use crate::vocabulary::Vocabulary;

/// A byte-level BPE tokenizer. Immutable, `Send + Sync`, every method takes `&self`.
///
/// Made by [`Trainer::train`](crate::Trainer::train), [`Tokenizer::from_json`] or
/// [`Tokenizer::from_tiktoken`].
///
/// Beside the tables it holds one scratch space per thread that has encoded at the same time as
/// others: buffers, and a cache with exact keys that grows with use. All caches of a tokenizer together
/// hold at most 32 MiB.
#[derive(Clone)]
pub struct Tokenizer {
    bpe: ByteBpe,
    added: AddedTokens,
    pre_tokenizer: PreTokenizer,
    byte_level_post: Option<ByteLevelPost>,
    scratch: ScratchPool,
    fingerprint: OnceLock<String>,
}

/// The `ByteLevel` post-processor of a `tokenizer.json`. It moves the borders of Hugging Face's
/// offsets and nothing else; it is kept so that the file can be written as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteLevelPost {
    pub(crate) add_prefix_space: bool,
    pub(crate) trim_offsets: bool,
    pub(crate) use_regex: bool,
}

/// So many ids without token are accepted in a small vocabulary; in a large one, as many as tokens.
const MAX_HOLES: usize = 4096;

/// The parts of a tokenizer before they are checked against each other.
pub(crate) struct Parts {
    pub(crate) tokens: Vec<(u32, Vec<u8>)>,
    pub(crate) added: Vec<AddedToken>,
    pub(crate) rule: MergeRule,
    pub(crate) pattern: Pattern,
    pub(crate) byte_level_post: Option<ByteLevelPost>,
}

impl Tokenizer {
    /// Checks the parts and builds the tables.
    pub(crate) fn build(parts: Parts) -> Result<Self> {
        let n_tokens = parts.tokens.len() + parts.added.len();
        let added_ids = parts.added.iter().map(|token| token.id.0);
        let max = parts.tokens.iter().map(|(id, _)| *id).chain(added_ids).max();
        if let Some(max) = max.filter(|&max| max as usize >= 2 * n_tokens + MAX_HOLES) {
            return Err(BpeError::SparseIds { n_tokens, max });
        }
        Ok(Self {
            bpe: ByteBpe::new(parts.tokens, parts.rule)?,
            added: AddedTokens::new(parts.added)?,
            pre_tokenizer: PreTokenizer::new(&parts.pattern)?,
            byte_level_post: parts.byte_level_post,
            scratch: ScratchPool::default(),
            fingerprint: OnceLock::new(),
        })
    }

    /// The tokens of a text. Control tokens are never produced: text that looks like one is encoded as
    /// the characters it is made of.
    ///
    /// Bytes that the vocabulary lacks (see [`has_all_bytes`](Self::has_all_bytes)) are left out, as
    /// Hugging Face's BPE does without an unknown token. O(n log n) in the longest pre-token.
    pub fn encode(&self, text: &str) -> Vec<TokenId> {
        self.encode_with_special(text, AllowedSpecial::None)
    }

    /// The tokens of a text in which the `allowed` control tokens stand for themselves.
    pub fn encode_with_special(&self, text: &str, allowed: AllowedSpecial<'_>) -> Vec<TokenId> {
        let mut ids = Vec::with_capacity(text.len() / 4 + 1);
        self.encode_allowing(text, allowed, &mut ids);
        ids.into_iter().map(TokenId).collect()
    }

    /// Appends the tokens of a text to `out`; else as [`encode`](Self::encode).
    pub fn encode_into(&self, text: &str, out: &mut Vec<u32>) {
        self.encode_allowing(text, AllowedSpecial::None, out);
    }

    /// Appends the tokens of a text to `out`; else as
    /// [`encode_with_special`](Self::encode_with_special).
    pub fn encode_into_with_special(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        out: &mut Vec<u32>,
    ) {
        self.encode_allowing(text, allowed, out);
    }

    /// The tokens of a text, each with the range of bytes it stands for. The ranges are in order and do
    /// not overlap; with all 256 bytes in the vocabulary they cover the text. A token may begin or end
    /// inside a character.
    pub fn encode_with_offsets(&self, text: &str) -> Vec<(TokenId, Range<usize>)> {
        self.encode_with_special_and_offsets(text, AllowedSpecial::None)
    }

    /// [`encode_with_offsets`](Self::encode_with_offsets) with the `allowed` control tokens.
    pub fn encode_with_special_and_offsets(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
    ) -> Vec<(TokenId, Range<usize>)> {
        let mut out = Vec::with_capacity(text.len() / 4 + 1);
        self.scratch.with(|scratch| {
            self.for_each_segment(text, allowed, &mut |segment| match segment {
                Segment::Added(id, range) => out.push((id, range)),
                Segment::Text(range) => {
                    let start = range.start;
                    self.bpe.encode_with_offsets(
                        &self.pre_tokenizer,
                        &text[range],
                        scratch,
                        |id, token| {
                            out.push((TokenId(id), start + token.start..start + token.end));
                        },
                    );
                }
            });
        });
        out
    }

    /// The number of tokens of a text: `encode(text).len()` without the allocation.
    pub fn count(&self, text: &str) -> usize {
        let mut n = 0;
        self.scratch.with(|scratch| {
            self.for_each_segment(text, AllowedSpecial::None, &mut |segment| match segment {
                Segment::Added(..) => n += 1,
                Segment::Text(range) => {
                    n += self.bpe.count(&self.pre_tokenizer, &text[range], scratch);
                }
            });
        });
        n
    }

    /// The bytes that the tokens stand for, one after another. An id without token yields nothing
    /// (see [`token_bytes`](Self::token_bytes)). Bytes, because a token may hold part of a character.
    pub fn decode(&self, ids: &[TokenId]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        for &id in ids {
            bytes.extend_from_slice(self.token_bytes(id).unwrap_or_default());
        }
        bytes
    }

    /// [`decode`](Self::decode) as text; what is not UTF-8 becomes U+FFFD.
    pub fn decode_lossy(&self, ids: &[TokenId]) -> String {
        String::from_utf8(self.decode(ids))
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// The bytes that a token stands for; `None` when no token has this id.
    #[inline]
    pub fn token_bytes(&self, id: TokenId) -> Option<&[u8]> {
        let added = || self.added.by_id(id.0).map(|token| token.content.as_bytes());
        self.vocabulary().bytes(id.0).or_else(added)
    }

    /// The id of the token that stands for this text: an added token, or else one of the vocabulary.
    pub fn token_to_id(&self, text: &str) -> Option<TokenId> {
        let ordinary = || self.vocabulary().id(text.as_bytes()).map(TokenId);
        self.special_id(text).or_else(ordinary)
    }

    /// The id of an added token by its content.
    pub fn special_id(&self, content: &str) -> Option<TokenId> {
        self.added.by_content(content).map(|token| token.id)
    }

    /// All added tokens, control tokens and others, in order of id.
    pub fn added_tokens(&self) -> &[AddedToken] {
        self.added.as_slice()
    }

    /// The highest id + 1: the number of rows an embedding table needs. Ids below it may be unused.
    pub fn vocab_size(&self) -> usize {
        let added = self.added.as_slice().last().map_or(0, |token| token.id.0 as usize + 1);
        self.vocabulary().n_ids().max(added)
    }

    /// Whether each of the 256 bytes has a token, so that `decode(encode(text)) == text` for any text.
    pub fn has_all_bytes(&self) -> bool {
        self.bpe.has_all_bytes()
    }

    /// The pattern that cuts a text before merging.
    pub fn pattern(&self) -> &Pattern {
        self.pre_tokenizer.pattern()
    }

    /// SHA-256, as 64 hexadecimal digits, of a canonical form of all that decides what the tokenizer
    /// does: pattern, tokens, merges and added tokens. Two tokenizers with the same fingerprint give
    /// the same ids for every text. Computed on the first call.
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| {
            let mut hasher = CanonicalHasher(Sha256::new());
            hasher.bytes(b"pretrain-bpe tokenizer 1");
            hasher.bytes(self.pattern().to_string().as_bytes());
            hasher.number(self.vocabulary().n_tokens());
            for (id, bytes) in self.vocabulary().iter() {
                hasher.number(id as usize);
                hasher.bytes(bytes);
            }
            match self.bpe.rule() {
                MergeRule::Ranks => hasher.bytes(b"ranks"),
                MergeRule::Pairs { merges, ignore_merges } => {
                    hasher.bytes(if *ignore_merges { b"merges, whole" } else { b"merges" });
                    hasher.number(merges.len());
                    for &(left, right) in merges {
                        hasher.number(left as usize);
                        hasher.number(right as usize);
                    }
                }
            }
            hasher.number(self.added.as_slice().len());
            for token in self.added.as_slice() {
                hasher.number(token.id.0 as usize);
                hasher.bytes(token.content.as_bytes());
                hasher.number(usize::from(token.special) | usize::from(token.normalized) << 1);
            }
            hasher.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
        })
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        self.bpe.vocabulary()
    }

    pub(crate) fn rule(&self) -> &MergeRule {
        self.bpe.rule()
    }

    pub(crate) fn byte_level_post(&self) -> Option<ByteLevelPost> {
        self.byte_level_post
    }

    /// Whether nothing in a text but its pre-tokens decides where it is cut, and no word of letters shares
    /// one with the white space after it.
    #[cfg(feature = "rayon")]
    pub(crate) fn is_cut_by_words(&self) -> bool {
        !self.added.may_match(AllowedSpecial::None) && self.pre_tokenizer.ends_words_at_space()
    }

    fn encode_allowing(&self, text: &str, allowed: AllowedSpecial<'_>, out: &mut Vec<u32>) {
        self.scratch.with(|scratch| {
            self.for_each_segment(text, allowed, &mut |segment| match segment {
                Segment::Added(id, _) => out.push(id.0),
                Segment::Text(range) => {
                    self.bpe.encode(&self.pre_tokenizer, &text[range], scratch, out);
                }
            });
        });
    }

    fn for_each_segment(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        sink: &mut dyn FnMut(Segment),
    ) {
        if self.added.may_match(allowed) {
            self.added.segments(text, allowed, sink);
        } else {
            sink(Segment::Text(0..text.len()));
        }
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer")
            .field("vocab_size", &self.vocab_size())
            .field("pattern", self.pattern())
            .field("added_tokens", &self.added.as_slice())
            .finish_non_exhaustive()
    }
}

/// Writes numbers and length-prefixed byte strings.
struct CanonicalHasher(Sha256);

impl CanonicalHasher {
    fn number(&mut self, number: usize) {
        self.0.update((number as u64).to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.update(bytes);
    }
}
