//! A vocabulary and merges of any bytes, apart at the first NUL.

#![no_main]

use pretrain_bpe::{Pattern, TokenId, Tokenizer};

libfuzzer_sys::fuzz_target!(|files: &[u8]| {
    let at = files.iter().position(|&byte| byte == 0).unwrap_or(files.len());
    let (vocab, merges) = files.split_at(at);
    let merges = merges.strip_prefix(b"\0").unwrap_or_default();
    let specials = [("<s>", TokenId(3))];
    if let Ok(tokenizer) = Tokenizer::from_vocab_merges(vocab, merges, Pattern::Gpt2, specials) {
        pretrain_bpe_fuzz::check(&tokenizer, "don't <s> the other\u{85}  中é 123\n");
        let _ = tokenizer.to_vocab_merges();
    }
});
