//! What a tokenizer must hold, however it came about.

use pretrain_bpe::{AllowedSpecial, IncrementalEncoder, StreamEncoder, Tokenizer};

/// Checks the laws on one text and one tokenizer.
pub fn check(tokenizer: &Tokenizer, text: &str) {
    for allowed in [AllowedSpecial::None, AllowedSpecial::All] {
        let ids = tokenizer.encode_with_special(text, allowed);
        let offsets = tokenizer.encode_with_special_and_offsets(text, allowed);
        assert!(ids.iter().eq(offsets.iter().map(|(id, _)| id)));
        if tokenizer.has_all_bytes() {
            assert_eq!(tokenizer.decode(&ids), text.as_bytes());
        }
        let mut incremental = IncrementalEncoder::new(tokenizer, allowed);
        let mut stream = StreamEncoder::new(tokenizer, allowed);
        let mut streamed = Vec::new();
        for part in text.split_inclusive(['e', ' ', '\'', '<', '\n']) {
            incremental.push(part);
        }
        for chunk in text.as_bytes().chunks(5) {
            stream.push(chunk, &mut streamed).expect("the text is UTF-8");
        }
        stream.finish(&mut streamed).expect("the text is UTF-8");
        assert_eq!(incremental.ids(), ids);
        assert!(streamed.iter().eq(ids.iter().map(|id| &id.0)));
        let n = ids.len() / 2;
        let (beginning, covered) = tokenizer.encode_up_to_with_special(text, allowed, n);
        assert_eq!(beginning, ids[..n]);
        assert_eq!(covered, if n == 0 { 0 } else { offsets[n - 1].1.end });
    }
}
