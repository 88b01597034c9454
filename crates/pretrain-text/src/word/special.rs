//! Special cases: chunks with a fixed division, and runs of tokens that together spell one.

use std::sync::LazyLock;

use super::Span;
use super::affix::{self, Scratch};
use super::special_table::SPECIAL_CASES;

/// No special case is longer, in bytes.
const MAX_BYTES: usize = 32;
/// Slots of the hash table; a power of two, four times the number of entries.
const N_SLOTS: usize = 8192;

/// The special cases of the table, indexed for both uses.
pub(super) struct Specials {
    cases: Vec<Case>,
    /// Open addressing: index of a case plus one, or 0.
    slots: Vec<u16>,
    /// Token sequences that spell a case, by the first byte of the first token.
    patterns: Vec<Vec<Pattern>>,
    /// Whether some pattern begins with tokens of these two first bytes.
    pairs: Vec<u64>,
}

struct Case {
    text: String,
    /// Where each token ends, in bytes.
    ends: Vec<usize>,
}

struct Pattern {
    tokens: Vec<String>,
}

/// A run of tokens that a pattern matches.
#[derive(Clone, Copy)]
struct Match {
    start: usize,
    n_tokens: usize,
}

impl Specials {
    /// The table; built on first use.
    pub(super) fn get() -> &'static Specials {
        static SPECIALS: LazyLock<Specials> = LazyLock::new(Specials::build);
        &SPECIALS
    }

    fn build() -> Self {
        let mut specials = Specials {
            cases: Vec::with_capacity(SPECIAL_CASES.len()),
            slots: vec![0; N_SLOTS],
            patterns: std::iter::repeat_with(Vec::new).take(256).collect(),
            pairs: vec![0; 256 * 256 / 64],
        };
        let mut scratch = Scratch::default();
        for tokens in SPECIAL_CASES {
            let mut text = String::new();
            let mut ends = Vec::new();
            for token in tokens.split(' ') {
                text.push_str(token);
                ends.push(text.len());
            }
            specials.add_pattern(&text, &mut scratch);
            let mut slot = hash(text.as_bytes()) & (N_SLOTS - 1);
            while specials.slots[slot] != 0 {
                slot = (slot + 1) & (N_SLOTS - 1);
            }
            specials.cases.push(Case { text, ends });
            specials.slots[slot] =
                u16::try_from(specials.cases.len()).expect("fewer special cases than 65536");
        }
        specials
    }

    /// Remembers how `text` would be cut if it were not a special case. A case that would stay one
    /// token is found as a chunk already.
    fn add_pattern(&mut self, text: &str, scratch: &mut Scratch) {
        let mut spans = Vec::new();
        affix::split(text, Span { start: 0, end: text.len() }, None, scratch, &mut spans);
        let [first, second, ..] = spans[..] else { return };
        let (first, second) = (text.as_bytes()[first.start], text.as_bytes()[second.start]);
        let pair = usize::from(first) << 8 | usize::from(second);
        self.pairs[pair / 64] |= 1 << (pair % 64);
        let tokens = spans.iter().map(|span| span.of(text).to_owned()).collect();
        self.patterns[usize::from(first)].push(Pattern { tokens });
    }

    #[inline]
    fn find(&self, text: &str) -> Option<&Case> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let mut slot = hash(text.as_bytes()) & (N_SLOTS - 1);
        loop {
            let case = match self.slots[slot] {
                0 => return None,
                index => &self.cases[usize::from(index) - 1],
            };
            if case.text == text {
                return Some(case);
            }
            slot = (slot + 1) & (N_SLOTS - 1);
        }
    }

    /// Whether `text` is a special case.
    #[inline]
    pub(super) fn contains(&self, text: &str) -> bool {
        self.find(text).is_some()
    }

    /// Appends the tokens of `chunk` if it is a special case, and says whether it is.
    #[inline]
    pub(super) fn push(&self, chunk: Span, text: &str, out: &mut Vec<Span>) -> bool {
        let Some(case) = self.find(chunk.of(text)) else { return false };
        let mut start = chunk.start;
        for end in &case.ends {
            let end = chunk.start + end;
            out.push(Span { start, end });
            start = end;
        }
        true
    }

    /// Replaces each run of tokens that spells a special case by the tokens of that case. Of runs
    /// that overlap, the longest counts, then the first; a run with white space inside spells
    /// nothing, but still takes its tokens from shorter runs.
    pub(super) fn merge(&self, text: &str, tokens: &mut Vec<Span>) {
        let mut matches = self.matches(text, tokens);
        if matches.is_empty() {
            return;
        }
        matches.sort_by_key(|m| (std::cmp::Reverse(m.n_tokens), m.start));
        let mut taken = vec![false; tokens.len()];
        matches.retain(|m| {
            let last = m.start + m.n_tokens - 1;
            let free = !taken[m.start] && !taken[last];
            taken[m.start..=last].fill(true);
            free
        });
        matches.sort_by_key(|m| m.start);
        let mut out = Vec::with_capacity(tokens.len());
        let mut next = 0;
        for m in matches {
            out.extend_from_slice(&tokens[next..m.start]);
            next = m.start + m.n_tokens;
            let run = Span { start: tokens[m.start].start, end: tokens[next - 1].end };
            if !self.push(run, text, &mut out) {
                out.extend_from_slice(&tokens[m.start..next]);
            }
        }
        out.extend_from_slice(&tokens[next..]);
        *tokens = out;
    }

    fn matches(&self, text: &str, tokens: &[Span]) -> Vec<Match> {
        let mut out = Vec::new();
        let bytes = text.as_bytes();
        for (start, pair) in tokens.windows(2).enumerate() {
            let first = usize::from(bytes[pair[0].start]);
            let pair = first << 8 | usize::from(bytes[pair[1].start]);
            if self.pairs[pair / 64] >> (pair % 64) & 1 == 0 {
                continue;
            }
            for pattern in &self.patterns[first] {
                let n_tokens = pattern.tokens.len();
                let Some(run) = tokens.get(start..start + n_tokens) else { continue };
                if run.iter().zip(&pattern.tokens).all(|(span, token)| span.of(text) == token) {
                    out.push(Match { start, n_tokens });
                }
            }
        }
        out
    }
}

/// FNV-1a: the keys are a few bytes.
#[inline]
fn hash(bytes: &[u8]) -> usize {
    let mut hash: u32 = 0x811c_9dc5;
    for &byte in bytes {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    (hash ^ hash >> 15) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_special_case_has_two_plain_tokens_side_by_side() {
        let plain = |token: &String| token.as_bytes()[0].is_ascii_alphanumeric();
        for pattern in Specials::get().patterns.iter().flatten() {
            let tokens = &pattern.tokens;
            assert!(!tokens.windows(2).any(|t| plain(&t[0]) && plain(&t[1])), "{tokens:?}");
        }
    }

    #[test]
    fn no_special_case_is_letters_and_a_mark_but_abbreviations() {
        for case in &Specials::get().cases {
            let text = case.text.as_str();
            let letters = text.trim_end_matches([',', ';', ':', '?', '!']);
            let is_word = !letters.is_empty() && letters.bytes().all(|b| b.is_ascii_alphabetic());
            assert!(letters == text || !is_word, "{text}");
            assert!(text.len() <= MAX_BYTES && !text.contains(char::is_whitespace), "{text}");
            assert!(std::ptr::eq(Specials::get().find(text).expect("found"), case));
        }
    }
}
