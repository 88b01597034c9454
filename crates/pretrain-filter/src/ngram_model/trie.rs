//! KenLM's trie files: levels of bit-packed records sorted by word, as they lie.
//!
//! A record is a word, a probability and (but on the last level) a back-off, plain or as numbers of
//! quantised values, and where its extensions begin on the next level. With array compression the
//! upper bits of these pointers are left out of the records and kept as the positions where they
//! change.

use super::murmur::murmur64a;
use super::{Entry, Node, WordId, float_at, truncated, word_at};
use crate::bytes::Bytes;
use crate::error::Result;

#[derive(Clone, Debug)]
pub(super) struct Trie {
    data: Vec<u8>,
    /// Where the sorted hashes of the words begin, and how many there are.
    vocabulary: (usize, usize),
    unigrams: usize,
    /// By length less two.
    levels: Vec<Level>,
}

#[derive(Clone, Debug)]
struct Level {
    base: usize,
    word_bits: u32,
    total_bits: u64,
    values: Values,
    /// Absent on the last level.
    next: Option<Next>,
}

/// How probability and back-off are stored.
#[derive(Clone, Copy, Debug)]
enum Values {
    /// 31 bits and 32 bits.
    Plain,
    /// Back-off first, each the number of an entry of a table of floats.
    Quantised { prob_bits: u32, probs: usize, backoff_bits: u32, backoffs: usize },
}

#[derive(Clone, Copy, Debug)]
struct Next {
    inline_bits: u32,
    /// Where the array of the upper bits is, and its length.
    array: Option<(usize, usize)>,
}

fn required_bits(max: u64) -> u32 {
    64 - max.leading_zeros()
}

/// Bits of a pointer that array compression leaves out: where the array costs least together with
/// what it saves.
fn chopped_bits(max_offset: u64, max_next: u64, allowed: u32) -> u32 {
    let required = required_bits(max_next);
    let cost = |chop: u32| {
        let table = max_next.checked_shr(required - chop).unwrap_or(0) as i128 * 64;
        table - i128::from(max_offset) * i128::from(chop)
    };
    (0..=required.min(allowed)).min_by_key(|&chop| cost(chop)).unwrap_or(0)
}

impl Values {
    fn bits(self, longest: bool) -> u64 {
        match (self, longest) {
            (Values::Plain, false) => 63,
            (Values::Plain, true) => 31,
            (Values::Quantised { prob_bits, backoff_bits, .. }, false) => {
                u64::from(prob_bits + backoff_bits)
            }
            (Values::Quantised { prob_bits, .. }, true) => u64::from(prob_bits),
        }
    }
}

impl Trie {
    pub(super) fn open(
        data: Vec<u8>,
        start: usize,
        counts: &[u64],
        quantised: bool,
        arrays: bool,
    ) -> Result<Self> {
        let order = counts.len();
        let n_words = counts[0] as usize;
        truncated(&data, start.checked_add(8 * (n_words + 1)))?;
        let vocabulary = (start + 8, (word_at(&data, start) as usize).min(n_words));
        let mut at = start + 8 * (n_words + 1);
        let mut values = vec![Values::Plain; order - 1];
        if quantised {
            let mut bytes = Bytes::new(data.get(at..).unwrap_or_default(), "KenLM");
            let [version, prob_bits, backoff_bits] = [bytes.u8()?, bytes.u8()?, bytes.u8()?];
            if version != 2 || prob_bits > 25 || backoff_bits > 25 || prob_bits == 0 {
                let problem = format!("quantisation {version} of {prob_bits}, {backoff_bits} bits");
                return Err(bytes.fault(problem));
            }
            at += 8;
            for (i, values) in values.iter_mut().enumerate() {
                let longest = i + 2 == order;
                let probs = at;
                at += 4 << prob_bits;
                let backoffs = at;
                if !longest {
                    at += 4 << backoff_bits;
                }
                let (prob_bits, backoff_bits) = (u32::from(prob_bits), u32::from(backoff_bits));
                *values = Values::Quantised { prob_bits, probs, backoff_bits, backoffs };
            }
        }
        let unigrams = at;
        at += (n_words + 2) * 16;
        truncated(&data, Some(at))?;
        let mut allowed = 0;
        if arrays && order > 2 {
            let mut bytes = Bytes::new(data.get(at..).unwrap_or_default(), "KenLM");
            let [version, bits] = [bytes.u8()?, bytes.u8()?];
            if version != 0 {
                return Err(bytes.fault(format!("array compression of version {version}")));
            }
            allowed = u32::from(bits);
        }
        let word_bits = required_bits(counts[0]);
        let mut levels = Vec::new();
        for (i, values) in values.into_iter().enumerate() {
            let entries = counts[i + 1];
            let longest = i + 2 == order;
            let mut next = None;
            if !longest {
                let max_next = counts[i + 2];
                let chop = if arrays { chopped_bits(entries + 1, max_next, allowed) } else { 0 };
                let mut array = None;
                if arrays {
                    let required = required_bits(max_next);
                    let n = (max_next.checked_shr(required - chop).unwrap_or(0) + 1) as usize;
                    // Eight bytes of header, on a border of eight bytes.
                    array = Some((at.next_multiple_of(8) + 8, n));
                    at += 8 * (n + 1) + 7;
                }
                next = Some(Next { inline_bits: required_bits(max_next) - chop, array });
            }
            let inline_bits = next.map_or(0, |next| u64::from(next.inline_bits));
            let total_bits = u64::from(word_bits) + values.bits(longest) + inline_bits;
            let bits = (1 + entries).checked_mul(total_bits).unwrap_or(u64::MAX / 2);
            levels.push(Level { base: at, word_bits, total_bits, values, next });
            at = at.saturating_add(bits.div_ceil(8) as usize).saturating_add(8);
            truncated(&data, Some(at))?;
        }
        Ok(Self { data, vocabulary, unigrams, levels })
    }

    pub(super) fn word_id(&self, word: &str) -> WordId {
        let hash = murmur64a(word.as_bytes());
        let (start, n) = self.vocabulary;
        let (mut low, mut high) = (0, n);
        while low < high {
            let middle = low + (high - low) / 2;
            match word_at(&self.data, start + 8 * middle).cmp(&hash) {
                std::cmp::Ordering::Equal => return middle as WordId + 1,
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        0
    }

    pub(super) fn unigram(&self, word: WordId) -> Entry {
        let at = self.unigrams + word as usize * 16;
        Entry {
            prob: float_at(&self.data, at),
            backoff: float_at(&self.data, at + 4),
            node: Node { begin: word_at(&self.data, at + 8), end: word_at(&self.data, at + 24) },
        }
    }

    pub(super) fn extend(&self, n: usize, node: Node, word: WordId) -> Option<Entry> {
        let level = self.levels.get(n - 2)?;
        let (mut low, mut high) = (node.begin, node.end);
        while low < high {
            let middle = low + (high - low) / 2;
            let record = middle * level.total_bits;
            let found = self.bits(level.base, record, level.word_bits) as WordId;
            match found.cmp(&word) {
                std::cmp::Ordering::Equal => return Some(self.entry(level, middle)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn entry(&self, level: &Level, index: u64) -> Entry {
        let record = index * level.total_bits + u64::from(level.word_bits);
        let longest = level.next.is_none();
        let (prob, backoff) = match level.values {
            Values::Plain => {
                let prob = self.bits(level.base, record, 31) as u32 | 1 << 31;
                let backoff =
                    if longest { 0 } else { self.bits(level.base, record + 31, 32) as u32 };
                (f32::from_bits(prob), f32::from_bits(backoff))
            }
            Values::Quantised { prob_bits, probs, backoff_bits, backoffs } => {
                let backoff_bits = if longest { 0 } else { backoff_bits };
                let backoff = self.bits(level.base, record, backoff_bits) as usize;
                let prob = self.bits(level.base, record + u64::from(backoff_bits), prob_bits);
                let prob = float_at(&self.data, probs + 4 * prob as usize);
                let backoff =
                    if longest { 0.0 } else { float_at(&self.data, backoffs + 4 * backoff) };
                (prob, backoff)
            }
        };
        let node = level.next.map_or(Node::default(), |next| {
            let pointer = record + level.values.bits(false);
            let begin = self.bits(level.base, pointer, next.inline_bits);
            let end = self.bits(level.base, pointer + level.total_bits, next.inline_bits);
            let upper = |index: u64| match next.array {
                None => 0,
                Some((start, n)) => self.upper_bits(start, n, index) << next.inline_bits,
            };
            Node { begin: upper(index) | begin, end: upper(index + 1) | end }
        });
        Entry { prob, backoff, node }
    }

    /// The last entry of the array that is not above `index`.
    fn upper_bits(&self, start: usize, n: usize, index: u64) -> u64 {
        let (mut low, mut high) = (0, n);
        while low < high {
            let middle = low + (high - low) / 2;
            if word_at(&self.data, start + 8 * middle) <= index {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.saturating_sub(1) as u64
    }

    /// Up to 57 bits from a bit offset.
    fn bits(&self, base: usize, offset: u64, n: u32) -> u64 {
        let word = word_at(&self.data, base.saturating_add((offset >> 3) as usize));
        (word >> (offset & 7)) & ((1u64 << n) - 1)
    }
}
