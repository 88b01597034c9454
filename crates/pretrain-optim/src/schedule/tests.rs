//! The laws and cases of `schedule`.

use super::*;
use proptest::prelude::*;

fn cosine(warmup_steps: u64, total_steps: u64, min_ratio: f64) -> Schedule {
    Schedule::Cosine { peak_lr: 1.0, warmup_steps, total_steps, min_ratio }
}

#[test]
fn a_schedule_is_plain_data_and_refuses_what_it_does_not_know() {
    let text = "[wsd]\npeak_lr = 1e-3\nwarmup_steps = 2\nstable_steps = 3\ndecay_steps = 4\nmin_ratio = 0.0\ndecay = \"1-sqrt\"\n";
    let schedule: Schedule = toml::from_str(text).unwrap();
    let expected = Schedule::Wsd {
        peak_lr: 1e-3,
        warmup_steps: 2,
        stable_steps: 3,
        decay_steps: 4,
        min_ratio: 0.0,
        decay: Shape::OneMinusSqrt,
        warmup: Shape::Linear,
    };
    assert_eq!(schedule, expected);
    assert_eq!(toml::from_str::<Schedule>(&toml::to_string(&schedule).unwrap()).unwrap(), expected);
    assert_eq!(schedule.end(), Some(9));

    let misspelt = "[constant]\npeak_lr = 1e-3\nwarmup_step = 2\n";
    assert!(toml::from_str::<Schedule>(misspelt).unwrap_err().to_string().contains("warmup_step"));
    assert!(toml::from_str::<Schedule>("[cosin]\npeak_lr = 1\n").is_err());
    assert!(toml::from_str::<Schedule>("[constant]\npeak_lr = 1.0\n").is_err());
}

#[test]
fn all_faults_are_reported_at_once() {
    let bad =
        Schedule::Cosine { peak_lr: f64::NAN, warmup_steps: 5, total_steps: 5, min_ratio: 2.0 };
    let OptimError::Config { faults } = bad.validate().unwrap_err() else { panic!("config") };
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["peak_lr", "total_steps", "min_ratio"]);
    let bad = Schedule::InverseSqrt { peak_lr: 1.0, warmup_steps: 0, timescale: Some(0) };
    assert!(bad.validate().unwrap_err().to_string().contains("timescale = 0 is not at least 1"));
    assert!(cosine(0, 1, 1.0).validate().is_ok());
}

#[test]
fn ends_stay_where_they_are() {
    for step in [10, 11, 100, u64::MAX] {
        assert_eq!(cosine(2, 10, 0.25).lr(step), 0.25);
    }
    // Steps beyond any run neither overflow nor divide by zero.
    let wsd = Schedule::Wsd {
        peak_lr: 1.0,
        warmup_steps: u64::MAX,
        stable_steps: u64::MAX,
        decay_steps: u64::MAX,
        min_ratio: 0.0,
        decay: Shape::Linear,
        warmup: Shape::Linear,
    };
    assert_eq!((wsd.lr(u64::MAX), wsd.end()), (1.0, Some(u64::MAX)));
    assert_eq!(cosine(5, 3, 0.5).lr(7), 0.5);
}

fn shapes() -> impl Strategy<Value = Shape> {
    prop_oneof![Just(Shape::Linear), Just(Shape::Cosine), Just(Shape::OneMinusSqrt)]
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let numbers = (1e-5..1.0f64, 0..40u64, 1..200u64, 0.0..=1.0f64, 0..50u64);
    (0..5u8, numbers, shapes(), shapes()).prop_map(|(kind, numbers, decay, warmup)| {
        let (peak_lr, warmup_steps, steps, min_ratio, stable_steps) = numbers;
        let total_steps = warmup_steps + steps;
        match kind {
            0 => Schedule::Constant { peak_lr, warmup_steps },
            1 => Schedule::Linear { peak_lr, warmup_steps, total_steps, min_ratio },
            2 => Schedule::Cosine { peak_lr, warmup_steps, total_steps, min_ratio },
            3 => Schedule::InverseSqrt {
                peak_lr,
                warmup_steps,
                timescale: (stable_steps > 0).then_some(stable_steps),
            },
            _ => Schedule::Wsd {
                peak_lr,
                warmup_steps,
                stable_steps,
                decay_steps: steps,
                min_ratio,
                decay,
                warmup,
            },
        }
    })
}

proptest! {
    #[test]
    fn a_rate_rises_to_the_peak_and_then_only_falls(schedule in schedules()) {
        prop_assert!(schedule.validate().is_ok());
        let peak = schedule.peak_lr();
        let slack = peak * 1e-12;
        let warmup = schedule.warmup_steps();
        prop_assert!((schedule.lr(warmup) - peak).abs() <= slack);
        for step in 0..300 {
            let (now, next) = (schedule.lr(step), schedule.lr(step + 1));
            prop_assert!((0.0..=peak + slack).contains(&now));
            if step < warmup {
                prop_assert!(next >= now - slack);
            } else {
                prop_assert!(next <= now + slack);
            }
        }
    }

    #[test]
    fn a_rate_never_changes_after_the_end(schedule in schedules(), far in 0..1000u64) {
        if let Some(end) = schedule.end() {
            prop_assert_eq!(schedule.lr(end), schedule.lr(end + far));
        }
    }
}
