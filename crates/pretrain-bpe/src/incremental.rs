//! An encoder to which text is appended.

use crate::token::{AllowedSpecial, TokenId};
use crate::tokenizer::Tokenizer;

/// The tokens of a text that grows at its end.
///
/// At any time [`ids`](Self::ids) equals `encode` of all the text pushed. Appending may change the last
/// tokens (`"th"` is no longer a token of its own once `"e"` follows): [`push`](Self::push) tells how
/// many of the earlier ids stay, and [`n_stable`](Self::n_stable) how many will stay whatever follows.
///
/// A push costs the new text plus the text whose tokens are not stable: with a named pattern about
/// one or two words, or a longer run of letters, marks or white space. Memory: the ids, and the text
/// that is not stable.
///
/// Nothing is stable, and each push encodes all the text again, with a [custom] pattern or none, with a
/// normaliser, with added tokens that take white space or look at their neighbours, with models that
/// are not byte-level, and with chains of pre-tokenizers that are no single pattern.
///
/// ```
/// # use pretrain_bpe::{AllowedSpecial, IncrementalEncoder, Pattern, Trainer, TrainerConfig};
/// # fn main() -> Result<(), pretrain_bpe::BpeError> {
/// # let trainer = Trainer::new(TrainerConfig::new(270, Pattern::Gpt2))?;
/// # let tokenizer = trainer.train(&trainer.count(["the other then"]), &mut |_| {})?;
/// let mut encoder = IncrementalEncoder::new(&tokenizer, AllowedSpecial::None);
/// encoder.push("an ot");
/// let kept = encoder.push("her");
/// assert_eq!(encoder.ids(), tokenizer.encode("an other"));
/// assert!(kept < encoder.ids().len());
/// # Ok(())
/// # }
/// ```
///
/// [custom]: crate::Pattern::Custom
#[derive(Clone, Debug)]
pub struct IncrementalEncoder<'t> {
    tokenizer: &'t Tokenizer,
    allowed: AllowedSpecial<'t>,
    ids: Vec<TokenId>,
    n_stable: usize,
    /// The text of `ids[n_stable..]`.
    tail: String,
    scratch: Vec<u32>,
}

impl<'t> IncrementalEncoder<'t> {
    /// An encoder of the empty text, in which the `allowed` control tokens stand for themselves.
    pub fn new(tokenizer: &'t Tokenizer, allowed: AllowedSpecial<'t>) -> Self {
        // A normaliser may make something of nothing.
        let ids = tokenizer.encode_with_special("", allowed);
        Self { tokenizer, allowed, ids, n_stable: 0, tail: String::new(), scratch: Vec::new() }
    }

    /// Appends text. Returns `kept`: the first `kept` ids are as they were before, those after them
    /// are new, and what stood there is gone.
    pub fn push(&mut self, text: &str) -> usize {
        if text.is_empty() {
            return self.ids.len();
        }
        self.tail.push_str(text);
        let border = self.tokenizer.stable_border(&self.tail, self.allowed);
        let mut new = std::mem::take(&mut self.scratch);
        new.clear();
        if border > 0 {
            self.tokenizer.encode_into_with_special(&self.tail[..border], self.allowed, &mut new);
        }
        let n_stable = self.n_stable + new.len();
        self.tokenizer.encode_into_with_special(&self.tail[border..], self.allowed, &mut new);
        let old = &self.ids[self.n_stable..];
        let n_same = old.iter().zip(&new).take_while(|(old, new)| old.0 == **new).count();
        let kept = self.n_stable + n_same;
        self.ids.truncate(kept);
        self.ids.extend(new[n_same..].iter().copied().map(TokenId));
        self.n_stable = n_stable;
        self.tail.drain(..border);
        self.scratch = new;
        kept
    }

    /// The tokens of all the text pushed.
    pub fn ids(&self) -> &[TokenId] {
        &self.ids
    }

    /// So many of the ids, from the first, no text that follows can change.
    pub fn n_stable(&self) -> usize {
        self.n_stable
    }

    /// The text whose tokens may still change: that of `ids()[n_stable()..]`.
    pub fn unstable_text(&self) -> &str {
        &self.tail
    }

    /// Ends the text and gives its tokens.
    pub fn into_ids(self) -> Vec<TokenId> {
        self.ids
    }
}
