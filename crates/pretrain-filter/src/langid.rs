//! Language identification: a trait, an embedded model of 142 languages, and fastText models.
//!
//! The embedded model is naive Bayes over character n-grams (1 to 4 letters, word borders included)
//! and whole words, pruned to what was seen often; see [`NgramLanguageId::embedded`] for its sources
//! and its accuracy. It sees a text as letters only, in lower case.

mod model;
mod ngrams;
mod train;

pub use model::{LanguageScratch, NgramLanguageId};
pub use train::{LanguageTrainer, Pruning};

use crate::fasttext::{FastText, FastTextScratch};

/// A language and how sure the identifier is of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Language<'m> {
    /// The code in the identifier's own convention: ISO 639-1, else 639-3, for the embedded model;
    /// the label of a fastText model (`en` for lid.176, `eng_Latn` for GlotLID).
    pub code: &'m str,
    /// Between 0 and 1 (fastText prints up to 1.00001). Comparable within one identifier only.
    pub score: f64,
}

/// Something that names the language of a text.
pub trait LanguageId: Send + Sync {
    /// The most probable language; `None` when the text has nothing to go by (no letters).
    fn identify(&self, text: &str) -> Option<Language<'_>>;

    /// The codes it can answer with.
    fn languages(&self) -> Vec<&str>;

    /// The score of one language; 0 when the identifier does not know it.
    fn score(&self, text: &str, code: &str) -> f64;
}

impl LanguageId for NgramLanguageId {
    fn identify(&self, text: &str) -> Option<Language<'_>> {
        self.ranked(text, &mut LanguageScratch::default()).into_iter().next()
    }

    fn languages(&self) -> Vec<&str> {
        self.codes().collect()
    }

    fn score(&self, text: &str, code: &str) -> f64 {
        let all = self.ranked(text, &mut LanguageScratch::default());
        all.iter().find(|language| language.code == code).map_or(0.0, |language| language.score)
    }
}

/// lid.176, GlotLID and the like. Line feeds are read as spaces, as FineWeb's pipeline does.
impl LanguageId for FastText {
    fn identify(&self, text: &str) -> Option<Language<'_>> {
        let found = self.predict_document(text, 1, 0.0, &mut FastTextScratch::default());
        let best = found.into_iter().next()?;
        Some(Language { code: best.label, score: f64::from(best.probability) })
    }

    fn languages(&self) -> Vec<&str> {
        self.labels().collect()
    }

    fn score(&self, text: &str, code: &str) -> f64 {
        self.probabilities(text).get(code).map_or(0.0, |&p| f64::from(p))
    }
}
