//! N-gram language models: ARPA and KenLM's binary files, scores and perplexity.
//!
//! A model gives the logarithm (base 10) of the probability of each word after the words before it,
//! backing off to shorter histories (Katz back-off, as ARPA files state it). Scores equal KenLM's on
//! its probing, trie, array-compressed and quantised files (Heafield 2011; Heafield et al. 2013, whose
//! estimator makes the models): the file is used as it lies, so a model takes as much memory as its
//! file.

mod arpa;
mod ccnet;
mod murmur;
mod probing;
mod trie;

pub use ccnet::{ccnet_normalize, perplexity};

use crate::bytes::Bytes;
use crate::error::{FilterError, Result};

/// A number of a word of the model; 0 is every unknown word.
type WordId = u32;

/// Highest order of a model; KenLM's own default is 6.
pub const MAX_ORDER: usize = 16;

/// Probability and back-off weight of an n-gram, base-10 logarithms, and where its extensions are.
#[derive(Clone, Copy, Debug)]
struct Entry {
    prob: f32,
    backoff: f32,
    node: Node,
}

/// How an n-gram is extended to the left: a hash, or a range of a trie's next level.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    begin: u64,
    end: u64,
}

#[derive(Clone, Debug)]
enum Store {
    Hashed(arpa::Hashed),
    Probing(probing::Probing),
    Trie(trie::Trie),
}

/// An n-gram language model. Immutable; one can serve many threads.
#[derive(Clone, Debug)]
pub struct NgramModel {
    store: Store,
    order: usize,
    begin: WordId,
    end: WordId,
}

/// The score of one word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WordScore {
    /// Base-10 logarithm of its probability after its history, back-off included.
    pub log10: f32,
    /// Length of the n-gram that was found: 1 when no history helped.
    pub ngram: usize,
    /// The word is not in the model.
    pub unknown: bool,
}

impl NgramModel {
    /// Reads an ARPA file.
    ///
    /// # Errors
    ///
    /// [`FilterError::Model`] with the line where it is malformed.
    pub fn from_arpa(text: &str) -> Result<Self> {
        let store = arpa::Hashed::read(text)?;
        let order = store.order();
        Self::assemble(Store::Hashed(store), order)
    }

    /// Takes a binary file of KenLM's (format version 5; probing, trie, quantised or array-compressed
    /// trie; little-endian).
    ///
    /// # Errors
    ///
    /// [`FilterError::Model`] when it is of another format or version, or cut short.
    pub fn from_kenlm(data: Vec<u8>) -> Result<Self> {
        const MAGIC: &[u8] = b"mmap lm http://kheafield.com/code format version 5\n\0";
        let mut bytes = Bytes::new(&data, "KenLM");
        if bytes.take(MAGIC.len())? != MAGIC {
            return Err(bytes.fault("not a KenLM binary file of format version 5"));
        }
        // The rest of the sanity block: constants that show byte order and float format.
        bytes.take(88 - MAGIC.len())?;
        let order = usize::from(bytes.u8()?);
        bytes.take(3)?;
        let multiplier = bytes.f32()?;
        let kind = bytes.u32()?;
        bytes.take(4)?;
        let _search_version = bytes.u32()?;
        if !(2..=MAX_ORDER).contains(&order) {
            return Err(bytes.fault(format!("order 2 to {MAX_ORDER} expected, {order} found")));
        }
        let mut counts = Vec::new();
        for _ in 0..order {
            counts.push(bytes.u64()?);
        }
        if counts.iter().any(|&n| n > data.len() as u64 * 8) || counts[0] >= u64::from(u32::MAX) {
            return Err(bytes.fault("more n-grams than bits"));
        }
        let start = bytes.position().next_multiple_of(8);
        let store = match kind {
            0 => Store::Probing(probing::Probing::open(data, start, &counts, multiplier)?),
            2..=5 => {
                let (quantised, arrays) = (kind & 1 == 1, kind >= 4);
                Store::Trie(trie::Trie::open(data, start, &counts, quantised, arrays)?)
            }
            other => return Err(bytes.fault(format!("model type {other} is not read"))),
        };
        Self::assemble(store, order)
    }

    fn assemble(store: Store, order: usize) -> Result<Self> {
        let mut model = Self { store, order, begin: 0, end: 0 };
        model.begin = model.word_id("<s>");
        model.end = model.word_id("</s>");
        if model.end == 0 {
            let problem = "no </s> in the vocabulary".to_owned();
            return Err(FilterError::Model { format: "n-gram", offset: 0, problem });
        }
        Ok(model)
    }

    /// Length of the longest n-grams.
    pub fn order(&self) -> usize {
        self.order
    }

    fn word_id(&self, word: &str) -> WordId {
        match &self.store {
            Store::Hashed(store) => store.word_id(word),
            Store::Probing(store) => store.word_id(word),
            Store::Trie(store) => store.word_id(word),
        }
    }

    fn unigram(&self, word: WordId) -> Entry {
        match &self.store {
            Store::Hashed(store) => store.unigram(word),
            Store::Probing(store) => store.unigram(word),
            Store::Trie(store) => store.unigram(word),
        }
    }

    /// The n-gram of `n` words that begins with `word` and goes on with that of `node`.
    fn extend(&self, n: usize, node: Node, word: WordId) -> Option<Entry> {
        match &self.store {
            Store::Hashed(store) => store.extend(n, node, word),
            Store::Probing(store) => store.extend(n, node, word),
            Store::Trie(store) => store.extend(n, node, word),
        }
    }

    /// Scores `word` after `history` (nearest word first, at most order - 1 of them count).
    fn score_word(&self, history: &[WordId], word: WordId) -> WordScore {
        let history = &history[..history.len().min(self.order - 1)];
        let mut found = self.unigram(word);
        let mut ngram = 1;
        while ngram <= history.len() {
            let Some(longer) = self.extend(ngram + 1, found.node, history[ngram - 1]) else {
                break;
            };
            found = longer;
            ngram += 1;
        }
        let mut log10 = found.prob;
        // Weights of the histories that are longer than the one that helped.
        if ngram <= history.len() {
            let mut context = self.unigram(history[0]);
            for n in 1..=history.len() {
                if n > 1 {
                    match self.extend(n, context.node, history[n - 1]) {
                        Some(longer) => context = longer,
                        None => break,
                    }
                }
                if n >= ngram {
                    log10 += context.backoff;
                }
            }
        }
        WordScore { log10, ngram, unknown: word == 0 }
    }

    /// Scores of the words of a sentence (separated by ASCII white space), after `<s>` if `bos`, and of
    /// `</s>` at the end if `eos`.
    pub fn word_scores(&self, sentence: &str, bos: bool, eos: bool) -> Vec<WordScore> {
        let mut out = Vec::new();
        self.each_score(sentence, bos, eos, |score| out.push(score));
        out
    }

    fn each_score(&self, sentence: &str, bos: bool, eos: bool, mut each: impl FnMut(WordScore)) {
        let mut history: Vec<WordId> = Vec::with_capacity(self.order);
        if bos {
            history.push(self.begin);
        }
        let space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' | '\0');
        let words = sentence.split(space).filter(|word| !word.is_empty());
        let ids = words.map(|word| self.word_id(word)).chain(eos.then_some(self.end));
        for id in ids {
            each(self.score_word(&history, id));
            history.insert(0, id);
            history.truncate(self.order - 1);
        }
    }

    /// Base-10 logarithm of the probability of a sentence, and how many scores it sums.
    pub fn score(&self, sentence: &str, bos: bool, eos: bool) -> (f64, usize) {
        let (mut sum, mut n) = (0.0, 0);
        self.each_score(sentence, bos, eos, |score| {
            sum += f64::from(score.log10);
            n += 1;
        });
        (sum, n)
    }
}

/// Little-endian numbers at a checked offset; past the end they are 0, so that no file can cause a
/// panic.
fn word_at(data: &[u8], at: usize) -> u64 {
    match data.get(at..at.saturating_add(8)) {
        Some(bytes) => u64::from_le_bytes(bytes.try_into().expect("eight bytes")),
        None => 0,
    }
}

fn float_at(data: &[u8], at: usize) -> f32 {
    match data.get(at..at.saturating_add(4)) {
        Some(bytes) => f32::from_le_bytes(bytes.try_into().expect("four bytes")),
        None => 0.0,
    }
}

fn truncated(data: &[u8], needed: Option<usize>) -> Result<()> {
    match needed {
        Some(needed) if needed <= data.len() => Ok(()),
        _ => Err(FilterError::Model {
            format: "KenLM",
            offset: data.len() as u64,
            problem: match needed {
                Some(needed) => format!("{needed} bytes expected, {} found", data.len()),
                None => "size overflows".to_owned(),
            },
        }),
    }
}

/// The hash of an n-gram that is longer by `word` than the one of `node`: KenLM's.
fn combine(node: u64, word: WordId) -> u64 {
    node.wrapping_mul(8_978_948_897_894_561_157)
        ^ (1 + u64::from(word)).wrapping_mul(17_894_857_484_156_487_943)
}
