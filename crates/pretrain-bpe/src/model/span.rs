//! One token of a pre-token.

/// One token of a pre-token: its id, and the bytes of the pre-token that it stands for.
///
/// The spans of a pre-token are in order and lie inside of it. Those of several byte tokens of one
/// character may coincide, and they need not stand on borders of characters: Hugging Face lets a span
/// begin where the one before has ended, even where characters without token were left out between them
/// (see [`CharBpe`](super::char_bpe::CharBpe)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) id: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}
