//! Encoding on the threads of the current rayon pool, with the result of one thread.

use rayon::prelude::*;

use crate::token::TokenId;
use crate::tokenizer::Tokenizer;

/// Parts of a text are at least so long: what a thread does in about a millisecond.
const MIN_PART: usize = 1 << 18;

impl Tokenizer {
    /// The tokens of each text; control tokens are never produced, as in [`encode`](Self::encode).
    /// Runs on the current rayon pool; the result does not depend on it.
    pub fn encode_batch<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Vec<Vec<TokenId>> {
        texts.par_iter().map(|text| self.encode(text.as_ref())).collect()
    }

    /// [`encode`](Self::encode) of one long text in parts on the current rayon pool, with the same
    /// result. The text is cut where every pattern of its kind begins a pre-token, whatever stands before:
    /// before a blank or newline that follows a letter. A tokenizer with added tokens that match in plain
    /// text, or with a pattern that is not one of the named ones, encodes it on this thread.
    pub fn encode_parallel(&self, text: &str) -> Vec<TokenId> {
        let parts =
            self.safe_parts(text, MIN_PART.max(text.len() / (16 * rayon::current_num_threads())));
        if let [_] = parts[..] {
            return self.encode(text);
        }
        let encode = |part: &&str| {
            let mut ids = Vec::with_capacity(part.len() / 4 + 1);
            self.encode_into(part, &mut ids);
            ids
        };
        let encoded: Vec<Vec<u32>> = parts.par_iter().map(encode).collect();
        let mut ids = Vec::with_capacity(encoded.iter().map(Vec::len).sum());
        for part in encoded {
            ids.extend(part.into_iter().map(TokenId));
        }
        ids
    }

    /// Consecutive parts of `text` of at least about `min_len` bytes whose tokens one after another are
    /// those of the text.
    fn safe_parts<'t>(&self, text: &'t str, min_len: usize) -> Vec<&'t str> {
        let mut parts = Vec::new();
        let mut rest = text;
        while self.is_cut_by_words()
            && rest.len() >= 2 * min_len
            && let Some(cut) = safe_cut(rest.as_bytes(), min_len)
        {
            let (part, after) = rest.split_at(cut);
            parts.push(part);
            rest = after;
        }
        parts.push(rest);
        parts
    }
}

/// The first position at or after `from` between an ASCII letter and a blank or newline that a letter
/// follows.
///
/// In each of the named patterns white space ends a run of letters and no pre-token that has letters
/// goes on into white space, so one ends before it; and as it is a single white space character, what
/// stands before it decides nothing about what follows. The first part ends in a letter, so that no rule
/// about white space at the end of a text applies to it.
fn safe_cut(text: &[u8], from: usize) -> Option<usize> {
    let is_cut = |three: &[u8]| {
        three[0].is_ascii_alphabetic()
            && matches!(three[1], b' ' | b'\n')
            && three[2].is_ascii_alphabetic()
    };
    Some(from + 1 + text.get(from..)?.windows(3).position(is_cut)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Pattern, Trainer, TrainerConfig};

    fn tokenizers() -> Vec<Tokenizer> {
        let names = Pattern::NAMES.iter();
        let trained = names.map(|name| {
            let pattern: Pattern = name.parse().unwrap();
            let trainer = Trainer::new(TrainerConfig::new(500, pattern)).unwrap();
            trainer.train(&trainer.count([include_str!("parallel.rs")]), &mut |_| {}).unwrap()
        });
        trained.collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..Default::default() })]

        #[test]
        fn parts_have_the_tokens_of_the_whole(
            words in prop::collection::vec(prop_oneof![
                "[a-zA-Z]{1,6}", "[ \n\t]{1,3}", "[0-9]{1,4}", "'s|'LL|'ſ|!\n/", any::<char>().prop_map(String::from),
            ], 0..200),
            min_len in 1usize..40,
        ) {
            let text = words.concat();
            for tokenizer in tokenizers() {
                let parts = tokenizer.safe_parts(&text, min_len);
                prop_assert_eq!(parts.concat(), &*text);
                let ids: Vec<TokenId> = parts.iter().flat_map(|part| tokenizer.encode(part)).collect();
                prop_assert_eq!(ids, tokenizer.encode(&text));
            }
        }
    }

    #[test]
    fn parallel_equals_serial() {
        let text = include_str!("parallel.rs").repeat(200);
        for tokenizer in tokenizers() {
            assert_eq!(tokenizer.encode_parallel(&text), tokenizer.encode(&text));
            let texts = [&text[..1000], "", &text[..500]];
            assert_eq!(tokenizer.encode_batch(&texts), texts.map(|text| tokenizer.encode(text)));
            let is_whole = tokenizer.pattern() == Some(&Pattern::None);
            assert_eq!(tokenizer.safe_parts(&text, 1 << 16).len() == 1, is_whole);
        }
    }
}
