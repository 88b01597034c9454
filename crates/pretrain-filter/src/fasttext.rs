//! Classifiers of fastText: its `.bin` and quantised `.ftz` files, and its own inference.
//!
//! What lid.176, GlotLID, DCLM's `hq` classifier and most quality classifiers of web corpora are.
//! The format has no specification but the program (Joulin et al. 2016, arXiv:1607.01759 and
//! arXiv:1612.03651); what follows is version 12, and version 11 where it differs. Hashing with
//! sign-extended bytes, the table of the sigmoid and the `1e-5` inside logarithms are part of it:
//! a reader without them gives other labels.

mod dictionary;
mod loss;
mod matrix;

use std::collections::HashMap;

use crate::bytes::Bytes;
use crate::error::Result;
use dictionary::Dictionary;
use loss::Loss;
use matrix::Matrix;

const MAGIC: i32 = 793_712_314;
/// `model` of a supervised model; the others are word vectors.
const SUPERVISED: i32 = 3;

/// A supervised fastText model. Immutable; one can serve many threads.
///
/// Memory: the matrices of the file, in single precision (`.bin`) or as its codes (`.ftz`), and the
/// vocabulary twice.
#[derive(Clone, Debug)]
pub struct FastText {
    dictionary: Dictionary,
    word_ngrams: usize,
    input: Matrix,
    output: Matrix,
    loss: Loss,
}

/// A label and how probable it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction<'m> {
    /// The label without `__label__`.
    pub label: &'m str,
    /// As fastText prints it: `p + 1e-5`, because its logarithms are of that (so it can be above 1).
    pub probability: f32,
}

/// Memory that [`FastText::predict_with`] uses again. It never changes a prediction.
#[derive(Debug, Default)]
pub struct FastTextScratch {
    inputs: Vec<u32>,
    hashes: Vec<i32>,
    hidden: Vec<f32>,
    outputs: Vec<f32>,
    padded: Vec<u8>,
}

impl FastText {
    /// Reads a model from the bytes of its file.
    ///
    /// # Errors
    ///
    /// [`FilterError::Model`](crate::FilterError::Model) with the offset where the file is cut short or
    /// inconsistent, is of another version, or holds word vectors without a classifier.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes = &mut Bytes::new(bytes, "fastText");
        let magic = bytes.i32()?;
        if magic != MAGIC {
            return Err(bytes.fault(format!("magic number {MAGIC} expected, {magic} found")));
        }
        let version = bytes.i32()?;
        if !(11..=12).contains(&version) {
            return Err(bytes.fault(format!("version 11 or 12 expected, {version} found")));
        }
        let dim = bytes.size32("dimension")?;
        let [_ws, _epoch, _min_count, _neg] =
            [bytes.i32()?, bytes.i32()?, bytes.i32()?, bytes.i32()?];
        let word_ngrams = bytes.size32("wordNgrams")?;
        let loss = bytes.i32()?;
        let model = bytes.i32()?;
        let bucket = bytes.size32("bucket")?;
        let min_n = bytes.size32("minn")?;
        let mut max_n = bytes.size32("maxn")?;
        let _lr_update_rate = bytes.i32()?;
        let _sampling = bytes.f64()?;
        if model != SUPERVISED {
            return Err(bytes.fault("a model of word vectors, not a classifier"));
        }
        if version == 11 {
            // Old supervised models were trained without parts of words, whatever they say.
            max_n = 0;
        }
        let dictionary = Dictionary::read(bytes, bucket, min_n, max_n)?;
        let quantised = bytes.flag()?;
        let input = Matrix::read(bytes, quantised)?;
        let quantised_output = bytes.flag()?;
        let output = Matrix::read(bytes, quantised && quantised_output)?;
        if input.columns() != dim || output.columns() != dim {
            return Err(bytes.fault(format!(
                "dimension {dim} expected, {} and {} found",
                input.columns(),
                output.columns()
            )));
        }
        let n_inputs = dictionary.n_inputs();
        if input.rows() < n_inputs {
            return Err(bytes.fault(format!("{n_inputs} rows expected, {} found", input.rows())));
        }
        let n_labels = dictionary.n_labels();
        if output.rows() < n_labels || n_labels == 0 {
            return Err(bytes.fault(format!("{n_labels} labels, {} rows", output.rows())));
        }
        let loss = match loss {
            1 => Loss::hierarchical(&dictionary.label_counts()),
            2 | 4 => Loss::one_versus_all(),
            3 => Loss::Softmax,
            other => return Err(bytes.fault(format!("unknown loss {other}"))),
        };
        Ok(Self { dictionary, word_ngrams, input, output, loss })
    }

    /// The labels, without `__label__`, in the order of the model.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.dictionary.n_labels()).map(|i| self.dictionary.label(i))
    }

    /// Length of the model's vectors.
    pub fn dim(&self) -> usize {
        self.input.columns()
    }

    /// The most probable labels of the text, at most `k`, best first, none below `threshold`.
    ///
    /// The text is read up to its first line feed, as fastText's own program does; callers that judge
    /// documents replace line feeds by spaces first ([`predict_document`](Self::predict_document)).
    /// Empty when nothing of the text is known to the model. Linear in the text.
    pub fn predict(&self, text: &str, k: usize, threshold: f32) -> Vec<Prediction<'_>> {
        self.predict_with(text, k, threshold, &mut FastTextScratch::default())
    }

    /// [`predict`](Self::predict) with memory of an earlier call.
    pub fn predict_with(
        &self,
        text: &str,
        k: usize,
        threshold: f32,
        scratch: &mut FastTextScratch,
    ) -> Vec<Prediction<'_>> {
        let line = text.split('\n').next().unwrap_or_default();
        self.predict_pieces([line].into_iter(), k, threshold, scratch)
    }

    /// [`predict`](Self::predict) of all lines of a text as one, line feeds read as spaces: how
    /// FineWeb, DCLM and GlotLID call it.
    pub fn predict_document(
        &self,
        text: &str,
        k: usize,
        threshold: f32,
        scratch: &mut FastTextScratch,
    ) -> Vec<Prediction<'_>> {
        self.predict_pieces(text.split('\n'), k, threshold, scratch)
    }

    fn predict_pieces<'t>(
        &self,
        pieces: impl Iterator<Item = &'t str>,
        k: usize,
        threshold: f32,
        scratch: &mut FastTextScratch,
    ) -> Vec<Prediction<'_>> {
        if k == 0 || !self.hidden(pieces, scratch) {
            return Vec::new();
        }
        let FastTextScratch { hidden, outputs, .. } = scratch;
        let found = self.loss.predict(&self.output, hidden, outputs, k, threshold, self.n_labels());
        let prediction = |(log, i): (f32, usize)| Prediction {
            label: self.dictionary.label(i),
            probability: log.exp(),
        };
        found.into_iter().map(prediction).collect()
    }

    fn n_labels(&self) -> usize {
        self.dictionary.n_labels()
    }

    /// The mean of the vectors of the line's words, parts of words and n-grams of words; zeros when it
    /// has none. `[dim]`.
    pub fn sentence_vector(&self, text: &str) -> Vec<f32> {
        let mut scratch = FastTextScratch::default();
        self.hidden([text.split('\n').next().unwrap_or_default()].into_iter(), &mut scratch);
        scratch.hidden
    }

    /// The tokens of a line as fastText reads them, without labels, with `</s>` at the end.
    pub fn tokens(text: &str) -> impl Iterator<Item = &[u8]> {
        let line = text.split('\n').next().unwrap_or_default();
        let label = dictionary::LABEL.as_bytes();
        dictionary::tokens([line].into_iter()).filter(move |token| !token.starts_with(label))
    }

    /// Rows of the input matrix that a single word is made of: the word itself if known, its parts.
    pub fn subword_ids(&self, word: &str) -> Vec<u32> {
        let mut scratch = FastTextScratch::default();
        self.dictionary.word_inputs(word.as_bytes(), &mut scratch.inputs, &mut scratch.padded);
        scratch.inputs
    }

    fn hidden<'t>(
        &self,
        pieces: impl Iterator<Item = &'t str>,
        scratch: &mut FastTextScratch,
    ) -> bool {
        let FastTextScratch { inputs, hashes, hidden, padded, .. } = scratch;
        inputs.clear();
        self.dictionary.inputs(pieces, self.word_ngrams, inputs, hashes, padded);
        hidden.clear();
        hidden.resize(self.dim(), 0.0);
        if inputs.is_empty() {
            return false;
        }
        for &row in inputs.iter() {
            self.input.add_row(row as usize, hidden);
        }
        let scale = 1.0 / inputs.len() as f32;
        hidden.iter_mut().for_each(|x| *x *= scale);
        true
    }

    /// Probability of each label by name: for models that score rather than choose.
    pub fn probabilities(&self, text: &str) -> HashMap<&str, f32> {
        let all = self.predict_document(text, usize::MAX, 0.0, &mut FastTextScratch::default());
        all.into_iter().map(|p| (p.label, p.probability)).collect()
    }
}
