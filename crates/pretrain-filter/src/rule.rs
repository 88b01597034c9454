//! The rules: one file each, with its thresholds and what it measures.

mod c4;
mod code;
mod entropy;
mod fineweb;
mod gopher;
mod language;
mod length;
mod phrases;
mod pii;
mod prose;
mod repetition;
mod residue;
mod url;

pub use c4::{C4, C4Paragraphs};
pub use code::Code;
pub use entropy::{Entropy, WordEntropy, char_entropy_bits};
pub use fineweb::FinewebQuality;
pub use gopher::GopherQuality;
pub use language::LanguageRule;
pub use length::Length;
pub use phrases::Phrases;
pub use pii::PiiRule;
pub use prose::Prose;
pub use repetition::{GopherRepetition, NgramLimit};
pub use residue::Residue;
pub(crate) use url::CompiledUrlLists;
pub use url::UrlLists;
