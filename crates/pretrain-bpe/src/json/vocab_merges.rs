//! `vocab.json` with `merges.txt`: the files of GPT-2, under OpenAI's names `encoder.json` with `vocab.bpe`.
//!
//! The first is an object from tokens to ids, the second a list of merges, `left SP right LF`, after a
//! line `#version: 0.2`. Both write tokens in the byte-level alphabet. Neither the pattern nor what
//! makes a token special is in the files.

use std::collections::{HashMap, HashSet};

use super::node::{Node, read_id, wrong_type};
use super::write::Vocab;
use crate::byte_bpe::MergeRule;
use crate::byte_level;
use crate::error::{BpeError, Result};
use crate::pattern::Pattern;
use crate::token::{AddedToken, TokenId};
use crate::tokenizer::{Parts, Tokenizer};
use crate::vocabulary::printable;

/// The two files of GPT-2's format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VocabMerges {
    /// `vocab.json` or `encoder.json`.
    pub vocab: Vec<u8>,
    /// `merges.txt` or `vocab.bpe`.
    pub merges: Vec<u8>,
}

const VERSION: &str = "#version";

impl Tokenizer {
    /// Reads `vocab.json` and `merges.txt` (or `encoder.json` and `vocab.bpe`, which are the same).
    /// `specials` are the control tokens and their ids, whether the vocabulary lists them or not.
    ///
    /// # Errors
    ///
    /// [`BpeError::Json`] and [`BpeError::Type`] for the vocabulary, [`BpeError::MergesLine`] for the
    /// merges; [`BpeError::DuplicateId`], [`BpeError::DuplicateToken`], [`BpeError::SparseIds`],
    /// [`BpeError::UnknownMergeToken`], [`BpeError::NotByteLevel`], [`BpeError::EmptyToken`] when they
    /// contradict themselves or each other; [`BpeError::Regex`] for the pattern.
    pub fn from_vocab_merges<S: Into<String>>(
        vocab: &[u8],
        merges: &[u8],
        pattern: Pattern,
        specials: impl IntoIterator<Item = (S, TokenId)>,
    ) -> Result<Self> {
        let vocab = read_vocab(Node::parse(vocab)?)?;
        let added: Vec<AddedToken> =
            specials.into_iter().map(|(content, id)| AddedToken::special(id, content)).collect();
        let mut id_of: HashMap<&str, u32> = HashMap::with_capacity(vocab.len());
        for (token, id) in &vocab {
            if let Some(first) = id_of.insert(token, *id) {
                return Err(BpeError::DuplicateToken { token: token.clone(), first, second: *id });
            }
        }
        for token in &added {
            if let Some(&first) = id_of.get(&*token.content).filter(|&&id| id != token.id.0) {
                let (token, second) = (token.content.clone(), token.id.0);
                return Err(BpeError::DuplicateToken { token, first, second });
            }
        }
        let mut pairs = Vec::new();
        let mut made = HashSet::new();
        for (index, (left, right)) in read_merges(merges)?.into_iter().enumerate() {
            let id = |token: &str| {
                let unknown = || BpeError::UnknownMergeToken { index, token: token.to_owned() };
                id_of.get(token).copied().ok_or_else(unknown)
            };
            pairs.push((id(left)?, id(right)?));
            made.insert(id(&format!("{left}{right}"))?);
        }
        let tokens = merged_tokens(vocab, &added, &made)?.into();
        let rule = MergeRule::Pairs { merges: pairs, ignore_merges: false };
        Self::build(Parts { tokens, added, rule, pattern, byte_level_post: None })
    }

    /// Writes `vocab.json` and `merges.txt`; control tokens are in the vocabulary. The vocabulary is in
    /// order of id, in UTF-8; the merges of GPT-2 come out byte for byte as published. Nothing else of
    /// the tokenizer is in the files: neither the pattern nor a normaliser.
    ///
    /// # Errors
    ///
    /// [`BpeError::NotByteLevelModel`]; [`BpeError::NotMerges`] when a token is found only as a whole pre-token, as rank files and
    /// `ignore_merges` allow: the files cannot say so, and would give other ids.
    pub fn to_vocab_merges(&self) -> Result<VocabMerges> {
        if !self.is_byte_level() {
            return Err(BpeError::NotByteLevelModel);
        }
        let (merges, ignore_merges) = self.merges_as_text();
        let mut lines = format!("{VERSION}: 0.2\n");
        for [left, right] in &merges {
            lines.extend([left, " ", right, "\n"]);
        }
        if ignore_merges {
            // Without the look-up of whole pre-tokens these would never come out.
            if let Some(&id) = self.unmade()?.first() {
                let token = printable(self.token_bytes(id).unwrap_or_default());
                return Err(BpeError::NotMerges { token });
            }
        }
        let vocab =
            serde_json::to_vec(&Vocab(self)).expect("a map from strings to numbers is JSON");
        Ok(VocabMerges { vocab, merges: lines.into_bytes() })
    }
}

/// The tokens that bytes and merges make. A control token is one only when a merge makes it, or when it
/// is a byte: else it exists for the text search alone.
fn merged_tokens(
    vocab: Vec<(String, u32)>,
    added: &[AddedToken],
    made: &HashSet<u32>,
) -> Result<Vec<(u32, Vec<u8>)>> {
    let added: HashMap<u32, &str> =
        added.iter().map(|token| (token.id.0, token.content.as_str())).collect();
    let mut tokens = Vec::with_capacity(vocab.len());
    for (token, id) in vocab {
        let bytes = byte_level::from_text(&token);
        let is_byte = bytes.as_ref().is_some_and(|bytes| bytes.len() == 1);
        match (added.get(&id), bytes) {
            (Some(content), _) if *content != token => {
                let (first, second) = (token, (*content).to_owned());
                return Err(BpeError::DuplicateId { id, first, second });
            }
            (Some(_), _) if !made.contains(&id) && !is_byte => {}
            (_, Some(bytes)) => tokens.push((id, bytes)),
            (_, None) => return Err(BpeError::NotByteLevel { token, id }),
        }
    }
    Ok(tokens)
}

fn read_vocab(node: Node) -> Result<Vec<(String, u32)>> {
    let Node::Object(members) = node else {
        return Err(wrong_type("the vocabulary", "an object", Some(&node)));
    };
    let read = |(token, id): (String, Node)| {
        let id = read_id(&format!("[{token:?}]"), &id)?;
        Ok((token, id))
    };
    members.into_iter().map(read).collect()
}

fn read_merges(file: &[u8]) -> Result<Vec<(&str, &str)>> {
    let mut merges = Vec::new();
    let file = file.strip_suffix(b"\n").unwrap_or(file);
    for (index, line) in file.split(|&byte| byte == b'\n').enumerate() {
        let wrong = || BpeError::MergesLine { line: index + 1 };
        let line = std::str::from_utf8(line).map_err(|_| wrong())?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if index == 0 && (line.is_empty() || line.starts_with(VERSION)) {
            continue;
        }
        let (left, right) = line.split_once(' ').ok_or_else(wrong)?;
        if left.is_empty() || right.is_empty() || right.contains(' ') {
            return Err(wrong());
        }
        merges.push((left, right));
    }
    Ok(merges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AllowedSpecial, Trainer, TrainerConfig};

    fn small() -> Tokenizer {
        let mut config = TrainerConfig::new(262, Pattern::Gpt2);
        config.special_tokens = vec!["<|endoftext|>".into()];
        let trainer = Trainer::new(config).unwrap();
        trainer.train(&trainer.count(["the other then"]), &mut |_| {}).unwrap()
    }

    fn read(files: &VocabMerges, specials: &[(&str, u32)]) -> Result<Tokenizer> {
        let specials = specials.iter().map(|&(content, id)| (content, TokenId(id)));
        Tokenizer::from_vocab_merges(&files.vocab, &files.merges, Pattern::Gpt2, specials)
    }

    #[test]
    fn files_return() {
        let tokenizer = small();
        let files = tokenizer.to_vocab_merges().unwrap();
        assert!(files.merges.starts_with(b"#version: 0.2\nh e\n"));
        let again = read(&files, &[("<|endoftext|>", 0)]).unwrap();
        assert_eq!(again.to_vocab_merges().unwrap(), files);
        let text = "other<|endoftext|> the\u{e9}\n";
        for allowed in [AllowedSpecial::None, AllowedSpecial::All] {
            let expected = tokenizer.encode_with_special(text, allowed);
            assert_eq!(again.encode_with_special(text, allowed), expected);
        }
        // Line ends of Windows, and no line of the version.
        let merges = String::from_utf8(files.merges.clone()).unwrap();
        let lines = merges.split_once('\n').unwrap().1.replace('\n', "\r\n");
        let windows = VocabMerges { merges: lines.into_bytes(), ..files.clone() };
        let again = read(&windows, &[("<|endoftext|>", 0)]).unwrap();
        assert_eq!(again.to_vocab_merges().unwrap(), files);
    }

    #[test]
    fn what_only_a_whole_pre_token_finds_is_not_written() {
        let bytes = (0..=255u8).map(|byte| (u32::from(byte), vec![byte]));
        let tokens = bytes.chain([(256, b"abc".to_vec())]).collect::<Vec<_>>().into();
        let (added, pattern) = (Vec::new(), Pattern::Gpt2);
        let parts = Parts { tokens, added, rule: MergeRule::Ranks, pattern, byte_level_post: None };
        let refused = Tokenizer::build(parts).unwrap().to_vocab_merges().unwrap_err();
        assert!(matches!(&refused, BpeError::NotMerges { token } if token == "abc"), "{refused}");
    }

    #[test]
    fn corrupt_files_are_refused() {
        let good = small().to_vocab_merges().unwrap();
        let merges = |text: &str| {
            let files = VocabMerges { merges: text.into(), ..good.clone() };
            read(&files, &[("<|endoftext|>", 0)]).unwrap_err()
        };
        for (text, at) in [("#version: 0.2\nt h\nt", 3), ("t  h\n", 1), ("t h x\n", 1), ("t \n", 1)]
        {
            let error = merges(text);
            assert!(
                matches!(error, BpeError::MergesLine { line } if line == at),
                "{text}: {error}"
            );
        }
        assert!(matches!(merges("t h\n\nh e\n"), BpeError::MergesLine { line: 2 }));
        assert!(matches!(merges("q z\n"), BpeError::UnknownMergeToken { index: 0, .. }));
        let vocab = |text: &str, specials: &[(&str, u32)]| {
            let files = VocabMerges { vocab: text.into(), merges: Vec::new() };
            read(&files, specials).unwrap_err().to_string()
        };
        assert_eq!(vocab("[]", &[]), "the vocabulary: expected an object, found an array of 0");
        assert_eq!(vocab(r#"{"a": -1}"#, &[]), "[\"a\"]: expected an id below 2^32 - 1, found -1");
        assert_eq!(vocab(r#"{"a": 1, "a": 2}"#, &[]), "the token \"a\" has the ids 1 and 2");
        assert_eq!(vocab(r#"{"<s>": 1}"#, &[("<s>", 2)]), "the token \"<s>\" has the ids 1 and 2");
        assert!(vocab(r#"{"a b": 1}"#, &[]).contains("outside the byte-level alphabet"));
    }
}
