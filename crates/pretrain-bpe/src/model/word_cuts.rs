//! Where a text that is one pre-token can be cut all the same.

/// The mark that SentencePiece and its heirs put in the place of a space.
pub(crate) const MARK: char = '\u{2581}';
const MARK_BYTES: &[u8] = "\u{2581}".as_bytes();

/// A merge across a border makes a token in which the two characters at the border are neighbours. So
/// where no token that a merge makes has a character `c` before `▁`, text can be cut between `c` and
/// `▁`.
#[derive(Clone, Debug)]
pub(crate) struct WordCuts {
    /// The characters that stand before `▁` in some product, sorted.
    before_mark: Vec<char>,
}

impl WordCuts {
    /// The cuts that none of the products of merges forbids.
    pub(crate) fn new<'a>(products: impl IntoIterator<Item = &'a str>) -> Self {
        let mut before_mark = Vec::new();
        for product in products {
            for (at, _) in product.match_indices(MARK) {
                before_mark.extend(product[..at].chars().next_back());
            }
        }
        before_mark.sort_unstable();
        before_mark.dedup();
        Self { before_mark }
    }

    /// The length of the first word of `text`: up to the first `▁` after a character that no product
    /// joins with it and that `may_end` allows.
    #[inline]
    pub(crate) fn next(&self, text: &str, may_end: impl Fn(char) -> bool) -> usize {
        let bytes = text.as_bytes();
        let mut at = 1;
        while at + MARK_BYTES.len() <= bytes.len() {
            match bytes[at..].iter().position(|&byte| byte == MARK_BYTES[0]) {
                Some(skipped) => at += skipped,
                None => break,
            }
            if bytes[at..].starts_with(MARK_BYTES) {
                let before = text[..at].chars().next_back().unwrap_or(MARK);
                if self.before_mark.binary_search(&before).is_err() && may_end(before) {
                    return at;
                }
            }
            at += 1;
        }
        bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_before_marks_that_nothing_joins() {
        let cuts = WordCuts::new(["▁a", "▁▁", "n▁▁b", "é"]);
        let words = |mut text: &str| {
            let mut words = vec![];
            while !text.is_empty() {
                let (word, rest) = text.split_at(cuts.next(text, |c| c != 'x'));
                words.push(word.to_owned());
                text = rest;
            }
            words
        };
        assert_eq!(words("a▁b▁▁é▁"), ["a", "▁b", "▁▁é", "▁"]);
        assert_eq!(words("n▁x▁b▁"), ["n▁x▁b", "▁"]);
        assert_eq!((words("▁"), words("")), (vec!["▁".into()], vec![]));
    }
}
