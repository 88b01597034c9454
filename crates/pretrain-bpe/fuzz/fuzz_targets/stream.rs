//! Streams cut anywhere against the whole text at once.

#![no_main]

use std::sync::OnceLock;

use pretrain_bpe::{Pattern, Tokenizer, Trainer, TrainerConfig};

fn tokenizers() -> &'static [Tokenizer] {
    static TOKENIZERS: OnceLock<Vec<Tokenizer>> = OnceLock::new();
    TOKENIZERS.get_or_init(|| {
        let named = Pattern::NAMES.iter().filter_map(|name| name.parse::<Pattern>().ok());
        let trained = |pattern| {
            let mut config = TrainerConfig::new(320, pattern);
            config.special_tokens = vec!["<|end|>".into(), "<|".into(), "|><".into()];
            let trainer = Trainer::new(config).expect("the configuration is valid");
            let counts = trainer.count(["the other then, don't 1234 \n\n  é 中文 THE"; 3]);
            trainer.train(&counts, &mut |_| {}).expect("training without limits succeeds")
        };
        named.map(trained).collect()
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for tokenizer in tokenizers() {
        assert_eq!(tokenizer.decode(&tokenizer.encode_bytes(bytes)), bytes);
        pretrain_bpe_fuzz::check(tokenizer, &String::from_utf8_lossy(bytes));
    }
});
