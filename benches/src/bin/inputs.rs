//! Writes the benchmarks' inputs into a folder, so that other programs can be timed on the same texts:
//! `inputs DIR [BYTES]` makes `DIR/prose.jsonl.zst` and so on, each of about BYTES bytes of text.

use anyhow::{Context, Result};
use benches::{CORPUS_BYTES, Copies, corpora};
use pretrain_corpus::{DocId, Document, JsonlWriter};
use std::path::PathBuf;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().context("usage: inputs DIR [BYTES]")?);
    let n_bytes = match arguments.next() {
        Some(number) => number.to_string_lossy().parse().context("BYTES is not a number")?,
        None => CORPUS_BYTES,
    };
    pretrain_store::create_dir_all(&folder)?;
    let mut all = corpora(n_bytes)?;
    all.push(Copies::new(n_bytes).corpus);
    for corpus in all {
        let mut writer = JsonlWriter::create(&folder.join(format!("{}.jsonl.zst", corpus.name)))?;
        for (index, text) in corpus.texts.into_iter().enumerate() {
            writer.write(&Document::new(DocId::new(format!("{}-{index}", corpus.name))?, text))?;
        }
        writer.finish()?;
    }
    Ok(())
}
