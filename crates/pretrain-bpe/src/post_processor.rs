//! Post-processors: what is done to the tokens of a text or pair when all are found.

use crate::encoding::{Input, Part, Row};
use crate::token::TokenId;

/// One post-processor of a `tokenizer.json`, with all its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PostProcessor {
    ByteLevel(ByteLevelPost),
    Template(Template),
    /// `cls A sep`, `cls A sep B sep`.
    Bert {
        sep: NamedToken,
        cls: NamedToken,
    },
    /// `cls A sep`, `cls A sep sep B sep`; all types are 0.
    Roberta {
        sep: NamedToken,
        cls: NamedToken,
        trim_offsets: bool,
        add_prefix_space: bool,
    },
    /// At most one of them inserts tokens.
    Sequence(Vec<PostProcessor>),
}

/// A `ByteLevel` post-processor: it takes white space out of offsets, nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteLevelPost {
    pub(crate) add_prefix_space: bool,
    pub(crate) trim_offsets: bool,
    pub(crate) use_regex: bool,
}

/// A token as old post-processors name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedToken {
    pub(crate) token: String,
    pub(crate) id: TokenId,
}

/// Texts and the tokens around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    /// For one text; does not name the second.
    pub(crate) single: Vec<Piece>,
    pub(crate) pair: Vec<Piece>,
    /// All that the pieces name, in file order.
    pub(crate) special_tokens: Vec<TemplateToken>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The first text (0) or the second (1).
    Sequence { index: usize, type_id: u32 },
    /// A token of the list.
    Special { index: usize, type_id: u32 },
}

/// A name in a template, and the tokens it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateToken {
    pub(crate) name: String,
    pub(crate) ids: Vec<TokenId>,
    pub(crate) tokens: Vec<String>,
}

impl Template {
    fn pieces(&self, is_pair: bool) -> &[Piece] {
        if is_pair { &self.pair } else { &self.single }
    }

    fn ids(&self, index: usize) -> &[TokenId] {
        self.special_tokens.get(index).map_or(&[], |token| &token.ids)
    }

    fn n_added(&self, is_pair: bool) -> usize {
        let n_of = |piece: &Piece| match *piece {
            Piece::Sequence { .. } => 0,
            Piece::Special { index, .. } => self.ids(index).len(),
        };
        self.pieces(is_pair).iter().map(n_of).sum()
    }

    fn apply(&self, parts: Vec<Part>, add_special_tokens: bool) -> Vec<Part> {
        let added = |ids: &[TokenId], type_id| {
            Part::of_rows(ids.iter().map(|&id| Row::added(id, type_id, false)).collect())
        };
        let mut applied = Vec::new();
        for piece in self.pieces(parts.len() > 1) {
            match *piece {
                Piece::Special { index, type_id } if add_special_tokens => {
                    applied.push(added(self.ids(index), type_id));
                }
                Piece::Special { .. } => {}
                Piece::Sequence { index, type_id } => {
                    let mut part = parts.get(index).cloned().unwrap_or_default();
                    // The parts cut off keep the type of their text, as in Hugging Face.
                    part.rows.iter_mut().for_each(|row| row.type_id = type_id);
                    applied.push(part);
                }
            }
        }
        applied
    }
}

impl PostProcessor {
    /// The tokens it adds.
    pub(crate) fn n_added(&self, is_pair: bool) -> usize {
        match (self, is_pair) {
            (Self::ByteLevel(_), _) => 0,
            (Self::Template(template), _) => template.n_added(is_pair),
            (Self::Bert { .. } | Self::Roberta { .. }, false) => 2,
            (Self::Bert { .. }, true) => 3,
            (Self::Roberta { .. }, true) => 4,
            (Self::Sequence(parts), _) => parts.iter().map(|part| part.n_added(is_pair)).sum(),
        }
    }

    /// Whether it takes white space out of offsets.
    pub(crate) fn trims_offsets(&self) -> bool {
        match self {
            Self::ByteLevel(post) => post.trim_offsets,
            Self::Roberta { trim_offsets, .. } => *trim_offsets,
            Self::Sequence(parts) => parts.iter().any(Self::trims_offsets),
            Self::Template(_) | Self::Bert { .. } => false,
        }
    }

    /// Whether it adds tokens on request.
    pub(crate) fn inserts(&self) -> bool {
        match self {
            Self::ByteLevel(_) => false,
            Self::Template(_) | Self::Bert { .. } | Self::Roberta { .. } => true,
            Self::Sequence(parts) => parts.iter().any(Self::inserts),
        }
    }

    /// Does it to the parts of one or two texts; the result may have any number of parts.
    pub(crate) fn process(
        &self,
        mut parts: Vec<Part>,
        input: Input<'_>,
        add_special_tokens: bool,
    ) -> Vec<Part> {
        match self {
            Self::ByteLevel(post) => {
                if post.trim_offsets {
                    trim_all(&mut parts, input, post.add_prefix_space);
                }
                parts
            }
            Self::Template(template) => template.apply(parts, add_special_tokens),
            Self::Bert { sep, cls } => {
                if add_special_tokens {
                    frame(&mut parts, cls, sep, false);
                }
                parts
            }
            Self::Roberta { sep, cls, trim_offsets, add_prefix_space } => {
                if *trim_offsets {
                    trim_all(&mut parts, input, *add_prefix_space);
                }
                for part in &mut parts {
                    set_type(part, 0, add_special_tokens);
                }
                if add_special_tokens {
                    frame(&mut parts, cls, sep, true);
                }
                parts
            }
            Self::Sequence(processors) => processors.iter().fold(parts, |parts, processor| {
                processor.process(parts, input, add_special_tokens)
            }),
        }
    }

    /// Puts the tokens of the template around the tokens of one text.
    pub(crate) fn wrap(&self, ids: Vec<TokenId>) -> Vec<TokenId> {
        match self {
            Self::ByteLevel(_) => ids,
            Self::Bert { sep, cls } | Self::Roberta { sep, cls, .. } => {
                [&[cls.id], &ids[..], &[sep.id]].concat()
            }
            Self::Template(template) => {
                let mut wrapped = Vec::with_capacity(ids.len() + template.n_added(false));
                for piece in &template.single {
                    wrapped.extend_from_slice(match *piece {
                        Piece::Sequence { .. } => &ids,
                        Piece::Special { index, .. } => template.ids(index),
                    });
                }
                wrapped
            }
            Self::Sequence(parts) => parts.iter().fold(ids, |ids, part| part.wrap(ids)),
        }
    }
}

fn set_type(part: &mut Part, type_id: u32, overflowing: bool) {
    part.rows.iter_mut().for_each(|row| row.type_id = type_id);
    if overflowing {
        part.overflowing.iter_mut().for_each(|part| set_type(part, type_id, true));
    }
}

/// The tokens of BERT and RoBERTa around one or two texts. The type of a separator is 1 after the
/// second text of BERT.
fn frame(parts: &mut [Part], cls: &NamedToken, sep: &NamedToken, roberta: bool) {
    for (index, part) in parts.iter_mut().enumerate() {
        let first = match (index, roberta) {
            (0, _) => Some(cls.id),
            (_, true) => Some(sep.id),
            (_, false) => None,
        };
        let type_id = u32::from(index > 0 && !roberta);
        let surround = |rows: &mut Vec<Row>| {
            rows.splice(0..0, first.map(|id| Row::added(id, type_id, false)));
            rows.push(Row::added(sep.id, type_id, false));
        };
        surround(&mut part.rows);
        part.overflowing.iter_mut().for_each(|part| surround(&mut part.rows));
    }
}

fn trim_all(parts: &mut [Part], input: Input<'_>, add_prefix_space: bool) {
    for part in parts {
        trim(part, input, add_prefix_space);
        for part in &mut part.overflowing {
            trim(part, input, add_prefix_space);
        }
    }
}

/// Takes as many characters out of a token's range as the token has white space at its ends. The first
/// space of a text is spared with `add_prefix_space`: it may be the one that was put there.
fn trim(part: &mut Part, input: Input<'_>, add_prefix_space: bool) {
    for (index, row) in part.rows.iter_mut().enumerate() {
        let (mut leading, trailing) = row.blanks;
        let text = if row.sequence == Some(1) { input.pair.unwrap_or("") } else { input.text };
        let range = row.range.clone();
        let Some(covered) = text.get(range.clone()) else { continue };
        if leading == 1 && add_prefix_space && (index == 0 || range.start == 0) {
            leading = 0;
        }
        let skipped: usize = covered.chars().take(leading).map(char::len_utf8).sum();
        row.range.start = range.start + skipped;
        // Hugging Face leaves the end where it is if the text up to there is shorter than the blanks.
        let is_long = range.end >= 4 * trailing || text[..range.end].chars().count() >= trailing;
        if trailing > 0 && is_long {
            let covered = covered[skipped..].chars().rev().take(trailing);
            row.range.end = range.end - covered.map(char::len_utf8).sum::<usize>();
        }
    }
}
