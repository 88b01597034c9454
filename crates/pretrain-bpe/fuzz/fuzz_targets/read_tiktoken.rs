//! A rank file of any bytes.

#![no_main]

use pretrain_bpe::{Pattern, TokenId, Tokenizer};

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let specials = [("<s>", TokenId(256)), ("</s>", TokenId(257))];
    if let Ok(tokenizer) = Tokenizer::from_tiktoken(file, Pattern::O200k, specials) {
        pretrain_bpe_fuzz::check(&tokenizer, "don't <s> the other\u{85}  中é 123\n");
    }
});
