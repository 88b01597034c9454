//! The `.tiktoken` rank file: one line `base64(bytes) SP rank LF` per token.
//!
//! Neither the pattern nor the special tokens are in the file: the caller names them.

use crate::base64;
use crate::byte_bpe::MergeRule;
use crate::error::{BpeError, Result};
use crate::pattern::Pattern;
use crate::token::{AddedToken, TokenId};
use crate::tokenizer::{Parts, Tokenizer};
use crate::vocabulary::TokenList;

impl Tokenizer {
    /// Reads a rank file. `specials` are the control tokens and their ids; they are needed because
    /// published vocabularies leave holes for them.
    ///
    /// Encoding then follows tiktoken: a pre-token that is a token is that token; else the adjacent
    /// tokens merge whose bytes together have the lowest rank.
    ///
    /// # Errors
    ///
    /// A line that is not a token and a rank, a duplicate token or rank, a rank without token that no
    /// special token fills, a byte without token, a custom pattern that does not compile.
    pub fn from_tiktoken<S: Into<String>>(
        file: &[u8],
        pattern: Pattern,
        specials: impl IntoIterator<Item = (S, TokenId)>,
    ) -> Result<Self> {
        // Of o200k a line has 18 bytes in the mean, 7 of them the token.
        let mut tokens = TokenList::with_capacity(file.len() / 16, file.len() / 2);
        for (index, line) in file.split(|&byte| byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                parse_line(line, &mut tokens).ok_or(BpeError::TiktokenLine { line: index + 1 })?;
            }
        }
        let added: Vec<AddedToken> =
            specials.into_iter().map(|(content, id)| AddedToken::special(id, content)).collect();
        let parts = Parts { tokens, added, rule: MergeRule::Ranks, pattern, byte_level_post: None };
        let this = Self::build(parts)?;
        this.check_rank_file()?;
        Ok(this)
    }

    pub(crate) fn check_rank_file(&self) -> Result<()> {
        for token in self.added_tokens() {
            if let Some(bytes) = self.vocabulary().bytes(token.id.0) {
                let first = crate::vocabulary::printable(bytes);
                let (id, second) = (token.id.0, token.content.clone());
                return Err(BpeError::DuplicateId { id, first, second });
            }
        }
        let n_ids = self.vocabulary().n_ids() as u32;
        if let Some(id) = (0..n_ids).find(|&id| self.token_bytes(TokenId(id)).is_none()) {
            return Err(BpeError::MissingId { id, max: n_ids - 1 });
        }
        match (0..=255).find(|&byte| self.vocabulary().id(&[byte]).is_none()) {
            Some(byte) => Err(BpeError::MissingByte { byte }),
            None => Ok(()),
        }
    }

    /// Writes the tokens as a rank file. The special tokens and the pattern are not in the file.
    ///
    /// A tokenizer of Hugging Face's kind can be written when its merges make ids in ascending order;
    /// a rank file merges *any* two tokens whose bytes together are a token, so the ids of a text may
    /// then differ from this tokenizer's where the list of merges lacks such a pair.
    ///
    /// # Errors
    ///
    /// [`BpeError::NotARankFile`] when a byte has no token or the merges are not in order of id.
    pub fn to_tiktoken(&self) -> Result<Vec<u8>> {
        if !self.has_all_bytes() {
            return Err(BpeError::NotARankFile { reason: "a byte has no token" });
        }
        if let MergeRule::Pairs { merges, .. } = self.rule() {
            let mut last = None;
            for &(left, right) in merges {
                let parts = [left, right].map(|id| self.vocabulary().bytes(id).unwrap_or_default());
                let product = self.vocabulary().id(&parts.concat());
                if product <= last {
                    let reason = "the ids of the merges are not in ascending order";
                    return Err(BpeError::NotARankFile { reason });
                }
                last = product;
            }
        }
        let mut file = Vec::new();
        for (id, bytes) in self.vocabulary().iter() {
            base64::encode(bytes, &mut file);
            file.extend_from_slice(format!(" {id}\n").as_bytes());
        }
        Ok(file)
    }
}

fn parse_line(line: &[u8], tokens: &mut TokenList) -> Option<()> {
    let space = line.iter().position(|&byte| byte == b' ')?;
    let rank = parse_rank(&line[space + 1..])?;
    tokens.push_with(rank, |arena| base64::decode_to(&line[..space], arena))
}

/// A decimal number below `u32::MAX`, which stands for no token.
fn parse_rank(digits: &[u8]) -> Option<u32> {
    let append = |rank: u32, digit: &u8| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| rank.checked_mul(10)?.checked_add(u32::from(digit)))?
    };
    let rank = digits.iter().try_fold(0, append)?;
    (!digits.is_empty() && rank != u32::MAX).then_some(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_file() -> String {
        let mut file = vec![];
        for byte in 0..=255 {
            base64::encode(&[byte], &mut file);
            file.extend_from_slice(format!(" {byte}\n").as_bytes());
        }
        String::from_utf8(file).unwrap()
    }

    fn read(file: &str, specials: &[(&str, u32)]) -> Result<Tokenizer> {
        let specials = specials.iter().map(|&(content, id)| (content, TokenId(id)));
        Tokenizer::from_tiktoken(file.as_bytes(), Pattern::Gpt2, specials)
    }

    #[test]
    fn ranks_decide_and_the_file_returns() {
        let file = bytes_file() + "YWI= 256\nYmM= 258\nYWJj 259\n";
        let tokenizer = read(&file, &[("<s>", 257)]).unwrap();
        assert_eq!(tokenizer.vocab_size(), 260);
        let ids = |text| tokenizer.encode(text).iter().map(|id| id.0).collect::<Vec<_>>();
        assert_eq!(ids("abc"), [259]);
        assert_eq!(ids("bcabcx"), [258, 259, 120]);
        assert_eq!(ids("<s>").len(), 3);
        let allowed = tokenizer.encode_with_special("bc<s>", AllowedSpecial::Only(&["<s>"]));
        assert_eq!(allowed, [TokenId(258), TokenId(257)]);
        assert_eq!(tokenizer.to_tiktoken().unwrap(), file.as_bytes());
    }

    use crate::token::AllowedSpecial;

    #[test]
    fn corrupt_files_are_refused() {
        let bytes = bytes_file();
        let with = |line: &str| read(&format!("{bytes}{line}\n"), &[]).unwrap_err();
        for line in [
            "YWI=",
            "YWI= x",
            "YWI= -1",
            "YWI= +1",
            "YW 256",
            " 256",
            "YWI= 4294967295",
            "YWI= 99999999999",
        ] {
            let error = with(line);
            let is_typed =
                matches!(error, BpeError::TiktokenLine { line: 257 } | BpeError::EmptyToken { .. });
            assert!(is_typed, "{line}: {error}");
        }
        assert!(matches!(with("YWI= 257"), BpeError::MissingId { id: 256, max: 257 }));
        assert!(matches!(with("YWI= 3"), BpeError::DuplicateId { id: 3, .. }));
        assert!(matches!(
            with("YQ== 256"),
            BpeError::DuplicateToken { first: 97, second: 256, .. }
        ));
        assert!(matches!(with("YWI= 4294967294"), BpeError::SparseIds { .. }));
        let special = read(&bytes, &[("<s>", 65)]).unwrap_err();
        assert!(matches!(special, BpeError::DuplicateId { id: 65, .. }));
        let far = read(&bytes, &[("<s>", u32::MAX)]).unwrap_err();
        assert!(matches!(far, BpeError::SparseIds { .. }));
        let missing = read("YWI= 0\n", &[]).unwrap_err();
        assert!(matches!(missing, BpeError::MissingByte { byte: 0 }));
        assert!(matches!(read("", &[]), Err(BpeError::MissingByte { byte: 0 })));
    }
}
