//! The embedded language identifier against the peers' recorded answers.

use std::collections::BTreeSet;

use pretrain_filter::langid::{
    LanguageId, LanguageScratch, LanguageTrainer, NgramLanguageId, Pruning,
};
use serde_json::Value;

use crate::reference::{folder, records};

/// The mapping under which the reference compares: see its README.
fn canonical(code: &str) -> &str {
    match code {
        "no" | "nn" => "nb",
        "zh-cn" | "zh-tw" => "zh",
        "fil" => "tl",
        other => other,
    }
}

#[test]
fn golden_language_lines_are_named_better_than_by_any_embedded_peer() {
    let Some(folder) = folder("langid") else { return };
    let model = NgramLanguageId::embedded();
    let mut scratch = LanguageScratch::default();
    let lines = records(&folder, "lines");
    let truth = |line: &Value| canonical(line["lang"].as_str().expect("lang")).to_owned();
    let answers: Vec<Option<String>> = (lines.iter())
        .map(|line| model.best(line["text"].as_str().expect("text"), &mut scratch))
        .map(|found| found.map(|language| canonical(language.code).to_owned()))
        .collect();
    let share = |right: usize, all: usize| right as f64 / all.max(1) as f64;
    for peer in ["langdetect", "py3langid", "lingua_low", "lingua_high"] {
        // The languages a peer knows: those it ever answers with.
        let known: BTreeSet<&str> =
            lines.iter().filter_map(|line| line[peer].as_str()).map(canonical).collect();
        let (mut n, mut theirs, mut ours) = (0, 0, 0);
        for (line, answer) in lines.iter().zip(&answers) {
            let truth = truth(line);
            if known.contains(truth.as_str()) {
                n += 1;
                theirs += usize::from(line[peer].as_str().map(canonical) == Some(&truth));
                ours += usize::from(answer.as_deref() == Some(&truth));
            }
        }
        let (theirs, ours) = (share(theirs, n), share(ours, n));
        println!("language lines known to {peer}: {n}, {peer} {theirs:.4}, ours {ours:.4}");
        assert!(n == 0 || ours > theirs, "{peer}");
    }
    let right = lines.iter().zip(&answers).filter(|(line, a)| **a == Some(truth(line))).count();
    println!("all {} language lines: ours {:.4}", lines.len(), share(right, lines.len()));
}

#[test]
fn the_embedded_model_survives_its_bytes_and_refuses_changed_ones() {
    let model = NgramLanguageId::embedded();
    assert!(model.codes().len() >= 60);
    let mut bytes = model.to_bytes();
    let back = NgramLanguageId::from_bytes(&bytes).expect("reads back");
    let text = "Dies ist ein kurzer Satz in deutscher Sprache.";
    assert_eq!(back.identify(text), model.identify(text));
    assert_eq!(back.identify(text).map(|l| l.code), Some("de"));
    assert!(model.score(text, "de") > 0.9 && model.score(text, "en") < 0.1);
    assert_eq!(model.identify("12 + 34 = ?!"), None);
    assert_eq!(model.identify(""), None);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    assert!(NgramLanguageId::from_bytes(&bytes).is_err());
    assert!(NgramLanguageId::from_bytes(&bytes[..7]).is_err());
}

#[test]
fn a_model_does_not_depend_on_the_order_of_its_texts() {
    let texts = [("xx", "abab baba ab"), ("yy", "cdcd dcdc cd"), ("xx", "ba ba ab"), ("yy", "dd")];
    let train = |order: &[usize]| {
        let mut trainer = LanguageTrainer::default();
        order.iter().for_each(|&i| trainer.add(texts[i].0, texts[i].1));
        trainer.finish(&Pruning { min_count: [1; 5], min_count_of_language: 1 }).expect("a model")
    };
    let model = train(&[0, 1, 2, 3]);
    assert_eq!(model.to_bytes(), train(&[3, 2, 1, 0]).to_bytes());
    assert_eq!(model.identify("Ab bA!").map(|l| l.code), Some("xx"));
    assert_eq!(model.identify("dc").map(|l| l.code), Some("yy"));
    assert!(LanguageTrainer::default().finish(&Pruning::default()).is_err());
}
