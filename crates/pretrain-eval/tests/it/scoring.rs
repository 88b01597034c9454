//! Scores of a small model against the definition.

use burn_flex::Flex;
use pretrain_eval::{EvalError, Request, RollingConfig, Scorer, TokenDocument, unigram};
use pretrain_model::{ModelConfig, Session, Transformer};

fn model() -> Transformer<Flex> {
    let mut config = ModelConfig::tiny(40);
    config.max_seq_len = 16;
    config.init_std = 0.3;
    Transformer::init(&config.resolve().unwrap(), 11, &Default::default())
}

fn ids(n: usize, seed: usize) -> Vec<u32> {
    (0..n).map(|i| ((i * i + 3 * i + seed) * 7 % 39) as u32).collect()
}

/// The definition: one token after another.
fn slow_score(model: &Transformer<Flex>, request: &Request) -> (f64, bool) {
    let mut session = Session::new(model).unwrap();
    let whole = [request.context.as_slice(), &request.continuation].concat();
    let cut = whole.len().saturating_sub(model.config().max_seq_len() + 1);
    let split = request.context.len() - cut;
    let whole = &whole[cut..];
    let mut logits = session.feed(&whole[..split]).unwrap();
    let (mut sum, mut greedy) = (0.0, true);
    for (t, id) in whole.iter().enumerate().skip(split) {
        let total: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
        let own = logits[*id as usize];
        sum += f64::from(own) - total.ln();
        greedy &= logits.iter().all(|logit| *logit <= own);
        if t + 1 < whole.len() {
            logits = session.feed(&[*id]).unwrap();
        }
    }
    (sum, greedy)
}

fn requests(model: &Transformer<Flex>) -> Vec<Request> {
    let mut requests: Vec<Request> = [(1, 1), (3, 5), (12, 4), (1, 16), (30, 3), (9, 1), (3, 4)]
        .iter()
        .enumerate()
        .map(|(seed, (context, continuation))| Request {
            context: ids(*context, seed),
            continuation: ids(*continuation, seed + 50),
        })
        .collect();
    // One that the model itself would write.
    let context = ids(4, 1);
    let config = pretrain_model::GenerationConfig::greedy(3);
    let continuation = pretrain_model::generate(model, &context, &config).unwrap();
    requests.push(Request { context, continuation });
    requests
}

#[test]
fn batched_scores_are_those_of_the_definition() {
    let model = model();
    let requests = requests(&model);
    for batch_tokens in [1, 40, 1000] {
        let scores = Scorer::new(&model, batch_tokens).score(&requests).unwrap();
        for (request, score) in requests.iter().zip(&scores) {
            let (sum, greedy) = slow_score(&model, request);
            assert!((score.log_likelihood - sum).abs() < 1e-4, "{score:?} {sum}");
            assert_eq!(score.is_greedy, greedy);
        }
        assert!(scores.last().unwrap().is_greedy);
        assert_eq!(Scorer::new(&model, batch_tokens).score(&requests).unwrap(), scores);
    }
    assert!(Scorer::new(&model, 8).score(&[]).unwrap().is_empty());
}

#[test]
fn requests_that_cannot_be_scored_are_refused_by_number() {
    let model = model();
    let scorer = Scorer::new(&model, 64);
    let score = |context: Vec<u32>, continuation: Vec<u32>| {
        let good = Request { context: vec![1], continuation: vec![2] };
        scorer.score(&[good, Request { context, continuation }]).unwrap_err()
    };
    assert!(matches!(score(vec![], vec![1]), EvalError::EmptyRequest { index: 1, context: 0, .. }));
    assert!(matches!(score(vec![1], vec![]), EvalError::EmptyRequest { index: 1, .. }));
    let long = score(vec![1], vec![1; 17]);
    assert!(matches!(long, EvalError::TooLong { index: 1, continuation: 17, max_length: 16 }));
    assert!(matches!(score(vec![40], vec![1]), EvalError::Model(_)));
    assert!(matches!(score(vec![1], vec![40]), EvalError::Model(_)));
}

#[test]
fn perplexity_adds_up_the_windows_of_every_document() {
    let model = model();
    let documents = [ids(5, 0), ids(50, 1), vec![], ids(16, 2), ids(33, 3)];
    let config = RollingConfig { max_length: 12, context_len: 4, prefix: 39 };
    let all = || documents.iter().map(|ids| TokenDocument { ids, bytes: 3 * ids.len() as u64 });
    let found = Scorer::new(&model, 24).perplexity(all(), &config).unwrap();
    // The definition: each token after the prefix and at most `max_length` inputs.
    let mut nll = 0.0;
    for document in &documents {
        let whole = [&[39], document.as_slice()].concat();
        for window in pretrain_eval::rolling_windows(document.len(), 12, 4) {
            let context = whole[window.start + 1 - window.context..=window.start].to_vec();
            let continuation = whole[window.start + 1..=window.end].to_vec();
            nll -= slow_score(&model, &Request { context, continuation }).0;
        }
    }
    assert!((found.nll / nll - 1.0).abs() < 1e-5, "{} {nll}", found.nll);
    assert_eq!((found.documents, found.tokens, found.bytes), (5, 104, 312));
    // A fresh model with large weights is worse than the frequencies of the tokens.
    assert!(found.bits_per_byte() > unigram(all()).bits_per_byte());
    let wide = RollingConfig { max_length: 17, ..config };
    let error = Scorer::new(&model, 24).perplexity(all(), &wide).unwrap_err();
    assert!(matches!(error, EvalError::Window { field: "max_length", found: 17, max: 16 }));
    let none = RollingConfig { context_len: 0, ..config };
    assert!(Scorer::new(&model, 24).perplexity(all(), &none).is_err());
}
