//! All that is known about the tokens of a text or a pair of texts.

use crate::error::Result;
use crate::token::{AllowedSpecial, TokenId};
use crate::tokenizer::Tokenizer;

pub use padding::{PadLength, Padding, Side};
pub(crate) use part::{Part, Row};
pub use truncation::{Truncation, TruncationStrategy};

mod padding;
mod part;
#[cfg(test)]
mod tests;
mod truncation;

/// One text, or two that belong together (a question and its context).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<'t> {
    /// The text, or the first of two.
    pub text: &'t str,
    /// The second text.
    pub pair: Option<&'t str>,
}

impl<'t> From<&'t str> for Input<'t> {
    fn from(text: &'t str) -> Self {
        Self { text, pair: None }
    }
}

impl<'t> From<(&'t str, &'t str)> for Input<'t> {
    fn from((text, pair): (&'t str, &'t str)) -> Self {
        Self { text, pair: Some(pair) }
    }
}

/// What to make of a text beside its tokens. The default is the tokens alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodeOptions<'a> {
    /// The control tokens that the text may produce.
    pub allowed: AllowedSpecial<'a>,
    /// Whether the template of the tokenizer is applied, which adds tokens for the beginning and end
    /// of texts. Without, its other effects remain: type ids, and the borders of offsets.
    pub add_special_tokens: bool,
    /// How a text that is too long is cut.
    pub truncation: Option<Truncation>,
    /// How a text that is too short is filled up.
    pub padding: Option<Padding>,
}

impl<'a> EncodeOptions<'a> {
    /// What Hugging Face's `encode` does by default: all control tokens are allowed, the template is
    /// applied, truncation and padding are those that the file asks for. Only for text that the caller
    /// wrote.
    pub fn of_file(tokenizer: &Tokenizer) -> Self {
        Self {
            allowed: AllowedSpecial::All,
            add_special_tokens: true,
            truncation: tokenizer.truncation().cloned(),
            padding: tokenizer.padding().cloned(),
        }
    }

    /// With the control tokens that the text may produce.
    #[must_use]
    pub fn allowing(mut self, allowed: AllowedSpecial<'a>) -> Self {
        self.allowed = allowed;
        self
    }

    /// With the template of the tokenizer, or without.
    #[must_use]
    pub fn with_template(mut self, add_special_tokens: bool) -> Self {
        self.add_special_tokens = add_special_tokens;
        self
    }

    /// With truncation.
    #[must_use]
    pub fn truncated(mut self, truncation: Truncation) -> Self {
        self.truncation = Some(truncation);
        self
    }

    /// With padding.
    #[must_use]
    pub fn padded(mut self, padding: Padding) -> Self {
        self.padding = Some(padding);
        self
    }
}

/// The tokens of a text or pair, each with what is known of it. All lists have the same length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    ids: Vec<TokenId>,
    type_ids: Vec<u32>,
    offsets: Vec<(usize, usize)>,
    words: Vec<Option<u32>>,
    sequences: Vec<Option<u8>>,
    special_tokens_mask: Vec<bool>,
    attention_mask: Vec<bool>,
    overflowing: Vec<Encoding>,
}

impl Encoding {
    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The tokens.
    pub fn ids(&self) -> &[TokenId] {
        &self.ids
    }

    /// The type of each token, which tells the texts of a pair apart where the template says so.
    pub fn type_ids(&self) -> &[u32] {
        &self.type_ids
    }

    /// Start and end, in bytes of its text, of what each token stands for: whole characters of the
    /// original text. (0, 0) for what a template or padding has added.
    pub fn offsets(&self) -> &[(usize, usize)] {
        &self.offsets
    }

    /// [`offsets`](Self::offsets) in characters. The input has to be that of the encoding; other
    /// texts give other numbers.
    pub fn char_offsets<'t>(&self, input: impl Into<Input<'t>>) -> Vec<(usize, usize)> {
        let input = input.into();
        let of = |text: &str| CharPositions::new(text);
        let positions = [of(input.text), of(input.pair.unwrap_or_default())];
        let convert = |(&(start, end), sequence): (&(usize, usize), &Option<u8>)| {
            let positions = &positions[usize::from(sequence.unwrap_or(0) != 0)];
            (positions.of(start), positions.of(end))
        };
        self.offsets.iter().zip(&self.sequences).map(convert).collect()
    }

    /// The pre-token of its text that each token belongs to, counted from 0; an added token counts as
    /// one. `None` for what a template or padding has added.
    pub fn words(&self) -> &[Option<u32>] {
        &self.words
    }

    /// The text that each token comes from: 0, or 1 for the second of a pair. `None` for what a template
    /// or padding has added.
    pub fn sequences(&self) -> &[Option<u8>] {
        &self.sequences
    }

    /// Which tokens a template or padding has added. A control token in the text is not one of them.
    pub fn special_tokens_mask(&self) -> &[bool] {
        &self.special_tokens_mask
    }

    /// Which tokens are not padding.
    pub fn attention_mask(&self) -> &[bool] {
        &self.attention_mask
    }

    /// What truncation has cut off, in parts of the same form. They have none of their own.
    pub fn overflowing(&self) -> &[Encoding] {
        &self.overflowing
    }

    fn from_part(part: Part) -> Self {
        let rows = &part.rows;
        Self {
            ids: rows.iter().map(|row| row.id).collect(),
            type_ids: rows.iter().map(|row| row.type_id).collect(),
            offsets: rows.iter().map(|row| (row.range.start, row.range.end)).collect(),
            words: rows.iter().map(|row| row.word).collect(),
            sequences: rows.iter().map(|row| row.sequence).collect(),
            special_tokens_mask: rows.iter().map(|row| row.is_special).collect(),
            attention_mask: rows.iter().map(|row| !row.is_padding).collect(),
            overflowing: part.overflowing.into_iter().map(Self::from_part).collect(),
        }
    }
}

/// The numbers of characters by byte.
struct CharPositions {
    /// The number of characters before every 64th byte.
    before: Vec<usize>,
    starts: Vec<u64>,
}

impl CharPositions {
    fn new(text: &str) -> Self {
        let (mut before, mut starts, mut n) = (Vec::new(), Vec::new(), 0);
        for chunk in text.as_bytes().chunks(64) {
            let is_start = |byte: &u8| u64::from(byte & 0xc0 != 0x80);
            let bits = chunk.iter().rev().fold(0, |bits, byte| bits << 1 | is_start(byte));
            before.push(n);
            starts.push(bits);
            n += u64::count_ones(bits) as usize;
        }
        before.push(n);
        starts.push(0);
        Self { before, starts }
    }

    /// The number of characters that begin before a byte.
    fn of(&self, byte: usize) -> usize {
        match (self.before.get(byte / 64), self.starts.get(byte / 64)) {
            (Some(before), Some(starts)) => {
                before + (starts & ((1 << (byte % 64)) - 1)).count_ones() as usize
            }
            _ => self.before.last().copied().unwrap_or(0),
        }
    }
}

impl Tokenizer {
    /// The tokens of a text or pair of texts, with all that is known of them: offsets, words, masks, the
    /// template of the file on request, truncation and padding.
    ///
    /// The results are those of Hugging Face's `encode`; where that panics, this is an error. It keeps
    /// about 100 bytes per token while it works; for ids alone use [`encode_into`](Self::encode_into).
    ///
    /// # Errors
    ///
    /// [`BpeError::Truncation`](crate::BpeError::Truncation) when the text cannot be truncated as asked.
    pub fn encoding<'t>(
        &self,
        input: impl Into<Input<'t>>,
        options: &EncodeOptions<'_>,
    ) -> Result<Encoding> {
        let mut part = self.processed(input.into(), options)?;
        if let Some(padding) = &options.padding {
            padding.apply(std::slice::from_mut(&mut part));
        }
        Ok(Encoding::from_part(part))
    }

    /// The encodings of several inputs, padded to the longest of them where the padding says so.
    ///
    /// # Errors
    ///
    /// As [`encoding`](Self::encoding).
    pub fn encodings<'t, I: Into<Input<'t>>>(
        &self,
        inputs: impl IntoIterator<Item = I>,
        options: &EncodeOptions<'_>,
    ) -> Result<Vec<Encoding>> {
        let process = |input: I| self.processed(input.into(), options);
        let mut parts = inputs.into_iter().map(process).collect::<Result<Vec<_>>>()?;
        if let Some(padding) = &options.padding {
            padding.apply(&mut parts);
        }
        Ok(parts.into_iter().map(Encoding::from_part).collect())
    }

    fn processed(&self, input: Input<'_>, options: &EncodeOptions<'_>) -> Result<Part> {
        let mut parts = vec![self.part(input.text, 0, options)];
        parts.extend(input.pair.map(|pair| self.part(pair, 1, options)));
        if let Some(truncation) = &options.truncation {
            let n_added = match self.post_processor() {
                Some(post) if options.add_special_tokens => post.n_added(input.pair.is_some()),
                _ => 0,
            };
            truncation.apply(&mut parts, n_added)?;
        }
        if let Some(post) = self.post_processor() {
            parts = post.process(parts, input, options.add_special_tokens);
        }
        Ok(Part::merge(parts))
    }

    fn part(&self, text: &str, sequence: u8, options: &EncodeOptions<'_>) -> Part {
        let trims = self.post_processor().is_some_and(|post| post.trims_offsets());
        let mut rows = Vec::with_capacity(text.len() / 4 + 1);
        self.for_each_token(text, options.allowed, true, &mut |found| {
            let blanks = match found.blanks {
                _ if !trims => (0, 0),
                Some(blanks) => blanks,
                None => self.blanks_of(found.id),
            };
            rows.push(Row {
                id: found.id,
                type_id: u32::from(sequence),
                range: found.range,
                word: Some(found.word),
                sequence: Some(sequence),
                is_special: false,
                is_padding: false,
                blanks,
            });
        });
        Part { rows, overflowing: Vec::new() }
    }
}
