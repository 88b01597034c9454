//! Trains tokenizers, encodes and decodes with them, measures and converts them.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use examples::command::{self, Common, Failure, OrUsage, required, required_list};
use examples::progress::{Progress, Unit};
use examples::stages::Documents;
use examples::stages::tokenizer::{decode_lines, encode_documents, fertility, fit, load_tokenizer};
use examples::stages::tokens::END_OF_TEXT;
use pretrain_bpe::{Pattern, TokenId, Tokenizer, TrainerConfig};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Settings {
    /// What to do
    action: Option<Action>,
    /// train, encode, inspect: documents; decode: JSON lines with `ids`; convert: a tokenizer file
    #[arg(long, num_args = 1.., value_name = "PATH")]
    input: Vec<PathBuf>,
    /// The tokenizer to use: `tokenizer.json`, or `.tiktoken` with --pattern
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// train, convert: the file to write (`.json` or `.tiktoken`)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// train: tokens in all, special ones included
    #[arg(long, value_name = "N")]
    vocab_size: Option<usize>,
    /// gpt2, cl100k, o200k, llama3, qwen2, nanochat, digits, none or regex:EXPRESSION [default: llama3]
    #[arg(long, value_name = "NAME")]
    pattern: Option<String>,
    /// train: special tokens, in order [default: <|endoftext|>]
    #[arg(long, value_name = "TOKEN")]
    special: Vec<String>,
    /// train: merge only pairs that occur this often [default: 2]
    #[arg(long, value_name = "N")]
    min_frequency: Option<u64>,
    /// encode: also give each token's bytes as [start, end]
    #[arg(long)]
    offsets: bool,
}

#[derive(Clone, Copy, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Action {
    /// Learn a vocabulary from documents
    Train,
    /// Print a JSON line with the ids of each document
    Encode,
    /// Print the text of each line of ids
    Decode,
    /// Measure bytes per token on documents
    Inspect,
    /// Write a tokenizer in another format
    Convert,
}

impl Settings {
    fn pattern(&self) -> Result<Pattern, Failure> {
        self.pattern.as_deref().unwrap_or("llama3").parse().or_usage()
    }

    fn load(&self, path: &Path) -> Result<Tokenizer, Failure> {
        if path.extension().is_some_and(|e| e == "tiktoken") {
            let bytes = pretrain_store::read(path).or_usage()?;
            let none: [(String, TokenId); 0] = [];
            return Tokenizer::from_tiktoken(&bytes, self.pattern()?, none).or_usage();
        }
        load_tokenizer(path).or_usage()
    }

    fn documents(&self) -> Result<Documents, Failure> {
        Documents::open(required_list(&self.input, "input")?).or_usage()
    }
}

fn run(settings: Settings, common: &Common) -> Result<Value, Failure> {
    let progress = Progress::new(common.quiet);
    let given = || settings.load(&required(settings.tokenizer.clone(), "tokenizer")?);
    match required(settings.action, "action")? {
        Action::Train => train(&settings, progress),
        Action::Encode => {
            let n = encode_documents(&settings.documents()?, &given()?, settings.offsets)?;
            Ok(json!({ "documents": n }))
        }
        Action::Decode => {
            let n = decode_lines(&settings.input, &given()?)?;
            Ok(json!({ "documents": n }))
        }
        Action::Inspect => {
            let measured = fertility(&settings.documents()?, &given()?, progress)?;
            if !common.json {
                println!("{measured:#}");
            }
            Ok(measured)
        }
        Action::Convert => {
            let [input] = &settings.input[..] else {
                return Err(anyhow!("--input takes one tokenizer file")).or_usage();
            };
            write(&settings.load(input)?, required(settings.out.as_deref(), "out")?)
        }
    }
}

fn train(settings: &Settings, progress: Progress) -> Result<Value, Failure> {
    let out = required(settings.out.as_deref(), "out")?;
    let vocab_size = required(settings.vocab_size, "vocab-size")?;
    let mut config = TrainerConfig::new(vocab_size, settings.pattern()?);
    config.special_tokens.clone_from(&settings.special);
    if config.special_tokens.is_empty() {
        config.special_tokens.push(END_OF_TEXT.to_owned());
    }
    config.min_frequency = settings.min_frequency.unwrap_or(2);
    let documents = settings.documents()?;
    let bar = progress.stage("tokenizer", Unit::Bytes, documents.bytes());
    let fitted = fit(&documents, &config, &bar)?;
    bar.finish(&format!("{vocab_size} tokens from {} documents", fitted.n_texts));
    write(&fitted.tokenizer, out)
}

fn write(tokenizer: &Tokenizer, out: &Path) -> Result<Value, Failure> {
    let bytes = match out.extension().and_then(|e| e.to_str()) {
        Some("json") => tokenizer.to_json(),
        Some("tiktoken") => tokenizer.to_tiktoken()?,
        _ => return Err(anyhow!("--out must end in .json or .tiktoken")).or_usage(),
    };
    pretrain_store::write_atomic(out, &bytes)?;
    let fingerprint = tokenizer.fingerprint();
    Ok(json!({ "out": out, "vocab_size": tokenizer.vocab_size(), "fingerprint": fingerprint }))
}

fn main() -> ExitCode {
    command::main("Train, use, measure and convert tokenizers", run)
}
