//! Encoding and decoding against the ids and offsets of tiktoken and Hugging Face.

use std::collections::BTreeMap;

use pretrain_bpe::{EncodeOptions, TokenId, Tokenizer};
use serde_json::Value;

use crate::golden::{Folders, Reference, hash_ids, load, numbers, read_lines, report};

/// The texts that the goldens call pieces, by their number.
pub(crate) fn pieces(folders: &Folders) -> BTreeMap<u64, String> {
    let lines = read_lines(&folders.golden.join("encode/pieces.jsonl.zst"));
    let text_of = |line: &Value| match line["text"].as_str() {
        Some(text) => text.to_owned(),
        None => {
            let unit = line["repeat"]["unit"].as_str().unwrap();
            let n_chars = line["repeat"]["chars"].as_u64().unwrap() as usize;
            unit.chars().cycle().take(n_chars).collect()
        }
    };
    lines.iter().map(|line| (line["p"].as_u64().unwrap(), text_of(line))).collect()
}

/// Runs `check` for each covered tokenizer that has a file of this kind.
pub(crate) fn for_each_tokenizer(
    prefix: &str,
    check: impl Fn(&Folders, &str, &Reference, &[Value]),
) {
    let Some(folders) = Folders::find() else { return };
    let (mut n_covered, mut not_covered) = (0, Vec::new());
    for (name, path) in folders.encode_files(prefix) {
        match load(&folders, &name) {
            Ok(reference) => {
                check(&folders, &name, &reference, &read_lines(&path));
                n_covered += 1;
            }
            Err(reason) => not_covered.push((name, reason)),
        }
    }
    report(prefix, n_covered, &not_covered);
}

fn assert_ids(context: &str, ids: &[u32], line: &Value) {
    if let Some(expected) = line.get("ids") {
        assert_eq!(ids, numbers(expected), "{context}");
    }
    assert_eq!(ids.len() as u64, line["n"].as_u64().unwrap(), "{context}: number of ids");
    assert_eq!(hash_ids(ids), line["h"].as_str().unwrap(), "{context}: hash of ids");
}

/// The ids of the goldens, and the way back.
pub(crate) fn check_ids(folders: &Folders, name: &str, reference: &Reference, lines: &[Value]) {
    check_mapped_ids(folders, name, reference, lines, |_| {});
    for (p, text) in pieces(folders) {
        if reference.tokenizer.has_all_bytes() {
            let ids: Vec<TokenId> = reference.encode(&text).into_iter().map(TokenId).collect();
            assert_eq!(reference.tokenizer.decode(&ids), text.as_bytes(), "{name}, piece {p}");
        }
    }
}

/// The ids of the goldens, compared after `map`.
pub(crate) fn check_mapped_ids(
    folders: &Folders,
    name: &str,
    reference: &Reference,
    lines: &[Value],
    map: impl Fn(&mut Vec<u32>),
) {
    let pieces = pieces(folders);
    for line in lines {
        let mut ids = reference.encode(&pieces[&line["p"].as_u64().unwrap()]);
        map(&mut ids);
        assert_ids(&format!("{name}, piece {}", line["p"]), &ids, line);
    }
}

#[test]
fn golden_ids_and_round_trip() {
    for_each_tokenizer("ids", |folders, name, reference, lines| {
        let pieces = pieces(folders);
        // The same tokenizer after a journey through the file format.
        let again = Tokenizer::from_json(&reference.tokenizer.to_json()).unwrap();
        for line in lines {
            let text = &pieces[&line["p"].as_u64().unwrap()];
            let context = format!("{name}, piece {}", line["p"]);
            let ids = reference.encode(text);
            assert_ids(&context, &ids, line);
            let typed: Vec<TokenId> = ids.iter().copied().map(TokenId).collect();
            assert_eq!(
                again.encode_with_special(text, reference.allowed()),
                typed,
                "{context}: again"
            );
            let decoded = reference.tokenizer.decode_lossy(&typed);
            match line["dec"].as_str() {
                Some(expected) => assert_eq!(decoded, expected, "{context}: decoded"),
                None if line["dec_ok"] == false => assert_ne!(&decoded, text, "{context}: decoded"),
                None => assert_eq!(&decoded, text, "{context}: round trip"),
            }
            if reference.tokenizer.has_all_bytes() && reference.tokenizer.normalizer().is_none() {
                let bytes = reference.tokenizer.decode(&typed);
                assert_eq!(bytes, text.as_bytes(), "{context}: bytes");
            }
            let plain = reference.tokenizer.encode(text);
            assert_eq!(reference.tokenizer.count(text), plain.len(), "{context}: count");
            let offsets = reference.tokenizer.encode_with_offsets(text);
            assert!(offsets.iter().map(|(id, _)| *id).eq(plain), "{context}: ids with offsets");
            let tokenizer = &reference.tokenizer;
            if tokenizer.has_all_bytes()
                && tokenizer.pattern().is_some()
                && tokenizer.normalizer().is_none()
            {
                // The text between two starts is the token: the slow way to the same ranges.
                let found = offsets.iter().map(|(_, range)| &text.as_bytes()[range.clone()]);
                let bytes = offsets.iter().map(|(id, _)| tokenizer.token_bytes(*id).unwrap());
                assert!(found.eq(bytes), "{context}: bytes of ranges");
            }
        }
    });
}

#[test]
fn golden_offsets() {
    for_each_tokenizer("offsets", |folders, name, reference, lines| {
        let pieces = pieces(folders);
        for line in lines {
            let text = &pieces[&line["p"].as_u64().unwrap()];
            let context = format!("{name}, piece {}", line["p"]);
            let tokenizer = &reference.tokenizer;
            if let Some(starts) = line.get("byte_start") {
                let found = tokenizer.encode_with_special_and_offsets(text, reference.allowed());
                let ids: Vec<u32> = found.iter().map(|(id, _)| id.0).collect();
                assert_eq!(ids, numbers(&line["ids"]), "{context}: ids");
                let found: Vec<u32> = found.iter().map(|(_, range)| range.start as u32).collect();
                assert_eq!(found, numbers(starts), "{context}: starts");
                continue;
            }
            let options = EncodeOptions::default().allowing(reference.allowed());
            let found = tokenizer.encoding(text.as_str(), &options).unwrap();
            let ids: Vec<u32> = found.ids().iter().map(|id| id.0).collect();
            assert_eq!(ids, numbers(&line["ids"]), "{context}: ids");
            let flat = |offsets: &[(usize, usize)]| {
                let numbers = offsets.iter().flat_map(|&(start, end)| [start as u32, end as u32]);
                numbers.collect::<Vec<_>>()
            };
            assert_eq!(flat(found.offsets()), numbers(&line["byte"]), "{context}: bytes");
            let chars = found.char_offsets(text.as_str());
            assert_eq!(flat(&chars), numbers(&line["char"]), "{context}: characters");
            let words: Vec<u32> = found.words().iter().map(|word| word.unwrap()).collect();
            assert_eq!(words, numbers(&line["words"]), "{context}: words");
        }
    });
}

#[test]
fn golden_all_code_points() {
    for_each_tokenizer("allcp", |_, name, reference, lines| {
        for line in lines {
            let code_point = |key: &str| line[key].as_u64().unwrap() as u32;
            let chars = (code_point("first")..=code_point("last")).filter_map(char::from_u32);
            let text: String = match line["rule"].as_str().unwrap() {
                "A" => chars.collect(),
                "B" => chars.map(|c| format!("a{c}1{c} {c}{c}'S\n")).collect(),
                other => panic!("{name}: unknown rule {other}"),
            };
            assert_ids(&format!("{name}, {line}"), &reference.encode(&text), line);
        }
    });
}

#[test]
fn golden_whole_files() {
    let Some(folders) = Folders::find() else { return };
    let lines = read_lines(&folders.golden.join("encode/wholefile.jsonl"));
    let mut by_corpus: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for line in &lines {
        by_corpus.entry(line["corpus"].to_string()).or_default().push(line);
    }
    let mut references: BTreeMap<&str, Result<Reference, String>> = BTreeMap::new();
    for line in &lines {
        let name = line["tok"].as_str().unwrap();
        references.entry(name).or_insert_with(|| load(&folders, name));
    }
    let mut n_covered = 0;
    for lines in by_corpus.values() {
        let corpus = &lines[0]["corpus"];
        let texts = folders.corpus(corpus, lines[0]["corpus_xxh64"].as_str().unwrap());
        for line in lines {
            let name = line["tok"].as_str().unwrap();
            let Ok(reference) = &references[name] else { continue };
            let mut ids = Vec::new();
            for text in &texts {
                reference.tokenizer.encode_into_with_special(text, reference.allowed(), &mut ids);
            }
            assert_ids(&format!("{name} on {corpus}"), &ids, line);
            n_covered += 1;
        }
    }
    let not_covered: Vec<_> = references
        .into_iter()
        .filter_map(|(name, reference)| Some((name.to_owned(), reference.err()?)))
        .collect();
    report("whole files", n_covered, &not_covered);
}
