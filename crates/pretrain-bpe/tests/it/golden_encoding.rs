//! Truncation, padding and pairs against Hugging Face, and files against themselves.

use std::collections::{BTreeMap, BTreeSet};

use pretrain_bpe::{
    BpeError, EncodeOptions, Encoding, Input, PadLength, Padding, Side, TokenId, Tokenizer,
    Truncation, TruncationStrategy,
};
use serde_json::Value;

use crate::golden::{Folders, Reference, load, numbers, read, read_lines, report};

fn number(value: &Value) -> Option<usize> {
    value.as_u64().map(|number| number as usize)
}

fn side(value: &Value) -> Side {
    if value == "left" { Side::Left } else { Side::Right }
}

fn options(line: &Value, reference: &Reference) -> EncodeOptions<'static> {
    let mut options = EncodeOptions::default().allowing(reference.allowed()).with_template(true);
    if let Some(max_length) = number(&line["max_length"]) {
        let mut truncation = Truncation::new(max_length);
        truncation.stride = number(&line["stride"]).unwrap();
        truncation.direction = side(&line["direction"]);
        truncation.strategy = match line["strategy"].as_str().unwrap() {
            "longest_first" => TruncationStrategy::LongestFirst,
            "only_first" => TruncationStrategy::OnlyFirst,
            "only_second" => TruncationStrategy::OnlySecond,
            other => panic!("unknown strategy {other}"),
        };
        options.truncation = Some(truncation);
    }
    if !line["pad_direction"].is_null() {
        // The goldens were made with the token 0 of type 0.
        let mut padding = Padding::new(TokenId(0), "[PAD]");
        padding.direction = side(&line["pad_direction"]);
        padding.length = number(&line["pad_length"]).map_or(PadLength::Longest, PadLength::Fixed);
        padding.multiple = number(&line["pad_multiple"]);
        options.padding = Some(padding);
    }
    options
}

fn check(encoding: &Encoding, input: Input<'_>, expected: &Value, context: &str) {
    let ids: Vec<u32> = encoding.ids().iter().map(|id| id.0).collect();
    assert_eq!(ids, numbers(&expected["ids"]), "{context}: ids");
    assert_eq!(encoding.type_ids(), numbers(&expected["type_ids"]), "{context}: types");
    let flags = |mask: &[bool]| mask.iter().map(|&flag| u32::from(flag)).collect::<Vec<_>>();
    let attention = flags(encoding.attention_mask());
    assert_eq!(attention, numbers(&expected["attention"]), "{context}: attention");
    let special = flags(encoding.special_tokens_mask());
    assert_eq!(special, numbers(&expected["special_mask"]), "{context}: special");
    let offsets = encoding.char_offsets(input);
    let offsets: Vec<u32> =
        offsets.iter().flat_map(|&(start, end)| [start as u32, end as u32]).collect();
    assert_eq!(offsets, numbers(&expected["offsets"]), "{context}: offsets");
}

#[test]
fn golden_truncation_padding_and_pairs() {
    let Some(folders) = Folders::find() else { return };
    let mut references: BTreeMap<String, Result<Reference, String>> = BTreeMap::new();
    let (mut covered, mut n_errors) = (BTreeSet::new(), 0);
    for line in read_lines(&folders.golden.join("encode/hf_misc.jsonl.zst")) {
        let name = line["tok"].as_str().unwrap();
        let reference = references.entry(name.to_owned()).or_insert_with(|| load(&folders, name));
        let Ok(reference) = reference else { continue };
        covered.insert(name.to_owned());
        let input = Input { text: line["text"].as_str().unwrap(), pair: line["pair"].as_str() };
        let encoding = reference.tokenizer.encoding(input, &options(&line, reference));
        if !line["error"].is_null() {
            assert!(matches!(encoding, Err(BpeError::Truncation { .. })), "{line}: {encoding:?}");
            n_errors += 1;
            continue;
        }
        let encoding = encoding.unwrap();
        check(&encoding, input, &line, &line.to_string());
        let overflowing = line["overflowing"].as_array().unwrap();
        assert_eq!(encoding.overflowing().len(), overflowing.len(), "{line}");
        for (part, expected) in encoding.overflowing().iter().zip(overflowing) {
            check(part, input, expected, &format!("{line}: overflowing"));
        }
    }
    println!("truncation, padding and pairs: {n_errors} refused as in the reference");
    let not_covered: Vec<_> = references
        .into_iter()
        .filter_map(|(name, reference)| Some((name, reference.err()?)))
        .collect();
    report("truncation, padding and pairs", covered.len(), &not_covered);
}

/// Whether a file that was written says all that the original says. Old files say merges as `"a b"` and leave
/// defaults out.
fn says_the_same(original: &Value, written: &Value, path: &str) {
    match (original, written) {
        (Value::Object(original), Value::Object(written)) => {
            for (key, value) in original {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                assert!(written.contains_key(key), "{path} is missing");
                says_the_same(value, &written[key], &path);
            }
            if path == "model.vocab" {
                assert_eq!(original.len(), written.len(), "{path}");
            }
        }
        (Value::Array(original), Value::Array(written)) => {
            assert_eq!(original.len(), written.len(), "{path}");
            for (index, pair) in original.iter().zip(written).enumerate() {
                says_the_same(pair.0, pair.1, &format!("{path}[{index}]"));
            }
        }
        (Value::String(merge), Value::Array(pair)) => {
            let pair: Vec<&str> = pair.iter().map(|token| token.as_str().unwrap()).collect();
            assert_eq!(*merge, pair.join(" "), "{path}");
        }
        _ => assert_eq!(original, written, "{path}"),
    }
}

#[test]
fn golden_files_are_written_as_they_were() {
    let Some(folders) = Folders::find() else { return };
    let mut n_files = 0;
    for folder in [folders.data.join("tokenizers/hf"), folders.golden.join("bpe-train")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if !path.to_string_lossy().ends_with(".json.zst") {
                continue;
            }
            let file = read(&path);
            let tokenizer = Tokenizer::from_json(&file).unwrap();
            let written = tokenizer.to_json();
            let parse = |file: &[u8]| serde_json::from_slice::<Value>(file).unwrap();
            let written_json = parse(&written);
            says_the_same(&parse(&file), &written_json, "");
            let again = Tokenizer::from_json(&written).unwrap();
            assert_eq!(again.fingerprint(), tokenizer.fingerprint(), "{}", path.display());
            assert_eq!(again.to_json(), written, "{}", path.display());
            n_files += 1;
        }
    }
    report("files written again", n_files, &[]);
}
