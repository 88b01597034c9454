//! Words, parts of words and n-grams of words, as rows of the input matrix.

use std::collections::HashMap;

use crate::bytes::Bytes;
use crate::error::Result;

pub(super) const LABEL: &str = "__label__";
const END: &[u8] = b"</s>";

#[derive(Clone, Debug)]
pub(super) struct Dictionary {
    /// Word (or label) to its number: words first, then labels.
    ids: HashMap<Vec<u8>, u32>,
    /// Parts of each known word, computed once.
    parts: Vec<Vec<u32>>,
    labels: Vec<(String, i64)>,
    bucket: u64,
    min_n: usize,
    max_n: usize,
    /// Bucket to row of a pruned model; `None` when every bucket has its row.
    pruned: Option<HashMap<u32, u32>>,
}

impl Dictionary {
    pub(super) fn read(
        bytes: &mut Bytes<'_>,
        bucket: usize,
        min_n: usize,
        max_n: usize,
    ) -> Result<Self> {
        let size = bytes.size32("vocabulary")?;
        let n_words = bytes.size32("number of words")?;
        let n_labels = bytes.size32("number of labels")?;
        let _n_tokens = bytes.i64()?;
        let pruned_size = bytes.i64()?;
        if n_words.checked_add(n_labels) != Some(size) {
            return Err(bytes.fault(format!("{size} entries are not {n_words} + {n_labels}")));
        }
        let mut words = Vec::new();
        let mut labels = Vec::new();
        let mut ids = HashMap::new();
        for i in 0..size {
            let word = bytes.until_nul()?.to_vec();
            let count = bytes.i64()?;
            let is_label = bytes.flag()?;
            if is_label != (i >= n_words) {
                return Err(bytes.fault("words and labels are mixed"));
            }
            if is_label {
                let text = String::from_utf8_lossy(&word);
                let label = text.strip_prefix(LABEL).unwrap_or(&text).to_owned();
                labels.push((label, count));
            } else {
                words.push(word.clone());
            }
            ids.insert(word, i as u32);
        }
        let pruned = match usize::try_from(pruned_size) {
            Err(_) => None,
            Ok(n) => {
                let mut rows = HashMap::new();
                for _ in 0..n {
                    let (from, to) = (bytes.size32("bucket")?, bytes.size32("row")?);
                    rows.insert(from as u32, to as u32);
                }
                Some(rows)
            }
        };
        if max_n > 0 && bucket == 0 {
            return Err(bytes.fault("parts of words without buckets"));
        }
        let bucket = bucket as u64;
        let mut dictionary = Self { ids, parts: Vec::new(), labels, bucket, min_n, max_n, pruned };
        let mut padded = Vec::new();
        dictionary.parts = (words.iter().enumerate())
            .map(|(i, word)| {
                let mut rows = vec![i as u32];
                if word != END {
                    dictionary.word_parts(n_words, word, &mut rows, &mut padded);
                }
                rows
            })
            .collect();
        Ok(dictionary)
    }

    fn n_words(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn n_labels(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn label(&self, i: usize) -> &str {
        &self.labels[i].0
    }

    pub(super) fn label_counts(&self) -> Vec<i64> {
        self.labels.iter().map(|(_, count)| *count).collect()
    }

    /// Rows that the input matrix needs.
    pub(super) fn n_inputs(&self) -> usize {
        match &self.pruned {
            None => self.n_words() + self.bucket as usize,
            Some(rows) => self.n_words() + rows.values().max().map_or(0, |&row| row as usize + 1),
        }
    }

    /// Appends the rows of all words of the pieces, and of their n-grams.
    pub(super) fn inputs<'t>(
        &self,
        pieces: impl Iterator<Item = &'t str>,
        word_ngrams: usize,
        rows: &mut Vec<u32>,
        hashes: &mut Vec<i32>,
        padded: &mut Vec<u8>,
    ) {
        hashes.clear();
        for token in tokens(pieces) {
            let is_label = match self.ids.get(token) {
                Some(&id) => id as usize >= self.n_words(),
                None => token.starts_with(LABEL.as_bytes()),
            };
            if is_label {
                continue;
            }
            self.word_inputs(token, rows, padded);
            if word_ngrams > 1 {
                hashes.push(hash(token) as i32);
            }
        }
        if self.bucket == 0 {
            return;
        }
        for i in 0..hashes.len() {
            let mut all = hashes[i] as u64;
            for &next in hashes.iter().take(i.saturating_add(word_ngrams)).skip(i + 1) {
                all = all.wrapping_mul(116_049_371).wrapping_add(next as u64);
                self.push_bucket(self.n_words(), (all % self.bucket) as u32, rows);
            }
        }
    }

    pub(super) fn word_inputs(&self, word: &[u8], rows: &mut Vec<u32>, padded: &mut Vec<u8>) {
        match self.ids.get(word) {
            Some(&id) if (id as usize) < self.n_words() && self.max_n == 0 => rows.push(id),
            Some(&id) if (id as usize) < self.n_words() => {
                rows.extend_from_slice(&self.parts[id as usize]);
            }
            _ if word == END => {}
            _ => self.word_parts(self.n_words(), word, rows, padded),
        }
    }

    /// Rows of the character n-grams of `<word>`.
    fn word_parts(&self, n_words: usize, word: &[u8], rows: &mut Vec<u32>, padded: &mut Vec<u8>) {
        if self.max_n == 0 {
            return;
        }
        padded.clear();
        padded.push(b'<');
        padded.extend_from_slice(word);
        padded.push(b'>');
        let word = padded.as_slice();
        let continues = |i: usize| word.get(i).is_some_and(|b| b & 0xc0 == 0x80);
        for start in 0..word.len() {
            if continues(start) {
                continue;
            }
            let (mut end, mut h) = (start, FNV_OFFSET);
            for n in 1..=self.max_n {
                if end >= word.len() {
                    break;
                }
                h = step(h, word[end]);
                end += 1;
                while continues(end) {
                    h = step(h, word[end]);
                    end += 1;
                }
                if n >= self.min_n && !(n == 1 && (start == 0 || end == word.len())) {
                    self.push_bucket(n_words, (u64::from(h) % self.bucket) as u32, rows);
                }
            }
        }
    }

    fn push_bucket(&self, n_words: usize, bucket: u32, rows: &mut Vec<u32>) {
        match &self.pruned {
            None => rows.push(n_words as u32 + bucket),
            Some(pruned) => {
                if let Some(row) = pruned.get(&bucket) {
                    rows.push(n_words as u32 + row);
                }
            }
        }
    }
}

const FNV_OFFSET: u32 = 2_166_136_261;

fn step(hash: u32, byte: u8) -> u32 {
    // The reference converts a signed byte: bytes from 0x80 fill the upper bits.
    (hash ^ (byte as i8 as u32)).wrapping_mul(16_777_619)
}

fn hash(word: &[u8]) -> u32 {
    word.iter().fold(FNV_OFFSET, |h, &b| step(h, b))
}

/// Words between ASCII white space and NUL, then `</s>`; a `</s>` in the text ends it.
pub(super) fn tokens<'t>(pieces: impl Iterator<Item = &'t str>) -> impl Iterator<Item = &'t [u8]> {
    let words = pieces.flat_map(|piece| {
        let space = |b: &u8| matches!(b, b' ' | b'\n' | b'\r' | b'\t' | 0x0b | 0x0c | 0);
        piece.as_bytes().split(space).filter(|word| !word.is_empty())
    });
    words.take_while(|&word| word != END).chain(std::iter::once(END))
}
