//! ARPA text files, held in hash tables.

use std::collections::HashMap;

use super::{Entry, MAX_ORDER, Node, WordId, combine};
use crate::error::{FilterError, Result};

#[derive(Clone, Debug, Default)]
pub(super) struct Hashed {
    words: HashMap<String, WordId>,
    unigrams: Vec<(f32, f32)>,
    /// By length less two: hash of the words, last first, to probability and back-off.
    longer: Vec<HashMap<u64, (f32, f32)>>,
}

impl Hashed {
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut line_number = 0;
        let mut lines = text.lines().map(|line| {
            line_number += 1;
            (line_number, line.trim_end())
        });
        let fault = |line: u64, problem: String| FilterError::Model {
            format: "ARPA",
            offset: line,
            problem,
        };
        let mut counts: Vec<usize> = Vec::new();
        let mut model = Hashed::default();
        // 0 before \data\ and in it; then the length of the n-grams of the section.
        let (mut started, mut section, mut ended) = (false, 0, false);
        for (at, line) in &mut lines {
            if line.is_empty() {
                continue;
            }
            if line == "\\end\\" {
                ended = true;
                break;
            }
            if line == "\\data\\" {
                started = true;
            } else if !started {
                continue;
            } else if let Some(count) = line.strip_prefix("ngram ") {
                let (n, count) = count.split_once('=').unwrap_or((count, ""));
                let (n, count) = (n.trim().parse::<usize>(), count.trim().parse::<usize>());
                match (n, count) {
                    (Ok(n), Ok(count)) if n == counts.len() + 1 && n <= MAX_ORDER => {
                        counts.push(count)
                    }
                    _ => return Err(fault(at, format!("a count expected, {line:?} found"))),
                }
            } else if let Some(n) = line.strip_prefix('\\').and_then(|l| l.strip_suffix("-grams:"))
            {
                section += 1;
                if n.parse() != Ok(section) || section > counts.len() {
                    return Err(fault(at, format!("section {section} expected, {line:?} found")));
                }
                if section == 1 {
                    // Number 0 is the unknown word, whether or not the file has it.
                    model.words.insert("<unk>".to_owned(), 0);
                    model.unigrams.push((-100.0, 0.0));
                    model.longer = vec![HashMap::new(); counts.len() - 1];
                }
            } else if section == 0 {
                return Err(fault(at, format!("a section expected, {line:?} found")));
            } else {
                model.entry(section, line).map_err(|problem| fault(at, problem))?;
            }
        }
        if !ended || section != counts.len() || section == 0 {
            return Err(fault(line_number, "the file ends before \\end\\".to_owned()));
        }
        Ok(model)
    }

    fn entry(&mut self, n: usize, line: &str) -> Result<(), String> {
        let mut fields = line.split(['\t', ' ']).filter(|field| !field.is_empty());
        let number = |what: &str, text: Option<&str>| -> Result<f32, String> {
            let value = text.and_then(|text| text.parse::<f32>().ok()).filter(|v| !v.is_nan());
            value.ok_or_else(|| format!("{what} expected, {text:?} found"))
        };
        let prob = number("a probability", fields.next())?;
        let mut words = [0; MAX_ORDER];
        let mut first = "";
        for slot in words.iter_mut().take(n) {
            let word = fields.next().ok_or_else(|| format!("{n} words expected in {line:?}"))?;
            first = word;
            if n > 1 {
                *slot = *self.words.get(word).ok_or_else(|| format!("{word:?} is no unigram"))?;
            }
        }
        let backoff = match fields.next() {
            Some(text) => number("a back-off", Some(text))?,
            None => 0.0,
        };
        if fields.next().is_some() {
            return Err(format!("more than {n} words in {line:?}"));
        }
        if n == 1 {
            let unknown = matches!(first, "<unk>" | "<UNK>");
            let id = if unknown { 0 } else { self.unigrams.len() as WordId };
            if unknown {
                self.unigrams[0] = (prob, backoff);
            } else {
                self.unigrams.push((prob, backoff));
                self.words.insert(first.to_owned(), id);
            }
            return Ok(());
        }
        let words = &words[..n];
        let last = u64::from(words[n - 1]);
        let hash = words[..n - 1].iter().rev().fold(last, |node, &word| combine(node, word));
        self.longer[n - 2].insert(hash, (prob, backoff));
        Ok(())
    }

    pub(super) fn order(&self) -> usize {
        self.longer.len() + 1
    }

    pub(super) fn word_id(&self, word: &str) -> WordId {
        self.words.get(word).copied().unwrap_or(0)
    }

    pub(super) fn unigram(&self, word: WordId) -> Entry {
        let (prob, backoff) = self.unigrams[word as usize];
        Entry { prob, backoff, node: Node { begin: u64::from(word), end: 0 } }
    }

    pub(super) fn extend(&self, n: usize, node: Node, word: WordId) -> Option<Entry> {
        let begin = combine(node.begin, word);
        let &(prob, backoff) = self.longer.get(n - 2)?.get(&begin)?;
        Some(Entry { prob, backoff, node: Node { begin, end: 0 } })
    }
}
