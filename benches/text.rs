//! `pretrain-text`: words, sentences, lines and the simplified form, in bytes per second on one thread.

use anyhow::{Result, ensure};
use benches::{CORPUS_BYTES, Corpus, corpora, over_texts};
use pretrain_text::{TextView, is_space, lines, sentences, simplify, words};

fn main() -> Result<()> {
    let corpora = corpora(CORPUS_BYTES)?;
    for corpus in &corpora {
        check(corpus)?;
    }
    let criterion = &mut benches::criterion();
    over_texts(criterion, "text/words", &corpora, |texts| {
        texts.iter().map(|text| words(text).count()).sum::<usize>()
    });
    over_texts(criterion, "text/sentences", &corpora, |texts| {
        texts.iter().map(|text| sentences(text).count()).sum::<usize>()
    });
    over_texts(criterion, "text/lines", &corpora, |texts| {
        texts.iter().map(|text| lines(text).count()).sum::<usize>()
    });
    over_texts(criterion, "text/simplify", &corpora, |texts| {
        texts.iter().map(|text| simplify(text).len()).sum::<usize>()
    });
    // What MinHash looks at: the words of the simplified text.
    over_texts(criterion, "text/simplify-and-words", &corpora, |texts| {
        texts.iter().map(|text| words(&simplify(text)).count()).sum::<usize>()
    });
    // What a filter looks at, with the memory of one text serving the next.
    over_texts(criterion, "text/view", &corpora, |texts| {
        let (mut buffers, mut n) = (Default::default(), 0);
        for text in texts {
            let view = TextView::with_buffers(text, buffers);
            n += view.words().len() + view.lines().len() + view.n_chars();
            buffers = view.into_buffers();
        }
        n
    });
    criterion.final_summary();
    Ok(())
}

/// Words, sentences and lines leave nothing out but space; a simplified text has neither capitals nor
/// punctuation of ASCII; the view agrees.
fn check(corpus: &Corpus) -> Result<()> {
    let name = corpus.name;
    for text in &corpus.texts {
        let all = solid(text);
        ensure!(words(text).map(solid).sum::<usize>() == all, "{name}: words leave text out");
        ensure!(sentences(text).map(solid).sum::<usize>() == all, "{name}: so do sentences");
        ensure!(lines(text).map(solid).sum::<usize>() == all, "{name}: so do lines");
        let plain = |c: char| !c.is_ascii_uppercase() && !c.is_ascii_punctuation();
        ensure!(simplify(text).chars().all(plain), "{name}: a text is not simplified");
        ensure!(TextView::new(text).words().len() == words(text).count(), "{name}: views differ");
    }
    Ok(())
}

/// Bytes that are not space.
fn solid(text: &str) -> usize {
    text.chars().filter(|&c| !is_space(c)).map(char::len_utf8).sum()
}
