//! Any damage to the newest checkpoint ends in the right weights or in an error, never in wrong ones.

use crate::run::{Workshop, config, result};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;
use std::path::Path;

#[derive(Debug, Clone)]
enum Damage {
    Flip { at: f64, bit: u8 },
    Cut { at: f64 },
    Append,
    Remove,
}

fn damages() -> impl Strategy<Value = Damage> {
    prop_oneof![
        6 => (0.0..1.0, 0..8u8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        2 => (0.0..1.0).prop_map(|at| Damage::Cut { at }),
        1 => Just(Damage::Append),
        1 => Just(Damage::Remove),
    ]
}

fn damage(path: &Path, damage: &Damage) {
    let mut bytes = std::fs::read(path).unwrap();
    let place = |at: &f64| (bytes.len() as f64 * at) as usize;
    match damage {
        Damage::Flip { at, bit } => {
            let place = place(at);
            bytes[place] ^= 1 << bit;
        }
        Damage::Cut { at } => bytes.truncate(place(at)),
        Damage::Append => bytes.push(b' '),
        Damage::Remove => return std::fs::remove_file(path).unwrap(),
    }
    std::fs::write(path, bytes).unwrap();
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_dir(&path, &target) } else { drop(std::fs::copy(&path, target)) }
    }
}

#[test]
fn any_damage_gives_the_right_weights_or_an_error() {
    let workshop = Workshop::new();
    let config = config(8);
    let expected = result(&workshop.run("straight", &config));
    workshop.run_until("stopped", &config, 7);
    let files: Vec<String> = std::fs::read_dir(workshop.path("stopped/checkpoints/step-00000007"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(60) });
    let case = (prop::sample::select(files), damages());
    let number = Cell::new(0);
    let fell_back = Cell::new(0);
    runner
        .run(&case, |(file, change)| {
            number.set(number.get() + 1);
            let run = format!("damaged-{}", number.get());
            copy_dir(&workshop.path("stopped"), &workshop.path(&run));
            damage(&workshop.path(&run).join("checkpoints/step-00000007").join(&file), &change);
            let Ok(trainer) = workshop.open(&run, &config) else {
                // Only the manifest itself can name a format that is not ours.
                prop_assert_eq!(file, "manifest.json");
                return Ok(());
            };
            let intact = trainer.step() == 7;
            fell_back.set(fell_back.get() + usize::from(!intact));
            prop_assert!(!intact || file == "manifest.json", "{} unnoticed in {}", file, run);
            drop(trainer);
            prop_assert_eq!(result(&workshop.run(&run, &config)), expected.clone());
            Ok(())
        })
        .unwrap();
    assert!(fell_back.get() > 30, "{} of {}", fell_back.get(), number.get());
}
