//! What can be said of a vocabulary without any text.

use serde::{Deserialize, Serialize};

use crate::token::TokenId;
use crate::tokenizer::Tokenizer;

/// A vocabulary by itself. Added tokens are counted but not examined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VocabularyReport {
    /// Tokens that bytes and merges make.
    pub n_tokens: u64,
    /// Added tokens.
    pub n_added: u64,
    /// Bytes of the longest token.
    pub longest: u64,
    /// Bytes of all tokens by their number.
    pub mean_bytes: f64,
    /// Tokens of several bytes that are not whole characters. (Tokens of one byte must exist.)
    pub n_partial: u64,
    /// Tokens that merging their own bytes, as one pre-token, does not give. No text can produce one, except
    /// as a whole pre-token where the tokenizer looks those up (rank files and `ignore_merges`). `None` for
    /// tokenizers that are not byte-level.
    pub unmade: Option<Vec<TokenId>>,
    /// Tokens of whole characters that encoding their own text does not give: the pattern cuts them, or
    /// merging does not make them. Most can come out of no text; but one that the pattern cuts only at its
    /// own end (white space before the end of the text) may come out of a longer one. `None` for tokenizers
    /// that are not byte-level.
    pub not_found: Option<Vec<TokenId>>,
    /// How numbers are cut.
    pub digits: DigitPolicy,
    /// Tokens with more ASCII digits in a row than the pattern lets stand together: wasted.
    pub n_against_digit_policy: u64,
    /// Tokens that hold both ASCII digits and letters.
    pub n_digits_with_letters: u64,
}

/// How the pattern cuts a long run of ASCII digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigitPolicy {
    /// Pre-tokens have at most this many digits, counted from the left.
    AtMost(u32),
    /// Numbers are not cut: tokens may have any number of digits.
    Unlimited,
    /// The tokenizer does more than cut by a pattern: not examined.
    Unknown,
}

impl VocabularyReport {
    /// Examines a vocabulary. Encodes each token once.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        let digits = digit_policy(tokenizer);
        let mut this = Self {
            n_tokens: 0,
            n_added: tokenizer.added_tokens().len() as u64,
            longest: 0,
            mean_bytes: 0.0,
            n_partial: 0,
            unmade: if tokenizer.is_byte_level() { tokenizer.unmade().ok() } else { None },
            not_found: None,
            digits,
            n_against_digit_policy: 0,
            n_digits_with_letters: 0,
        };
        let mut n_bytes = 0;
        let mut found = Vec::new();
        let mut not_found = Vec::new();
        for (id, bytes) in ordinary(tokenizer) {
            this.n_tokens += 1;
            n_bytes += bytes.len() as u64;
            this.longest = this.longest.max(bytes.len() as u64);
            match std::str::from_utf8(bytes) {
                Err(_) => this.n_partial += u64::from(bytes.len() > 1),
                Ok(text) => {
                    found.clear();
                    tokenizer.encode_into(text, &mut found);
                    if found != [id.0] {
                        not_found.push(id);
                    }
                    let has_digits = text.bytes().any(|byte| byte.is_ascii_digit());
                    let has_letters = text.chars().any(char::is_alphabetic);
                    this.n_digits_with_letters += u64::from(has_digits && has_letters);
                }
            }
            if let DigitPolicy::AtMost(most) = digits {
                let runs = bytes.split(|byte| !byte.is_ascii_digit());
                let longest = runs.map(<[u8]>::len).max().unwrap_or(0);
                this.n_against_digit_policy += u64::from(longest > most as usize);
            }
        }
        this.not_found = tokenizer.is_byte_level().then_some(not_found);
        this.mean_bytes = super::ratio(n_bytes, this.n_tokens);
        this
    }
}

/// The tokens that are not added tokens, with their bytes.
fn ordinary(tokenizer: &Tokenizer) -> impl Iterator<Item = (TokenId, &[u8])> {
    let ids = (0..tokenizer.vocab_size() as u32).map(TokenId);
    let ids = ids.filter(|id| is_ordinary(tokenizer, *id));
    ids.filter_map(|id| Some((id, tokenizer.token_bytes(id)?)))
}

pub(super) fn is_ordinary(tokenizer: &Tokenizer, id: TokenId) -> bool {
    let added = tokenizer.added_tokens();
    tokenizer.token_bytes(id).is_some()
        && added.binary_search_by_key(&id, |token| token.id).is_err()
}

fn digit_policy(tokenizer: &Tokenizer) -> DigitPolicy {
    const DIGITS: &str = "0123456789012345678901234567890123456789";
    let Some(plain) = tokenizer.plain() else { return DigitPolicy::Unknown };
    let mut longest = 0;
    plain.pre_tokenizer.for_each(DIGITS, |piece| longest = longest.max(piece.len()));
    if longest == DIGITS.len() {
        DigitPolicy::Unlimited
    } else {
        DigitPolicy::AtMost(longest as u32)
    }
}
