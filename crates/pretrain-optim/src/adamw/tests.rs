//! The laws and cases of `adamw`.

use super::*;
use pretrain_kernels::Flex;

fn tensor(numbers: &[f32]) -> Tensor<Flex, 1> {
    from_host(numbers.to_vec(), &Default::default())
}

fn parameters() -> Vec<(String, Vec<usize>)> {
    vec![("w".into(), vec![2, 2]), ("b".into(), vec![3])]
}

fn optimizer() -> AdamW<Flex> {
    AdamW::new(AdamWConfig::new(0.1), &parameters(), &Default::default()).unwrap()
}

const W: [f32; 4] = [1.0, -2.0, 3.0, 0.5];
const B: [f32; 3] = [0.1, 0.2, 0.3];

/// The parameters after `steps` steps with gradients that depend on the step.
fn run(optimizer: &mut AdamW<Flex>, mut w: Vec<f32>, mut b: Vec<f32>, steps: u64) -> [Vec<f32>; 2] {
    for _ in 0..steps {
        let t = optimizer.step() as f32;
        let mut step = optimizer.begin_step(0.01, 0.5);
        let grad = tensor(&[t, -t, 0.5 * t, 1.0]);
        w = to_host(step.update("w", tensor(&w), grad).unwrap());
        b = to_host(step.update("b", tensor(&b), tensor(&[1.0, t, -1.0])).unwrap());
    }
    [w, b]
}

#[test]
fn ten_steps_follow_the_formula_in_f64() {
    let (lr, beta1, beta2, eps) = (0.01, 0.9, 0.95, 1e-8);
    let ([mut p, mut q], [mut m, mut v]) = ([3.0f64, 0.3], [[0.0; 2]; 2]);
    for step in 0..10 {
        let t = f64::from(step);
        for (i, (x, grad, decay)) in
            [(&mut p, 0.25 * t, 0.1), (&mut q, -0.5, 0.0)].into_iter().enumerate()
        {
            m[i] = beta1 * m[i] + (1.0 - beta1) * grad;
            v[i] = beta2 * v[i] + (1.0 - beta2) * grad * grad;
            let (m, v) = (m[i] / (1.0 - beta1.powf(t + 1.0)), v[i] / (1.0 - beta2.powf(t + 1.0)));
            *x -= lr * decay * *x + lr * m / (v.sqrt() + eps);
        }
    }
    let [w, b] = run(&mut optimizer(), W.to_vec(), B.to_vec(), 10);
    assert!((f64::from(w[2]) - p).abs() < 1e-5, "{} {p}", w[2]);
    assert!((f64::from(b[2]) - q).abs() < 1e-6, "{} {q}", b[2]);
}

#[test]
fn a_restored_optimizer_goes_on_bit_for_bit() {
    let [w, b] = run(&mut optimizer(), W.to_vec(), B.to_vec(), 7);
    let mut first = optimizer();
    let [w3, b3] = run(&mut first, W.to_vec(), B.to_vec(), 3);
    let state = first.state();
    assert_eq!(state.step, 3);
    assert_eq!(state.moments.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["b", "w"]);
    assert_eq!(state.moments[1].shape, [2, 2]);
    let config = AdamWConfig::new(0.1);
    let mut second = AdamW::restore(config, &parameters(), state, &Default::default()).unwrap();
    assert_eq!(run(&mut second, w3, b3, 4), [w, b]);
}

#[test]
fn a_state_of_other_parameters_is_refused_by_name() {
    let restore = |change: fn(&mut AdamWState)| {
        let mut state = optimizer().state();
        change(&mut state);
        AdamW::<Flex>::restore(AdamWConfig::new(0.1), &parameters(), state, &Default::default())
    };
    assert!(restore(|_| {}).is_ok());
    let error = restore(|state| {
        state.moments[0].name = "c".into();
        state.moments[1].shape = vec![4, 1];
    });
    match error.unwrap_err() {
        OptimError::State { missing, unexpected, misshapen } => {
            assert_eq!((missing, unexpected), (vec!["b".to_owned()], vec!["c".to_owned()]));
            assert_eq!(misshapen[0].to_string(), "w (expected [2, 2], found [4, 1])");
        }
        other => panic!("{other}"),
    }
    let short = restore(|state| state.moments[1].v.truncate(3));
    assert!(matches!(short, Err(OptimError::Length { what: "second moment", found: 3, .. })));
    let twice = restore(|state| state.moments.push(state.moments[0].clone()));
    assert!(matches!(twice, Err(OptimError::State { unexpected, .. }) if unexpected == ["b"]));
}

#[test]
fn what_does_not_fit_is_an_error_and_changes_nothing() {
    let mut optimizer = optimizer();
    let before = optimizer.state().moments;
    let mut step = optimizer.begin_step(0.1, 1.0);
    assert!(matches!(step.update("x", tensor(&W), tensor(&W)), Err(OptimError::Unknown { .. })));
    let error = step.update("w", tensor(&W), tensor(&B)).unwrap_err();
    assert_eq!(error.to_string(), "gradient w has 3 numbers, expected 4");
    assert_eq!(optimizer.state().moments, before);
    let twice = [parameters(), parameters()].concat();
    let error = AdamW::<Flex>::new(AdamWConfig::new(0.1), &twice, &Default::default());
    assert!(matches!(error, Err(OptimError::Twice { name }) if name == "w"));
}

#[test]
fn groups_scale_the_rate_and_choose_the_decay() {
    let mut config = AdamWConfig::new(0.0);
    config.groups = toml::from_str::<BTreeMap<String, Vec<crate::GroupRule>>>(
        "g = [{ name = \"w\", lr_scale = 0.0 }, { name = \"b\", weight_decay = 0.5 }]",
    )
    .unwrap()
    .remove("g")
    .unwrap();
    let mut optimizer = AdamW::<Flex>::new(config, &parameters(), &Default::default()).unwrap();
    let mut step = optimizer.begin_step(0.1, 1.0);
    let w = step.update("w", tensor(&W), tensor(&[1.0; 4])).unwrap();
    assert_eq!(to_host(w), W);
    let b = step.update("b", tensor(&[1.0; 3]), tensor(&[0.0; 3])).unwrap();
    assert_eq!(to_host(b), [0.95; 3]);
}
