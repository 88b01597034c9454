//! A search for many strings at once.

use std::ops::Range;

/// A trie over the bytes of the strings.
#[derive(Clone, Debug)]
pub(super) struct Finder {
    nodes: Vec<Node>,
    /// The bytes that a string begins with.
    is_first: [bool; 256],
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// Next nodes by byte, sorted.
    next: Vec<(u8, u32)>,
    /// The string that ends here.
    string: Option<usize>,
}

impl Default for Finder {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], is_first: [false; 256] }
    }
}

impl Finder {
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }

    /// Adds a string with its number. The empty string is not added, nor one that is there already.
    pub(super) fn add(&mut self, string: &str, number: usize) {
        let Some(&first) = string.as_bytes().first() else { return };
        self.is_first[first as usize] = true;
        let mut node = 0;
        for &byte in string.as_bytes() {
            let next = &self.nodes[node].next;
            node = match next.binary_search_by_key(&byte, |next| next.0) {
                Ok(index) => next[index].1 as usize,
                Err(index) => {
                    let new = self.nodes.len();
                    self.nodes[node].next.insert(index, (byte, new as u32));
                    self.nodes.push(Node::default());
                    new
                }
            };
        }
        self.nodes[node].string.get_or_insert(number);
    }

    /// The leftmost string at or after `pos`, the longest that starts there, among those for which
    /// `is_wanted`. Linear in the text, times the longest string in the worst case.
    #[inline]
    pub(super) fn next(
        &self,
        text: &str,
        mut pos: usize,
        is_wanted: impl Fn(usize) -> bool,
    ) -> Option<(usize, Range<usize>)> {
        if self.is_empty() {
            return None;
        }
        let bytes = text.as_bytes();
        loop {
            pos += bytes[pos..].iter().position(|&byte| self.is_first[byte as usize])?;
            if let Some((number, len)) = self.longest(&bytes[pos..], &is_wanted) {
                return Some((number, pos..pos + len));
            }
            pos += 1;
        }
    }

    fn longest(&self, text: &[u8], is_wanted: impl Fn(usize) -> bool) -> Option<(usize, usize)> {
        let (mut node, mut longest) = (&self.nodes[0], None);
        for (at, byte) in text.iter().enumerate() {
            let Ok(index) = node.next.binary_search_by_key(byte, |next| next.0) else { break };
            node = &self.nodes[node.next[index].1 as usize];
            if let Some(number) = node.string.filter(|&number| is_wanted(number)) {
                longest = Some((number, at + 1));
            }
        }
        longest
    }
}
