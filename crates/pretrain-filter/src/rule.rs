//! The rules: one file each, with its thresholds and what it measures.

mod c4;
mod code;
mod fineweb;
mod gopher;
mod length;
mod prose;
mod repetition;

pub use c4::{C4, C4Paragraphs};
pub use code::Code;
pub use fineweb::FinewebQuality;
pub use gopher::GopherQuality;
pub use length::Length;
pub use prose::Prose;
pub use repetition::{GopherRepetition, NgramLimit};
