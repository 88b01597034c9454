//! Character-level and WordPiece training.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::*;
use crate::pattern::Pattern;

#[test]
fn byte_tokens_come_first_and_break_words() {
    let mut config = CharTrainerConfig::new(300, Split::Metaspace);
    config.special_tokens = vec!["<unk>".into(), "<s>".into()];
    config.byte_fallback = true;
    config.limit_alphabet = Some(4);
    config.initial_alphabet = "z".into();
    let trainer = CharTrainer::new(config.clone()).unwrap();
    // ▁, a and b are the most frequent beside z; é has no token.
    let trained = trainer.train(&trainer.count(["ab ab aéb aéb"]), &mut |_| {}).unwrap();
    let name = |id: usize| trained.vocab[id].0.as_str();
    assert_eq!([name(0), name(1), name(2), name(257)], ["<unk>", "<s>", "<0x00>", "<0xFF>"]);
    let learned: Vec<&str> = (258..trained.vocab.len()).map(name).collect();
    assert_eq!(learned, ["a", "b", "z", "▁", "▁a", "▁ab"], "a and b meet only without é");
    assert_eq!(trained.merges, [(261, 258), (262, 259)]);
    assert_eq!(trained.idle, (0..258).collect::<Vec<u32>>());

    config.byte_fallback = false;
    let trainer = CharTrainer::new(config).unwrap();
    let trained = trainer.train(&trainer.count(["ab ab aéb aéb"]), &mut |_| {}).unwrap();
    assert_eq!(trained.vocab.last().unwrap().0, "▁ab");
    assert_eq!(trained.vocab.len(), 2 + 4 + 2);
    assert_eq!(trained.idle, [0, 1]);
}

#[test]
fn character_runs_resume() {
    let mut config = CharTrainerConfig::new(200, Split::Whitespace);
    config.special_tokens = vec!["[UNK]".into()];
    let trainer = CharTrainer::new(config).unwrap();
    let counts = trainer.count(include_str!("../learn.rs").lines());
    let expected = trainer.train(&counts, &mut |_| {}).unwrap();
    let mut training = trainer.start(&counts).unwrap();
    let mut n = 0;
    let stopped = training.run(&mut |_| {
        n += 1;
        if n == 30 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(stopped.is_break());
    let mut resumed = trainer.resume(&counts, &training.checkpoint().unwrap()).unwrap();
    assert!(resumed.run(&mut |_| ControlFlow::Continue(())).is_continue());
    assert_eq!(resumed.vocabulary(), expected);
    let bytes = Trainer::new(TrainerConfig::new(300, Pattern::Gpt2)).unwrap();
    assert!(matches!(bytes.start(&counts), Err(BpeError::PatternMismatch { .. })));
    assert!(matches!(bytes.tokenizer(&resumed), Err(BpeError::ForeignTraining { .. })));
}

/// Scores all pairs at every step.
fn word_piece_naive(
    words: &BTreeMap<String, u64>,
    vocab_size: usize,
    min_frequency: u64,
) -> (Vec<String>, Vec<(String, String)>) {
    let unit = |(i, c): (usize, char)| if i == 0 { c.to_string() } else { format!("##{c}") };
    let mut words: Vec<(Vec<String>, u128)> = words
        .iter()
        .map(|(word, &n)| (word.chars().enumerate().map(unit).collect(), u128::from(n)))
        .collect();
    let units = words.iter().flat_map(|(word, _)| word.clone());
    let units: std::collections::BTreeSet<String> = units.collect();
    let mut vocab = vec!["[UNK]".to_owned()];
    vocab.extend(units);
    let mut merges = Vec::new();
    while vocab.len() < vocab_size {
        let mut tokens: BTreeMap<&String, u128> = BTreeMap::new();
        let mut pairs: BTreeMap<(&String, &String), u128> = BTreeMap::new();
        for (word, n) in &words {
            word.iter().for_each(|token| *tokens.entry(token).or_default() += n);
            word.windows(2).for_each(|pair| *pairs.entry((&pair[0], &pair[1])).or_default() += n);
        }
        let score = |pair: (&String, &String), n: u128| (n, tokens[pair.0] * tokens[pair.1]);
        let candidates = pairs.iter().filter(|(_, n)| **n >= u128::from(min_frequency));
        let best = candidates.max_by(|(a, n), (b, m)| {
            let (a_score, b_score) = (score(**a, **n), score(**b, **m));
            (a_score.0 * b_score.1).cmp(&(b_score.0 * a_score.1)).then_with(|| b.cmp(a))
        });
        let Some(((left, right), _)) = best else { break };
        let (left, right) = ((*left).clone(), (*right).clone());
        let product = left.clone() + right.strip_prefix("##").unwrap();
        for (word, _) in &mut words {
            let mut i = 0;
            while i + 1 < word.len() {
                if word[i] == left && word[i + 1] == right {
                    word.splice(i..i + 2, [product.clone()]);
                }
                i += 1;
            }
        }
        merges.push((left, right));
        if !vocab.contains(&product) {
            vocab.push(product);
        }
    }
    (vocab, merges)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn word_piece_equals_scoring_all(
        words in prop::collection::btree_map("[ab]{1,9}|[abc#]{1,9}|é{1,6}|[a-h]{1,5}", 1u64..90, 1..40),
        vocab_size in 0usize..80,
        min_frequency in 1u64..4,
    ) {
        let mut config = WordPieceTrainerConfig::new(vocab_size);
        config.split = Pattern::None.into();
        config.min_frequency = min_frequency;
        config.special_tokens = vec!["[UNK]".into()];
        let trainer = WordPieceTrainer::new(config).unwrap();
        let mut counts = trainer.counts();
        words.iter().for_each(|(word, &n)| counts.count_weighted(word, n));
        let trained = trainer.train(&counts, &mut |_| {}).unwrap();
        let (vocab, merges) = word_piece_naive(&words, vocab_size, min_frequency);
        let name = |id: u32| trained.vocab[id as usize].0.clone();
        let found: Vec<_> = trained.merges.iter().map(|m| (name(m.left), name(m.right))).collect();
        prop_assert_eq!(found, merges);
        let found: Vec<_> = trained.vocab.iter().map(|(name, _)| name.clone()).collect();
        prop_assert_eq!(found, vocab);
    }
}

#[test]
fn word_piece_leaves_out_words_it_could_not_encode() {
    let mut config = WordPieceTrainerConfig::new(100);
    config.limit_alphabet = Some(2);
    let trainer = WordPieceTrainer::new(config).unwrap();
    let counts = trainer.count(["ab, ab! aab", "abé é", "Ab"]);
    let trained = trainer.train(&counts, &mut |_| {}).unwrap();
    let names: Vec<&str> = trained.vocab.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["##a", "##b", "a", "##ab", "aab", "ab"]);
}
