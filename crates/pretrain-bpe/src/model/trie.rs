//! A static trie over byte strings: which keys are prefixes of a text.
//!
//! A double array (Aoe 1989; the arrangement by exclusive or is that of darts-clone): the children of a
//! node stand in one block of 256 units at `base ^ byte`, and each says whose child it is. A step is one
//! load and one comparison.

/// Keys and what they stand for. Immutable once built.
#[derive(Clone, Debug)]
pub(crate) struct Trie {
    units: Vec<Unit>,
}

#[derive(Clone, Copy, Debug)]
struct Unit {
    base: u32,
    /// The parent; `NONE` where the unit is free, and in the root.
    check: u32,
    /// `NONE` where no key ends.
    value: u32,
}

const NONE: u32 = u32::MAX;
const BLOCK: usize = 256;
const FREE: Unit = Unit { base: 0, check: NONE, value: NONE };

impl Trie {
    /// The node of the empty string.
    pub(crate) const ROOT: u32 = 0;

    /// The trie of keys in any order. Of equal keys the last one counts; empty keys are left out.
    /// Values must be less than `u32::MAX`.
    pub(crate) fn new<'a>(keys: impl IntoIterator<Item = (&'a [u8], u32)>) -> Self {
        let mut keys: Vec<_> = keys.into_iter().filter(|(key, _)| !key.is_empty()).collect();
        keys.sort_by_key(|(key, _)| *key);
        keys.dedup_by(|later, kept| {
            let equal = later.0 == kept.0;
            if equal {
                kept.1 = later.1;
            }
            equal
        });
        Builder::new().build(&keys)
    }

    /// The child of a node.
    #[inline(always)]
    pub(crate) fn step(&self, node: u32, byte: u8) -> Option<u32> {
        let child = self.units.get(node as usize)?.base ^ u32::from(byte);
        (self.units.get(child as usize)?.check == node).then_some(child)
    }

    /// The value of the key that ends at a node.
    #[inline(always)]
    pub(crate) fn value(&self, node: u32) -> Option<u32> {
        Some(self.units.get(node as usize)?.value).filter(|&value| value != NONE)
    }

    /// The value of a key.
    pub(crate) fn exact(&self, key: &[u8]) -> Option<u32> {
        let node = key.iter().try_fold(Self::ROOT, |node, &byte| self.step(node, byte))?;
        self.value(node)
    }

    /// The keys that `text` begins with, shortest first: their lengths and values.
    #[inline(always)]
    pub(crate) fn prefixes(&self, text: &[u8]) -> impl Iterator<Item = (usize, u32)> {
        let mut node = Some(Self::ROOT);
        let nodes = text.iter().map_while(move |&byte| {
            node = self.step(node?, byte);
            node
        });
        (1..).zip(nodes).filter_map(|(len, node)| Some((len, self.value(node)?)))
    }

    /// The longest key that `text` begins with: its length and value.
    #[inline(always)]
    pub(crate) fn longest(&self, text: &[u8]) -> Option<(usize, u32)> {
        self.prefixes(text).last()
    }
}

/// A trie under construction, with its free units in a circular list.
struct Builder {
    units: Vec<Unit>,
    /// Next and previous free unit; meaningless for units in use.
    links: Vec<(u32, u32)>,
    /// A free unit, or `NONE`.
    head: u32,
}

/// So many places are tried for the children of a node before a new block is opened.
const MAX_TRIES: usize = 128;

impl Builder {
    fn new() -> Self {
        let mut this = Self { units: vec![], links: vec![], head: NONE };
        this.open_block();
        this.take(Trie::ROOT);
        this
    }

    /// Places node after node, parents first. `keys` are sorted and distinct.
    fn build(mut self, keys: &[(&[u8], u32)]) -> Trie {
        let mut open = vec![(Trie::ROOT, keys, 0)];
        let mut labels: Vec<u8> = Vec::with_capacity(BLOCK);
        while let Some((node, mut keys, depth)) = open.pop() {
            if let Some(&(key, value)) = keys.first().filter(|(key, _)| key.len() == depth) {
                debug_assert!(value != NONE, "{key:?}");
                self.units[node as usize].value = value;
                keys = &keys[1..];
            }
            let groups = || keys.chunk_by(|a, b| a.0[depth] == b.0[depth]);
            labels.clear();
            labels.extend(groups().map(|group| group[0].0[depth]));
            if labels.is_empty() {
                continue;
            }
            let base = self.place(&labels);
            self.units[node as usize].base = base;
            for (group, &label) in groups().zip(&labels) {
                let child = base ^ u32::from(label);
                self.take(child);
                self.units[child as usize].check = node;
                open.push((child, group, depth + 1));
            }
        }
        Trie { units: self.units }
    }

    /// A base under which all labels are free.
    fn place(&mut self, labels: &[u8]) -> u32 {
        let mut free = self.head;
        for _ in 0..MAX_TRIES {
            if free == NONE {
                break;
            }
            let base = free ^ u32::from(labels[0]);
            let is_free = |&label: &u8| self.is_free(base ^ u32::from(label));
            if labels[1..].iter().all(is_free) {
                return base;
            }
            free = self.links[free as usize].0;
            if free == self.head {
                break;
            }
        }
        self.open_block()
    }

    fn is_free(&self, at: u32) -> bool {
        let unit = &self.units[at as usize];
        unit.check == NONE && at != Trie::ROOT
    }

    /// Appends a block of free units and returns its start. New units go to the front of the list, so
    /// that old ones, which fit ever less, are not tried first.
    fn open_block(&mut self) -> u32 {
        let start = self.units.len() as u32;
        self.units.resize(self.units.len() + BLOCK, FREE);
        let end = start + BLOCK as u32;
        self.links.extend((start..end).map(|at| (at + 1, at.wrapping_sub(1))));
        let (first, last) = (start as usize, end as usize - 1);
        if self.head == NONE {
            self.links[last].0 = start;
            self.links[first].1 = end - 1;
        } else {
            let tail = self.links[self.head as usize].1;
            self.links[last].0 = self.head;
            self.links[first].1 = tail;
            self.links[self.head as usize].1 = end - 1;
            self.links[tail as usize].0 = start;
        }
        self.head = start;
        start
    }

    /// Removes a unit from the free list.
    fn take(&mut self, at: u32) {
        let (next, previous) = self.links[at as usize];
        self.links[next as usize].1 = previous;
        self.links[previous as usize].0 = next;
        if self.head == at {
            self.head = if next == at { NONE } else { next };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_of_equal_keys_counts_and_empty_keys_do_not() {
        let trie = Trie::new([(&b"a"[..], 1), (b"", 2), (b"a\0", 3), (b"a", 4), (b"\xff", 5)]);
        assert_eq!(trie.prefixes(b"a\0b").collect::<Vec<_>>(), [(1, 4), (2, 3)]);
        assert_eq!(trie.longest(b"\xff\xff"), Some((1, 5)));
        assert_eq!((trie.longest(b""), trie.longest(b"b")), (None, None));
        assert_eq!(Trie::new([]).longest(b"a"), None);
    }

    proptest! {
        #[test]
        fn prefixes_are_those_of_a_list(
            keys in prop::collection::vec(prop::collection::vec(prop_oneof![0u8..3, any::<u8>()], 0..6), 0..300),
            texts in prop::collection::vec(prop::collection::vec(prop_oneof![0u8..3, any::<u8>()], 0..9), 1..20),
        ) {
            let trie = Trie::new((0..).zip(&keys).map(|(value, key)| (&key[..], value)));
            for text in texts.iter().chain(&keys) {
                let expected: Vec<_> = (1..=text.len())
                    .filter_map(|len| {
                        Some((len, keys.iter().rposition(|key| *key == text[..len])? as u32))
                    })
                    .collect();
                let exact = expected.last().filter(|(len, _)| *len == text.len());
                prop_assert_eq!(trie.exact(text), exact.map(|(_, value)| *value));
                prop_assert_eq!(trie.prefixes(text).collect::<Vec<_>>(), expected);
            }
        }
    }
}
