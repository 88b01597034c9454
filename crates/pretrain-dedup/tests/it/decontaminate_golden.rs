//! Overlap with evaluation questions against a plain reference.

use crate::reference::{array, golden, json, lines, number, string};
use pretrain_dedup::decontaminate::{ContaminationReport, DecontaminateConfig, Evaluations};
use std::collections::BTreeMap;

#[test]
fn golden_decontamination() {
    let Some(folder) = golden("decont") else { return };
    let summary = json(&folder.join("summary.json"));
    let ngram = summary.get("n").map_or(13, number);
    let config = DecontaminateConfig { ngram, ..DecontaminateConfig::default() };
    let mut evaluations = Evaluations::new(config).expect("the settings are valid");
    let mut names = Vec::new();
    for row in lines(&folder.join("evals.jsonl.zst")) {
        let example = evaluations.push(string(&row["text"])).expect("there is room");
        assert_eq!(evaluations.can_match(example), number(&row["n_ngrams"]) > 0, "{row}");
        names.push(string(&row["eval"]).to_owned());
    }
    assert_eq!(evaluations.len(), number(&summary["n_evals"]));
    assert_eq!(evaluations.n_ngrams(), number(&summary["distinct_ngrams"]));
    let mut report = ContaminationReport::new(&evaluations);
    let documents = lines(&folder.join("docs.jsonl.zst"));
    let expected = lines(&folder.join("expected.jsonl.zst"));
    assert_eq!(documents.len(), expected.len());
    let mut n_cut = 0;
    for (document, row) in documents.iter().zip(&expected) {
        let text = string(&document["text"]);
        let found = evaluations.find(text);
        report.add(&found);
        assert_eq!(!found.matches.is_empty(), row["flagged"] == true, "{}", row["id"]);
        let of_row: BTreeMap<&str, _> =
            array(&row["matches"]).iter().map(|m| (string(&m["eval"]), m)).collect();
        assert_eq!(found.matches.len(), of_row.len(), "{}", row["id"]);
        for matched in &found.matches {
            let m = of_row[names[matched.example as usize].as_str()];
            assert_eq!(matched.n_positions as usize, number(&m["n_doc_positions"]), "{m}");
            assert_eq!(matched.first_word, number(&m["first_word"]), "{m}");
            assert_eq!(matched.n_ngrams as usize, number(&m["n_distinct_ngrams"]), "{m}");
            let fraction = m["eval_fraction"].as_f64().expect("a number");
            assert!((matched.fraction - fraction).abs() < 1e-4, "{m} {}", matched.fraction);
        }
        // After cutting, only what stood around the cut may still match, by joining; it does not here.
        if let Some(cuts) = evaluations.cuts(text, &found) {
            let left = pretrain_dedup::substring::without(text.as_bytes(), &cuts);
            let left = String::from_utf8(left).expect("cuts are at characters");
            assert!(evaluations.find(&left).matches.is_empty(), "{}", row["id"]);
            n_cut += usize::from(!cuts.is_empty());
        }
    }
    assert!(
        n_cut * 10 >= report.n_contaminated as usize * 9,
        "{n_cut} of {}",
        report.n_contaminated
    );
    println!(
        "{} documents equal, {} contaminated, {n_cut} of them could be cut",
        documents.len(),
        report.n_contaminated
    );
}
