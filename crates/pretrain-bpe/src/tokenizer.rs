//! The tokenizer: encoding, counting, decoding and looking things up.

use std::fmt;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use crate::added_tokens::AddedTokens;
use crate::byte_bpe::{ByteBpe, MergeRule};
use crate::chain::{Component, Cut};
use crate::decoder::{ByteLevelFlags, Decoder};
use crate::encoding::{Padding, Truncation};
use crate::error::{BpeError, Result};
use crate::model::Model;
use crate::model::char_bpe::CharBpeConfig;
use crate::normalize::Normalizer;
use crate::pattern::Pattern;
use crate::pipeline::blanks;
use crate::post_processor::{ByteLevelPost, PostProcessor};
use crate::scratch::ScratchPool;
use crate::stable::Plain;
use crate::token::{AddedToken, AllowedSpecial, TokenId};
use crate::token_ranges::TokenRanges;
use crate::vocabulary::{TokenList, Vocabulary};

mod decoding;
mod fingerprint;

/// A tokenizer: byte-level BPE, or another model with the whole pipeline of a `tokenizer.json` around
/// it. Immutable, `Send + Sync`, every method takes `&self`.
///
/// Made by [`Trainer::train`](crate::Trainer::train), [`Tokenizer::from_json`],
/// [`Tokenizer::from_tiktoken`] or [`Tokenizer::from_sentencepiece`].
///
/// Beside the tables it holds one scratch space per thread that has encoded at the same time as
/// others: buffers, and a cache with exact keys that grows with use. All caches of a tokenizer together
/// hold at most 32 MiB.
#[derive(Clone)]
pub struct Tokenizer {
    model: Model,
    /// The members of the model that a byte-level one has no use for, as the file has them.
    bpe_fields: CharBpeConfig,
    added: AddedTokens,
    /// The added tokens that the model's own list of tokens does not have, by id.
    added_beside: Vec<u32>,
    normalizer: Option<Normalizer>,
    pre_tokenizer: Option<Component>,
    cut: Cut,
    post_processor: Option<PostProcessor>,
    decoder: Option<Decoder>,
    truncation: Option<Truncation>,
    padding: Option<Padding>,
    scratch: ScratchPool,
    fingerprint: OnceLock<String>,
}

/// So many ids without token are accepted in a small vocabulary; in a large one, as many as tokens.
const MAX_HOLES: usize = 4096;

/// The parts of a byte-level tokenizer before they are checked against each other.
pub(crate) struct Parts {
    pub(crate) tokens: TokenList,
    pub(crate) added: Vec<AddedToken>,
    pub(crate) rule: MergeRule,
    pub(crate) pattern: Pattern,
    pub(crate) byte_level_post: Option<ByteLevelPost>,
}

/// The parts of any tokenizer.
pub(crate) struct Components {
    pub(crate) model: Model,
    pub(crate) bpe_fields: CharBpeConfig,
    pub(crate) added: Vec<AddedToken>,
    pub(crate) added_beside: Vec<u32>,
    pub(crate) normalizer: Option<Normalizer>,
    pub(crate) pre_tokenizer: Option<Component>,
    pub(crate) post_processor: Option<PostProcessor>,
    pub(crate) decoder: Option<Decoder>,
    pub(crate) truncation: Option<Truncation>,
    pub(crate) padding: Option<Padding>,
}

/// Refuses ids so far apart that most of `0..=max` would be holes, before any table is made of them.
pub(crate) fn check_density(n_tokens: usize, ids: impl Iterator<Item = u32>) -> Result<()> {
    match ids.max() {
        Some(max) if max as usize >= 2 * n_tokens + MAX_HOLES => {
            Err(BpeError::SparseIds { n_tokens, max })
        }
        _ => Ok(()),
    }
}

impl Tokenizer {
    /// Checks the parts and builds the tables.
    pub(crate) fn build(parts: Parts) -> Result<Self> {
        let ids = parts.tokens.ids();
        let added_ids = parts.added.iter().map(|token| token.id.0);
        check_density(parts.tokens.len() + parts.added.len(), ids.chain(added_ids))?;
        Self::assemble(Components {
            model: Model::ByteBpe(ByteBpe::new(parts.tokens, parts.rule)?),
            bpe_fields: CharBpeConfig::default(),
            added: parts.added,
            added_beside: Vec::new(),
            normalizer: None,
            pre_tokenizer: Some(Component::of_pattern(&parts.pattern)?),
            post_processor: parts.byte_level_post.map(PostProcessor::ByteLevel),
            decoder: Some(Decoder::ByteLevel(ByteLevelFlags::default())),
            truncation: None,
            padding: None,
        })
    }

    /// Compiles what has to be compiled. The ids of the added tokens have to be near those of the model.
    pub(crate) fn assemble(components: Components) -> Result<Self> {
        let is_byte_level = matches!(components.model, Model::ByteBpe(_));
        let cut = Cut::compile(components.pre_tokenizer.as_ref(), is_byte_level)?;
        Ok(Self {
            model: components.model,
            bpe_fields: components.bpe_fields,
            added: AddedTokens::new(components.added, components.normalizer.as_ref())?,
            added_beside: components.added_beside,
            normalizer: components.normalizer,
            pre_tokenizer: components.pre_tokenizer,
            cut,
            post_processor: components.post_processor,
            decoder: components.decoder,
            truncation: components.truncation,
            padding: components.padding,
            scratch: ScratchPool::default(),
            fingerprint: OnceLock::new(),
        })
    }

    /// The same pipeline around another byte-level model.
    pub(crate) fn with_bytes(
        &self,
        tokens: Vec<(u32, Vec<u8>)>,
        added: Vec<AddedToken>,
        rule: MergeRule,
    ) -> Result<Self> {
        let added_ids = added.iter().map(|token| token.id.0);
        let ids = tokens.iter().map(|(id, _)| *id).chain(added_ids);
        check_density(tokens.len() + added.len(), ids)?;
        Self::assemble(Components {
            model: Model::ByteBpe(ByteBpe::new(tokens.into(), rule)?),
            bpe_fields: self.bpe_fields.clone(),
            added,
            added_beside: self.added_beside.clone(),
            normalizer: self.normalizer.clone(),
            pre_tokenizer: self.pre_tokenizer.clone(),
            post_processor: self.post_processor.clone(),
            decoder: self.decoder.clone(),
            truncation: self.truncation.clone(),
            padding: self.padding.clone(),
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

    /// The tokens of a text between those of the file's template, such as the beginning and the end of a
    /// text. Without a template, the tokens alone.
    pub fn encode_with_template(&self, text: &str, allowed: AllowedSpecial<'_>) -> Vec<TokenId> {
        let ids = self.encode_with_special(text, allowed);
        match &self.post_processor {
            Some(post) => post.wrap(ids),
            None => ids,
        }
    }

    /// The tokens of a text, each with the range of bytes it stands for, in order.
    ///
    /// Where the tokenizer leaves the text as it is, the ranges do not overlap and a token may begin or
    /// end inside a character; with all 256 bytes in a byte-level vocabulary they cover the text. Where
    /// it rewrites the text (by a normaliser, `▁` for spaces, or a space before the first word), a range
    /// is that of the whole characters that the token was made of.
    pub fn encode_with_offsets(&self, text: &str) -> Vec<(TokenId, Range<usize>)> {
        self.encode_with_special_and_offsets(text, AllowedSpecial::None)
    }

    /// [`encode_with_offsets`](Self::encode_with_offsets) with the `allowed` control tokens.
    pub fn encode_with_special_and_offsets(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
    ) -> Vec<(TokenId, Range<usize>)> {
        let (mut ids, mut ranges) = (Vec::with_capacity(text.len() / 4 + 1), TokenRanges::new());
        self.ranges_allowing(text, allowed, &mut ids, &mut ranges);
        ids.into_iter().map(TokenId).zip(ranges.iter()).collect()
    }

    /// Appends the tokens of a text to `ids` and where each stands in it to `ranges`; else as
    /// [`encode_with_offsets`](Self::encode_with_offsets), at 12 bytes a token and not 24.
    ///
    /// Of byte-level tokenizers that leave the text as it is, the ranges are a running sum of lengths.
    pub fn encode_with_offsets_into(
        &self,
        text: &str,
        ids: &mut Vec<u32>,
        ranges: &mut TokenRanges,
    ) {
        self.ranges_allowing(text, AllowedSpecial::None, ids, ranges);
    }

    /// [`encode_with_offsets_into`](Self::encode_with_offsets_into) with the `allowed` control tokens.
    pub fn encode_with_special_and_offsets_into(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        ids: &mut Vec<u32>,
        ranges: &mut TokenRanges,
    ) {
        self.ranges_allowing(text, allowed, ids, ranges);
    }

    /// The number of tokens of a text: `encode(text).len()` without the allocation.
    pub fn count(&self, text: &str) -> usize {
        self.count_allowing(text, AllowedSpecial::None)
    }

    /// The id of the token that stands for this text: an added token, or else one of the vocabulary.
    pub fn token_to_id(&self, text: &str) -> Option<TokenId> {
        let ordinary = || self.model.id(text).map(TokenId);
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
        self.model.n_ids().max(added)
    }

    /// Whether it is byte-level and each of the 256 bytes has a token. Then `decode(encode(text))` is the
    /// normalised text, so `text` itself where there is no normaliser.
    pub fn has_all_bytes(&self) -> bool {
        matches!(&self.model, Model::ByteBpe(bpe) if bpe.has_all_bytes())
    }

    /// The pattern that cuts a text before merging; `None` where a chain of other pre-tokenizers does, or
    /// where the model is not byte-level.
    pub fn pattern(&self) -> Option<&Pattern> {
        self.cut.pattern()
    }

    /// What happens to a text before it is cut.
    pub fn normalizer(&self) -> Option<&Normalizer> {
        self.normalizer.as_ref()
    }

    /// The truncation that the file asks for. It is applied only on request
    /// ([`EncodeOptions::of_file`](crate::EncodeOptions::of_file)).
    pub fn truncation(&self) -> Option<&Truncation> {
        self.truncation.as_ref()
    }

    /// The padding that the file asks for. It is applied only on request
    /// ([`EncodeOptions::of_file`](crate::EncodeOptions::of_file)).
    pub fn padding(&self) -> Option<&Padding> {
        self.padding.as_ref()
    }

    /// SHA-256, as 64 hexadecimal digits, of a canonical form of all that decides what the tokenizer
    /// does: pattern, tokens, merges and added tokens. Two tokenizers with the same fingerprint give
    /// the same ids for every text. Computed on the first call.
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| fingerprint::of(self))
    }

    /// The characters of white space, or the spaces, that a token begins and ends with.
    pub(crate) fn blanks_of(&self, id: TokenId) -> (usize, usize) {
        match &self.model {
            Model::ByteBpe(bpe) => {
                let bytes = bpe.vocabulary().bytes(id.0).unwrap_or_default();
                let is_space = |byte: &&u8| **byte == b' ';
                let leading = bytes.iter().take_while(is_space).count();
                (leading, bytes.iter().rev().take_while(is_space).count())
            }
            model => {
                let token =
                    model.token_bytes(id.0).and_then(|token| std::str::from_utf8(token).ok());
                blanks(token.unwrap_or_default())
            }
        }
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    pub(crate) fn bpe_fields(&self) -> &CharBpeConfig {
        &self.bpe_fields
    }

    pub(crate) fn added(&self) -> &AddedTokens {
        &self.added
    }

    /// Whether an added token is in the model's own list of tokens too.
    pub(crate) fn is_in_model_list(&self, id: TokenId) -> bool {
        self.added_beside.binary_search(&id.0).is_err()
    }

    pub(crate) fn pre_tokenizer(&self) -> Option<&Component> {
        self.pre_tokenizer.as_ref()
    }

    pub(crate) fn cut(&self) -> &Cut {
        &self.cut
    }

    /// Whether the cut must know where a text comes from that was rewritten before.
    pub(crate) fn needs_origins(&self) -> bool {
        self.cut.needs_origins(self.normalizer.is_some())
    }

    pub(crate) fn post_processor(&self) -> Option<&PostProcessor> {
        self.post_processor.as_ref()
    }

    pub(crate) fn decoder(&self) -> Option<&Decoder> {
        self.decoder.as_ref()
    }

    pub(crate) fn scratch(&self) -> &ScratchPool {
        &self.scratch
    }

    /// The tokens of a byte-level model; none of another.
    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        static NONE: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::default);
        match &self.model {
            Model::ByteBpe(bpe) => bpe.vocabulary(),
            _ => &NONE,
        }
    }

    /// The merges of a byte-level model; none of another.
    pub(crate) fn rule(&self) -> &MergeRule {
        static NONE: MergeRule = MergeRule::Pairs { merges: Vec::new(), ignore_merges: false };
        match &self.model {
            Model::ByteBpe(bpe) => bpe.rule(),
            _ => &NONE,
        }
    }

    /// Whether tokens are bytes.
    pub(crate) fn is_byte_level(&self) -> bool {
        matches!(self.model, Model::ByteBpe(_))
    }

    /// Whether nothing in a text but its pre-tokens decides where it is cut, and no word of letters shares
    /// one with the white space after it.
    #[cfg(feature = "rayon")]
    pub(crate) fn is_cut_by_words(&self) -> bool {
        !self.added.may_match(AllowedSpecial::None)
            && self.plain().is_some_and(|plain| plain.pre_tokenizer.ends_words_at_space())
    }

    /// The parts, if there are no others than these: see [`Plain`].
    pub(crate) fn plain(&self) -> Option<Plain<'_>> {
        let (Model::ByteBpe(bpe), Cut::Pattern(pre_tokenizer), None) =
            (&self.model, &self.cut, &self.normalizer)
        else {
            return None;
        };
        let looks_around = |token: &AddedToken| token.lstrip || token.rstrip || token.single_word;
        if self.added.as_slice().iter().any(looks_around) {
            return None;
        }
        Some(Plain { added: &self.added, pre_tokenizer, bpe, scratch: &self.scratch })
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer")
            .field("vocab_size", &self.vocab_size())
            .field("pattern", &self.pattern())
            .field("added_tokens", &self.added.as_slice())
            .finish_non_exhaustive()
    }
}
