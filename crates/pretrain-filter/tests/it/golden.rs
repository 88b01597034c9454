//! Verdicts and measured values against datatrove 0.10, document by document.

use std::collections::BTreeMap;

use pretrain_filter::{
    C4Paragraphs, Filter, FilterConfig, Measurement, RuleConfig, RuleName, Verdict,
};
use serde_json::Value;

use crate::reference::{folder, records, texts, xxh64};

/// Runs `check` on each reference record with its text; every one has to agree.
fn assert_all(what: &str, mut check: impl FnMut(&Value, &str) -> Result<(), String>) {
    let (Some(folder), Some(texts)) = (folder("filters"), texts()) else { return };
    let (mut all, mut differences) = (0, Vec::new());
    for record in records(&folder, "filters") {
        let id = record["id"].as_str().expect("id");
        all += 1;
        if let Err(difference) = check(&record, &texts[id]) {
            differences.push(format!("{id}: {difference}"));
        }
    }
    println!("{what}: {} of {all} documents agree", all - differences.len());
    differences.truncate(20);
    assert!(differences.is_empty(), "{what}: {differences:#?}");
}

/// The rules of kind `kind` in the preset.
fn filter(preset: &str, kind: &str) -> Filter {
    let mut config = FilterConfig::preset(preset).expect("preset");
    config.rules.retain(|rule| rule.kind() == kind);
    assert_eq!(config.rules.len(), 1, "{preset} has one {kind}");
    Filter::new(config).expect("valid")
}

/// datatrove's filter and reason for a check.
fn reason(rule: RuleName) -> (&'static str, String) {
    let name = rule.to_string();
    let (kind, check) = name.split_once('.').expect("rule.check");
    let reason = match (kind, check) {
        ("gopher-repetition", "max-duplicate-paragraphs") => "dup_para_frac",
        ("gopher-repetition", "max-duplicate-paragraph-chars") => "dup_para_char_frac",
        ("gopher-repetition", "max-duplicate-lines") => "dup_line_frac",
        ("gopher-repetition", "max-duplicate-line-chars") => "dup_line_char_frac",
        ("gopher-quality", "min-words") => "gopher_short_doc",
        ("gopher-quality", "max-words") => "gopher_long_doc",
        ("gopher-quality", "min-mean-word-length") => "gopher_below_avg_threshold",
        ("gopher-quality", "max-mean-word-length") => "gopher_above_avg_threshold",
        ("gopher-quality", "max-hash-ratio") => "gopher_too_many_hashes",
        ("gopher-quality", "max-ellipsis-ratio") => "gopher_too_many_ellipsis",
        ("gopher-quality", "max-bullet-lines") => "gopher_too_many_bullets",
        ("gopher-quality", "max-ellipsis-lines") => "gopher_too_many_end_ellipsis",
        ("gopher-quality", "min-alphabetic-words") => "gopher_below_alpha_threshold",
        ("gopher-quality", "min-stop-words") => "gopher_enough_stop_words",
        ("c4", "lorem-ipsum") => "lorem_ipsum",
        ("c4", "curly-bracket") => "curly_bracket",
        ("c4", "min-sentences") => "too_few_sentences",
        ("c4-paragraphs", "min-paragraphs") => "< 3 paragraphs",
        ("fineweb-quality", "min-punctuated-lines") => "line_punct_ratio",
        ("fineweb-quality", "max-short-lines") => "short_line_ratio",
        ("fineweb-quality", "max-duplicate-line-chars") => "char_dup_ratio",
        ("fineweb-quality", "max-newlines-per-word") => "list_ratio",
        (_, "empty") => "empty",
        (_, check) => {
            let top = check.strip_prefix("top-").and_then(|rest| rest.strip_suffix("-gram"));
            let duplicate =
                check.strip_prefix("duplicate-").and_then(|rest| rest.strip_suffix("-grams"));
            let reason = match (top, duplicate) {
                (Some(n), _) => format!("top_{n}_gram"),
                (_, Some(n)) => format!("duplicated_{n}_n_grams"),
                _ => panic!("{name} has no counterpart"),
            };
            return ("gopher_rep", reason);
        }
    };
    let filter = match kind {
        "gopher-repetition" => "gopher_rep",
        "gopher-quality" => "gopher_quality",
        "fineweb-quality" => "fineweb",
        "c4" => "c4_noterm",
        "c4-paragraphs" => "c4_para",
        other => panic!("{other} is not in the chain"),
    };
    (filter, reason.to_owned())
}

fn same(what: &str, expected: &Value, got: &Value) -> Result<(), String> {
    if expected == got { Ok(()) } else { Err(format!("{what}: expected {expected}, got {got}")) }
}

/// `[keep, reason]` as the goldens write it, and the hash of the text that is left.
fn outcome(verdict: &Verdict, text: &str) -> (Value, Value) {
    match verdict {
        Verdict::Keep => ((vec![Value::Bool(true), Value::Null]).into(), xxh64(text).into()),
        Verdict::Rewrite(text) => (vec![Value::Bool(true), Value::Null].into(), xxh64(text).into()),
        Verdict::Drop(dropped) => {
            (vec![Value::Bool(false), reason(dropped.rule).1.into()].into(), Value::Null)
        }
    }
}

#[test]
fn golden_verdicts_of_each_rule() {
    let paragraphs =
        RuleConfig::C4Paragraphs(C4Paragraphs { min_paragraphs: 3, min_paragraph_chars: 200 });
    let filters = [
        ("gopher_rep", filter("gopher", "gopher-repetition")),
        ("gopher_quality", filter("gopher", "gopher-quality")),
        ("fineweb", filter("fineweb", "fineweb-quality")),
        ("c4", filter("c4", "c4")),
        ("c4_noterm", filter("fineweb", "c4")),
        ("c4_para", Filter::new(FilterConfig { rules: vec![paragraphs] }).expect("valid")),
    ];
    for (key, filter) in &filters {
        assert_all(key, |record, text| {
            let (verdict, left) = outcome(&filter.judge(text), text);
            same(key, &record[*key], &verdict)?;
            match record.get(format!("{key}_text_xxh64")) {
                Some(expected) => same("text", expected, &left),
                None => Ok(()),
            }
        });
    }
}

#[test]
fn golden_verdicts_of_the_fineweb_preset() {
    let filter = Filter::new(FilterConfig::preset("fineweb").expect("preset")).expect("valid");
    assert_all("fineweb preset", |record, text| {
        let verdict = filter.judge(text);
        let (_, left) = outcome(&verdict, text);
        let chain: Value = match &verdict {
            Verdict::Drop(dropped) => {
                let (filter, reason) = reason(dropped.rule);
                vec![Value::Bool(false), filter.into(), reason.into()].into()
            }
            _ => vec![Value::Bool(true), Value::Null, Value::Null].into(),
        };
        same("chain", &record["chain"], &chain)?;
        same("text", &record["chain_text_xxh64"], &left)
    });
}

/// The values of the checks, by name.
fn values(measurements: &[Measurement]) -> BTreeMap<String, f64> {
    measurements.iter().map(|m| (m.rule.to_string(), m.value)).collect()
}

/// Compares `record[group]` with the measured values; there is none where there is nothing to
/// measure.
fn same_values(
    record: &Value,
    group: &str,
    names: &[(&str, &str)],
    got: &BTreeMap<String, f64>,
) -> Result<(), String> {
    for (key, name) in names {
        let expected = record[group].get(key).and_then(Value::as_f64);
        let got = got.get(*name).copied().filter(|value| !value.is_nan());
        // The values are quotients of the same integers; the JSON reader's last bit may differ.
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.abs().max(1.0);
        let agree = match (expected, got) {
            (Some(expected), Some(got)) => close(expected, got),
            (expected, got) => expected == got,
        };
        if !agree {
            return Err(format!("{key}: expected {expected:?}, got {got:?}"));
        }
    }
    Ok(())
}

#[test]
fn golden_values_of_gopher_repetition() {
    let filter = filter("gopher", "gopher-repetition");
    let top = |n: usize| RuleName::GopherRepetitionTopNgram(n).to_string();
    let duplicate = |n: usize| RuleName::GopherRepetitionDuplicateNgrams(n).to_string();
    assert_all("values of gopher repetition", |record, text| {
        let got = values(&filter.measure(text));
        let mut names = vec![
            ("dup_para_frac".to_owned(), "gopher-repetition.max-duplicate-paragraphs".to_owned()),
            (
                "dup_para_char_frac".to_owned(),
                "gopher-repetition.max-duplicate-paragraph-chars".to_owned(),
            ),
            ("dup_line_frac".to_owned(), "gopher-repetition.max-duplicate-lines".to_owned()),
            (
                "dup_line_char_frac".to_owned(),
                "gopher-repetition.max-duplicate-line-chars".to_owned(),
            ),
        ];
        names.extend((2..5).map(|n| (format!("top_{n}_gram"), top(n))));
        names.extend((5..11).map(|n| (format!("dup_{n}_gram"), duplicate(n))));
        let names: Vec<(&str, &str)> =
            names.iter().map(|(key, name)| (key.as_str(), name.as_str())).collect();
        same_values(record, "rep", &names, &got)
    });
}

#[test]
fn golden_values_of_gopher_quality() {
    let filter = filter("gopher", "gopher-quality");
    assert_all("values of gopher quality", |record, text| {
        let got = values(&filter.measure(text));
        same_values(
            record,
            "quality",
            &[("n_non_symbol_words", "gopher-quality.min-words")],
            &got,
        )?;
        if record["quality"]["n_words"].as_f64() == Some(0.0) {
            return if got.contains_key("gopher-quality.empty") {
                Ok(())
            } else {
                Err("empty".into())
            };
        }
        let names = [
            ("avg_word_len", "gopher-quality.min-mean-word-length"),
            ("avg_word_len", "gopher-quality.max-mean-word-length"),
            ("hash_ratio", "gopher-quality.max-hash-ratio"),
            ("ellipsis_ratio", "gopher-quality.max-ellipsis-ratio"),
            ("bullet_ratio", "gopher-quality.max-bullet-lines"),
            ("end_ellipsis_ratio", "gopher-quality.max-ellipsis-lines"),
            ("alpha_ratio", "gopher-quality.min-alphabetic-words"),
            ("stop_words", "gopher-quality.min-stop-words"),
        ];
        same_values(record, "quality", &names, &got)
    });
}

#[test]
fn golden_values_of_fineweb() {
    let filter = filter("fineweb", "fineweb-quality");
    assert_all("values of fineweb", |record, text| {
        let got = values(&filter.measure(text));
        let names = [
            ("line_punct", "fineweb-quality.min-punctuated-lines"),
            ("short_line", "fineweb-quality.max-short-lines"),
            ("char_dup", "fineweb-quality.max-duplicate-line-chars"),
            ("list_ratio", "fineweb-quality.max-newlines-per-word"),
        ];
        same_values(record, "fw", &names, &got)
    });
}
