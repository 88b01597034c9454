//! What tokens stand for, laid out to be read by the million.

use crate::vocabulary::Vocabulary;

/// The bytes of short tokens and the lengths of all, by id. It copies what the vocabulary has: of a token,
/// that one touches a span and then a place in the arena, this one 16 bytes that lie together.
#[derive(Clone)]
pub(crate) struct Spelling {
    /// The bytes of a token of up to [`MAX_SHORT`], and in the last place their number; 0 = look into
    /// the vocabulary.
    short: Vec<[u8; WIDTH]>,
    /// The length of a token; 0 = none, [`LONG`] = look into the vocabulary. 200 KB for o200k, so the
    /// lengths of frequent tokens stay in the nearest caches.
    lens: Vec<u8>,
}

const WIDTH: usize = 16;
const MAX_SHORT: usize = WIDTH - 1;
const LONG: u8 = u8::MAX;

/// Tokens are put together in a block of this many bytes before they are appended to the output.
const BLOCK: usize = 4096;

impl Spelling {
    pub(crate) fn new(vocabulary: &Vocabulary) -> Self {
        let mut short = vec![[0; WIDTH]; vocabulary.n_ids()];
        let mut lens = vec![0; vocabulary.n_ids()];
        for (id, bytes) in vocabulary.iter() {
            let id = id as usize;
            lens[id] = u8::try_from(bytes.len()).unwrap_or(LONG);
            if bytes.len() <= MAX_SHORT {
                short[id][..bytes.len()].copy_from_slice(bytes);
                short[id][MAX_SHORT] = bytes.len() as u8;
            }
        }
        Self { short, lens }
    }

    /// The length of a token of `vocabulary` in bytes; 0 when there is no such token.
    #[inline(always)]
    pub(crate) fn len_of(&self, vocabulary: &Vocabulary, id: u32) -> usize {
        match self.lens.get(id as usize) {
            Some(&len) if len != LONG => usize::from(len),
            _ => vocabulary.len_of(id),
        }
    }

    /// Appends the bytes of the tokens; `other` gives those of a token that is not short.
    ///
    /// All 16 bytes of a short token are copied, whatever its length: that needs no branch, and the next
    /// copy covers what is too much.
    pub(crate) fn decode<'t>(
        &self,
        ids: impl Iterator<Item = u32>,
        out: &mut Vec<u8>,
        other: impl Fn(u32) -> &'t [u8],
    ) {
        let mut block = [0; BLOCK + WIDTH];
        let mut n = 0;
        for id in ids {
            let to = block.get_mut(n..n + WIDTH);
            match (self.short.get(id as usize), to) {
                (Some(token), Some(to)) if token[MAX_SHORT] != 0 => {
                    to.copy_from_slice(token);
                    n += usize::from(token[MAX_SHORT]);
                }
                _ => {
                    out.extend_from_slice(&block[..n]);
                    n = 0;
                    out.extend_from_slice(other(id));
                }
            }
        }
        out.extend_from_slice(&block[..n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_every_length_and_none() {
        let lens = [1, 2, 14, 15, 16, 17, 254, 255, 256, 5000];
        let tokens = (0..).step_by(2).zip(lens).map(|(id, len)| (id, vec![id as u8; len]));
        let vocabulary = Vocabulary::new(tokens.collect()).unwrap();
        let spelling = Spelling::new(&vocabulary);
        for id in 0..30 {
            assert_eq!(spelling.len_of(&vocabulary, id), vocabulary.len_of(id));
        }
        // Long enough for the block to be full at every place.
        let ids: Vec<u32> = (0..20_000).map(|i| i * i % 23 % (1 + i / 1000)).collect();
        let other = |id| vocabulary.bytes(id).unwrap_or_default();
        let (mut found, mut expected) = (b"before".to_vec(), b"before".to_vec());
        spelling.decode(ids.iter().copied(), &mut found, other);
        ids.iter().for_each(|&id| expected.extend_from_slice(other(id)));
        assert!(found == expected);
    }
}
