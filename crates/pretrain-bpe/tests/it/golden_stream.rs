//! Decoding id by id, and encoding broken UTF-8, against the references.

use std::collections::{BTreeMap, BTreeSet};

use pretrain_bpe::{StreamDecoder, StreamPolicy, TokenId};

use crate::golden::{Folders, Reference, load, numbers, read_lines, report};
use crate::golden_encode::{for_each_tokenizer, pieces};

#[test]
fn golden_decoding_streams() {
    for_each_tokenizer("stream", |_, name, reference, lines| {
        for line in lines {
            let context = format!("{name}, piece {}", line["p"]);
            let ids: Vec<TokenId> = numbers(&line["ids"]).into_iter().map(TokenId).collect();
            // Hugging Face has no flush, and null where nothing comes out.
            let is_hugging_face = line.get("flush").is_none();
            let policy =
                if is_hugging_face { StreamPolicy::HuggingFace } else { StreamPolicy::Lossy };
            let mut decoder = StreamDecoder::new(&reference.tokenizer, policy);
            let steps = line["steps"].as_array().unwrap();
            assert_eq!(ids.len(), steps.len(), "{context}");
            let mut all = String::new();
            for (id, step) in ids.iter().zip(steps) {
                let text = decoder.push(*id);
                all.push_str(text);
                assert_eq!(text, step.as_str().unwrap_or_default(), "{context}: {id}");
                assert_eq!(text.is_empty(), step.as_str().is_none_or(str::is_empty), "{context}");
            }
            if !is_hugging_face {
                let rest = decoder.finish();
                assert_eq!(rest, line["flush"].as_str().unwrap(), "{context}: flush");
                assert_eq!(all + rest, reference.tokenizer.decode_lossy(&ids), "{context}");
            }
        }
    });
}

#[test]
fn golden_prefixes() {
    for_each_tokenizer("ids", |folders, name, reference, lines| {
        let pieces = pieces(folders);
        for line in lines.iter().filter(|line| line["n"].as_u64().unwrap() < 400) {
            let text = &pieces[&line["p"].as_u64().unwrap()];
            let allowed = reference.allowed();
            let all = reference.tokenizer.encode_with_special_and_offsets(text, allowed);
            for n in [1, 2, 7, all.len(), all.len() + 1] {
                let found = reference.tokenizer.encode_up_to_with_special(text, allowed, n);
                let expected: Vec<TokenId> = all.iter().take(n).map(|(id, _)| *id).collect();
                let last = n.checked_sub(1);
                let covered =
                    if n > all.len() { text.len() } else { last.map_or(0, |last| all[last].1.end) };
                assert_eq!(found, (expected, covered), "{name}, piece {}, {n}", line["p"]);
            }
        }
    });
}

#[test]
fn golden_bytes() {
    let Some(folders) = Folders::find() else { return };
    let mut references: BTreeMap<String, Result<Reference, String>> = BTreeMap::new();
    let mut covered = BTreeSet::new();
    for line in read_lines(&folders.golden.join("encode/bytes.jsonl.zst")) {
        let name = line["tok"].as_str().unwrap();
        let reference = references.entry(name.to_owned()).or_insert_with(|| load(&folders, name));
        let Ok(reference) = reference else { continue };
        covered.insert(name.to_owned());
        let hex = line["hex"].as_str().unwrap();
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(digit).collect();
        let ids = reference.tokenizer.encode_bytes(&bytes);
        let raw: Vec<u32> = ids.iter().map(|id| id.0).collect();
        assert_eq!(raw, numbers(&line["ids"]), "{name}: {hex}");
        assert_eq!(reference.tokenizer.decode(&ids), bytes, "{name}: {hex}");
    }
    let not_covered: Vec<_> = references
        .into_iter()
        .filter_map(|(name, reference)| Some((name, reference.err()?)))
        .collect();
    report("bytes", covered.len(), &not_covered);
}
