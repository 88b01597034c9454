//! Encoding bytes that need not be UTF-8.

use crate::added_tokens::Segment;
use crate::token::{AllowedSpecial, TokenId};
use crate::tokenizer::Tokenizer;

impl Tokenizer {
    /// The tokens of any bytes, without loss: with all 256 bytes in the vocabulary (see
    /// [`has_all_bytes`](Self::has_all_bytes)) `decode(encode_bytes(bytes)) == bytes`.
    ///
    /// UTF-8 is encoded as by [`encode`](Self::encode). Of other bytes the longest prefix that is UTF-8
    /// is encoded so, the tokens of its last pre-token are taken back (with those of the white space
    /// before it, if it begins with a token of white space), and their bytes are merged as one piece
    /// with all that follows: the rule of tiktoken's `_encode_bytes`. Control tokens are never produced.
    ///
    /// A tokenizer that is more than added tokens, a pattern and byte-level merges has no such rule: it
    /// encodes the text in which each invalid sequence is U+FFFD.
    pub fn encode_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        let error = match std::str::from_utf8(bytes) {
            Ok(text) => return self.encode(text),
            Err(error) => error,
        };
        let Some(plain) = self.plain() else {
            return self.encode(&String::from_utf8_lossy(bytes));
        };
        let (valid, invalid) = bytes.split_at(error.valid_up_to());
        let text = std::str::from_utf8(valid).expect("the part that was found valid");
        let mut ids = Vec::with_capacity(bytes.len() / 4 + 1);
        self.encode_into(text, &mut ids);
        let mut open = 0..0;
        plain.added.segments(text, AllowedSpecial::None, &mut |segment| {
            open = match segment {
                Segment::Text(range) => range,
                Segment::Added(_, range) => range.end..range.end,
            };
        });
        let mut last = 0..0;
        plain.pre_tokenizer.for_each(&text[open.clone()], |piece| last = piece);
        let last = &text[open][last];
        plain.scratch.with(|scratch| {
            let mut of_last = Vec::new();
            plain.bpe.merge_bytes(last.as_bytes(), &mut scratch.merges, &mut of_last);
            let keep = ids.len() - self.with_white_space_before(&ids, of_last.len());
            let mut piece = Vec::new();
            for id in ids.drain(keep..) {
                piece.extend_from_slice(self.token_bytes(TokenId(id)).unwrap_or_default());
            }
            piece.extend_from_slice(invalid);
            plain.bpe.merge_bytes(&piece, &mut scratch.merges, &mut ids);
        });
        ids.into_iter().map(TokenId).collect()
    }

    /// The number of tokens to take back when the last pre-token has `n_last`: white space may have
    /// been cut where it would not be if more followed.
    fn with_white_space_before(&self, ids: &[u32], mut n_last: usize) -> usize {
        let is_space = |id: u32| {
            let bytes = self.token_bytes(TokenId(id)).unwrap_or_default();
            bytes.iter().all(|byte| matches!(byte, b' ' | b'\n' | b'\t'))
        };
        if n_last > 0 && is_space(ids[ids.len() - n_last]) {
            let before = ids[..ids.len() - n_last].iter().rev();
            n_last += before.take_while(|&&id| is_space(id)).count();
        }
        n_last
    }
}
