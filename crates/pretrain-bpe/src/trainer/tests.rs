//! The merge loop against the textbook.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::pattern::Pattern;

mod resume;
mod units;

/// Recounts all pairs at every step. Words and tokens are lists of units, as text; ids follow the
/// order of making.
fn train_naive(
    words: &BTreeMap<Vec<u32>, u64>,
    mut tokens: Vec<Vec<u32>>,
    config: &TrainerConfig,
) -> Vec<Vec<u32>> {
    let id_of_unit = |unit: u32| tokens.iter().rposition(|token| *token == [unit]);
    let mut words: Vec<(Vec<usize>, u64)> = words
        .iter()
        .map(|(word, &count)| (word.iter().filter_map(|&unit| id_of_unit(unit)).collect(), count))
        .collect();
    while tokens.len() < config.vocab_size {
        let mut counts: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for (word, count) in &words {
            for pair in word.windows(2) {
                let len = tokens[pair[0]].len() + tokens[pair[1]].len();
                if len == 2 || config.max_token_length.is_none_or(|limit| len < limit) {
                    *counts.entry((pair[0], pair[1])).or_default() += count;
                }
            }
        }
        let best = counts.into_iter().max_by_key(|&(pair, count)| (count, std::cmp::Reverse(pair)));
        let Some(((left, right), count)) = best else { break };
        if count < config.min_frequency {
            break;
        }
        tokens.push([&tokens[left][..], &tokens[right][..]].concat());
        for (word, _) in &mut words {
            let mut i = 0;
            while i + 1 < word.len() {
                if (word[i], word[i + 1]) == (left, right) {
                    word.splice(i..i + 2, [tokens.len() - 1]);
                }
                i += 1;
            }
        }
    }
    tokens
}

/// The tokens that byte-level training begins with: one that is never met, then the bytes.
fn first_tokens(config: &TrainerConfig) -> Vec<Vec<u32>> {
    let bytes: Vec<u8> = match config.tie_break {
        TieBreak::Hf => BYTES_IN_CHAR_ORDER.to_vec(),
        TieBreak::RawBytes => (0..=255).collect(),
    };
    let special = config.special_tokens.iter().map(|token| token.chars().map(u32::from).collect());
    special.chain(bytes.iter().map(|&byte| vec![u32::from(byte)])).collect()
}

fn tokens_of(tokenizer: &Tokenizer) -> Vec<Vec<u8>> {
    let ids = 0..tokenizer.vocab_size() as u32;
    ids.map(|id| tokenizer.token_bytes(TokenId(id)).unwrap().to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn equals_recounting(
        texts in prop::collection::vec(("[ab]{1,12}|[abcd ]{1,12}|é{1,6}", 1u64..6), 1..30),
        vocab_size in 256usize..300,
        max_token_length in prop::option::of(1usize..8),
        min_frequency in 0u64..4,
        raw_bytes in any::<bool>(),
    ) {
        let mut config = TrainerConfig::new(vocab_size, Pattern::None);
        config.special_tokens = vec!["<s>".into()];
        config.max_token_length = max_token_length;
        config.min_frequency = min_frequency;
        if raw_bytes {
            config.tie_break = TieBreak::RawBytes;
        }
        let trainer = Trainer::new(config).unwrap();
        let mut counts = trainer.counts();
        let mut words = BTreeMap::new();
        for (text, weight) in &texts {
            counts.count_weighted(text, *weight);
            *words.entry(text.bytes().map(u32::from).collect()).or_default() += weight;
        }
        let first = first_tokens(trainer.config());
        let expected = train_naive(&words, first, trainer.config());
        for n_threads in [1, 3] {
            let trained = on_threads(n_threads, || trainer.train(&counts, &mut |_| {}).unwrap());
            let units = tokens_of(&trained).iter().map(|token| to_units(token)).collect::<Vec<_>>();
            prop_assert_eq!(units, &expected[..]);
        }
    }

    /// The same over characters.
    #[test]
    fn characters_equal_recounting(
        texts in prop::collection::vec(("[ab]{1,12}|[aé中 ]{1,12}|中{1,6}", 1u64..6), 1..30),
        vocab_size in 0usize..60,
        max_token_length in prop::option::of(1usize..8),
    ) {
        let mut config = CharTrainerConfig::new(vocab_size, Pattern::None.into());
        config.special_tokens = vec!["<s>".into()];
        config.max_token_length = max_token_length;
        config.initial_alphabet = "xab".into();
        let mut naive = TrainerConfig::new(vocab_size, Pattern::None);
        naive.max_token_length = max_token_length;
        let trainer = CharTrainer::new(config).unwrap();
        let mut counts = trainer.counts();
        let mut words = BTreeMap::new();
        for (text, weight) in &texts {
            counts.count_weighted(text, *weight);
            *words.entry(text.chars().map(u32::from).collect()).or_default() += weight;
        }
        let all = texts.iter().flat_map(|(text, _)| text.chars()).chain("xab".chars());
        let alphabet: std::collections::BTreeSet<u32> = all.map(u32::from).collect();
        let first = alphabet.iter().map(|&c| vec![c]);
        let first = std::iter::once("<s>".chars().map(u32::from).collect()).chain(first).collect();
        let expected = train_naive(&words, first, &naive);
        let trained = trainer.train(&counts, &mut |_| {}).unwrap();
        let units = |name: &String| name.chars().map(u32::from).collect::<Vec<_>>();
        let found: Vec<_> = trained.vocab.iter().map(|(name, _)| units(name)).collect();
        prop_assert_eq!(found, expected);
    }
}

fn to_units(bytes: &[u8]) -> Vec<u32> {
    bytes.iter().map(|&byte| u32::from(byte)).collect()
}

#[cfg(feature = "rayon")]
fn on_threads<R: Send>(n_threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap().install(work)
}

#[cfg(not(feature = "rayon"))]
fn on_threads<R>(_: usize, work: impl FnOnce() -> R) -> R {
    work()
}

#[test]
fn special_tokens_take_the_first_ids_and_lend_them() {
    let mut config = TrainerConfig::new(6, Pattern::None);
    config.special_tokens = vec!["<s>".into(), "ab".into(), "a".into(), "<s>".into()];
    config.alphabet = Alphabet::SeenBytes;
    let trainer = Trainer::new(config).unwrap();
    let tokenizer = trainer.train(&trainer.count(["abcabc", "abab"]), &mut |_| {}).unwrap();
    let text =
        |id| String::from_utf8(tokenizer.token_bytes(TokenId(id)).unwrap().to_vec()).unwrap();
    assert_eq!((0..6).map(text).collect::<Vec<_>>(), ["<s>", "ab", "a", "b", "c", "abc"]);
    assert_eq!(tokenizer.encode("abab"), [TokenId(1), TokenId(1)]);
    assert_eq!(tokenizer.added_tokens().len(), 3);
    let again = Tokenizer::from_json(&tokenizer.to_json()).unwrap();
    assert_eq!(again.fingerprint(), tokenizer.fingerprint());
}

#[test]
fn many_special_tokens_are_not_holes() {
    let mut config = TrainerConfig::new(0, Pattern::None);
    config.special_tokens = (0..20_000).map(|i| format!("<{i}>")).collect();
    let trainer = Trainer::new(config).unwrap();
    let tokenizer = trainer.train(&trainer.counts(), &mut |_| {}).unwrap();
    assert_eq!(tokenizer.vocab_size(), 20_256);
    assert_eq!(tokenizer.special_id("<19999>"), Some(TokenId(19_999)));
}

#[test]
fn the_alphabet_limit_keeps_the_frequent_and_breaks_ties_by_order() {
    let mut config = TrainerConfig::new(0, Pattern::None);
    config.alphabet = Alphabet::SeenBytes;
    config.limit_alphabet = Some(2);
    let trainer = Trainer::new(config.clone()).unwrap();
    let tokenizer = trainer.train(&trainer.count(["cccba", "c"]), &mut |_| {}).unwrap();
    assert_eq!(tokens_of(&tokenizer), [b"a", b"c"]);
    config.limit_alphabet = Some(0);
    let trainer = Trainer::new(config).unwrap();
    let empty = trainer.train(&trainer.count(["abc"]), &mut |_| {}).unwrap();
    assert_eq!((empty.vocab_size(), empty.encode("abc")), (0, vec![]));
}

#[test]
fn progress_counts_up_and_frequencies_down() {
    let trainer = Trainer::new(TrainerConfig::new(259, Pattern::Gpt2)).unwrap();
    let mut seen = vec![];
    let counts = trainer.count(["aaaa aaaa", "ab"]);
    trainer
        .train(&counts, &mut |progress| seen.push((progress.vocab_size, progress.frequency)))
        .unwrap();
    // "aaaa" and " aaaa" hold three overlapping (a, a) each.
    assert_eq!(seen, [(257, 6), (258, 2), (259, 1)]);
    assert_eq!(
        trainer.train(&trainer.counts(), &mut |_| panic!("nothing to merge")).unwrap().vocab_size(),
        256
    );
}

#[test]
fn faults_are_all_named() {
    let mut config = TrainerConfig::new(usize::MAX, Pattern::None);
    config.special_tokens = vec![String::new()];
    config.max_token_length = Some(0);
    match Trainer::new(config) {
        Err(BpeError::Config { faults }) => assert_eq!(faults.len(), 3),
        other => panic!("{other:?}"),
    }
    let json = r#"{ "vocab_size": 300, "pattern": "gpt2", "min_freqency": 2 }"#;
    assert!(serde_json::from_str::<TrainerConfig>(json).is_err(), "misspelt");
    let trainer = Trainer::new(TrainerConfig::new(300, Pattern::Gpt2)).unwrap();
    let counts = PreTokenCounts::new(&Pattern::Llama3).unwrap();
    assert!(matches!(trainer.train(&counts, &mut |_| {}), Err(BpeError::PatternMismatch { .. })));
}
