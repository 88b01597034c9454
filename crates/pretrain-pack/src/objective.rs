//! Training objectives other than "predict the next token", as transforms of token ids.
//!
//! Each is a pure function of its settings, a seed and the number of the sample or document, so a
//! resumed run draws the same masks. Each has a twin without randomness that takes the draws as
//! arguments.
//!
//! - [`Mlm`]: masked language modelling, on a packed [`Sample`](crate::Sample);
//! - [`SpanCorruption`]: encoder-decoder denoising, on a plain sequence of tokens;
//! - [`FillInTheMiddle`]: on a document before it is stored or packed, since it changes the length.
//!
//! Whole-word masks and prefix language modelling are not here.

mod fim;
mod mlm;
mod span;

pub use fim::{FillInTheMiddle, FimConfig, FimIds, FimOrder, FimPlan};
pub use mlm::{Mlm, MlmConfig};
pub use span::{Corrupted, SpanConfig, SpanCorruption, SpanCounts};

use crate::{PackError, Result};

/// Collects what is wrong with settings.
#[derive(Debug, Default)]
struct Faults(Vec<String>);

impl Faults {
    fn probability(&mut self, name: &str, p: f64) {
        if !(0.0..=1.0).contains(&p) {
            self.0.push(format!("{name}: {p} is not in 0..=1"));
        }
    }

    fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(PackError::Config { faults: self.0 }) }
    }
}
