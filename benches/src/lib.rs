//! The inputs of the benchmarks, and the settings they share.
//!
//! What comes out is a [`Corpus`]: named texts in memory. [`corpora`] gives the ones every benchmark of
//! texts runs over:
//!
//! - `prose`: made-up English ([`Prose`]): words of a Zipf distribution in sentences and paragraphs;
//! - `code`: made-up source files ([`Code`]);
//! - `real`: documents of `docs/*.jsonl.zst` ([`real`]) in the folder that the environment variable
//!   `PRETRAIN_DATA` names, or in `../shared/data` beside the workspace; absent where neither exists.
//!
//! [`Copies`] is a collection of prose with copies of documents and paragraphs at known places. The
//! program `inputs` writes all of them as files, so that other programs can be timed on the same bytes.
//!
//! Made-up texts are a function of their kind and number alone: the same bytes on every machine, and
//! document 7 is the same however many are made.
//!
//! Not here: timing of other programs, and claims. Made-up text has fewer rare words, and no other
//! language, markup or encoding accident; figures worth publishing come from `real`.

#![forbid(unsafe_code)]

mod code;
mod copies;
mod draws;
mod prose;
mod real;
mod vocabulary;

pub use code::Code;
pub use copies::Copies;
pub use draws::Draws;
pub use prose::Prose;
pub use real::{data_folder, real};
pub use vocabulary::Vocabulary;

use criterion::{BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use std::time::Duration;

/// Texts in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corpus {
    /// The name under which results are listed.
    pub name: &'static str,
    /// The documents.
    pub texts: Vec<String>,
}

impl Corpus {
    /// Documents of `make` from number 0 on until they have `n_bytes` bytes.
    pub fn generate(name: &'static str, n_bytes: usize, make: impl Fn(u64) -> String) -> Self {
        let mut left = n_bytes;
        let texts = (0..).map(make).take_while(|text| {
            let more = left > 0;
            left = left.saturating_sub(text.len());
            more
        });
        Self { name, texts: texts.collect() }
    }

    /// Bytes of all texts.
    pub fn n_bytes(&self) -> u64 {
        self.texts.iter().map(|text| text.len() as u64).sum()
    }

    /// The documents with even and with odd numbers, to learn from the one and measure on the other.
    pub fn halves(&self) -> [Self; 2] {
        [0, 1].map(|first| {
            let texts = self.texts.iter().skip(first).step_by(2).cloned().collect();
            Self { name: self.name, texts }
        })
    }
}

/// The size of each corpus in the benchmarks, in bytes.
pub const CORPUS_BYTES: usize = 4 << 20;

/// The corpora of the benchmarks, each of about `n_bytes` bytes.
///
/// # Errors
/// There are real documents, and they cannot be read.
pub fn corpora(n_bytes: usize) -> anyhow::Result<Vec<Corpus>> {
    let (prose, code) = (Prose::new(), Code::new());
    let mut corpora = vec![
        Corpus::generate("prose", n_bytes, |index| prose.document(index)),
        Corpus::generate("code", n_bytes, |index| code.document(index)),
    ];
    corpora.extend(real(n_bytes)?);
    Ok(corpora)
}

/// Criterion with settings for work of tens of milliseconds to seconds; the command line overrides them.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args()
}

/// Times `work` over each corpus as a whole, in bytes of text per second.
pub fn over_texts<T>(
    criterion: &mut Criterion,
    name: &str,
    corpora: &[Corpus],
    mut work: impl FnMut(&[String]) -> T,
) {
    let mut group = criterion.benchmark_group(name);
    for corpus in corpora {
        group.throughput(Throughput::Bytes(corpus.n_bytes()));
        group.bench_function(BenchmarkId::from_parameter(corpus.name), |bencher| {
            bencher.iter(|| work(black_box(&corpus.texts)));
        });
    }
    group.finish();
}

#[cfg(test)]
mod tests;
