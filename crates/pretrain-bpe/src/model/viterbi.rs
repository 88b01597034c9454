//! The search for the best path through the pieces of a text, for Hugging Face and SentencePiece.

use crate::model::span::Span;
use crate::model::trie::Trie;
use crate::vocabulary::NO_TOKEN;

/// The search, for given scores.
#[derive(Clone, Debug)]
pub(crate) struct Viterbi {
    /// By id.
    pub(crate) scores: Vec<f64>,
    /// What stands for a character without a piece of its own; may be `NO_TOKEN`.
    pub(crate) unk_id: u32,
    pub(crate) unk_score: f64,
    /// Whether sums are kept in single precision, as SentencePiece does. Over a long text that decides
    /// between paths whose scores are close.
    pub(crate) single_precision: bool,
}

/// The best path to each position of a text, and room for it.
#[derive(Debug, Default)]
pub(crate) struct Lattice {
    nodes: Vec<Node>,
    path: Vec<Span>,
}

/// The end of the best path to a position.
#[derive(Clone, Copy, Debug)]
struct Node {
    score: f64,
    start: u32,
    id: u32,
}

/// No path ends here, at least none so far.
const UNREACHED: Node = Node { score: 0.0, start: u32::MAX, id: NO_TOKEN };

impl Node {
    #[inline(always)]
    fn is_reached(&self) -> bool {
        self.start != UNREACHED.start
    }
}

/// SentencePiece counts from zero again where a sum in single precision has fallen below this, lest it
/// lose the difference between pieces (found by experiment with 0.2.3).
const REBASE_BELOW: f64 = -1e5;

impl Viterbi {
    /// Calls `sink` with the pieces of the best path through `text`, in order; each unknown character
    /// is a piece. Of equal paths the one stands that was found first, from left to right and with
    /// short pieces before long ones. Characters that nothing stands for are left out.
    pub(crate) fn for_each(
        &self,
        trie: &Trie,
        text: &str,
        lattice: &mut Lattice,
        mut sink: impl FnMut(Span),
    ) {
        let Lattice { nodes, path } = lattice;
        let bytes = text.as_bytes();
        nodes.clear();
        nodes.resize(bytes.len() + 1, UNREACHED);
        let (mut start, mut reached) = (0, 0);
        while start < bytes.len() {
            if self.single_precision && nodes[start].score < REBASE_BELOW {
                let base = nodes[start].score;
                for node in nodes[start..=reached].iter_mut().filter(|node| node.is_reached()) {
                    node.score = self.round(node.score - base);
                }
            }
            let score = nodes[start].score;
            let char_len = char_len(bytes[start]);
            let mut has_single = false;
            for (len, id) in trie.prefixes(&bytes[start..]) {
                let sum = self.round(score + self.scores[id as usize]);
                improve(&mut nodes[start + len], sum, start, id);
                has_single |= len == char_len;
                reached = reached.max(start + len);
            }
            if !has_single {
                let sum = self.round(score + self.unk_score);
                improve(&mut nodes[start + char_len], sum, start, self.unk_id);
                reached = reached.max(start + char_len);
            }
            start += char_len;
        }
        path.clear();
        let mut end = bytes.len() as u32;
        while end > 0 {
            let Node { start, id, .. } = nodes[end as usize];
            path.push(Span { id, start, end });
            end = start;
        }
        path.iter().rev().filter(|span| span.id != NO_TOKEN).for_each(|span| sink(*span));
    }

    #[inline(always)]
    fn round(&self, sum: f64) -> f64 {
        if self.single_precision { f64::from(sum as f32) } else { sum }
    }
}

#[inline(always)]
fn improve(node: &mut Node, score: f64, start: usize, id: u32) {
    if !node.is_reached() || score > node.score {
        *node = Node { score, start: start as u32, id };
    }
}

/// The length of the character that begins with this byte.
#[inline(always)]
fn char_len(first: u8) -> usize {
    match first {
        0..0x80 => 1,
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    }
}

impl Lattice {
    /// Gives back the memory of an extraordinary text.
    pub(crate) fn shrink(&mut self) {
        const KEEP: usize = 1 << 16;
        if self.nodes.capacity() > KEEP {
            *self = Self::default();
        }
    }
}
