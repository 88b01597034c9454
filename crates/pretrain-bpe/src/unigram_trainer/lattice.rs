//! Pieces with log probabilities, and sums over all ways to make a word of them.

use crate::model::trie::Trie;
use crate::model::unigram::UNKNOWN_PENALTY;
use crate::model::viterbi::Viterbi;
use crate::vocabulary::NO_TOKEN;

/// A vocabulary in training.
pub(super) struct Pieces {
    /// Pieces and log probabilities.
    pub(super) list: Vec<(String, f64)>,
    pub(super) trie: Trie,
    pub(super) viterbi: Viterbi,
    probabilities: Vec<f64>,
    unknown: f64,
}

impl Pieces {
    pub(super) fn new(list: Vec<(String, f64)>) -> Self {
        let trie = Trie::new((0..).zip(&list).map(|(id, (piece, _))| (piece.as_bytes(), id)));
        let min = list.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
        let unk_score = if list.is_empty() { -UNKNOWN_PENALTY } else { min - UNKNOWN_PENALTY };
        let viterbi = Viterbi {
            scores: list.iter().map(|(_, score)| *score).collect(),
            unk_id: NO_TOKEN,
            unk_score,
            single_precision: false,
        };
        let probabilities = list.iter().map(|(_, score)| score.exp()).collect();
        Self { list, trie, viterbi, probabilities, unknown: unk_score.exp() }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }
}

/// Room for the sums of one word.
#[derive(Default)]
pub(super) struct Sums {
    forward: Vec<Scaled>,
    backward: Vec<Scaled>,
    /// Start, end and piece (or `NO_TOKEN`) of all pieces in the word.
    edges: Vec<(usize, usize, u32)>,
}

impl Sums {
    /// Adds to `expected` how often each piece is expected in `count` times the word; returns the log
    /// probability of the word. Linear in the word, times the longest piece.
    pub(super) fn expect(
        &mut self,
        pieces: &Pieces,
        word: &str,
        count: f64,
        expected: &mut [f64],
    ) -> f64 {
        let Self { forward, backward, edges } = self;
        let bytes = word.as_bytes();
        edges.clear();
        for sums in [&mut *forward, &mut *backward] {
            sums.clear();
            sums.resize(bytes.len() + 1, Scaled::ZERO);
        }
        let probability = |id: u32| match id {
            NO_TOKEN => pieces.unknown,
            id => pieces.probabilities[id as usize],
        };
        forward[0] = Scaled::ONE;
        for (start, c) in word.char_indices() {
            let char_len = c.len_utf8();
            let mut has_single = false;
            let first_edge = edges.len();
            for (len, id) in pieces.trie.prefixes(&bytes[start..]) {
                edges.push((start, start + len, id));
                has_single |= len == char_len;
            }
            if !has_single {
                edges.push((start, start + char_len, NO_TOKEN));
            }
            for &(start, end, id) in &edges[first_edge..] {
                let path = forward[start].times(probability(id));
                forward[end].add(path);
            }
        }
        let total = forward[bytes.len()];
        backward[bytes.len()] = Scaled::ONE;
        for &(start, end, id) in edges.iter().rev() {
            let path = backward[end].times(probability(id));
            backward[start].add(path);
            if id != NO_TOKEN {
                expected[id as usize] += count * forward[start].share(path, total);
            }
        }
        total.ln()
    }
}

/// A number below the range of floating point: `mantissa * STEP^exponent`.
#[derive(Clone, Copy)]
struct Scaled {
    mantissa: f64,
    exponent: i32,
}

/// 2^-512.
const STEP: f64 = f64::from_bits((1023 - 512) << 52);

impl Scaled {
    const ZERO: Self = Self { mantissa: 0.0, exponent: 0 };
    const ONE: Self = Self { mantissa: 1.0, exponent: 0 };

    fn times(self, factor: f64) -> Self {
        let mut this = Self { mantissa: self.mantissa * factor, ..self };
        if this.mantissa < STEP {
            this = Self { mantissa: this.mantissa / STEP, exponent: this.exponent + 1 };
        }
        this
    }

    fn add(&mut self, other: Self) {
        if self.mantissa == 0.0 {
            *self = other;
        } else if self.exponent == other.exponent {
            self.mantissa += other.mantissa;
        } else if self.exponent < other.exponent {
            self.mantissa += other.mantissa * power(other.exponent - self.exponent);
        } else {
            self.mantissa = other.mantissa + self.mantissa * power(self.exponent - other.exponent);
            self.exponent = other.exponent;
        }
    }

    /// `self * other / total`, which is at most 1.
    fn share(self, other: Self, total: Self) -> f64 {
        let share = self.mantissa / total.mantissa * other.mantissa;
        match self.exponent + other.exponent - total.exponent {
            0 => share,
            -1 => share / STEP,
            exponent => share * power(exponent),
        }
    }

    fn ln(self) -> f64 {
        self.mantissa.ln() + f64::from(self.exponent) * STEP.ln()
    }
}

/// `STEP^exponent` for exponents from 0.
fn power(exponent: i32) -> f64 {
    if exponent == 0 {
        1.0
    } else if exponent == 1 {
        STEP
    } else {
        0.0
    }
}
