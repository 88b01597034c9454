//! A set of small numbers that answers "the next one from here".

/// A subset of `0..capacity` as a tree of 64-bit words: a bit of an upper level says that the word
/// below it is not zero. Each operation touches one word per level, `ceil(log64(capacity))` levels.
#[derive(Debug)]
pub(super) struct Bitmap {
    /// Level 0 holds the members.
    levels: Vec<Vec<u64>>,
}

impl Bitmap {
    pub(super) fn new(capacity: usize) -> Self {
        let mut levels = Vec::new();
        let mut bits = capacity.max(1);
        loop {
            let words = bits.div_ceil(64);
            levels.push(vec![0; words]);
            if words == 1 {
                return Self { levels };
            }
            bits = words;
        }
    }

    pub(super) fn insert(&mut self, mut member: usize) {
        for level in &mut self.levels {
            level[member / 64] |= 1 << (member % 64);
            member /= 64;
        }
    }

    pub(super) fn remove(&mut self, mut member: usize) {
        for level in &mut self.levels {
            level[member / 64] &= !(1 << (member % 64));
            if level[member / 64] != 0 {
                return;
            }
            member /= 64;
        }
    }

    /// The smallest member that is at least `from`.
    pub(super) fn next(&self, from: usize) -> Option<usize> {
        let mut at = from;
        for (height, level) in self.levels.iter().enumerate() {
            let word = level.get(at / 64)? & (u64::MAX << (at % 64));
            if word != 0 {
                let found = at / 64 * 64 + word.trailing_zeros() as usize;
                // Down again: the first member below each found bit.
                return Some(
                    self.levels[..height]
                        .iter()
                        .rev()
                        .fold(found, |at, level| at * 64 + level[at].trailing_zeros() as usize),
                );
            }
            // Nothing left in this word: look for a later word one level up.
            at = at / 64 + 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn answers_as_a_sorted_set_does(
            capacity in 1_usize..300_000,
            steps in prop::collection::vec((any::<bool>(), any::<u32>(), any::<u32>()), 0..200),
        ) {
            let (mut bitmap, mut set) = (Bitmap::new(capacity), BTreeSet::new());
            for (insert, member, from) in steps {
                let member = member as usize % capacity;
                if insert {
                    bitmap.insert(member);
                    set.insert(member);
                } else {
                    bitmap.remove(member);
                    set.remove(&member);
                }
                let from = from as usize % (capacity + 2);
                prop_assert_eq!(bitmap.next(from), set.range(from..).next().copied());
            }
        }
    }
}
