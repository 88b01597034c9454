//! How a text travels through the parts of a [`Tokenizer`]: added tokens, normaliser, cut, model.

use std::borrow::Cow;
use std::ops::Range;

use crate::added_tokens::Segment;
use crate::byte_level;
use crate::chain::{Cut, Pieces};
use crate::model::Model;
use crate::normalize::aligned::NormalizedText;
use crate::scratch::Scratch;
use crate::token::{AllowedSpecial, TokenId};
use crate::token_ranges::TokenRanges;
use crate::tokenizer::Tokenizer;

/// A part of a text on its way.
enum Part<'p> {
    /// Stands for an added token: its place in the original, and the text that was found.
    Added(TokenId, Range<usize>, &'p str),
    /// Normalised, to be cut and given to the model.
    Text(NormalizedText<'p>),
}

/// A token that was found in a text.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) id: TokenId,
    /// The bytes of the original that it stands for.
    pub(crate) range: Range<usize>,
    /// The number of its pre-token or added token in the text.
    pub(crate) word: u32,
    /// So many characters of white space its text begins and ends with, if that is not the text of the
    /// vocabulary: of added tokens and of what a Unigram model does not know.
    pub(crate) blanks: Option<(usize, usize)>,
}

/// The white space, or the characters that stand for spaces, at both ends of a text.
pub(crate) fn blanks(text: &str) -> (usize, usize) {
    let is_blank = |c: &char| *c == byte_level::SPACE || c.is_whitespace();
    let leading = text.chars().take_while(is_blank).count();
    (leading, text.chars().rev().take_while(is_blank).count())
}

impl Tokenizer {
    /// Appends the tokens of a text.
    pub(crate) fn encode_allowing(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        out: &mut Vec<u32>,
    ) {
        let tracked = self.needs_origins();
        self.scratch().with(|scratch| {
            self.for_each_part(text, allowed, tracked, &mut |part| match part {
                Part::Added(id, ..) => out.push(id.0),
                Part::Text(text) => match (self.model(), self.cut()) {
                    (Model::ByteBpe(bpe), Cut::Pattern(pre_tokenizer)) => {
                        bpe.encode(pre_tokenizer, text.as_str(), scratch, out);
                    }
                    _ => self.encode_pieces(self.cut().pieces(text), scratch, out),
                },
            });
        });
    }

    /// The number of tokens of a text.
    pub(crate) fn count_allowing(&self, text: &str, allowed: AllowedSpecial<'_>) -> usize {
        let mut n = 0;
        let tracked = self.needs_origins();
        self.scratch().with(|scratch| {
            self.for_each_part(text, allowed, tracked, &mut |part| match part {
                Part::Added(..) => n += 1,
                Part::Text(text) => match (self.model(), self.cut()) {
                    (Model::ByteBpe(bpe), Cut::Pattern(pre_tokenizer)) => {
                        n += bpe.count(pre_tokenizer, text.as_str(), scratch);
                    }
                    _ => {
                        let mut ids = std::mem::take(&mut scratch.ids);
                        ids.clear();
                        self.encode_pieces(self.cut().pieces(text), scratch, &mut ids);
                        n += ids.len();
                        scratch.ids = ids;
                    }
                },
            });
        });
        n
    }

    /// Appends the tokens of a text and the bytes they stand for.
    pub(crate) fn ranges_allowing(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        ids: &mut Vec<u32>,
        ranges: &mut TokenRanges,
    ) {
        let (Model::ByteBpe(bpe), Cut::Pattern(pre_tokenizer), None) =
            (self.model(), self.cut(), self.normalizer())
        else {
            return self.for_each_token(text, allowed, false, &mut |found: Found| {
                ids.push(found.id.0);
                ranges.push(found.range);
            });
        };
        self.scratch().with(|scratch| {
            self.for_each_part(text, allowed, false, &mut |part| match part {
                Part::Added(id, range, _) => {
                    ids.push(id.0);
                    ranges.push(range);
                }
                Part::Text(text) => {
                    let base = text.origin(0..0).start;
                    let text = text.as_str();
                    bpe.encode_with_ranges(pre_tokenizer, text, base, scratch, ids, ranges);
                }
            });
        });
    }

    /// Calls `sink` with the tokens of a text. `whole_characters`: the range of a token that holds a
    /// part of a character is that of the character, even where the text is not rewritten.
    pub(crate) fn for_each_token(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        whole_characters: bool,
        sink: &mut dyn FnMut(Found),
    ) {
        let tracked = whole_characters || self.normalizer().is_some() || self.cut().rewrites();
        let unknown_piece = match self.model() {
            Model::Unigram(model) => model.unk_id().map(|id| id as u32),
            _ => None,
        };
        let mut word = 0;
        self.scratch().with(|scratch| {
            self.for_each_part(text, allowed, tracked, &mut |part| match part {
                Part::Added(id, range, surface) => {
                    sink(Found { id, range, word, blanks: Some(blanks(surface)) });
                    word += 1;
                }
                Part::Text(text) => {
                    let pieces = self.cut().pieces(text);
                    for piece in &pieces.ranges {
                        self.spans(&pieces, piece, scratch, &mut |id, range| {
                            let is_unknown = unknown_piece == Some(id);
                            let surface = pieces.text.as_str().get(range.clone());
                            let blanks = surface.filter(|_| is_unknown).map(blanks);
                            let range = pieces.text.origin(range);
                            sink(Found { id: TokenId(id), range, word, blanks });
                        });
                        word += 1;
                    }
                }
            });
        });
    }

    fn encode_pieces(&self, pieces: Pieces<'_>, scratch: &mut Scratch, out: &mut Vec<u32>) {
        let text = pieces.text.as_str();
        match self.model() {
            Model::ByteBpe(bpe) => bpe.encode_pieces(text, &pieces.ranges, scratch, out),
            Model::SentencePiece(model) => {
                let model_scratch = scratch.model.get_or_insert_default();
                for piece in &pieces.ranges {
                    model.ids(&text[piece.clone()], model_scratch, out);
                }
            }
            model => {
                let model_scratch = scratch.model.get_or_insert_default();
                for piece in &pieces.ranges {
                    scratch.spans.clear();
                    model.tokenize(&text[piece.clone()], model_scratch, &mut scratch.spans);
                    out.extend(scratch.spans.iter().map(|span| span.id));
                }
            }
        }
    }

    /// The tokens of one pre-token, with the bytes of the text of all pieces that they stand for.
    fn spans(
        &self,
        pieces: &Pieces<'_>,
        piece: &Range<usize>,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(u32, Range<usize>),
    ) {
        let text = pieces.text.as_str();
        match self.model() {
            Model::ByteBpe(bpe) => {
                bpe.encode_piece_with_offsets(text, piece, scratch, sink);
            }
            model => {
                let model_scratch = scratch.model.get_or_insert_default();
                scratch.spans.clear();
                model.tokenize(&text[piece.clone()], model_scratch, &mut scratch.spans);
                for span in &scratch.spans {
                    let (start, end) = (span.start as usize, span.end as usize);
                    sink(span.id, piece.start + start..piece.start + end);
                }
            }
        }
    }

    /// Cuts a text at its added tokens and normalises what stands between them.
    fn for_each_part(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        tracked: bool,
        sink: &mut dyn FnMut(Part<'_>),
    ) {
        let may_match = self.added().may_match(allowed);
        let Some(normalizer) = self.normalizer() else {
            if !may_match {
                return sink(Part::Text(NormalizedText::new(text, 0, tracked)));
            }
            return self.added().segments(text, allowed, &mut |segment| {
                sink(match segment {
                    Segment::Added(id, range) => Part::Added(id, range.clone(), &text[range]),
                    Segment::Text(range) => {
                        let start = range.start;
                        Part::Text(NormalizedText::new(&text[range], start, tracked))
                    }
                });
            });
        };
        if !may_match {
            let mut normalized = NormalizedText::new(text, 0, tracked);
            normalizer.apply(&mut normalized);
            return sink(Part::Text(normalized));
        }
        self.added().segments_raw(text, allowed, &mut |segment| match segment {
            Segment::Added(id, range) => sink(Part::Added(id, range.clone(), &text[range])),
            Segment::Text(range) => {
                let start = range.start;
                let mut normalized = NormalizedText::new(&text[range], start, tracked);
                normalizer.apply(&mut normalized);
                let text = normalized.as_str();
                self.added().segments_normalized(text, allowed, &mut |segment| {
                    sink(match segment {
                        Segment::Added(id, range) => {
                            Part::Added(id, normalized.origin(range.clone()), &text[range])
                        }
                        Segment::Text(range) => Part::Text(normalized.slice(range)),
                    });
                });
            }
        });
    }

    /// The pre-tokens of a text, normalised, without added tokens. Byte-level models see their bytes;
    /// others see them as the file's pre-tokenizer leaves them (with `▁` for spaces, for instance).
    pub fn for_each_pre_token(&self, text: &str, mut sink: impl FnMut(&str)) {
        let text = match self.normalizer() {
            Some(normalizer) => normalizer.normalize(text),
            None => Cow::Borrowed(text),
        };
        let pieces = self.cut().pieces(NormalizedText::new(&text, 0, false));
        for piece in &pieces.ranges {
            sink(&pieces.text.as_str()[piece.clone()]);
        }
    }
}
