//! What is scored: a continuation after a context.

/// A context, and tokens whose likelihood after it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Tokens that are given; at least one.
    pub context: Vec<u32>,
    /// Tokens that are scored; at least one.
    pub continuation: Vec<u32>,
}

impl Request {
    /// Splits two texts into tokens as the Language Model Evaluation Harness does: spaces at the end
    /// of the context go to the continuation, both texts are encoded together, and the result is cut
    /// after as many tokens as the context alone has. An empty context becomes the token `prefix`.
    ///
    /// Encoding the whole keeps tokens that no one would write otherwise out of the score; the cut
    /// is exact unless a token spans it, and then the token belongs to the side that the harness
    /// gives it to.
    pub fn of_texts(
        context: &str,
        continuation: &str,
        prefix: u32,
        encode: &dyn Fn(&str) -> Vec<u32>,
    ) -> Self {
        let stripped = context.trim_end();
        let continuation = format!("{}{continuation}", &context[stripped.len()..]);
        if stripped.is_empty() {
            return Self { context: vec![prefix], continuation: encode(&continuation) };
        }
        let mut whole = encode(&format!("{stripped}{continuation}"));
        let at = encode(stripped).len().min(whole.len());
        let continuation = whole.split_off(at);
        Self { context: whole, continuation }
    }

    /// Tokens that the model reads for this request: all but the last.
    pub(crate) fn n_inputs(&self) -> usize {
        self.context.len() + self.continuation.len() - 1
    }
}

/// How likely a continuation is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Sum of the natural logarithms of the probabilities of its tokens.
    pub log_likelihood: f64,
    /// Whether each of its tokens is the most likely one at its place.
    pub is_greedy: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u32> {
        text.bytes().map(u32::from).collect()
    }

    #[test]
    fn spaces_go_to_the_continuation_and_nothing_becomes_the_prefix() {
        let of = |context, continuation| Request::of_texts(context, continuation, 256, &bytes);
        assert_eq!(of("ab ", "c"), Request { context: bytes("ab"), continuation: bytes(" c") });
        assert_eq!(of("", "c"), Request { context: vec![256], continuation: bytes("c") });
        assert_eq!(of(" ", "c"), Request { context: vec![256], continuation: bytes(" c") });
        assert_eq!(of("ab", ""), Request { context: bytes("ab"), continuation: vec![] });
    }

    #[test]
    fn a_token_over_the_cut_goes_where_the_count_says() {
        // "ab" is one token; the context "a" has one token, so the cut falls after it.
        let encode = |text: &str| bytes(&text.replace("ab", "X"));
        let request = Request::of_texts("a", "bc", 256, &encode);
        assert_eq!(request, Request { context: bytes("X"), continuation: bytes("c") });
    }
}
