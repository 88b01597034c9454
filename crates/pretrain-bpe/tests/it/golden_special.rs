//! Texts with control tokens under each policy.

use std::collections::{BTreeMap, BTreeSet};

use pretrain_bpe::{AllowedSpecial, EncodeOptions, Tokenizer};
use serde_json::Value;

use crate::golden::{Folders, Reference, load, numbers, read_lines, report};

fn encode(tokenizer: &Tokenizer, text: &str, allowed: AllowedSpecial<'_>) -> Vec<u32> {
    tokenizer.encode_with_special(text, allowed).into_iter().map(|id| id.0).collect()
}

#[test]
fn golden_special_tokens() {
    let Some(folders) = Folders::find() else { return };
    let mut references: BTreeMap<String, Result<Reference, String>> = BTreeMap::new();
    let mut covered = BTreeSet::new();
    for line in read_lines(&folders.golden.join("encode/special.jsonl.zst")) {
        let name = line["tok"].as_str().unwrap();
        let reference = references.entry(name.to_owned()).or_insert_with(|| load(&folders, name));
        let Ok(reference) = reference else { continue };
        covered.insert(name.to_owned());
        if reference.json.is_some() {
            check_hugging_face(&reference.tokenizer, &line);
        } else {
            check_tiktoken(&reference.tokenizer, &line);
        }
    }
    let not_covered: Vec<_> = references
        .into_iter()
        .filter_map(|(name, reference)| Some((name, reference.err()?)))
        .collect();
    report("special tokens", covered.len(), &not_covered);
}

fn check_tiktoken(tokenizer: &Tokenizer, line: &Value) {
    let text = line["text"].as_str().unwrap();
    for key in ["ordinary", "none_allowed"] {
        let ids = encode(tokenizer, text, AllowedSpecial::None);
        assert_eq!(ids, numbers(&line[key]), "{key}: {line}");
    }
    assert_eq!(encode(tokenizer, text, AllowedSpecial::All), numbers(&line["all"]), "{line}");
    let only = [line["only_first"]["special"].as_str().unwrap()];
    let ids = encode(tokenizer, text, AllowedSpecial::Only(&only));
    assert_eq!(ids, numbers(&line["only_first"]["ids"]), "{line}");
}

fn check_hugging_face(tokenizer: &Tokenizer, line: &Value) {
    let text = line["text"].as_str().unwrap();
    let ids = tokenizer.encode_with_special(text, AllowedSpecial::All);
    let raw: Vec<u32> = ids.iter().map(|id| id.0).collect();
    assert_eq!(raw, numbers(&line["ids"]), "{line}");
    let untrusted = encode(tokenizer, text, AllowedSpecial::None);
    assert_eq!(untrusted, numbers(&line["encode_special_tokens_true"]), "{line}");
    let options = EncodeOptions::default().allowing(AllowedSpecial::All);
    let plain = tokenizer.encoding(text, &options).unwrap();
    let offsets = plain.char_offsets(text);
    let offsets: Vec<u32> =
        offsets.iter().flat_map(|&(start, end)| [start as u32, end as u32]).collect();
    assert_eq!(offsets, numbers(&line["offsets_char"]), "{line}");
    let whole = tokenizer.encoding(text, &options.with_template(true)).unwrap();
    let raw: Vec<u32> = whole.ids().iter().map(|id| id.0).collect();
    assert_eq!(raw, numbers(&line["with_template"]), "{line}");
    assert_eq!(whole.ids(), tokenizer.encode_with_template(text, AllowedSpecial::All), "{line}");
    let mask: Vec<u32> = whole.special_tokens_mask().iter().map(|&is| u32::from(is)).collect();
    assert_eq!(mask, numbers(&line["special_mask"]), "{line}");
    assert_eq!(tokenizer.decode_lossy(whole.ids()), line["decode"].as_str().unwrap(), "{line}");
    let skipped = tokenizer.decode_skip_special(whole.ids());
    assert_eq!(skipped, line["decode_skip"].as_str().unwrap(), "{line}");
}
