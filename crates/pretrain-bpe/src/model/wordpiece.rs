//! WordPiece: a word is cut greedily into the longest tokens of the vocabulary (Wu et al. 2016,
//! arXiv:1609.08144; the form of BERT).

use crate::error::{BpeError, Result};
use crate::model::scratch::ModelScratch;
use crate::model::span::Span;
use crate::model::trie::Trie;
use crate::vocabulary::Vocabulary;

/// What a WordPiece model is beside its vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WordPieceConfig {
    /// Stands for a word that cannot be cut into tokens.
    pub(crate) unk_token: String,
    /// What the tokens begin with that continue a word: `##`.
    pub(crate) continuing_subword_prefix: String,
    /// A longer word, in characters, is unknown without a look.
    pub(crate) max_input_chars_per_word: usize,
}

/// Tokens at the beginning and inside of words.
#[derive(Clone)]
pub(crate) struct WordPiece {
    config: WordPieceConfig,
    vocabulary: Vocabulary,
    unk_id: u32,
    /// All tokens as they stand.
    head: Trie,
    /// The tokens that begin with the prefix, without it.
    tail: Trie,
}

impl WordPiece {
    /// Builds the tables. The unknown token has to be in the vocabulary.
    pub(crate) fn new(config: WordPieceConfig, vocab: Vec<(String, u32)>) -> Result<Self> {
        let vocabulary = Vocabulary::new(
            vocab.into_iter().map(|(token, id)| (id, token.into_bytes())).collect(),
        )?;
        let unk_id = vocabulary
            .id(config.unk_token.as_bytes())
            .ok_or_else(|| BpeError::MissingUnknownToken { token: config.unk_token.clone() })?;
        let prefix = config.continuing_subword_prefix.as_bytes();
        let tail =
            vocabulary.iter().filter_map(|(id, token)| Some((token.strip_prefix(prefix)?, id)));
        let tail = Trie::new(tail);
        let head = Trie::new(vocabulary.iter().map(|(id, token)| (token, id)));
        Ok(Self { config, vocabulary, unk_id, head, tail })
    }

    /// Appends the tokens of a word: the longest token it begins with, then again and again the longest
    /// that continues. A word of which a part remains without token is the unknown token as a whole.
    /// Linear in the word, times the longest token at worst.
    pub(crate) fn tokenize(&self, piece: &str, _: &mut ModelScratch, out: &mut Vec<Span>) {
        let bytes = piece.as_bytes();
        let before = out.len();
        let mut start = 0;
        let max_chars = self.config.max_input_chars_per_word;
        if bytes.len() <= max_chars || piece.chars().count() <= max_chars {
            let mut trie = &self.head;
            while let Some((len, id)) = trie.longest(&bytes[start..]) {
                out.push(Span { id, start: start as u32, end: (start + len) as u32 });
                start += len;
                trie = &self.tail;
            }
        }
        if start < bytes.len() {
            out.truncate(before);
            out.push(Span { id: self.unk_id, start: 0, end: bytes.len() as u32 });
        }
    }

    pub(crate) fn config(&self) -> &WordPieceConfig {
        &self.config
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn model(tokens: &[&str], max_chars: usize) -> WordPiece {
        let config = WordPieceConfig {
            unk_token: "[UNK]".into(),
            continuing_subword_prefix: "##".into(),
            max_input_chars_per_word: max_chars,
        };
        let tokens = ["[UNK]"].iter().chain(tokens).zip(0..);
        WordPiece::new(config, tokens.map(|(token, id)| ((*token).into(), id)).collect()).unwrap()
    }

    fn cut(model: &WordPiece, word: &str) -> Vec<(u32, u32, u32)> {
        let mut out = vec![];
        model.tokenize(word, &mut ModelScratch::default(), &mut out);
        out.iter().map(|span| (span.id, span.start, span.end)).collect()
    }

    #[test]
    fn the_longest_token_goes_first() {
        let model = model(&["un", "##a", "##ff", "##aff", "##able", "##é", "##"], 10);
        assert_eq!(cut(&model, "unaffable"), [(1, 0, 2), (4, 2, 5), (5, 5, 9)]);
        assert_eq!(cut(&model, "uné"), [(1, 0, 2), (6, 2, 4)]);
        assert_eq!(cut(&model, "unx"), [(0, 0, 3)], "one unknown part spoils the word");
        assert_eq!(cut(&model, "able"), [(0, 0, 4)], "no token begins it");
        assert_eq!(cut(&model, "##ff"), [(3, 0, 4)], "the prefix may stand in the text");
        assert_eq!(cut(&model, "##"), [(7, 0, 2)]);
        assert_eq!(cut(&model, ""), []);
    }

    #[test]
    fn words_are_measured_in_characters() {
        let model = model(&["é", "##é"], 3);
        assert_eq!(cut(&model, "ééé"), [(1, 0, 2), (2, 2, 4), (2, 4, 6)]);
        assert_eq!(cut(&model, "éééé"), [(0, 0, 8)]);
    }

    #[test]
    fn the_unknown_token_is_required() {
        let config = WordPieceConfig {
            unk_token: "[UNK]".into(),
            continuing_subword_prefix: "##".into(),
            max_input_chars_per_word: 100,
        };
        let error = WordPiece::new(config, vec![("a".into(), 0)]).err().unwrap();
        assert!(matches!(error, BpeError::MissingUnknownToken { token } if token == "[UNK]"));
    }

    /// Hugging Face's algorithm by the letter: shorten the candidate until it is a token.
    fn by_the_letter(model: &WordPiece, word: &str) -> Vec<(u32, u32, u32)> {
        let unknown = vec![(model.unk_id, 0, word.len() as u32)];
        if word.chars().count() > model.config.max_input_chars_per_word {
            return unknown;
        }
        let mut spans = vec![];
        let mut start = 0;
        while start < word.len() {
            let ends = word[start..].char_indices().map(|(at, c)| start + at + c.len_utf8());
            let found = ends.rev().find_map(|end| {
                let prefix = if start > 0 { "##" } else { "" };
                let candidate = format!("{prefix}{}", &word[start..end]);
                Some((model.vocabulary.id(candidate.as_bytes())?, start as u32, end as u32))
            });
            let Some(span) = found else { return unknown };
            spans.push(span);
            start = span.2 as usize;
        }
        spans
    }

    proptest! {
        #[test]
        fn tries_cut_as_the_algorithm_by_the_letter(
            tokens in prop::collection::btree_set("(##)?[ab#é]{1,3}", 0..20),
            word in "[ab#é]{0,12}",
        ) {
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            let model = model(&tokens, 9);
            prop_assert_eq!(cut(&model, &word), by_the_letter(&model, &word));
        }
    }
}
