//! SentencePiece models against the reference: ids, offsets and decoded texts.

use std::path::{Path, PathBuf};

use pretrain_bpe::{SentencePiece, TokenId, Tokenizer};
use serde_json::Value;

use crate::golden::{Folders, numbers, read, read_lines, report};

/// The models of `models.json`: name, path and description.
fn models(folders: &Folders) -> Vec<(String, PathBuf, Value)> {
    let spm = folders.golden.join("spm");
    let models: Value = serde_json::from_slice(&read(&spm.join("models.json"))).unwrap();
    let models = models.as_object().unwrap().iter().filter_map(|(name, model)| {
        let file = model["file"].as_str().unwrap();
        let paths = [spm.join(file), folders.data.join("tokenizers").join(file)];
        let path = paths.into_iter().find(|path| path.is_file());
        if path.is_none() {
            println!("skipped: no model {file}");
        }
        Some((name.clone(), path?, model.clone()))
    });
    models.collect()
}

fn encode(model: &SentencePiece, text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    model.encode_into(text, &mut ids);
    ids
}

fn decode(model: &SentencePiece, ids: &[u32]) -> String {
    model.decode(&ids.iter().map(|&id| TokenId(id)).collect::<Vec<_>>())
}

#[test]
fn golden_sentencepiece_models_encode_and_decode() {
    let Some(folders) = Folders::find() else { return };
    let spm = folders.golden.join("spm");
    if !spm.is_dir() {
        println!("skipped: no folder {}", spm.display());
        return;
    }
    let texts: Vec<Value> = read_lines(&spm.join("lines.jsonl.zst"));
    let text = |line: &Value| {
        let text = texts.iter().find(|text| text["l"] == line["l"]).unwrap();
        text["text"].as_str().unwrap().to_owned()
    };
    let mut n_lines = 0;
    for (name, path, about) in models(&folders) {
        let model = SentencePiece::from_bytes(&read(&path)).unwrap();
        assert_eq!(model.n_pieces() as u64, about["pieces"].as_u64().unwrap(), "{name}");
        assert_eq!(u64::from(model.unk_id().0), about["unk"].as_u64().unwrap(), "{name}");
        for (key, id) in [("bos", model.bos_id()), ("eos", model.eos_id()), ("pad", model.pad_id())]
        {
            let expected = about[key].as_i64().unwrap();
            assert_eq!(id.map_or(-1, |id| i64::from(id.0)), expected, "{name} {key}");
        }
        let tokenizer = Tokenizer::from_sentencepiece(&read(&path)).unwrap();
        let again = Tokenizer::from_json(&tokenizer.to_json()).unwrap();
        assert_eq!(again.fingerprint(), tokenizer.fingerprint(), "{name}");
        for line in read_lines(&spm.join(format!("{name}.jsonl.zst"))) {
            let text = text(&line);
            let expected = numbers(&line["ids"]);
            let ids = encode(&model, &text);
            assert_eq!(ids, expected, "{name} {text:?}");
            let decoded = line["dec"].as_str().unwrap_or(&text);
            assert_eq!(decode(&model, &ids), decoded, "{name} {text:?}");
            let with_offsets = model.encode_with_offsets(&text);
            assert!(with_offsets.iter().map(|(id, _)| id.0).eq(ids.iter().copied()), "{name}");
            let tokens = again.encode(&text);
            assert!(tokens.iter().map(|id| id.0).eq(ids), "{name} {text:?}");
            assert_eq!(tokenizer.encode_with_offsets(&text), with_offsets, "{name} {text:?}");
            assert_eq!(tokenizer.count(&text), tokens.len(), "{name} {text:?}");
            assert_eq!(tokenizer.decode_lossy(&tokens), decoded, "{name} {text:?}");
            if let Some(surfaces) = line["surf_char"].as_array() {
                let chars = |byte: usize| text[..byte].chars().count() as u64;
                let offsets =
                    with_offsets.iter().map(|(_, bytes)| [chars(bytes.start), chars(bytes.end)]);
                let expected = surfaces
                    .iter()
                    .map(|pair| [pair[0].as_u64().unwrap(), pair[1].as_u64().unwrap()]);
                assert!(offsets.eq(expected), "{name} {text:?}");
            }
            n_lines += 1;
        }
        println!("{name}: ok");
    }
    assert!(n_lines > 0, "no line was tested");
}

/// The vectors of kitoken: each line of an input file, or the whole file of `utf8`.
#[test]
fn golden_sentencepiece_models_encode_the_vectors_of_kitoken() {
    let Some(folders) = Folders::find() else { return };
    let vectors = folders.data.join("tokenizers/vectors/kitoken");
    if !vectors.is_dir() {
        println!("skipped: no folder {}", vectors.display());
        return;
    }
    let mut n_covered = 0;
    for (name, path, _) in models(&folders) {
        let tokenizer = Tokenizer::from_sentencepiece(&read(&path)).unwrap();
        let Some(short) =
            name.strip_prefix("kitoken-").and_then(|name| name.strip_suffix(".model"))
        else {
            continue;
        };
        for set in ["small", "mixed", "utf8"] {
            let Some(cases) = cases(&vectors, set, short) else { continue };
            for (text, expected, decoded) in cases {
                let ids = tokenizer.encode(&text);
                assert!(ids.iter().map(|id| id.0).eq(expected), "{name} {set} {text:?}");
                assert_eq!(tokenizer.decode_lossy(&ids), decoded.unwrap_or(text), "{name} {set}");
                n_covered += 1;
            }
        }
    }
    report("kitoken", n_covered, &[]);
}

type Case = (String, Vec<u32>, Option<String>);

/// The texts of a set, their ids, and what they decode to where it is not the text.
fn cases(vectors: &Path, set: &str, model: &str) -> Option<Vec<Case>> {
    let file = vectors.join(format!("sentencepiece/{set}_tokens_{model}.txt.zst"));
    if !file.is_file() {
        println!("skipped: no file {}", file.display());
        return None;
    }
    let string = |path: &Path| String::from_utf8(read(path)).unwrap();
    let numbers = |line: &str| line.split(',').map(|id| id.trim().parse().unwrap()).collect();
    let input = string(&vectors.join(format!("{set}_input.txt")));
    let output = vectors.join(format!("sentencepiece/{set}_output_{model}.txt.zst"));
    let output = output.is_file().then(|| string(&output));
    if set == "utf8" {
        return Some(vec![(input, numbers(string(&file).trim()), output)]);
    }
    let plain = |line: &str| line.replace("\\n", "\n").replace("\\s", " ").replace("\\x", "");
    let tokens = string(&file);
    let mut outputs = output.as_deref().map(|output| output.lines());
    let cases = input.lines().zip(tokens.lines()).map(|(line, ids)| {
        let output = outputs.as_mut().and_then(|lines| lines.next()).map(plain);
        (plain(line), if ids.is_empty() { vec![] } else { numbers(ids) }, output)
    });
    Some(cases.collect())
}
