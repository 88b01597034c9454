//! Conformity vectors of other projects, in `tokenizers/vectors` of the data folder. Files are
//! discovered; what cannot be run is listed with its reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pretrain_bpe::{AllowedSpecial, SentencePiece, TokenId, Tokenizer};
use serde_json::{Value, json};

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
        for path in files(kind) {
            let Some(name) = file_name(&path).strip_suffix(".txt.zst") else { continue };
            let Some((set, model)) = name.split_once("_tokens_") else { continue };
            match kitoken_codec(&mut loader, file_name(kind), model) {
                Ok(codec) => {
                    let inputs = inputs(&folder, set);
                    let output = kind.join(format!("{set}_output_{model}.txt.zst"));
                    let outputs = output.is_file().then(|| lines(&text(&output), set));
                    let expected = lines(&text(&path), set);
                    check_lines(name, &codec, &inputs, &expected, outputs.as_deref());
                    n_covered += 1;
                }
                Err(reason) => not_covered.push((name.to_owned(), reason)),
            }
        }
    }
    report("kitoken", n_covered, &not_covered);
}

/// A text to its ids, and to the text of those.
type Codec<'t> = Box<dyn Fn(&str) -> (Vec<u32>, String) + 't>;

fn kitoken_codec<'l>(loader: &'l mut Loader, kind: &str, model: &str) -> Result<Codec<'l>, String> {
    if kind == "sentencepiece" {
        let folder = loader.folders.data.join("tokenizers/sentencepiece");
        let path = folder.join(format!("kitoken-{model}.model.zst"));
        if !path.is_file() {
            return Err(format!("no file {}", path.display()));
        }
        let model = SentencePiece::from_bytes(&read(&path)).map_err(|error| error.to_string())?;
        return Ok(Box::new(move |text| {
            let ids = model.encode(text);
            (ids.iter().map(|id| id.0).collect(), model.decode(&ids))
        }));
    }
    let name = match kind {
        "tiktoken" => model.to_owned(),
        "tokenizers" => format!("hf-kitoken-{model}"),
        other => return Err(format!("{other}: files of a kind that is not read")),
    };
    let reference = loader.get(&name)?;
    Ok(Box::new(|text| {
        let ids = reference.tokenizer.encode_with_special(text, AllowedSpecial::All);
        (ids.iter().map(|id| id.0).collect(), reference.tokenizer.decode_lossy(&ids))
    }))
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
    codec: &Codec<'_>,
    inputs: &[String],
    expected: &[String],
    outputs: Option<&[String]>,
) {
    assert_eq!(inputs.len(), expected.len(), "{name}");
    for (line, (input, expected)) in inputs.iter().zip(expected).enumerate() {
        let (ids, decoded) = codec(input);
        assert_eq!(ids, id_list(expected.trim()), "{name}, line {line}");
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
            "bert-vocab.txt" | "bert_uncased_encoded.json" => continue,
            other => {
                not_covered.push((other.to_owned(), "no vocabulary, or no texts, for it".into()));
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

/// The uncased BERT of that folder: a list of word pieces, and one text.
#[test]
fn golden_vectors_bert() {
    let Some((_, folder)) = project("swift-transformers") else { return };
    let [vocab, vector] =
        ["bert-vocab.txt", "bert_uncased_encoded.json"].map(|name| folder.join(name));
    if !vocab.is_file() || !vector.is_file() {
        println!("skipped: no {} or {}", vocab.display(), vector.display());
        return;
    }
    let tokenizer = bert_uncased(&text(&vocab));
    let vector: Value = serde_json::from_slice(&read(&vector)).unwrap();
    let text = vector["text"].as_str().unwrap();
    let ids = tokenizer.encode_with_template(text, AllowedSpecial::None);
    let ids: Vec<u32> = ids.into_iter().map(|id| id.0).collect();
    assert_eq!(ids, numbers(&vector["token_ids"]));
    // The decoded text there is cleaned up as a whole (`l ' eure` to `l'eure`), as a Python library
    // does; the decoder of the file format cleans up token by token.
}

/// The `tokenizer.json` of a BERT vocabulary.
fn bert_uncased(vocab: &str) -> Tokenizer {
    let tokens: Vec<&str> = vocab.lines().collect();
    let id = |content: &str| tokens.iter().position(|token| *token == content).unwrap();
    let specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
    let added = specials.map(|content| {
        json!({
            "id": id(content), "content": content, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true,
        })
    });
    let special = |content: &str| json!({content: {"id": content, "ids": [id(content)], "tokens": [content]}});
    let mut template_tokens = special("[CLS]");
    template_tokens.as_object_mut().unwrap().append(special("[SEP]").as_object_mut().unwrap());
    let piece =
        |content: &str, type_id: u32| json!({"SpecialToken": {"id": content, "type_id": type_id}});
    let sequence = |id: &str, type_id: u32| json!({"Sequence": {"id": id, "type_id": type_id}});
    let vocab: serde_json::Map<String, Value> =
        tokens.iter().enumerate().map(|(id, token)| ((*token).to_owned(), json!(id))).collect();
    let document = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [piece("[CLS]", 0), sequence("A", 0), piece("[SEP]", 0)],
            "pair": [
                piece("[CLS]", 0), sequence("A", 0), piece("[SEP]", 0), sequence("B", 1),
                piece("[SEP]", 1),
            ],
            "special_tokens": template_tokens,
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocab,
        },
    });
    Tokenizer::from_json(&serde_json::to_vec(&document).unwrap()).unwrap()
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
