//! Encoding no more of a text than is asked for.

use crate::token::{AllowedSpecial, TokenId};
use crate::tokenizer::Tokenizer;

impl Tokenizer {
    /// The first `n` tokens of a text, or all if there are fewer, and the number of bytes of the text
    /// that they stand for. Exactly the beginning of [`encode`](Self::encode), but where borders are
    /// stable ([`IncrementalEncoder`](crate::IncrementalEncoder) tells where they are not) only about as
    /// much of the text is looked at as the tokens cover.
    ///
    /// The last token may end inside a character: `text.as_bytes()[covered..]` is what is left.
    pub fn encode_up_to(&self, text: &str, n: usize) -> (Vec<TokenId>, usize) {
        self.encode_up_to_with_special(text, AllowedSpecial::None, n)
    }

    /// [`encode_up_to`](Self::encode_up_to) with the `allowed` control tokens.
    pub fn encode_up_to_with_special(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        n: usize,
    ) -> (Vec<TokenId>, usize) {
        let mut ids = Vec::new();
        if n == 0 {
            return (ids, 0);
        }
        let mut raw = Vec::new();
        let mut covered = text.len();
        self.for_each_window(text, allowed, n, |start, window| {
            raw.clear();
            self.encode_into_with_special(window, allowed, &mut raw);
            let wanted = n - ids.len();
            if raw.len() > wanted {
                let with_offsets = self.encode_with_special_and_offsets(window, allowed);
                covered = start + with_offsets[wanted - 1].1.end;
                raw.truncate(wanted);
            } else if raw.len() == wanted {
                // Bytes without token at the end of a window belong to no token.
                let with_offsets = self.encode_with_special_and_offsets(window, allowed);
                covered = start + with_offsets.last().map_or(0, |(_, range)| range.end);
            }
            ids.extend(raw.iter().copied().map(TokenId));
            ids.len() < n
        });
        (ids, covered)
    }

    /// The number of tokens of a text if it is at most `limit`, else `None`. Stops early, as
    /// [`encode_up_to`](Self::encode_up_to) does: to ask whether a text fits.
    pub fn count_up_to(&self, text: &str, limit: usize) -> Option<usize> {
        let mut n = 0;
        self.for_each_window(text, AllowedSpecial::None, limit, |_, window| {
            n += self.count(window);
            n <= limit
        });
        (n <= limit).then_some(n)
    }

    /// Calls `sink` with one stretch of the text after another, each with its start, until it returns
    /// false. The tokens of the stretches together are those of the text.
    fn for_each_window(
        &self,
        text: &str,
        allowed: AllowedSpecial<'_>,
        n_tokens: usize,
        mut sink: impl FnMut(usize, &str) -> bool,
    ) {
        if !self.has_stable_borders() {
            sink(0, text);
            return;
        }
        // Most vocabularies have four bytes per token on ordinary text.
        let wanted = n_tokens.saturating_mul(4).clamp(1 << 8, 1 << 16);
        let (mut start, mut len) = (0, wanted);
        while start < text.len() {
            let end = text.floor_char_boundary(start.saturating_add(len));
            if end == text.len() {
                sink(start, &text[start..]);
                return;
            }
            let window = &text[start..end];
            match self.stable_border(window, allowed) {
                0 => len = len.saturating_mul(2),
                border => {
                    if !sink(start, &window[..border]) {
                        return;
                    }
                    start += border;
                    len = wanted;
                }
            }
        }
    }
}
