//! Conformity vectors of other projects, in `tokenizers/vectors` of the data folder. Files are
//! discovered; what cannot be run is listed with its reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pretrain_bpe::{AllowedSpecial, TokenId};
use serde_json::Value;

use crate::golden::{Folders, Reference, load, numbers, read, read_lines, report};

/// Loaded tokenizers by the name that the goldens give them.
struct Loader {
    folders: Folders,
    loaded: BTreeMap<String, Result<Reference, String>>,
}

impl Loader {
    fn new(folders: Folders) -> Self {
        Self { folders, loaded: BTreeMap::new() }
    }

    fn get(&mut self, name: &str) -> Result<&Reference, String> {
        let folders = &self.folders;
        let loaded = self.loaded.entry(name.to_owned()).or_insert_with(|| load(folders, name));
        loaded.as_ref().map_err(Clone::clone)
    }
}

/// The folder of one project's vectors, or a note that the test is skipped.
fn project(name: &str) -> Option<(Loader, PathBuf)> {
    let folders = Folders::find()?;
    let folder = folders.data.join("tokenizers/vectors").join(name);
    if !folder.is_dir() {
        println!("skipped: no folder {}", folder.display());
        return None;
    }
    Some((Loader::new(folders), folder))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn file_name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

fn text(path: &Path) -> String {
    String::from_utf8(read(path)).unwrap()
}

fn encode(reference: &Reference, text: &str, allowed: AllowedSpecial<'_>) -> Vec<u32> {
    let mut ids = Vec::new();
    reference.tokenizer.encode_into_with_special(text, allowed, &mut ids);
    ids
}

/// `12, 34` or `12 34`.
fn id_list(line: &str) -> Vec<u32> {
    let numbers = line.split([',', ' ']).filter(|number| !number.is_empty());
    numbers.map(|number| number.trim().parse().unwrap()).collect()
}

/// Systemcluster/kitoken, as its README there tells.
#[test]
fn golden_vectors_kitoken() {
    let Some((mut loader, folder)) = project("kitoken") else { return };
    let (mut n_covered, mut not_covered) = (0, Vec::new());
    for kind in files(&folder).iter().filter(|path| path.is_dir()) {
        let prefix = match file_name(kind) {
            "tiktoken" => "",
            "tokenizers" => "hf-kitoken-",
            other => {
                not_covered.push((other.to_owned(), "files of a kind that is not read".to_owned()));
                continue;
            }
        };
        for path in files(kind) {
            let Some(name) = file_name(&path).strip_suffix(".txt.zst") else { continue };
            let Some((set, model)) = name.split_once("_tokens_") else { continue };
            match loader.get(&format!("{prefix}{model}")) {
                Ok(reference) => {
                    let inputs = inputs(&folder, set);
                    let output = kind.join(format!("{set}_output_{model}.txt.zst"));
                    let outputs = output.is_file().then(|| lines(&text(&output), set));
                    check_lines(
                        name,
                        reference,
                        &inputs,
                        &lines(&text(&path), set),
                        outputs.as_deref(),
                    );
                    n_covered += 1;
                }
                Err(reason) => not_covered.push((name.to_owned(), reason)),
            }
        }
    }
    report("kitoken", n_covered, &not_covered);
}

/// One text per line, but the set `utf8` is one text.
fn lines(file: &str, set: &str) -> Vec<String> {
    if set == "utf8" {
        return vec![file.to_owned()];
    }
    file.strip_suffix('\n').unwrap_or(file).split('\n').map(str::to_owned).collect()
}

fn inputs(folder: &Path, set: &str) -> Vec<String> {
    let lines = lines(&text(&folder.join(format!("{set}_input.txt"))), set);
    if set == "utf8" { lines } else { lines.iter().map(|line| unescaped(line)).collect() }
}

fn unescaped(line: &str) -> String {
    line.replace("\\n", "\n").replace("\\s", " ").replace("\\x", "")
}

fn check_lines(
    name: &str,
    reference: &Reference,
    inputs: &[String],
    expected: &[String],
    outputs: Option<&[String]>,
) {
    assert_eq!(inputs.len(), expected.len(), "{name}");
    for (line, (input, expected)) in inputs.iter().zip(expected).enumerate() {
        let ids = encode(reference, input, AllowedSpecial::All);
        assert_eq!(ids, id_list(expected.trim()), "{name}, line {line}");
        let ids: Vec<TokenId> = ids.into_iter().map(TokenId).collect();
        let decoded = reference.tokenizer.decode_lossy(&ids);
        match outputs {
            None => assert_eq!(decoded, *input, "{name}, line {line}"),
            Some([whole]) => assert_eq!(decoded, *whole, "{name}"),
            Some(outputs) => assert_eq!(decoded, unescaped(&outputs[line]), "{name}, line {line}"),
        }
    }
}

/// niieani/gpt-tokenizer: blocks of `EncodingName`, `Sample` (which may have many lines), `Encoded`.
#[test]
fn golden_vectors_gpt_tokenizer() {
    let Some((mut loader, folder)) = project("gpt-tokenizer") else { return };
    let (mut n_covered, mut not_covered) = (0, Vec::new());
    for path in files(&folder) {
        for block in text(&path).split("EncodingName: ").skip(1) {
            let (name, block) = block.split_once("\nSample: ").unwrap();
            let (sample, encoded) = block.rsplit_once("\nEncoded: [").unwrap();
            // The edit model has the ranks of p50k and other control tokens.
            let name = if name == "p50k_edit" { "p50k_base" } else { name };
            match loader.get(name) {
                Ok(reference) => {
                    let ids = encode(reference, sample, AllowedSpecial::None);
                    assert_eq!(
                        ids,
                        id_list(encoded.trim().trim_end_matches(']')),
                        "{name}: {sample:?}"
                    );
                    n_covered += 1;
                }
                Err(reason) => not_covered.push((name.to_owned(), reason)),
            }
        }
    }
    report("gpt-tokenizer", n_covered, &not_covered);
}

/// llama.cpp: texts between `__ggml_vocab_test__` lines, and a line of ids for each.
#[test]
fn golden_vectors_llama_cpp() {
    let Some((mut loader, folder)) = project("llama.cpp") else { return };
    let (mut n_covered, mut not_covered) = (0, Vec::new());
    for path in files(&folder) {
        let Some(stem) = file_name(&path).strip_suffix(".gguf.inp") else { continue };
        let name = match stem.strip_prefix("ggml-vocab-").unwrap_or(stem) {
            "gpt-2" => "hf-kitoken-gpt2",
            "llama-bpe" => "llama3",
            "gpt-4o" => "o200k_base",
            other => {
                not_covered
                    .push((other.to_owned(), "no vocabulary in a format that is read".into()));
                continue;
            }
        };
        let reference = match loader.get(name) {
            Ok(reference) => reference,
            Err(reason) => {
                not_covered.push((stem.to_owned(), reason));
                continue;
            }
        };
        let inputs = text(&path);
        let inputs: Vec<&str> = inputs.split("\n__ggml_vocab_test__\n").collect();
        let outputs = text(&folder.join(format!("{stem}.gguf.out")));
        let outputs: Vec<&str> = outputs.split('\n').collect();
        assert_eq!(inputs.len(), outputs.len(), "{stem}");
        for (input, output) in inputs.iter().zip(outputs) {
            let ids = encode(reference, input, AllowedSpecial::None);
            assert_eq!(ids, id_list(output), "{stem}: {input:?}");
        }
        n_covered += 1;
    }
    report("llama.cpp", n_covered, &not_covered);
}

/// huggingface/swift-transformers: one text, its tokens, its ids; the texts of special tokens are read
/// as such, and a beginning-of-text token stands first where the model wants one.
#[test]
fn golden_vectors_swift_transformers() {
    let Some((mut loader, folder)) = project("swift-transformers") else { return };
    let (mut n_covered, mut not_covered) = (0, Vec::new());
    for path in files(&folder) {
        let stem = file_name(&path);
        let name = match stem {
            "gpt2_encoded_tokens.json" => "hf-kitoken-gpt2",
            "llama_3.2_encoded.json" => "llama3",
            other => {
                not_covered
                    .push((other.to_owned(), "no vocabulary in a format that is read".into()));
                continue;
            }
        };
        match loader.get(name) {
            Ok(reference) => {
                let vector: Value = serde_json::from_slice(&read(&path)).unwrap();
                let expected = numbers(&vector["token_ids"]);
                let mut ids: Vec<u32> = Vec::new();
                let begin = reference.tokenizer.special_id("<|begin_of_text|>");
                ids.extend(begin.map(|id| id.0));
                ids.extend(encode(
                    reference,
                    vector["text"].as_str().unwrap(),
                    AllowedSpecial::None,
                ));
                assert_eq!(ids, expected, "{stem}");
                let ids: Vec<TokenId> = ids.into_iter().map(TokenId).collect();
                let decoded = reference.tokenizer.decode_lossy(&ids);
                assert_eq!(decoded, vector["decoded_text"].as_str().unwrap(), "{stem}");
                n_covered += 1;
            }
            Err(reason) => not_covered.push((stem.to_owned(), reason)),
        }
    }
    report("swift-transformers", n_covered, &not_covered);
}

/// Cuts of real documents: a line has a text and, by tokenizer, its ids.
#[test]
fn golden_vectors_real_text() {
    let Some((mut loader, folder)) = project("generated") else { return };
    let (mut n_covered, mut not_covered) = (0, BTreeMap::new());
    for path in files(&folder) {
        for line in read_lines(&path) {
            let text = line["text"].as_str().unwrap();
            for (key, ids) in line.as_object().unwrap().iter().filter(|(_, value)| value.is_array())
            {
                let found =
                    loader.folders.data.join(format!("tokenizers/hf/{key}.json.zst")).is_file();
                let name = if found { format!("hf-{key}") } else { key.clone() };
                match loader.get(&name) {
                    Ok(reference) => {
                        let ids_found = reference.encode(text);
                        assert_eq!(ids_found, numbers(ids), "{name}: {}", line["id"]);
                        n_covered += 1;
                    }
                    Err(reason) => _ = not_covered.insert(name, reason),
                }
            }
        }
    }
    report("real text", n_covered, &not_covered.into_iter().collect::<Vec<_>>());
}
