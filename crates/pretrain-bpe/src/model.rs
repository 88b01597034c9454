//! What turns a pre-token into tokens, beside byte-level BPE.
//!
//! A [`Model`] sees one pre-token of the normalised text at a time and knows nothing of the pipeline
//! around it: neither normalisation, nor added tokens, nor templates.

/// One token of a pre-token: its id, and the bytes of the pre-token that it stands for.
///
/// The spans of a pre-token are in order and do not overlap. They may leave gaps: a character that the
/// model drops has no span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) id: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}
