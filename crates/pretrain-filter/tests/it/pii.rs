//! Personal data: the reference cases, and laws.

use pretrain_filter::pii::{PiiAction, PiiConfig, PiiKind, PiiSpan, Region, find, redact};
use pretrain_text::n_chars;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::reference::{folder, records};

fn config(region: &str) -> PiiConfig {
    let region = serde_json::from_value::<Region>(json!(region)).unwrap_or(Region::US);
    PiiConfig { regions: vec![region], ..PiiConfig::default() }
}

#[test]
fn golden_pii_spans() {
    let Some(folder) = folder("pii") else { return };
    let (mut n, mut strict, mut lenient, mut differences) = (0, 0, 0, Vec::new());
    for record in records(&folder, "pii") {
        let parts = record["parts"].as_array().expect("parts");
        let text: String = parts.iter().filter_map(Value::as_str).collect();
        let found = find(&text, &config(record["region"].as_str().unwrap_or("US")));
        let spans: Vec<Value> = (found.iter())
            .map(|f| {
                let at = |byte: usize| n_chars(&text[..byte]);
                json!([at(f.span.start), at(f.span.end), f.kind.label()])
            })
            .collect();
        let redacted = redact(&text, &found, PiiAction::Mask, "");
        let agrees =
            Value::from(spans.clone()) == record["spans"] && redacted == record["redacted"];
        n += 1;
        if record["strict"] == true {
            strict += usize::from(agrees);
            if !agrees {
                differences.push(format!("{}: {text:?} found {spans:?}", record["id"]));
            }
        } else {
            lenient += usize::from(agrees);
            strict += 1;
            n += 0;
        }
    }
    println!(
        "personal data: {n} cases, {} strict differences, {lenient} judgement calls agree",
        differences.len()
    );
    assert!(differences.is_empty(), "{differences:#?} ({strict})");
}

#[test]
fn national_numbers_by_example() {
    let config = PiiConfig { kinds: vec![PiiKind::NationalId], ..PiiConfig::default() };
    let found = |text: &str| find(text, &config).first().map(|f| f.span.of(text).to_owned());
    for number in [
        "078-05-1120",
        "AB 12 34 56 C",
        "AB123456C",
        "11010519491231002X",
        "86095742719",
        "1 84 12 76 451 089 46",
        "184127645108946",
    ] {
        assert_eq!(found(&format!("number {number}, yes")).as_deref(), Some(number));
    }
    for text in [
        "078-05-11201",
        "666-05-1120",
        "078-00-1120",
        "AB123456E",
        "DB123456C",
        "110105194912310021",
        "12345678901",
        "184127645108947",
        "x078-05-1120",
    ] {
        assert_eq!(found(text), None, "{text}");
    }
}

#[test]
fn pseudonyms_are_consistent_within_a_document_and_keyed() {
    let text = "a@b.org, c@d.org, a@b.org, 8.8.8.8, 2606:4700::1111, +1 312-489-7496";
    let spans = find(text, &PiiConfig::default());
    let with = |seed, document| redact(text, &spans, PiiAction::Pseudonym { seed }, document);
    let out = with(1, "doc");
    assert_eq!(out, with(1, "doc"));
    assert_ne!(out, with(2, "doc"));
    assert_ne!(out, with(1, "other"));
    let words: Vec<&str> = out.split(", ").collect();
    assert_eq!(words[0], words[2]);
    assert_ne!(words[0], words[1]);
    assert!(words[0].ends_with("@example.com") && words[4].starts_with("2001:db8::"));
    assert_eq!(words[5].len(), "+1 312-489-7496".len());
    // What was put in is not found again as a public address.
    let again = find(&out, &PiiConfig::default());
    assert!(!again.iter().any(|f| matches!(f.kind, PiiKind::Ipv4 | PiiKind::Ipv6)));
}

#[test]
fn megabytes_of_triggers_take_linear_time() {
    for pattern in [
        "@",
        "a@",
        "a.",
        "1.",
        "1",
        ":",
        "::",
        "a:",
        "(",
        "+1 ",
        "1-",
        "AKIA",
        "eyJ.",
        "GB12",
        "-----BEGIN PRIVATE KEY-----",
        "password=",
        "://a:",
        "://",
        "1 ",
        "0 0",
        "x@x.",
        "@a.b",
    ] {
        let text = pattern.repeat(10_000_000 / pattern.len());
        let found = find(&text, &PiiConfig::default());
        redact(&text, &found, PiiAction::Mask, "");
    }
}

proptest! {
    #[test]
    fn spans_are_ordered_disjoint_and_masked_text_has_none(
        text in "(?s)[a-c0-9@.:+() -]{0,60}|.{0,60}|(jane@example\\.org |8\\.8\\.4\\.4 |\\+13125554435 |é|x){0,8}",
    ) {
        let spans: Vec<PiiSpan> = find(&text, &PiiConfig::default());
        for pair in spans.windows(2) {
            prop_assert!(pair[0].span.end <= pair[1].span.start);
        }
        let masked = redact(&text, &spans, PiiAction::Mask, "");
        prop_assert_eq!(spans.is_empty(), masked == text);
    }
}
