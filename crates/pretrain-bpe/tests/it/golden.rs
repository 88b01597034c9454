//! Finding and reading the golden and data folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pretrain_bpe::{AllowedSpecial, BpeError, Pattern, TokenId, Tokenizer};
use serde_json::Value;
use xxhash_rust::xxh64::{Xxh64, xxh64};

/// The tokenizer goldens and the data folder they were made from.
pub(crate) struct Folders {
    pub(crate) golden: PathBuf,
    pub(crate) data: PathBuf,
}

impl Folders {
    /// The folders, or a note that the test is skipped.
    pub(crate) fn find() -> Option<Self> {
        let folder = |variable: &str, name: &str| {
            std::env::var_os(variable).map_or_else(
                || {
                    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
                        .join("../shared")
                        .join(name)
                },
                PathBuf::from,
            )
        };
        let golden = folder("PRETRAIN_GOLDEN", "golden").join("tokenizer");
        let data = folder("PRETRAIN_DATA", "data");
        for path in [&golden, &data] {
            if !path.is_dir() {
                println!("skipped: no folder {}", path.display());
                return None;
            }
        }
        Some(Self { golden, data })
    }

    /// The files `<prefix>.<name>.jsonl.zst` of `encode/`: names and paths, sorted.
    pub(crate) fn encode_files(&self, prefix: &str) -> Vec<(String, PathBuf)> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(self.golden.join("encode")).unwrap() {
            let path = entry.unwrap().path();
            let file_name = path.file_name().unwrap().to_str().unwrap();
            let name = file_name
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".jsonl.zst"));
            if let Some(name) = name {
                files.push((name.to_owned(), path.clone()));
            }
        }
        files.sort();
        files
    }

    /// The texts of a corpus as the README of the goldens defines it, checked against its hash.
    pub(crate) fn corpus(&self, corpus: &Value, xxh64: &str) -> Vec<String> {
        let modulus = corpus["mod"].as_u64().unwrap_or(1) as usize;
        let remainder = corpus["rem"].as_u64().unwrap_or(0) as usize;
        let max_bytes = corpus["max_bytes"].as_u64().unwrap_or(u64::MAX) as usize;
        let mut texts = Vec::new();
        let mut n_bytes = 0;
        'files: for file in corpus["files"].as_array().unwrap() {
            let lines = read(&self.data.join("docs").join(file.as_str().unwrap()));
            for (i, line) in lines.split(|&byte| byte == b'\n').enumerate() {
                if line.is_empty() || i % modulus != remainder {
                    continue;
                }
                let text = text_of(line);
                n_bytes += text.len();
                texts.push(text);
                if n_bytes >= max_bytes {
                    break 'files;
                }
            }
        }
        let mut hasher = Xxh64::new(0);
        for text in &texts {
            hasher.update(text.as_bytes());
            hasher.update(&[0]);
        }
        assert_eq!(format!("{:016x}", hasher.digest()), xxh64, "corpus {corpus}");
        texts
    }
}

/// The member `text` of a document.
fn text_of(line: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Document {
        text: String,
    }
    serde_json::from_slice::<Document>(line).unwrap().text
}

/// The bytes of a file, decompressed if its name ends in `.zst`.
pub(crate) fn read(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_some_and(|extension| extension == "zst") {
        return zstd::decode_all(&bytes[..]).unwrap();
    }
    bytes
}

pub(crate) fn read_lines(path: &Path) -> Vec<Value> {
    let bytes = read(path);
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

pub(crate) fn numbers(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

pub(crate) fn hash_ids(ids: &[u32]) -> String {
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    format!("{:016x}", xxh64(&bytes, 0))
}

/// A tokenizer of the goldens.
pub(crate) struct Reference {
    pub(crate) tokenizer: Tokenizer,
    /// The file, if it is a `tokenizer.json`.
    pub(crate) json: Option<Value>,
}

impl Reference {
    /// What the reference's plain `encode` allows: nothing in tiktoken's `encode_ordinary`, all in
    /// Hugging Face's.
    pub(crate) fn allowed(&self) -> AllowedSpecial<'static> {
        if self.json.is_some() { AllowedSpecial::All } else { AllowedSpecial::None }
    }

    pub(crate) fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        self.tokenizer.encode_into_with_special(text, self.allowed(), &mut ids);
        ids
    }
}

/// Loads a tokenizer by the name that the goldens give it. `Err` = the reason why it is not covered,
/// read from the file itself.
pub(crate) fn load(folders: &Folders, name: &str) -> Result<Reference, String> {
    let tokenizers = folders.data.join("tokenizers");
    let path = if let Some(name) = name.strip_prefix("hf-") {
        tokenizers.join("hf").join(format!("{name}.json.zst"))
    } else if let Some(name) = name.strip_prefix("trained-") {
        folders.golden.join("bpe-train").join(format!("{name}.tokenizer.json.zst"))
    } else {
        let ranks = [
            tokenizers.join("tiktoken").join(format!("{name}.tiktoken.zst")),
            tokenizers.join(name).join("tokenizer.model"),
        ];
        let Some(path) = ranks.iter().find(|path| path.is_file()) else {
            return Err(format!("no rank file {name}"));
        };
        return load_ranks(name, &read(path));
    };
    if !path.is_file() {
        return Err(format!("no file {}", path.display()));
    }
    load_json(&read(&path))
}

pub(crate) fn load_json(file: &[u8]) -> Result<Reference, String> {
    let json: Value = serde_json::from_slice(file).unwrap();
    let tokenizer = match Tokenizer::from_json(file) {
        Ok(tokenizer) => tokenizer,
        Err(error @ BpeError::Unsupported { .. }) => return Err(error.to_string()),
        Err(error) => panic!("{error}"),
    };
    Ok(Reference { tokenizer, json: Some(json) })
}

/// Pattern and special tokens are not in a rank file: those of tiktoken's `openai_public.py` and of
/// Llama 3's `tokenizer.py`.
fn load_ranks(name: &str, file: &[u8]) -> Result<Reference, String> {
    let mut specials: BTreeMap<String, u32> = BTreeMap::new();
    let mut special = |content: &str, id| specials.insert(content.to_owned(), id);
    let pattern = match name {
        "r50k_base" | "p50k_base" => {
            special("<|endoftext|>", 50256);
            Pattern::Gpt2
        }
        "cl100k_base" => {
            let fim = ["<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"];
            (100257..).zip(fim).for_each(|(id, content)| _ = special(content, id));
            special("<|endofprompt|>", 100276);
            Pattern::Cl100k
        }
        "o200k_base" => {
            special("<|endoftext|>", 199_999);
            special("<|endofprompt|>", 200_018);
            Pattern::O200k
        }
        "llama3" => {
            let named = [
                "begin_of_text",
                "end_of_text",
                "reserved_special_token_0",
                "reserved_special_token_1",
                "finetune_right_pad_id",
                "step_id",
                "start_header_id",
                "end_header_id",
                "eom_id",
                "eot_id",
                "python_tag",
            ];
            for (id, content) in (128_000..).zip(named) {
                special(&format!("<|{content}|>"), id);
            }
            for i in 2..=246 {
                special(&format!("<|reserved_special_token_{i}|>"), 128_009 + i);
            }
            Pattern::Llama3
        }
        _ => return Err(format!("the pattern of the rank file {name} is not known")),
    };
    let specials = specials.into_iter().map(|(content, id)| (content, TokenId(id)));
    let tokenizer = Tokenizer::from_tiktoken(file, pattern, specials).unwrap();
    Ok(Reference { tokenizer, json: None })
}

/// Prints what was tested and what was not, and insists that something was.
pub(crate) fn report(what: &str, covered: usize, not_covered: &[(String, String)]) {
    for (name, reason) in not_covered {
        println!("{what}: not covered: {name}: {reason}");
    }
    println!("{what}: {covered} covered, {} not covered", not_covered.len());
    assert!(covered > 0, "{what}: nothing was covered");
}
