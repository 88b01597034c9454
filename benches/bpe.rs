//! `pretrain-bpe`: training, encoding, counting and decoding, in bytes of text per second on one thread.
//!
//! A vocabulary of 8,192 tokens is learnt on one half of each corpus and used on the other. With the
//! environment variable `PRETRAIN_TOKENIZER` naming a `tokenizer.json`, that is used on all of it too,
//! which is the figure to compare with other encoders of the same file.

use anyhow::{Result, ensure};
use benches::{CORPUS_BYTES, Corpus, corpora, over_texts};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use pretrain_bpe::{Pattern, TokenId, Tokenizer, Trainer, TrainerConfig};

const VOCAB_SIZE: usize = 8192;

fn main() -> Result<()> {
    let corpora = corpora(CORPUS_BYTES)?;
    let trainer = Trainer::new(TrainerConfig::new(VOCAB_SIZE, Pattern::Llama3))?;
    let criterion = &mut benches::criterion();
    train(criterion, &trainer, &corpora)?;
    for corpus in &corpora {
        let [learn, rest] = corpus.halves();
        let tokenizer = trainer.train(&trainer.count(&learn.texts), &mut |_| {})?;
        encode(criterion, "bpe", &tokenizer, &rest)?;
    }
    if let Some(path) = std::env::var_os("PRETRAIN_TOKENIZER") {
        let tokenizer = Tokenizer::from_json(&pretrain_store::read(path.as_ref())?)?;
        for corpus in &corpora {
            encode(criterion, "bpe-file", &tokenizer, corpus)?;
        }
    }
    criterion.final_summary();
    Ok(())
}

/// Counting pre-tokens, and the whole of training: counting and merging.
fn train(criterion: &mut Criterion, trainer: &Trainer, corpora: &[Corpus]) -> Result<()> {
    for corpus in corpora {
        let counts = trainer.count(&corpus.texts);
        ensure!(counts.n_bytes() == corpus.n_bytes(), "{}: bytes were not counted", corpus.name);
        let tokenizer = trainer.train(&counts, &mut |_| {})?;
        ensure!(tokenizer.vocab_size() == VOCAB_SIZE, "{}: too few merges", corpus.name);
        // The order of texts does not matter.
        let again = trainer.train(&trainer.count(corpus.texts.iter().rev()), &mut |_| {})?;
        ensure!(again.fingerprint() == tokenizer.fingerprint(), "{}: two results", corpus.name);
    }
    over_texts(criterion, "bpe/count-pre-tokens", corpora, |texts| trainer.count(texts));
    over_texts(criterion, "bpe/train-8k", corpora, |texts| {
        trainer.train(&trainer.count(texts), &mut |_| {}).expect("it was trained before")
    });
    let mut group = criterion.benchmark_group("bpe/merge-8k");
    for corpus in corpora {
        let counts = trainer.count(&corpus.texts);
        group.throughput(Throughput::Elements(VOCAB_SIZE as u64 - 256));
        group.bench_function(BenchmarkId::from_parameter(corpus.name), |bencher| {
            bencher.iter(|| trainer.train(&counts, &mut |_| {}).expect("it was trained before"));
        });
    }
    group.finish();
    Ok(())
}

/// Encoding with full and with empty caches, counting and decoding.
fn encode(c: &mut Criterion, group: &str, tokenizer: &Tokenizer, corpus: &Corpus) -> Result<()> {
    let ids: Vec<Vec<TokenId>> = corpus.texts.iter().map(|text| tokenizer.encode(text)).collect();
    for (text, ids) in corpus.texts.iter().zip(&ids) {
        ensure!(tokenizer.decode(ids) == text.as_bytes(), "{}: a text is lost", corpus.name);
        ensure!(tokenizer.count(text) == ids.len(), "{}: a text is miscounted", corpus.name);
    }
    let corpus = std::slice::from_ref(corpus);
    over_texts(c, &format!("{group}/encode"), corpus, |texts| encode_all(tokenizer, texts));
    over_texts(c, &format!("{group}/encode-with-offsets"), corpus, |texts| {
        texts.iter().map(|text| tokenizer.encode_with_offsets(text).len()).sum::<usize>()
    });
    over_texts(c, &format!("{group}/count"), corpus, |texts| {
        texts.iter().map(|text| tokenizer.count(text)).sum::<usize>()
    });
    over_texts(c, &format!("{group}/decode"), corpus, |_| {
        ids.iter().map(|ids| tokenizer.decode(ids).len()).sum::<usize>()
    });

    let mut cold = c.benchmark_group(format!("{group}/encode-cold"));
    for corpus in corpus {
        cold.throughput(Throughput::Bytes(corpus.n_bytes()));
        cold.bench_function(BenchmarkId::from_parameter(corpus.name), |bencher| {
            // A clone shares the tables and begins without a cache.
            let work = |fresh: Tokenizer| encode_all(&fresh, &corpus.texts);
            bencher.iter_batched(|| tokenizer.clone(), work, BatchSize::PerIteration);
        });
    }
    cold.finish();
    Ok(())
}

fn encode_all(tokenizer: &Tokenizer, texts: &[String]) -> usize {
    let (mut ids, mut n) = (Vec::new(), 0);
    for text in texts {
        ids.clear();
        tokenizer.encode_into(text, &mut ids);
        n += ids.len();
    }
    n
}
