//! A `tekken.json` of any bytes.

#![no_main]

use pretrain_bpe::Tokenizer;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if let Ok(tokenizer) = Tokenizer::from_tekken(file) {
        pretrain_bpe_fuzz::check(&tokenizer, "don't <s> the other\u{85}  中é 123\n");
    }
});
