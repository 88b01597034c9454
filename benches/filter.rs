//! `pretrain-filter`: each preset over each corpus, in bytes per second on one thread.
//!
//! A text that fails early costs less than one that is kept, so the figures of a preset depend on what
//! it keeps. Where a preset is meant for a corpus it has to keep more than half of it.

use anyhow::{Result, ensure};
use benches::{CORPUS_BYTES, Corpus, corpora, over_texts};
use pretrain_filter::{Filter, FilterConfig, Funnel, Scratch, Verdict};

fn main() -> Result<()> {
    let corpora = corpora(CORPUS_BYTES)?;
    let criterion = &mut benches::criterion();
    for &preset in FilterConfig::preset_names() {
        let filter = Filter::new(FilterConfig::preset(preset)?)?;
        for corpus in &corpora {
            let kept = check(&filter, corpus)?;
            let meant = matches!((preset, corpus.name), ("gopher" | "prose", "prose"))
                || (preset, corpus.name) == ("code", "code");
            ensure!(!meant || kept > 0.5, "{preset} keeps {kept:.2} of {}", corpus.name);
        }
        over_texts(criterion, &format!("filter/{preset}"), &corpora, |texts| {
            let mut scratch = Scratch::default();
            let kept = texts.iter().filter(|text| {
                !matches!(filter.judge_with(text.as_str(), &mut scratch), Verdict::Drop(_))
            });
            kept.count()
        });
    }
    // Every check of a preset, whether or not an earlier one fails.
    let gopher = Filter::new(FilterConfig::preset("gopher")?)?;
    over_texts(criterion, "filter/gopher-measure", &corpora, |texts| {
        texts.iter().map(|text| gopher.measure(text).len()).sum::<usize>()
    });
    criterion.final_summary();
    Ok(())
}

/// The share of the bytes that is kept, after checking that memory of earlier texts changes no verdict
/// and that the funnel loses no document.
fn check(filter: &Filter, corpus: &Corpus) -> Result<f64> {
    let (mut scratch, mut funnel) = (Scratch::default(), Funnel::default());
    for text in &corpus.texts {
        let verdict = filter.judge_with(text, &mut scratch);
        ensure!(verdict == filter.judge(text), "{}: a verdict depends on memory", corpus.name);
        funnel.add(text.len() as u64, &verdict);
    }
    ensure!(funnel.input.documents == corpus.texts.len() as u64, "the funnel lost a document");
    Ok(funnel.output().bytes as f64 / corpus.n_bytes() as f64)
}
