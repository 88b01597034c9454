//! Trains tokenizers, encodes and decodes with them, measures and converts them.

#![expect(clippy::print_stdout, reason = "a program prints its result")]

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use examples::command::{self, Common, Failure, OrUsage, required, required_list};
use examples::progress::{Progress, Unit};
use examples::stages::Documents;
use examples::stages::tokenizer::{
    Format, decode_lines, encode_documents, fit, open_tokenizer, quality, save_tokenizer,
};
use examples::stages::tokens::END_OF_TEXT;
use pretrain_bpe::{CostModel, Pattern, Tokenizer, TrainerConfig};
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
    /// The tokenizer to use: tokenizer.json, tekken.json, SentencePiece's .model; with --pattern also
    /// .tiktoken and vocab.json (encoder.json) beside its merges
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// train, convert: the file to write: .json, .tiktoken, or vocab.json with merges.txt
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
    /// inspect: the member of a document that says which group it belongs to [default: source]
    #[arg(long, value_name = "FIELD")]
    by: Option<String>,
    /// inspect: also the best vocabulary size for a model of this width ..
    #[arg(long, value_name = "N")]
    d_model: Option<u64>,
    /// .. and so many parameters outside its embeddings
    #[arg(long, value_name = "N")]
    body_parameters: Option<u64>,
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
    /// Report compression, fertility, parity and use of tokens on documents
    Inspect,
    /// Write a tokenizer in another format
    Convert,
}

impl Settings {
    fn pattern(&self) -> Result<Pattern, Failure> {
        self.pattern.as_deref().unwrap_or("llama3").parse().or_usage()
    }

    fn load(&self, path: &Path) -> Result<Tokenizer, Failure> {
        open_tokenizer(path, &self.pattern()?).or_usage()
    }

    fn model(&self) -> Result<Option<CostModel>, Failure> {
        let Some(d_model) = self.d_model else { return Ok(None) };
        let body_parameters = required(self.body_parameters, "body-parameters")?;
        Ok(Some(CostModel { d_model, body_parameters, multiple_of: 64 }))
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
        Action::Decode => Ok(json!({ "documents": decode_lines(&settings.input, &given()?)? })),
        Action::Inspect => {
            let (documents, model) = (settings.documents()?, settings.model()?);
            let by = settings.by.as_deref().unwrap_or("source");
            let quality = quality(&documents, &given()?, by, model, progress)?;
            if !common.json {
                println!("{quality}");
            }
            Ok(serde_json::to_value(quality)?)
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
    let files = save_tokenizer(tokenizer, Format::of(out).or_usage()?, out)?;
    let fingerprint = tokenizer.fingerprint();
    Ok(json!({ "out": files, "vocab_size": tokenizer.vocab_size(), "fingerprint": fingerprint }))
}

fn main() -> ExitCode {
    command::main("Train, use, measure and convert tokenizers", run)
}
