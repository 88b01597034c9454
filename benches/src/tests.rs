//! The generators are seeded, and make what they promise.

use crate::{Code, Copies, Corpus, Prose};
use std::collections::HashMap;

#[test]
fn documents_depend_on_their_number_alone() {
    let (prose, code) = (Prose::new(), Code::new());
    let few = Corpus::generate("few", 20_000, |index| prose.document(index));
    let many = Corpus::generate("many", 60_000, |index| Prose::new().document(index));
    assert_eq!(few.texts, many.texts[..few.texts.len()]);
    assert!((20_000..60_000).contains(&few.n_bytes()));
    assert_eq!(code.document(3), Code::new().document(3));
    assert_ne!(code.document(3), code.document(4));
}

#[test]
fn frequent_words_are_as_frequent_as_in_english() {
    let prose = Prose::new();
    let mut counts: HashMap<String, f64> = HashMap::new();
    let mut n_words = 0.0;
    for text in (0..200).map(|index| prose.document(index).to_lowercase()) {
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            *counts.entry(word.to_owned()).or_default() += 1.0;
            n_words += 1.0;
        }
    }
    assert!((0.03..0.07).contains(&(counts["the"] / n_words)), "{}", counts["the"] / n_words);
    let once = counts.values().filter(|&&count| count == 1.0).count() as f64;
    assert!(once / counts.len() as f64 > 0.2, "{once} of {}", counts.len());
}

#[test]
fn copies_are_where_they_are_said_to_be() {
    let copies = Copies::new(1 << 20);
    let texts = &copies.corpus.texts;
    let exact = copies.exact_groups();
    assert!(exact.len() > 5);
    assert!(exact.iter().all(|g| g.iter().all(|&i| texts[i as usize] == texts[g[0] as usize])));
    let mut by_text: HashMap<&str, Vec<u32>> = HashMap::new();
    for (index, text) in texts.iter().enumerate() {
        by_text.entry(text).or_default().push(index as u32);
    }
    assert_eq!(by_text.values().filter(|group| group.len() > 1).count(), exact.len());

    let in_exact: usize = exact.iter().map(Vec::len).sum();
    let in_similar: usize = copies.similar_groups().iter().map(Vec::len).sum();
    assert!(in_similar > in_exact);
}
