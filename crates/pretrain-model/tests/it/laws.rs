//! What holds for every decoder, whatever its numbers.

use crate::cases::{Training, distance, to_vec};
use burn::module::AutodiffModule;
use burn::tensor::{Int, Tensor, TensorData};
use pretrain_kernels::Flex;
use pretrain_model::{
    GenerationConfig, ModelConfig, ModelError, ModelInput, ResolvedConfig, Session, TokenRows,
    Transformer, fresh_values, generate, parameter_shapes,
};

fn config() -> ResolvedConfig {
    let mut config = ModelConfig::tiny(61);
    // Large enough that every token moves every score.
    config.init_std = 0.3;
    config.resolve().unwrap()
}

fn model() -> Transformer<Flex> {
    Transformer::init(&config(), 3, &Default::default())
}

fn ids(n: usize) -> Vec<u32> {
    (0..n).map(|i| (i * i * 7 + i * 3 + 5) as u32 % 61).collect()
}

fn rows(ids: &[u32]) -> TokenRows<'_> {
    TokenRows::new(1, ids.len(), ids)
}

fn logits(model: &Transformer<Flex>, rows: &TokenRows<'_>) -> Vec<f64> {
    let input = ModelInput::new(rows, model.config(), &model.device()).unwrap();
    to_vec(model.logits(model.forward_hidden(input)))
}

#[test]
fn a_later_token_changes_no_bit_of_an_earlier_score() {
    let model = model();
    let before = ids(24);
    let expected = logits(&model, &rows(&before));
    for t in [1, 11, 23] {
        let mut after = before.clone();
        after[t] = (after[t] + 1) % 61;
        let found = logits(&model, &rows(&after));
        assert_eq!(found[..t * 61], expected[..t * 61]);
        assert!(distance(&found[t * 61..(t + 1) * 61], &expected[t * 61..(t + 1) * 61]) > 1e-3);
    }
}

#[test]
fn documents_in_one_row_do_not_see_each_other() {
    let model = model();
    let ids = ids(30);
    let lengths = [7, 1, 22];
    let segments: Vec<u32> =
        lengths.iter().zip(1..).flat_map(|(n, segment)| vec![segment; *n as usize]).collect();
    let positions: Vec<u32> = lengths.iter().flat_map(|n| 0..*n).collect();
    let packed =
        TokenRows { position_ids: Some(&positions), segment_ids: Some(&segments), ..rows(&ids) };
    let packed = logits(&model, &packed);
    let mut start = 0;
    for n in lengths.map(|n| n as usize) {
        let alone = logits(&model, &rows(&ids[start..start + n]));
        let inside = &packed[start * 61..(start + n) * 61];
        assert!(distance(inside, &alone) < 1e-4);
        start += n;
    }
    assert!(distance(&packed, &logits(&model, &rows(&ids))) > 1e-2);
}

#[test]
fn cached_scores_equal_those_of_the_whole_text() {
    let model = model();
    let ids = ids(40);
    let whole = logits(&model, &rows(&ids));
    for pieces in [vec![40], vec![1; 40], vec![5, 1, 20, 14]] {
        let mut session = Session::new(&model).unwrap();
        let mut end = 0;
        for n in pieces {
            let found = session.feed(&ids[end..end + n]).unwrap();
            end += n;
            let found: Vec<f64> = found.into_iter().map(f64::from).collect();
            assert!(distance(&found, &whole[(end - 1) * 61..end * 61]) < 1e-4);
        }
        assert_eq!(session.len(), 40);
    }
}

#[test]
fn generation_repeats_stops_and_refuses() {
    let model = model();
    let prompt = ids(4);
    let config = GenerationConfig { temperature: 1.0, seed: 9, ..GenerationConfig::greedy(20) };
    let tokens = generate(&model, &prompt, &config).unwrap();
    assert_eq!(tokens.len(), 20);
    assert_eq!(generate(&model, &prompt, &config).unwrap(), tokens);
    let shorter = GenerationConfig { max_new_tokens: 7, ..config.clone() };
    assert_eq!(generate(&model, &prompt, &shorter).unwrap(), tokens[..7]);
    let other = GenerationConfig { seed: 10, ..config.clone() };
    assert_ne!(generate(&model, &prompt, &other).unwrap(), tokens);
    let first = tokens.iter().position(|token| *token == tokens[5]).unwrap();
    let stop = GenerationConfig { stop: vec![tokens[5]], ..config.clone() };
    assert_eq!(generate(&model, &prompt, &stop).unwrap(), tokens[..first]);
    assert!(matches!(generate(&model, &[], &config), Err(ModelError::EmptyPrompt)));
    assert!(matches!(generate(&model, &[61], &config), Err(ModelError::TokenId { id: 61, .. })));
    // The table has 64 positions; the last new token needs none.
    let long = |n| generate(&model, &prompt, &GenerationConfig::greedy(n));
    assert_eq!(long(61).unwrap().len(), 61);
    assert!(matches!(long(62), Err(ModelError::Position { position: 64, max_seq_len: 64 })));
    for bad in [
        GenerationConfig { temperature: f64::NAN, ..config.clone() },
        GenerationConfig { top_k: Some(0), ..config.clone() },
        GenerationConfig { top_p: Some(0.0), ..config.clone() },
    ] {
        assert!(matches!(generate(&model, &prompt, &bad), Err(ModelError::Generation { .. })));
    }
}

#[test]
fn a_fresh_model_knows_nothing() {
    for tied in [true, false] {
        let mut config = ModelConfig::tiny(61);
        config.tie_embeddings = tied;
        let config = config.resolve().unwrap();
        let model = Transformer::<Flex>::init(&config, 1, &Default::default());
        let (input, targets) = batch(&config, 2, 40);
        let loss = to_vec(model.loss_sum(input, targets))[0] / 80.0;
        assert!((loss - 61f64.ln()).abs() < 0.1, "{loss}");
    }
}

fn batch(
    config: &ResolvedConfig,
    batch: usize,
    seq: usize,
) -> (ModelInput<Flex>, Tensor<Flex, 2, Int>) {
    let ids = ids(batch * seq + 1);
    let (input_ids, next) = (&ids[..batch * seq], &ids[1..]);
    let rows = TokenRows::new(batch, seq, input_ids);
    let device = Default::default();
    let next: Vec<i64> = next.iter().map(|id| i64::from(*id)).collect();
    let targets = Tensor::from_data(TensorData::new(next, [batch, seq]), &device);
    (ModelInput::new(&rows, config, &device).unwrap(), targets)
}

#[test]
fn losses_per_token_add_up_and_ignored_targets_count_nothing() {
    let model = model();
    let (input, targets) = batch(&config(), 2, 16);
    let mut kept: Vec<i64> = targets.to_data().convert::<i64>().into_vec().unwrap();
    kept[3] = -100;
    kept[31] = -100;
    let targets = Tensor::from_data(TensorData::new(kept, [2, 16]), &model.device());
    let losses = to_vec(model.token_losses(input.clone(), targets.clone()));
    assert_eq!((losses[3], losses[31]), (0.0, 0.0));
    let sum = to_vec(model.loss_sum(input, targets))[0];
    assert!((losses.iter().sum::<f64>() / sum - 1.0).abs() < 1e-5);
    assert!(losses.iter().enumerate().all(|(i, loss)| *loss > 0.0 || i == 3 || i == 31));
}

#[test]
fn fresh_parameters_are_those_of_their_names_on_every_backend() {
    let config = config();
    let plain = Transformer::<Flex>::init(&config, 3, &Default::default());
    let training = Transformer::<Training>::init(&config, 3, &Default::default());
    let tensors = plain.to_tensors();
    let mut shapes = parameter_shapes(&config);
    shapes.sort();
    assert_eq!(
        tensors.iter().map(|t| (t.name.clone(), t.shape.clone())).collect::<Vec<_>>(),
        shapes
    );
    assert_eq!(training.to_tensors(), tensors);
    assert_eq!(training.valid().to_tensors(), tensors);
    for tensor in &tensors {
        assert_eq!(tensor.data, fresh_values(&config, 3, &tensor.name, &tensor.shape));
    }
    assert_eq!(plain.weights_sha256(), training.weights_sha256());
    let other = Transformer::<Flex>::init(&config, 4, &Default::default());
    assert_ne!(other.weights_sha256(), plain.weights_sha256());
    assert_eq!(other.with_tensors(tensors).unwrap().weights_sha256(), plain.weights_sha256());
}

#[test]
fn a_replaced_parameter_still_learns() {
    let config = config();
    let model = Transformer::<Training>::init(&config, 3, &Default::default());
    let tensors = model.to_tensors();
    let model = model.with_tensors(tensors).unwrap().update_parameters(|_, p| p * 0.5);
    let (input, targets) = batch(&config, 1, 8);
    let input = ModelInput::of_ids(Tensor::from_inner(input.input_ids));
    let mut all = model.loss_sum(input, Tensor::from_inner(targets)).backward();
    let gradients = model.take_gradients(&mut all);
    assert_eq!(gradients.len(), parameter_shapes(model.config()).len());
    for gradient in gradients {
        let largest = distance(
            &to_vec(gradient.gradient.clone()),
            &vec![0.0; gradient.shape.iter().product()],
        );
        assert!(largest > 0.0, "{} has no gradient", gradient.name);
    }
}

#[test]
fn inputs_of_another_length_or_beyond_the_table_are_refused() {
    let config = config();
    let new = |rows: &TokenRows<'_>| ModelInput::<Flex>::new(rows, &config, &Default::default());
    let ids = ids(65);
    assert!(matches!(
        new(&rows(&ids)),
        Err(ModelError::Position { position: 64, max_seq_len: 64 })
    ));
    let positions = [0, 64];
    let far = TokenRows { position_ids: Some(&positions), ..rows(&ids[..2]) };
    assert!(matches!(new(&far), Err(ModelError::Position { position: 64, .. })));
    let short = TokenRows { batch: 2, ..rows(&ids[..3]) };
    assert!(matches!(
        new(&short),
        Err(ModelError::InputLength { field: "input_ids", found: 3, .. })
    ));
    let empty = TokenRows { batch: 0, ..rows(&[]) };
    assert!(matches!(new(&empty), Err(ModelError::EmptyInput { batch: 0, seq: 0 })));
    let segments = [1];
    let ragged = TokenRows { segment_ids: Some(&segments), ..rows(&ids[..3]) };
    assert!(matches!(new(&ragged), Err(ModelError::InputLength { field: "segment_ids", .. })));
}
