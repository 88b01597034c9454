//! Decoding ids as they come: text out as soon as its characters are whole.

use crate::token::TokenId;
use crate::tokenizer::Tokenizer;

/// What a [`StreamDecoder`] gives for bytes that are not UTF-8, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamPolicy {
    /// Each invalid sequence of bytes becomes U+FFFD as soon as it is seen to be invalid; only the
    /// beginning of a character waits for the next token. All the text together is that of
    /// [`Tokenizer::decode_lossy`]. Python's incremental UTF-8 decoder with `errors="replace"` does the
    /// same. Constant time per token and byte, and at most three bytes of memory.
    ///
    /// A tokenizer whose tokens are not bytes (its decoder needs to see several at once) is decoded as
    /// under the other policy, except that `finish` gives what waits.
    #[default]
    Lossy,
    /// As Hugging Face's `DecodeStream`: nothing comes out while the decoded text ends in U+FFFD, valid
    /// or not, so text after an invalid byte waits until a token ends outside of a broken character;
    /// and [`StreamDecoder::finish`] gives nothing. It works on a window of tokens for any kind of
    /// tokenizer; each push decodes the window twice, and the window is about two pushes' tokens, but
    /// grows while nothing comes out.
    HuggingFace,
}

/// Turns ids into text one by one. No character is ever cut: what a push gives is whole.
///
/// ```
/// # use pretrain_bpe::{Pattern, StreamDecoder, StreamPolicy, Trainer, TrainerConfig};
/// # fn main() -> Result<(), pretrain_bpe::BpeError> {
/// # let trainer = Trainer::new(TrainerConfig::new(256, Pattern::Gpt2))?;
/// # let tokenizer = trainer.train(&trainer.counts(), &mut |_| {})?;
/// let ids = tokenizer.encode("né"); // one token per byte here
/// let mut decoder = StreamDecoder::new(&tokenizer, StreamPolicy::Lossy);
/// let mut steps = Vec::new();
/// for id in ids {
///     steps.push(decoder.push(id).to_owned());
/// }
/// assert_eq!(steps, ["n", "", "é"]);
/// assert_eq!(decoder.finish(), "");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct StreamDecoder<'t> {
    tokenizer: &'t Tokenizer,
    policy: StreamPolicy,
    skip_special: bool,
    /// The beginning of a character.
    partial: Vec<u8>,
    window: Window,
    text: String,
}

impl<'t> StreamDecoder<'t> {
    /// A decoder before its first id. Control tokens are decoded to their content.
    pub fn new(tokenizer: &'t Tokenizer, policy: StreamPolicy) -> Self {
        let (partial, window, text) = (Vec::new(), Window::default(), String::new());
        Self { tokenizer, policy, skip_special: false, partial, window, text }
    }

    /// Whether control tokens are left out of the text.
    pub fn skip_special_tokens(mut self, skip: bool) -> Self {
        self.skip_special = skip;
        self
    }

    /// Takes an id and gives the text that it completes; empty when there is none as yet.
    pub fn push(&mut self, id: TokenId) -> &str {
        self.text.clear();
        if self.policy == StreamPolicy::HuggingFace || !self.tokenizer.decodes_bytes() {
            let (tokenizer, skip) = (self.tokenizer, self.skip_special);
            let decode = |ids: &[TokenId]| decode_window(tokenizer, ids, skip);
            self.window.push(id, decode, &mut self.text);
        } else if !(self.skip_special && is_special(self.tokenizer, id)) {
            let bytes = self.tokenizer.token_bytes(id).unwrap_or_default();
            decode_utf8(&mut self.partial, bytes, &mut self.text);
        }
        &self.text
    }

    /// Ends the ids and gives the text that remains: under [`StreamPolicy::Lossy`] U+FFFD for the
    /// beginning of a character that never ended, else nothing. The decoder is then as new.
    pub fn finish(&mut self) -> &str {
        self.text.clear();
        if !self.partial.is_empty() {
            self.partial.clear();
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
        if self.policy == StreamPolicy::Lossy {
            let (tokenizer, skip) = (self.tokenizer, self.skip_special);
            self.window.rest(|ids| decode_window(tokenizer, ids, skip), &mut self.text);
        }
        self.window = Window::default();
        &self.text
    }
}

fn is_special(tokenizer: &Tokenizer, id: TokenId) -> bool {
    let added = tokenizer.added_tokens();
    let found = added.binary_search_by_key(&id, |token| token.id);
    found.is_ok_and(|index| added[index].special)
}

fn decode_window(tokenizer: &Tokenizer, ids: &[TokenId], skip_special: bool) -> String {
    if skip_special { tokenizer.decode_skip_special(ids) } else { tokenizer.decode_lossy(ids) }
}

/// Appends the characters of `partial` and `bytes` to `text`; the beginning of a last one stays in
/// `partial`. An invalid sequence, as long as it could have been a character, is one U+FFFD.
fn decode_utf8(partial: &mut Vec<u8>, bytes: &[u8], text: &mut String) {
    let joined;
    let mut bytes = bytes;
    if !partial.is_empty() {
        partial.extend_from_slice(bytes);
        joined = std::mem::take(partial);
        bytes = &joined;
    }
    loop {
        let error = match std::str::from_utf8(bytes) {
            Ok(valid) => return text.push_str(valid),
            Err(error) => error,
        };
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        text.push_str(std::str::from_utf8(valid).expect("the part that was found valid"));
        match error.error_len() {
            Some(len) => {
                text.push(char::REPLACEMENT_CHARACTER);
                bytes = &rest[len..];
            }
            None => return partial.extend_from_slice(rest),
        }
    }
}

/// Tokens whose text may depend on each other, and how much of it is out.
#[derive(Clone, Debug, Default)]
struct Window {
    ids: Vec<TokenId>,
    /// The decoded text of `ids[..n_out]`, which came out earlier.
    out: String,
    n_out: usize,
}

impl Window {
    /// The algorithm of Hugging Face's `step_decode_stream`: the text of the window minus the text of
    /// its beginning. Where the one does not begin with the other (Hugging Face gives up) what they
    /// have in common is left out.
    fn push(&mut self, id: TokenId, decode: impl Fn(&[TokenId]) -> String, text: &mut String) {
        if self.out.is_empty() && !self.ids.is_empty() {
            let out = decode(&self.ids);
            if !out.ends_with(char::REPLACEMENT_CHARACTER) {
                (self.out, self.n_out) = (out, self.ids.len());
            }
        }
        self.ids.push(id);
        let all = decode(&self.ids);
        if all.len() > self.out.len() && !all.ends_with(char::REPLACEMENT_CHARACTER) {
            text.push_str(&all[common_prefix(&self.out, &all)..]);
            let n_new = self.ids.len() - self.n_out;
            self.ids.drain(..self.n_out);
            self.out = decode(&self.ids);
            self.n_out = n_new;
        }
    }

    /// The text that has not come out.
    fn rest(&self, decode: impl Fn(&[TokenId]) -> String, text: &mut String) {
        if !self.ids.is_empty() {
            let all = decode(&self.ids);
            text.push_str(&all[common_prefix(&self.out, &all)..]);
        }
    }
}

/// The length in bytes of the characters that two texts begin with.
fn common_prefix(a: &str, b: &str) -> usize {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b);
    same.map(|(c, _)| c.len_utf8()).sum()
}
