//! `pretrain-dedup`: every method, in bytes of text or documents per second.
//!
//! Keys, signatures and paragraphs are computed on one thread; finding the pairs of signatures and
//! repeated substrings uses the threads of rayon's pool (`RAYON_NUM_THREADS`). Before timing, each method
//! has to find the copies that were planted in [`Copies`], and no others.

use anyhow::{Result, ensure};
use benches::{CORPUS_BYTES, Copies, Corpus, Draws, corpora, over_texts};
use criterion::{BatchSize, Criterion, Throughput};
use pretrain_dedup::exact::{ExactConfig, ExactDedup};
use pretrain_dedup::minhash::{MinHashConfig, MinHashDedup, Signature};
use pretrain_dedup::paragraph::{ParagraphConfig, ParagraphDedup, Separator};
use pretrain_dedup::substring::{Copies as Copied, Cut, SubstringConfig, find};
use pretrain_dedup::{Clusters, Normalise};

fn main() -> Result<()> {
    let copies = Copies::new(CORPUS_BYTES);
    check(&copies)?;
    let mut corpora = corpora(CORPUS_BYTES)?;
    corpora.push(copies.corpus);
    let criterion = &mut benches::criterion();
    exact(criterion, &corpora);
    minhash(criterion, &corpora)?;
    lsh(criterion)?;
    paragraph(criterion, &corpora);
    substring(criterion, &corpora);
    criterion.final_summary();
    Ok(())
}

fn exact(criterion: &mut Criterion, corpora: &[Corpus]) {
    for normalise in [Normalise::None, Normalise::Folded, Normalise::Simplified] {
        let config = ExactConfig { normalise };
        let name = format!("dedup/exact-key/{normalise:?}").to_lowercase();
        over_texts(criterion, &name, corpora, |texts| {
            texts.iter().filter_map(|text| config.key(text)).count()
        });
    }
}

fn minhash(criterion: &mut Criterion, corpora: &[Corpus]) -> Result<()> {
    for (name, config) in [("xxhash", MinHashConfig::default()), ("sha1", MinHashConfig::fineweb())]
    {
        let hasher = config.resolve()?;
        over_texts(criterion, &format!("dedup/minhash-signature/{name}"), corpora, |texts| {
            texts.iter().filter_map(|text| hasher.signature(text)).count()
        });
    }
    Ok(())
}

/// Signatures of which each second shares one band of fourteen with the one before it.
fn lsh(criterion: &mut Criterion) -> Result<()> {
    const N_DOCUMENTS: u64 = 50_000;
    let config = MinHashConfig::default();
    let signatures: Vec<Signature> = (0..N_DOCUMENTS)
        .map(|document| {
            let shared = (document / 2 % config.bands as u64) as usize;
            let mut own = Draws::new("signature", document);
            let mut pair = Draws::new("pair", document / 2);
            let values = (0..config.n_permutations()).map(|value| {
                let draws = if value / config.rows == shared { &mut pair } else { &mut own };
                draws.below(1 << 61)
            });
            Signature::new(values.collect(), 100)
        })
        .collect();
    let pushed = || {
        let mut dedup = MinHashDedup::new(config).expect("the default is valid");
        for signature in &signatures {
            dedup.push(Some(signature.clone())).expect("there are few documents");
        }
        dedup
    };
    let clusters = pushed().finish()?;
    ensure!(clusters.len() as u64 == N_DOCUMENTS / 2, "{} pairs were found", clusters.len());

    let mut group = criterion.benchmark_group("dedup/minhash-lsh");
    group.throughput(Throughput::Elements(N_DOCUMENTS));
    group.bench_function("push", |bencher| bencher.iter(pushed));
    group.bench_function("finish", |bencher| {
        bencher.iter_batched(pushed, MinHashDedup::finish, BatchSize::PerIteration);
    });
    group.finish();
    Ok(())
}

fn paragraph(criterion: &mut Criterion, corpora: &[Corpus]) {
    for separator in [Separator::BlankLine, Separator::Line] {
        let name = format!("dedup/paragraph/{separator:?}").to_lowercase();
        over_texts(criterion, &name, corpora, |texts| removed_bytes(separator, texts));
    }
}

fn removed_bytes(separator: Separator, texts: &[String]) -> usize {
    let config = ParagraphConfig { separator, normalise: Normalise::Folded, min_chars: 1 };
    let mut dedup = ParagraphDedup::new(config).expect("the configuration is valid");
    let removed = texts.iter().map(|text| {
        let rewritten = dedup.push(text).expect("there are few documents");
        rewritten.removed.iter().map(ExactSizeIterator::len).sum::<usize>()
    });
    removed.sum()
}

fn substring(criterion: &mut Criterion, corpora: &[Corpus]) {
    for min_bytes in [100, 600] {
        over_texts(criterion, &format!("dedup/substring/{min_bytes}"), corpora, |texts| {
            repeated(min_bytes, texts).iter().flatten().map(ExactSizeIterator::len).sum::<usize>()
        });
    }
}

fn repeated(min_bytes: usize, texts: &[String]) -> Vec<Vec<std::ops::Range<usize>>> {
    let (copies, cut) = (Copied::All, Cut::Chars);
    let config = SubstringConfig { min_bytes, copies, cut, memory_budget: 1 << 32 };
    let texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    find(&texts, &config).expect("the texts are few")
}

fn check(copies: &Copies) -> Result<()> {
    let texts = &copies.corpus.texts;
    let mut exact = ExactDedup::new(ExactConfig { normalise: Normalise::None });
    let mut similar = MinHashDedup::new(MinHashConfig::default())?;
    for text in texts {
        exact.push(text)?;
        similar.push(similar.hasher().signature(text))?;
    }
    ensure!(members(&exact.finish()?) == copies.exact_groups(), "exact copies are missed");
    ensure!(members(&similar.finish()?) == copies.similar_groups(), "near copies are missed");

    let later: Vec<u32> =
        copies.exact_groups().iter().flat_map(|group| &group[1..]).copied().collect();
    let copied: usize = later.iter().map(|&document| texts[document as usize].len()).sum();
    ensure!(removed_bytes(Separator::BlankLine, texts) > copied * 9 / 10, "paragraphs are missed");

    let ranges = repeated(600, texts);
    let whole = |document: &u32| {
        let document = *document as usize;
        ranges[document].iter().map(ExactSizeIterator::len).sum::<usize>() == texts[document].len()
    };
    ensure!(later.iter().all(whole), "a copy is not seen as repeated from end to end");
    Ok(())
}

fn members(clusters: &Clusters) -> Vec<Vec<u32>> {
    clusters.iter().map(|cluster| cluster.members.iter().map(|index| index.0).collect()).collect()
}
